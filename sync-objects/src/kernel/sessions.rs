//! Sessions: what each client process holds, and in which order its messages are carried out.

use core::ops::Bound;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sync_proto::handshake::ClientInfo;
use sync_proto::message::{OneWay, Request, WireHandle};
use sync_proto::{
    CallId, Charge, Data, ErrorKind, Handle, Meter, ObjectId, OneWayId, Refusal, SessionId,
    ThreadId, Token,
};

use super::calls::{CallKey, Route};
use super::ledger::{Ledger, Root};
use super::memory::{GIVEN, SMALL, early_cost};
use super::resume::Resumable;
use super::timers::Timer;
use super::{Core, DisconnectReason, Note, Released, Via};
use crate::Caller;

mod held_back;

use held_back::AllHeldBack;

/// Bytes of a program's or a thread's name that are kept: of a thread's the system itself keeps 15.
const NAME_MAX: usize = 64;

/// Thread names that are kept of one session: a process that starts and ends threads for ever
/// never says which of them are gone.
const THREAD_NAMES_MAX: usize = 1024;

/// What a thread's name costs beside its bytes: its row, and what it is counted by.
const THREAD_NAME: usize = 128;

/// Early one-way messages of a session up to which a full manager takes more of them: what a few
/// threads have under way.
const EARLY_IN_FULL: usize = 64;

/// Objects that a client may have handles on in any case.
const HANDLES_USUAL: usize = 4096;

/// A one-way message until its turn comes.
#[derive(Debug)]
pub(super) struct Early {
    pub(super) message: OneWay,
    /// What it is counted by, if it came before an earlier one; or why it was too much to be kept,
    /// and what it brought is gone.
    pub(super) kept: Result<Option<Charge>, Refusal>,
}

/// One client process.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) info: ClientInfo,
    /// The names that its threads have told, the most recent threads only.
    threads: BTreeMap<ThreadId, (String, Charge)>,
    /// The objects it has handles on, and how many of each.
    handles: BTreeMap<ObjectId, (Root, u64)>,
    /// What it owns.
    pub(crate) holds: BTreeSet<(ObjectId, Token)>,
    /// The secrets of the tickets that it has issued and that wait to be redeemed.
    pub(crate) tickets: BTreeSet<u128>,
    /// Its calls that wait.
    pub(crate) calls: BTreeMap<CallId, CallKey>,
    /// Up to here its one-way messages are carried out.
    done: OneWayId,
    /// One-way messages that came before an earlier one.
    early: BTreeMap<OneWayId, Early>,
    /// Requests that wait for a one-way message.
    pub(crate) held_back: AllHeldBack,
    /// What it needs to survive the loss of its connections, if it does.
    pub(crate) resumable: Option<Resumable>,
    /// Bytes of what is taken out that one of its answers carries, if the driver says otherwise.
    pub(super) answer_max: Option<usize>,
    /// Its client leaves, once this one-way message is carried out.
    pub(crate) goodbye: Option<OneWayId>,
}

impl Session {
    pub(crate) fn new(info: ClientInfo) -> Self {
        // A name longer than honest clients send is cut to the length of theirs.
        let program = cut(&info.program).to_owned();
        Self {
            info: ClientInfo { program, ..info },
            threads: BTreeMap::new(),
            handles: BTreeMap::new(),
            holds: BTreeSet::new(),
            tickets: BTreeSet::new(),
            calls: BTreeMap::new(),
            done: OneWayId::NONE,
            early: BTreeMap::new(),
            held_back: AllHeldBack::default(),
            resumable: None,
            answer_max: None,
            goodbye: None,
        }
    }

    /// Returns the name that a thread has told.
    pub(crate) fn thread_name(&self, thread: ThreadId) -> Option<&str> {
        self.threads.get(&thread).map(|(name, _)| name.as_str())
    }

    /// Returns the objects of which it holds something, in order.
    pub(crate) fn held_objects(&self) -> impl Iterator<Item = ObjectId> {
        // From one to the next: of one object it may hold very much.
        let next = |after: Option<ObjectId>| {
            let from = match after {
                Some(object) => Bound::Excluded((object, Token(u64::MAX))),
                None => Bound::Unbounded,
            };
            self.holds.range((from, Bound::Unbounded)).next().map(|&(object, _)| object)
        };
        std::iter::successors(next(None), move |&object| next(Some(object)))
    }

    /// Counts one more handle for the client, as it goes out.
    pub(crate) fn give(
        &mut self,
        handle: &Handle,
        ledger: &Arc<Ledger>,
        meter: &Meter,
    ) -> WireHandle {
        let root = || {
            meter.add(GIVEN);
            (Root::new(handle.clone(), ledger), 0)
        };
        let (_, count) = self.handles.entry(handle.object()).or_insert_with(root);
        *count += 1;
        handle.into()
    }

    /// Returns how many objects it has handles on.
    pub(crate) fn handle_count(&self) -> usize {
        self.handles.len()
    }

    /// Takes back handles that the client dropped; returns whether it had that many.
    fn take_back(&mut self, object: ObjectId, count: u64, meter: &Meter) -> bool {
        let Some((_, held)) = self.handles.get_mut(&object) else {
            return false;
        };
        if count > *held {
            return false;
        }
        *held -= count;
        if *held == 0 {
            self.handles.remove(&object);
            meter.subtract(GIVEN);
        }
        true
    }

    /// Returns up to where its one-way messages are carried out.
    pub(crate) fn done(&self) -> OneWayId {
        self.done
    }

    /// Returns the next one-way message whose turn has come.
    pub(super) fn next_one_way(&mut self) -> Option<Early> {
        let turn = OneWayId(self.done.0 + 1);
        let next = self.early.remove(&turn)?;
        self.done = turn;
        Some(next)
    }

    /// Returns whether the turn of one of its one-way messages has come, or of a request that
    /// waited for one.
    pub(crate) fn has_due(&self) -> bool {
        self.early.contains_key(&OneWayId(self.done.0 + 1)) || self.has_released()
    }

    /// Returns whether a request need not wait any more and is not given out yet.
    pub(crate) fn has_released(&self) -> bool {
        self.held_back.first().is_some_and(|after| after <= self.done)
    }

    /// Returns how many of its calls wait, for whatever.
    pub(crate) fn waiting(&self) -> usize {
        self.calls.len() + self.held_back.len()
    }

    /// Returns whether a call of this number waits, for whatever.
    pub(crate) fn has_call(&self, call: CallId) -> bool {
        self.calls.contains_key(&call) || self.held_back.has_call(call)
    }
}

impl Core {
    /// Notes a thread's name. It is for people to read: what would be too much is cut, and none is
    /// kept when the manager keeps as much as it may.
    pub(crate) fn name_thread(&mut self, caller: Caller, name: &str) {
        let name = cut(name);
        let cost = THREAD_NAME + name.len();
        if self.afford(cost).is_err() {
            return;
        }
        let charge = self.meter.charge(cost);
        let Some(session) = self.sessions.get_mut(&caller.session) else {
            return;
        };
        session.threads.insert(caller.thread, (name.to_owned(), charge));
        if session.threads.len() > THREAD_NAMES_MAX {
            session.threads.pop_first();
        }
    }

    /// Takes a one-way message; it is carried out when its turn comes, unless it is early, large
    /// and more than the manager may keep: then it fails in its turn. A small one must not, since
    /// it may be the release of a lock: of each session a full manager keeps some. One whose turn
    /// is past was sent twice, and is not carried out again.
    pub(super) fn queue_one_way(
        &mut self,
        session: SessionId,
        mut message: OneWay,
    ) -> Result<(), Refusal> {
        let Some(state) = self.sessions.get(&session) else {
            return Ok(());
        };
        if message.number <= state.done {
            return Ok(());
        }
        let limit = self.limits.early_one_ways;
        let is_next = message.number.0 == state.done.0 + 1;
        if !is_next && state.early.len() >= limit {
            let why = format!(
                "{limit} messages came before message {} of the session, which is the limit: the \
                 client left it out",
                state.done.0 + 1
            );
            return Err(Refusal::new(ErrorKind::LimitReached, why));
        }
        let cost = early_cost(&message.data);
        let room = if is_next { Ok(()) } else { self.afford_call(cost) };
        let kept = match room {
            Ok(()) if is_next => Ok(None),
            Err(refusal) if state.early.len() >= EARLY_IN_FULL => return Err(refusal),
            Err(refusal) if cost > SMALL => {
                message.data = Data::default();
                Err(refusal)
            }
            Ok(()) | Err(_) => Ok(Some(self.meter.charge(cost))),
        };
        if let Some(state) = self.sessions.get_mut(&session) {
            state.early.insert(message.number, Early { message, kept });
        }
        Ok(())
    }

    /// Holds a request back that is early; one that is too much to be held back is refused.
    ///
    /// Its time passes meanwhile. One that would not wait in a line at all is looked at whenever
    /// its turn comes: it names a message that is under way.
    pub(super) fn hold_back(&mut self, session: SessionId, via: Via, request: Request) {
        let may =
            self.check_call(session, request.call).and_then(|()| self.count_early(&request.data));
        let charge = match may {
            Ok(charge) => charge,
            Err(refusal) => {
                return self.answer(Route { session, via, call: request.call }, Err(refusal));
            }
        };
        let arrived = self.now();
        let timeout = request.timeout.filter(|timeout| !timeout.is_zero());
        let timer = Timer::HeldBack(session, request.call);
        let deadline = timeout.map(|timeout| self.timers.set(arrived + timeout, timer));
        if let Some(state) = self.sessions.get_mut(&session) {
            let held = Released { session, via, request, arrived, charge };
            state.held_back.put(held, state.done, deadline);
        }
    }

    /// Gives up a request that is held back, if it waits for a message still. Another one will be
    /// looked at in its turn, and stands in no line.
    pub(super) fn give_up_held_back(&mut self, session: SessionId, call: CallId) {
        let Some(state) = self.sessions.get_mut(&session) else { return };
        if let Some(held) = state.held_back.time_out(call, state.done, &mut self.timers) {
            self.answer(Route { session, via: held.via, call }, Err(ErrorKind::TimedOut.into()));
        }
    }

    /// Checks that one more call of a session may wait, and that none waits that has this number:
    /// the second would take the place of the first, which nothing could end any more.
    pub(super) fn check_call(&self, session: SessionId, call: CallId) -> Result<(), Refusal> {
        let Some(state) = self.sessions.get(&session) else { return Ok(()) };
        if state.has_call(call) {
            return Err(given_twice(call));
        }
        let limit = self.limits.calls_per_session;
        if state.waiting() < limit {
            return Ok(());
        }
        let why = format!("{limit} calls of this session wait, which is the limit");
        Err(Refusal::new(ErrorKind::LimitReached, why))
    }

    /// Checks that a session may be given further handles: one that has many gets no more when
    /// the manager keeps as much as it may. What it drops is said without a call.
    pub(super) fn check_handles(&self, session: SessionId) -> Result<(), Refusal> {
        let session = self.sessions.get(&session);
        let has_many = session.is_some_and(|session| session.handle_count() >= HANDLES_USUAL);
        if has_many { self.afford_call(0) } else { Ok(()) }
    }

    /// Checks likewise that `count` handles may be given at once.
    pub(crate) fn check_given(&self, count: usize) -> Result<(), Refusal> {
        if count > HANDLES_USUAL { self.afford_call(GIVEN * count) } else { Ok(()) }
    }

    /// Takes back handles that a client dropped.
    pub(crate) fn take_back(
        &mut self,
        session: SessionId,
        object: ObjectId,
        count: u64,
    ) -> Result<(), Refusal> {
        let (session, meter) = (self.sessions.get_mut(&session), &self.meter);
        if session.is_some_and(|session| session.take_back(object, count, meter)) {
            return Ok(());
        }
        let why = format!("the session gave back {count} handles on {object}, more than it has");
        Err(Refusal::new(ErrorKind::NotOwner, why))
    }

    pub(super) fn end_session(&mut self, id: SessionId, reason: DisconnectReason) {
        let Some(mut session) = self.sessions.remove(&id) else { return };
        let commit = Token(self.commit);
        self.due.remove(id);
        drop(session.held_back.take_all(&mut self.timers));
        self.meter.subtract(GIVEN * session.handle_count());
        for key in session.calls.values() {
            self.leave(*key);
        }
        let mut held = session.holds.iter().peekable();
        while let Some(&(object, first)) = held.next() {
            let mut tokens = vec![first];
            while let Some(&(_, token)) = held.next_if(|(next, _)| *next == object) {
                tokens.push(token);
            }
            self.tell_gone(object, id, &tokens);
        }
        if let Some(grace) = session.resumable.as_ref().and_then(Resumable::grace) {
            self.timers.clear(grace);
        }
        session.tickets.iter().for_each(|secret| drop(self.tickets.remove(secret)));
        let info = session.info;
        self.notes.push_back(Note::SessionEnded { session: id, info, reason, commit });
    }

    /// Answers every call that waits, also for a one-way message, and takes no more.
    pub(crate) fn stop(&mut self) {
        self.stopping = true;
        let (mut waiting, mut held_back) = (Vec::new(), Vec::new());
        for (&session, state) in &mut self.sessions {
            waiting.extend(state.calls.values().copied());
            let all = state.held_back.take_all(&mut self.timers).into_iter();
            held_back.extend(all.map(|held| (session, held)));
        }
        for key in waiting {
            self.finish(key, Err(ErrorKind::ShuttingDown.into()));
        }
        for (session, held) in held_back {
            let route = Route { session, via: held.via, call: held.request.call };
            self.answer(route, Err(ErrorKind::ShuttingDown.into()));
            self.note_due(session);
        }
    }
}

/// Refuses a call that has the number of one that waits.
pub(super) fn given_twice(call: CallId) -> Refusal {
    let why = format!("the client gave the number {call} to two calls");
    Refusal::new(ErrorKind::Malformed, why)
}

/// Cuts a program's or a thread's name to what is kept of it.
pub(crate) fn cut(name: &str) -> &str {
    super::memory::first_bytes(name, NAME_MAX)
}
