//! The whole manager as one deterministic state machine: no socket, no clock, no thread.
//!
//! A driver reports what happened (`handle_*`, each with the time) and takes the results
//! (`poll_*`). The same inputs give the same outputs, byte for byte.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use sync_proto::handshake::ClientInfo;
use sync_proto::message::{OneWay, Reply, Request, WireHandle};
use sync_proto::{
    CallId, Data, ErrorKind, Handle, ManagerId, Meter, ObjectId, Refusal, SessionId, Token,
};

use crate::{Registry, Time};

mod calls;
mod cycles;
mod deadlock;
mod due;
mod holds;
mod ledger;
mod limits;
mod line;
mod memory;
mod names;
mod note;
mod report;
mod resume;
mod run;
mod sessions;
mod settle;
mod share;
mod table;
mod timers;

pub(crate) use cycles::HANDLES_PER_LOOK;
pub use deadlock::Deadlocks;
pub use due::Released;
pub use limits::Limits;
pub use memory::VALUE_COST;
pub(crate) use memory::{HOLD, WAITING, handles_cost};
pub use names::Naming;
pub use note::{DisconnectReason, Note};
pub use report::{
    CallerInfo, DeadlockInfo, DeadlockWait, DebugInfo, HolderInfo, OBJECTS_SHOWN_MAX, ObjectInfo,
    SessionInfo, WaiterInfo,
};
pub(crate) use run::cannot_wait;
pub(crate) use sessions::cut;

use calls::Blocked;
use cycles::Collector;
use deadlock::Waits;
use due::Due;
use ledger::Ledger;
use names::Names;
use sessions::Session;
use settle::Wakes;
use table::Objects;
use timers::Timers;

/// Bytes of what is taken out that one answer carries, unless the driver sets another limit.
const ANSWER_MAX: usize = 64 << 20;

/// A number of the driver's own that comes back with the reply: the connection that the request
/// came on, say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Via(pub u64);

/// A reply on its way out.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outgoing {
    /// The session whose call it answers.
    pub session: SessionId,
    /// What the request came with.
    pub via: Via,
    /// The answer.
    pub reply: Reply,
    /// The last state change when it was made: the call's own, if it was carried out, so that such
    /// calls have numbers of their own, in the order in which they were carried out; a call that
    /// was refused changed nothing and has the number of the call before it.
    pub commit: Token,
    /// About how many bytes the reply is.
    size: usize,
}

/// The manager: sessions, objects, names, handles, lines, deadlines.
#[derive(Debug)]
pub struct Kernel {
    core: Core,
}

/// The manager's state, as an object at work sees it through [`Cx`](crate::Cx).
#[derive(Debug)]
pub(crate) struct Core {
    registry: Registry,
    limits: Limits,
    now: Time,
    /// The number of the last state change.
    commit: u64,
    next_session: u64,
    next_place: u64,
    objects: Objects,
    ledger: Arc<Ledger>,
    /// Bytes that are kept for clients.
    meter: Meter,
    sessions: BTreeMap<SessionId, Session>,
    due: Due,
    calls: slab::Slab<Blocked>,
    waits: Waits,
    timers: Timers,
    wakes: Wakes,
    /// What was granted to the call that is polled now, or was last.
    granted: Vec<(ObjectId, Token)>,
    collector: Collector,
    names: Names,
    tickets: BTreeMap<u128, names::Issued>,
    replies: VecDeque<Outgoing>,
    /// About how many bytes the replies are.
    unsent: usize,
    notes: VecDeque<Note>,
    one_way_failures: u64,
    stopping: bool,
    /// Bytes of what is taken out that one answer carries.
    answer_max: usize,
    /// Keeps the manager's own object.
    root: Option<Handle>,
}

impl Kernel {
    /// Makes a manager that can create objects of the registered types. `id` is random: it
    /// distinguishes this manager from every other.
    pub fn new(registry: Registry, limits: Limits, id: ManagerId) -> Self {
        let mut core = Core {
            registry,
            limits,
            now: Time::ZERO,
            commit: 0,
            next_session: 1,
            next_place: 0,
            objects: Objects::new(),
            ledger: Arc::new(Ledger::new(id)),
            meter: Meter::new(),
            sessions: BTreeMap::new(),
            due: Due::default(),
            calls: slab::Slab::new(),
            waits: Waits::default(),
            timers: Timers::default(),
            wakes: Wakes::default(),
            granted: Vec::new(),
            collector: Collector::default(),
            names: Names::default(),
            tickets: BTreeMap::new(),
            replies: VecDeque::new(),
            unsent: 0,
            notes: VecDeque::new(),
            one_way_failures: 0,
            stopping: false,
            answer_max: ANSWER_MAX,
            root: None,
        };
        core.install_root();
        Self { core }
    }

    /// Sets what is done about deadlocks; by default, they are reported.
    pub fn set_deadlocks(&mut self, deadlocks: Deadlocks) {
        self.core.waits.policy = deadlocks;
    }

    /// Sets how many bytes of values the driver sends in one answer; 64 MiB by default. If a method
    /// took out more than that, it would be lost on its way.
    pub fn set_answer_max(&mut self, bytes: usize) {
        self.core.answer_max = bytes;
    }

    /// Sets the same for one session, whose answers the driver sends in another way.
    pub fn set_session_answer_max(&mut self, session: SessionId, bytes: usize) {
        if let Some(session) = self.core.sessions.get_mut(&session) {
            session.answer_max = Some(bytes);
        }
    }

    /// Begins a session for a client process.
    ///
    /// # Errors
    /// [`ErrorKind::LimitReached`] when there are as many sessions as there may be;
    /// [`ErrorKind::ShuttingDown`].
    pub fn handle_connect(&mut self, now: Time, info: ClientInfo) -> Result<SessionId, Refusal> {
        self.core.advance(now);
        if self.core.stopping {
            return Err(ErrorKind::ShuttingDown.into());
        }
        let limit = self.core.limits.sessions;
        if self.core.sessions.len() >= limit {
            let why = format!("the manager has {limit} sessions, which is the limit");
            return Err(Refusal::new(ErrorKind::LimitReached, why));
        }
        let id = SessionId(self.core.next_session);
        self.core.next_session += 1;
        self.core.sessions.insert(id, Session::new(info));
        Ok(id)
    }

    /// Takes a request; its reply comes out of [`poll_reply`](Self::poll_reply), at once or when
    /// its turn has come. A request that follows a one-way message which has not come yet is [given
    /// out](Self::poll_released) when that has, to be handed in again; this call may release
    /// others, too. Returns whether the session lives: one that is gone gets no reply.
    pub fn handle_request(
        &mut self,
        now: Time,
        session: SessionId,
        via: Via,
        request: Request,
    ) -> bool {
        self.core.advance(now);
        let Some(state) = self.core.sessions.get(&session) else { return false };
        // A one-way message that it names is still missing, or others that waited for one come
        // first.
        let is_early = request.after > state.done() || state.has_released();
        let may_be_known = state.resumable.is_some();
        if may_be_known && !self.core.claim(session, via, request.call) {
            return true;
        }
        // A manager that stops refuses it now: what it waits for may not come.
        if is_early && !self.core.stopping {
            self.core.hold_back(session, via, request);
            // What waits goes on at least as fast as more comes.
            if self.core.due.has(session) {
                self.core.run_next_one_way(session);
                self.core.finish_input();
            }
        } else {
            self.core.begin(session, via, request, now);
            self.core.finish_input();
        }
        true
    }

    /// Takes a message that wants no answer; it is carried out in its session's order, and so is
    /// what waits for it: messages are then [due](Self::handle_due), and requests
    /// [released](Self::poll_released).
    ///
    /// # Errors
    /// [`ErrorKind::LimitReached`] when too many came before an earlier one, and
    /// [`ErrorKind::OutOfMemory`] when a full manager keeps some of the session already. Then it is
    /// lost, and what comes after it in its session can never be carried out: the driver ends the
    /// session.
    pub fn handle_one_way(
        &mut self,
        now: Time,
        session: SessionId,
        message: OneWay,
    ) -> Result<(), Refusal> {
        self.core.advance(now);
        // One that is due makes room for it.
        self.core.run_next_one_way(session);
        self.core.queue_one_way(session, message)?;
        self.core.run_next_one_way(session);
        self.core.finish_input();
        Ok(())
    }

    /// Cancels a call that waits in line, as if its deadline had passed. One that waits for a
    /// one-way message is carried out all the same, unless it would have to stand in line. Any
    /// other call is left alone, as is one that was [given out](Self::poll_released) meanwhile.
    pub fn handle_cancel(&mut self, now: Time, session: SessionId, call: CallId) {
        self.core.advance(now);
        let Some(state) = self.core.sessions.get_mut(&session) else { return };
        if let Some(&key) = state.calls.get(&call) {
            self.core.time_out(key);
            self.core.finish_input();
        } else {
            state.held_back.hurry(call);
        }
    }

    /// Takes a call out of its line without an answer: its caller is gone, and its session ends
    /// next.
    pub fn handle_abandoned(&mut self, now: Time, session: SessionId, call: CallId) {
        self.core.advance(now);
        let key = self.core.sessions.get(&session).and_then(|state| state.calls.get(&call));
        if let Some(&key) = key {
            self.core.leave(key);
            self.core.finish_input();
        }
    }

    /// Takes back an answer that could not be sent, so that the client does not count as having its
    /// handles; the client gets this refusal instead.
    pub fn handle_undelivered(
        &mut self,
        now: Time,
        session: SessionId,
        call: CallId,
        data: &Data<WireHandle>,
        instead: &Refusal,
    ) {
        self.core.advance(now);
        let state = self.core.sessions.get_mut(&session);
        if let Some(resumable) = state.and_then(|state| state.resumable.as_mut()) {
            resumable.replace(call, instead, &self.core.meter);
        }
        for handle in data.all_handles() {
            // A session that is gone has given everything back.
            let _ = self.core.take_back(session, handle.object, 1);
        }
        self.core.finish_input();
    }

    /// Ends a session: its calls leave every line, then each object of which it held something is
    /// notified, then its handles are released. Messages of it that [are due](Self::is_due) are
    /// lost. Ending a session that is gone does nothing.
    pub fn handle_disconnect(&mut self, now: Time, session: SessionId, reason: DisconnectReason) {
        self.core.advance(now);
        self.core.end_session(session, reason);
        self.core.finish_input();
    }

    /// Does what is due at `now`, at most so much at once that others can be served in between:
    /// [`poll_timeout`](Self::poll_timeout) says whether there is more. Extra calls do nothing.
    pub fn handle_timeout(&mut self, now: Time) {
        self.core.advance(now);
        self.core.finish_input();
    }

    /// Answers every call that waits with [`ErrorKind::ShuttingDown`], and refuses new ones, and
    /// those that were [given out](Self::poll_released) when they are handed in again.
    pub fn handle_shutdown(&mut self, now: Time) {
        self.core.advance(now);
        self.core.stop();
        self.core.finish_input();
    }

    /// Returns the next reply to send.
    #[must_use]
    pub fn poll_reply(&mut self) -> Option<Outgoing> {
        let outgoing = self.core.replies.pop_front()?;
        self.core.unsent -= outgoing.size;
        Some(outgoing)
    }

    /// Returns about how many bytes the replies have that [`poll_reply`](Self::poll_reply) has yet
    /// to give out: a driver takes them before there are too many.
    pub fn unsent_bytes(&self) -> usize {
        self.core.unsent
    }

    /// Returns how many bytes are kept for clients; at most [`Limits::memory`] and a little more.
    pub fn memory_used(&self) -> usize {
        self.core.meter.used()
    }

    /// Returns the next thing that an operator may want to read in a log.
    #[must_use]
    pub fn poll_note(&mut self) -> Option<Note> {
        self.core.notes.pop_front()
    }

    /// Returns when the next [`handle_timeout`](Self::handle_timeout) or
    /// [`handle_due`](Self::handle_due) is wanted, and why. It may change with every input.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Time, &'static str)> {
        if self.core.collector.is_busy() {
            return Some((self.core.now, "a search for cycles"));
        }
        if !self.core.due.is_empty() {
            return Some((self.core.now, "messages whose turn has come"));
        }
        self.core.timers.next()
    }

    /// Returns whether the manager was asked to shut down: the driver sends what is left and ends.
    pub fn is_stopping(&self) -> bool {
        self.core.stopping
    }

    /// Returns how many objects live, not counting the manager's own.
    pub fn object_count(&self) -> usize {
        self.core.object_count()
    }

    /// Returns how many calls wait.
    pub fn blocked_count(&self) -> usize {
        self.core.blocked_count(None)
    }

    /// Reports who holds what and who waits for what, of [`OBJECTS_SHOWN_MAX`] objects at most, and
    /// since when.
    pub fn debug_info(&mut self, now: Time) -> DebugInfo {
        self.core.advance(now);
        self.core.debug_info(OBJECTS_SHOWN_MAX)
    }

    /// Returns this manager's identity.
    pub fn id(&self) -> ManagerId {
        use sync_proto::Keeper;
        self.core.ledger.manager()
    }

    /// Checks that the kernel's tables agree with each other.
    ///
    /// # Panics
    /// When they don't: a bug of the kernel, for tests and simulations to find.
    pub fn assert_settled(&self) {
        self.core.assert_settled();
    }
}

impl Core {
    fn advance(&mut self, now: Time) {
        assert!(now >= self.now, "the driver's clock never goes back");
        self.now = now;
        self.waits.begin_input();
    }

    pub(crate) fn now(&self) -> Time {
        self.now
    }

    /// Returns the number of a state change.
    pub(crate) fn next_commit(&mut self) -> Token {
        self.commit += 1;
        Token(self.commit)
    }

    /// Follows every input: all wakes are carried out, what is due is done, and the search for
    /// cycles goes one step further.
    fn finish_input(&mut self) {
        self.settle();
        self.fire_due();
        self.collect_cycles();
    }

    fn install_root(&mut self) {
        let root = crate::objects::manager::object();
        let root = self.install(&crate::manager::INTERFACE, root);
        let root = root.expect("an empty table has room for the manager's own object");
        assert_eq!(root.object(), ObjectId::MANAGER, "the first object is the manager's own");
        self.root = Some(root);
    }
}
