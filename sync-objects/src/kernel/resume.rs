//! Sessions that survive broken connections.
//!
//! Such a session keeps every answer until the client acknowledges it. A call whose connection
//! broke keeps its place in line. The client reconnects, under the next [`Epoch`], and sends again
//! each request that it has no answer to, under the same number: one that waits goes on waiting for
//! the new connection, one that was answered is answered again, and only one that never arrived is
//! carried out. What still trickles in on a connection that was given up is ignored. If the client
//! does not come back within the grace period, the session ends.
//!
//! A client that is back under a new epoch knows that all connections of earlier ones are gone. A
//! thread of it that is busy elsewhere may ask much later for the answer to a pipelined call: such
//! a call keeps its place, or its answer, for as long as the session lives. A client that lost one
//! connection of several, and has not come back since, may not know of the loss, and would wait for
//! an answer for ever: that call must be claimed within the grace period, or the session ends.

use std::collections::BTreeSet;

use sync_proto::handshake::ClientInfo;
use sync_proto::message::Reply;
use sync_proto::{CallId, Epoch, ErrorKind, Meter, ObjectId, OneWayId, Refusal, SessionId, Token};

use super::calls::CallKey;
use super::sessions::{Session, given_twice};
use super::timers::{Timer, TimerKey};
use super::{Core, DisconnectReason, Kernel, Via};
use crate::Time;
use kept::{Answers, Given};

mod kept;

/// What a session keeps in order to be resumed.
#[derive(Debug)]
pub(crate) struct Resumable {
    epoch: Epoch,
    /// Its connections.
    vias: BTreeSet<Via>,
    /// Its calls that stand in line, by the connection on which they were sent last.
    waiting: BTreeSet<(Via, CallId)>,
    /// Answers that may not have arrived.
    answers: Answers,
    /// Calls that wait, or were answered since, and whose connection was lost.
    unclaimed: BTreeSet<CallId>,
    /// Those of them whose client may not know of the loss: it has not come back since.
    unnoticed: BTreeSet<CallId>,
    /// When the session ends, unless its client comes back.
    grace: Option<TimerKey>,
}

/// Unacknowledged answers that a session may have in any case: a client that acknowledges as it
/// goes on has few.
const USUAL: usize = 256;

impl Kernel {
    /// Begins a session that survives the loss of its connections: `via` is the first of them. To
    /// be told of every other by [`handle_join`](Self::handle_join), and of each loss by
    /// [`handle_connection_lost`](Self::handle_connection_lost).
    ///
    /// # Errors
    /// Those of [`handle_connect`](Self::handle_connect).
    pub fn handle_connect_resumable(
        &mut self,
        now: Time,
        info: ClientInfo,
        via: Via,
    ) -> Result<SessionId, Refusal> {
        let id = self.handle_connect(now, info)?;
        if let Some(session) = self.core.sessions.get_mut(&id) {
            session.resumable = Some(Resumable::new(via));
        }
        Ok(id)
    }

    /// Takes one more connection of a session that can be resumed; in any other session it does
    /// nothing. A new epoch takes the place of all earlier ones: returns their connections, which
    /// count as lost and are to be closed.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the session has ended; [`ErrorKind::Disconnected`] when the
    /// client has given this epoch up already.
    pub fn handle_join(
        &mut self,
        now: Time,
        session: SessionId,
        via: Via,
        epoch: Epoch,
    ) -> Result<Vec<Via>, Refusal> {
        self.core.advance(now);
        let state =
            self.core.sessions.get_mut(&session).ok_or_else(|| {
                Refusal::new(ErrorKind::NotFound, "the session to join has ended")
            })?;
        let Some(resumable) = &mut state.resumable else { return Ok(Vec::new()) };
        if epoch < resumable.epoch {
            let (now, then) = (resumable.epoch, epoch);
            let why = format!("the client has given up connections of {then}: it is at {now}");
            return Err(Refusal::new(ErrorKind::Disconnected, why));
        }
        let is_back = epoch > resumable.epoch;
        let given_up = if is_back { std::mem::take(&mut resumable.vias) } else { BTreeSet::new() };
        resumable.epoch = epoch;
        resumable.vias.insert(via);
        if !given_up.is_empty() {
            self.core.lose(session, &given_up);
        }
        if let (true, Some(resumable)) = (is_back, self.core.resumable_mut(session)) {
            resumable.unnoticed.clear();
        }
        self.core.set_grace(session);
        self.core.finish_input();
        Ok(given_up.into_iter().collect())
    }

    /// A connection of a session that can be resumed is lost: its calls keep their places, and
    /// what it did not bring to the client is kept. In any other session it does nothing.
    pub fn handle_connection_lost(&mut self, now: Time, session: SessionId, via: Via) {
        self.core.advance(now);
        let Some(resumable) = self.core.resumable_mut(session) else { return };
        if resumable.vias.remove(&via) {
            self.core.lose(session, &BTreeSet::from([via]));
            self.core.set_grace(session);
        }
        self.core.finish_input();
    }

    /// The client has these answers: they are kept no longer.
    pub fn handle_received(&mut self, now: Time, session: SessionId, calls: &[CallId]) {
        self.core.advance(now);
        let Some(resumable) = self.core.resumable_mut(session) else { return };
        for call in calls {
            resumable.forget(*call);
        }
        self.core.set_grace(session);
    }

    /// The client leaves, once the one-way message is carried out: the session ends without a grace
    /// period.
    pub fn handle_goodbye(&mut self, now: Time, session: SessionId, after: OneWayId) {
        self.core.advance(now);
        if let Some(state) = self.core.sessions.get_mut(&session) {
            state.goodbye = Some(after);
            self.core.leave_if_done(session);
        }
        self.core.finish_input();
    }

    /// Returns whether a call was sent before, on a connection that was lost since: it waits, or
    /// was answered, and even when everything else is refused, it is to get its result.
    pub fn is_known(&self, session: SessionId, call: CallId) -> bool {
        let session = self.core.sessions.get(&session);
        session.and_then(|session| session.resumable.as_ref()).is_some_and(|resumable| {
            resumable.answers.has(call) || resumable.unclaimed.contains(&call)
        })
    }

    /// Returns up to where a session's one-way messages are carried out.
    pub fn one_ways_done(&self, session: SessionId) -> OneWayId {
        self.core.sessions.get(&session).map_or(OneWayId::NONE, |session| session.done())
    }
}

impl Resumable {
    fn new(via: Via) -> Self {
        Self {
            epoch: Epoch(0),
            vias: BTreeSet::from([via]),
            waiting: BTreeSet::new(),
            answers: Answers::default(),
            unclaimed: BTreeSet::new(),
            unnoticed: BTreeSet::new(),
            grace: None,
        }
    }

    pub(crate) fn is_connected(&self, via: Via) -> bool {
        self.vias.contains(&via)
    }

    pub(crate) fn begins_to_wait(&mut self, via: Via, call: CallId) {
        self.waiting.insert((via, call));
    }

    pub(crate) fn waits_no_more(&mut self, via: Via, call: CallId) {
        self.waiting.remove(&(via, call));
    }

    /// Notes which calls have nobody any more who would read their answers.
    fn lose_connection(&mut self, via: Via) {
        let calls = self.waiting.range((via, CallId(0))..=(via, CallId(u64::MAX)));
        let calls: Vec<CallId> = calls.map(|&(_, call)| call).collect();
        self.unclaimed.extend(&calls);
        self.unnoticed.extend(calls);
    }

    /// Keeps an answer until it has arrived, with what it granted.
    pub(crate) fn keep(
        &mut self,
        reply: &Reply,
        holds: Vec<(ObjectId, Token)>,
        limit: usize,
        meter: &Meter,
        has_room: bool,
    ) {
        self.forget(reply.call);
        self.answers.keep(reply, holds, limit, meter, has_room);
    }

    /// Puts a refusal in the place of an answer that could not be sent.
    pub(crate) fn replace(&mut self, call: CallId, refusal: &Refusal, meter: &Meter) {
        self.answers.replace(call, refusal, meter);
    }

    fn forget(&mut self, call: CallId) {
        if self.answers.forget(call) {
            self.claim(call);
        }
    }

    /// Notes that the client knows of a call; returns whether its connection was lost.
    fn claim(&mut self, call: CallId) -> bool {
        self.unnoticed.remove(&call);
        self.unclaimed.remove(&call)
    }

    pub(crate) fn grace(&self) -> Option<TimerKey> {
        self.grace
    }

    /// Checks what must hold between two inputs; `waiting` are the session's calls that wait.
    pub(crate) fn assert_settled(&self, waiting: impl Iterator<Item = (CallId, Via)>) {
        let waiting: BTreeSet<_> = waiting.map(|(call, via)| (via, call)).collect();
        assert_eq!(waiting, self.waiting, "a call that waits is found by its connection");
        for (via, call) in waiting {
            let claimed = self.vias.contains(&via) != self.unclaimed.contains(&call);
            assert!(claimed, "a call that waits has a connection, or is to be claimed");
        }
        assert_eq!(self.grace.is_some(), self.is_lost(), "who is lost has a grace");
        assert!(self.unnoticed.is_subset(&self.unclaimed), "who noticed nothing claimed nothing");
        self.answers.assert_settled();
    }

    fn is_lost(&self) -> bool {
        self.vias.is_empty() || !self.unnoticed.is_empty()
    }
}

/// What a request turns out to be in a session that can be resumed.
enum Claim {
    New,
    Waits(CallKey),
    /// With what is to be given back, since the answer is lost.
    Answered(Reply, Given),
    Refused(Refusal),
    /// It came on a connection that was given up: the client has sent it again since, or does not
    /// want it.
    Stale,
}

impl Core {
    /// Looks at a request that may have been sent before; returns whether it is new.
    pub(super) fn claim(&mut self, session: SessionId, via: Via, call: CallId) -> bool {
        match self.recognize(session, via, call) {
            Claim::New => return true,
            Claim::Stale => {}
            Claim::Waits(key) => {
                let blocked = self.call_mut(key);
                let before = blocked.map(|of| std::mem::replace(&mut of.route.via, via));
                if let (Some(before), Some(of)) = (before, self.resumable_mut(session)) {
                    of.waits_no_more(before, call);
                    of.begins_to_wait(via, call);
                }
                self.set_grace(session);
            }
            Claim::Answered(reply, given) => {
                self.send(session, via, reply);
                self.set_grace(session);
                self.give_back(session, given);
            }
            Claim::Refused(refusal) => {
                // Not kept: it would take the place of the answer that is waited for.
                self.send(session, via, Reply { call, outcome: Err(refusal) });
            }
        }
        false
    }

    fn recognize(&mut self, session: SessionId, via: Via, call: CallId) -> Claim {
        let limit = self.limits.calls_per_session;
        let room = self.afford_call(0);
        let Some(state) = self.sessions.get_mut(&session) else { return Claim::Stale };
        let has_call = state.has_call(call);
        let Some(resumable) = &mut state.resumable else { return Claim::New };
        if !resumable.vias.contains(&via) {
            return Claim::Stale;
        }
        let was_unclaimed = resumable.claim(call);
        if let Some((reply, given)) = resumable.answers.again(call) {
            return Claim::Answered(reply, given);
        }
        match state.calls.get(&call) {
            Some(&key) if was_unclaimed => Claim::Waits(key),
            _ if has_call => Claim::Refused(given_twice(call)),
            _ if resumable.answers.len() >= limit => {
                let why = format!("{limit} answers are not acknowledged, which is the limit");
                Claim::Refused(Refusal::new(ErrorKind::LimitReached, why))
            }
            _ => match room {
                Err(refusal) if resumable.answers.len() >= USUAL => Claim::Refused(refusal),
                _ => Claim::New,
            },
        }
    }

    /// Returns what a session needs to be resumed, if it can be.
    pub(super) fn resumable_mut(&mut self, session: SessionId) -> Option<&mut Resumable> {
        self.sessions.get_mut(&session)?.resumable.as_mut()
    }

    /// Gives back what an answer gave that its caller will never have.
    fn give_back(&mut self, session: SessionId, given: Given) {
        self.lose_grants(session, given.holds);
        for object in given.handles {
            // One that it does not have, it has dropped without having got it.
            let _ = self.take_back(session, object, 1);
        }
        self.finish_input();
    }

    /// Notes which calls have nobody left to read their answers. Requests that were held back have
    /// not begun: they will be sent again.
    fn lose(&mut self, session: SessionId, vias: &BTreeSet<Via>) {
        let Some(state) = self.sessions.get_mut(&session) else { return };
        for &via in vias {
            state.held_back.drop_those_of(via, &mut self.timers);
            if let Some(resumable) = &mut state.resumable {
                resumable.lose_connection(via);
            }
        }
        self.note_due(session);
    }

    /// Starts the grace period of a session that is lost, and stops that of one that is back.
    fn set_grace(&mut self, session: SessionId) {
        let end = self.now + self.limits.grace;
        let state = self.sessions.get_mut(&session);
        let Some(resumable) = state.and_then(|state| state.resumable.as_mut()) else { return };
        match (resumable.is_lost(), resumable.grace) {
            (true, None) => resumable.grace = Some(self.timers.set(end, Timer::Grace(session))),
            (false, Some(key)) => {
                self.timers.clear(key);
                resumable.grace = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }

    /// The grace period of a session has passed.
    pub(super) fn grace_passed(&mut self, session: SessionId) {
        let reason = DisconnectReason::NotResumed(self.limits.grace);
        self.end_session(session, reason);
    }

    /// Ends a session whose client has said goodbye, once its one-way messages up to there are
    /// carried out. It asks for no answer any more: a request that was released is lost with it.
    pub(super) fn leave_if_done(&mut self, session: SessionId) {
        let state = self.sessions.get(&session);
        let is_done = |state: &Session| {
            state.goodbye.is_some_and(|after| after <= state.done()) && !state.has_due()
        };
        if state.is_some_and(is_done) {
            self.end_session(session, DisconnectReason::Closed);
        }
    }
}
