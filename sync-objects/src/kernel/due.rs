//! Work that goes on when the message that it waited for has come at last.
//!
//! A message of a few bytes may release thousands of others. They are due when their turn has come,
//! and go on one by one, the sessions taking turns, as the driver has time. One-way messages are
//! carried out; requests are given back to the driver, which hands each in again before what came
//! after it on its connection: so the bounds of all other calls hold for these, too.
//!
//! Between any two of these steps may come whatever comes: messages of others, their ends, times
//! that pass, connections that are lost and made anew. The order is the driver's to keep:
//! * It takes out what was released after each request and one-way message that it hands in, and
//!   after what was due, before it hands in anything else. On its connection, what was released
//!   comes after what was released earlier, and before all else that is not handed in yet.
//! * Of a request that it has taken out the kernel knows nothing until it is handed in again. It
//!   is none of the calls that wait, so a cancellation does not find it: one that came on the same
//!   connection comes after it. Its time passes, and is looked at when it would have to wait.
//! * It need not hand in one whose connection is lost: nobody would hear the answer. Where the
//!   session can be resumed, nothing comes of it either way, and the client says it again.
//! * It ends a session whose client is gone once [nothing is due](Kernel::is_due) of it and what
//!   was released on its other connections is handed in: what the client said before counts.

use core::ops::Bound;
use std::collections::{BTreeSet, VecDeque};

use sync_proto::message::Request;
use sync_proto::{Charge, SessionId};

use super::sessions::{Early, Session};
use super::{Core, Kernel, Via};
use crate::Time;

/// A request that waited for a one-way message which is carried out.
#[derive(Debug)]
#[non_exhaustive]
pub struct Released {
    /// Whose it is.
    pub session: SessionId,
    /// What it came with.
    pub via: Via,
    /// The request.
    pub request: Request,
    /// When it came: it has waited since then, even if it comes to stand in a line.
    pub arrived: Time,
    /// What it is counted by until it begins.
    pub(super) charge: Charge,
}

/// What waits for the driver.
#[derive(Debug, Default)]
pub(super) struct Due {
    /// The sessions of which something is due.
    sessions: BTreeSet<SessionId>,
    /// Whose message was carried out last.
    last: Option<SessionId>,
    released: VecDeque<Released>,
}

impl Due {
    pub(super) fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    pub(super) fn has(&self, session: SessionId) -> bool {
        self.sessions.contains(&session)
    }

    pub(super) fn remove(&mut self, session: SessionId) {
        self.sessions.remove(&session);
    }

    /// Returns whose turn it is.
    fn next(&mut self) -> Option<SessionId> {
        let after = self.last.map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.sessions.range((after, Bound::Unbounded)).next();
        self.last = next.or_else(|| self.sessions.first()).copied();
        self.last
    }
}

impl Kernel {
    /// Carries out a one-way message that is due, and releases a request; returns whether there
    /// was something to do.
    /// [`poll_timeout`](Self::poll_timeout) asks for it as long as there are any.
    pub fn handle_due(&mut self, now: Time) -> bool {
        self.core.advance(now);
        let Some(session) = self.core.due.next() else { return false };
        self.core.run_next_one_way(session);
        self.core.finish_input();
        true
    }

    /// Returns whether something of a session is due: it is lost if the session is ended meanwhile.
    pub fn is_due(&self, session: SessionId) -> bool {
        self.core.due.has(session)
    }

    /// Returns how many requests of a connection are held back: they stand in no line.
    pub fn held_back(&self, session: SessionId, via: Via) -> usize {
        self.core.sessions.get(&session).map_or(0, |session| session.held_back.count(via))
    }

    /// Returns the next request that was held back and need not wait any more, for the driver to
    /// [hand in again](Self::handle_released): there may be some after each message. One
    /// whose connection is lost meanwhile can be dropped: it has not begun.
    #[must_use]
    pub fn poll_released(&mut self) -> Option<Released> {
        self.core.due.released.pop_front()
    }

    /// Takes a request that [`poll_released`](Self::poll_released) gave out, as
    /// [`handle_request`](Self::handle_request) does.
    pub fn handle_released(&mut self, now: Time, released: Released) {
        self.core.advance(now);
        let Released { session, via, request, arrived, charge } = released;
        // It is counted anew as it begins.
        drop(charge);
        if self.core.sessions.contains_key(&session) && self.core.claim(session, via, request.call)
        {
            self.core.begin(session, via, request, arrived);
            self.core.finish_input();
        }
    }

    /// Carries out all that is due, and all that is released: for a driver without other work, such
    /// as a test of something else.
    pub fn handle_all_due(&mut self, now: Time) {
        loop {
            if let Some(released) = self.poll_released() {
                self.handle_released(now, released);
            } else if !self.handle_due(now) {
                return;
            }
        }
    }
}

impl Core {
    /// Carries out a session's next one-way message, if its turn has come, and releases one of the
    /// requests whose turn has come with it.
    pub(super) fn run_next_one_way(&mut self, session: SessionId) {
        let next = self.sessions.get_mut(&session).and_then(Session::next_one_way);
        if let Some(Early { message, kept }) = next {
            match kept {
                Ok(charge) => {
                    // It is counted anew as it begins.
                    drop(charge);
                    self.run_one_way(session, message);
                }
                Err(refusal) => self.fail_one_way(session, &message, refusal),
            }
            self.settle();
        }
        // It may have ended itself.
        let Some(state) = self.sessions.get_mut(&session) else { return };
        let released = state.held_back.take_next(state.done(), &mut self.timers);
        self.due.released.extend(released);
        self.note_due(session);
    }

    /// Notes whether something of a session is due, when that may have changed.
    pub(super) fn note_due(&mut self, session: SessionId) {
        if self.sessions.get(&session).is_some_and(Session::has_due) {
            self.due.sessions.insert(session);
        } else {
            self.due.remove(session);
            self.leave_if_done(session);
        }
    }
}
