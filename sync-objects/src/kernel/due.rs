//! Messages of a session whose turn has come, since the one that they waited for came at last.
//!
//! They may be thousands, and what they wait for a few bytes: they are due, and go on one by one,
//! each session in its turn, as the driver has time.

use core::ops::Bound;
use std::collections::BTreeSet;

use sync_proto::SessionId;

use super::sessions::Session;
use super::{Core, Kernel, Via};
use crate::Time;

/// The sessions of which messages are due.
#[derive(Debug, Default)]
pub(super) struct Due {
    sessions: BTreeSet<SessionId>,
    /// Those that were found to wait for somebody to take answers.
    stuck: BTreeSet<SessionId>,
    /// Whose message was carried out last.
    last: Option<SessionId>,
}

impl Due {
    /// Returns whether one can go on.
    pub(super) fn has_more(&self) -> bool {
        !self.sessions.is_empty()
    }

    fn insert(&mut self, session: SessionId) {
        self.stuck.remove(&session);
        self.sessions.insert(session);
    }

    pub(super) fn remove(&mut self, session: SessionId) {
        self.stuck.remove(&session);
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
    /// Carries out messages that are due, one by one, while the driver `goes_on`, which is asked
    /// before each. [`poll_timeout`](Self::poll_timeout) asks for it as long as there are more.
    ///
    /// A request waits on whose connection `may_be_answered` says no to, since nobody takes the
    /// answers that there are, and with it what its session said after it. It is looked at again
    /// the next time.
    pub fn handle_due(
        &mut self,
        now: Time,
        mut goes_on: impl FnMut(&Self) -> bool,
        may_be_answered: impl Fn(Via) -> bool,
    ) {
        self.core.advance(now);
        let Due { sessions, stuck, .. } = &mut self.core.due;
        sessions.append(stuck);
        while self.core.due.has_more() && goes_on(self) {
            let Some(session) = self.core.due.next() else { break };
            let asker = self.core.sessions.get(&session).and_then(Session::next_asker);
            if asker.is_some_and(|via| !may_be_answered(via)) {
                self.core.due.remove(session);
                self.core.due.stuck.insert(session);
                continue;
            }
            if !self.core.run_next_one_way(session) {
                self.core.begin_next_held_back(session);
            }
            self.core.note_due(session);
        }
        self.core.finish_input();
    }

    /// Returns whether messages of a session are due, and were not found to wait for somebody to
    /// take answers. What it said before it went is lost with it if it is ended meanwhile.
    pub fn is_due(&self, session: SessionId) -> bool {
        self.core.due.sessions.contains(&session)
    }
}

impl Core {
    /// Notes whether messages of a session are due, after one that was carried out.
    pub(super) fn note_due(&mut self, session: SessionId) {
        if self.sessions.get(&session).is_some_and(Session::has_due) {
            self.due.insert(session);
        } else {
            self.due.remove(session);
            self.leave_if_done(session);
        }
    }

    /// Carries out a session's next one-way message, if its turn has come.
    pub(super) fn run_next_one_way(&mut self, session: SessionId) -> bool {
        let message = self.sessions.get_mut(&session).and_then(Session::next_one_way);
        let Some(message) = message else { return false };
        self.run_one_way(session, message);
        self.settle();
        true
    }

    /// Begins with a session's next request that was held back, if its turn has come. It counts as
    /// held back no more: what begins counts itself.
    fn begin_next_held_back(&mut self, session: SessionId) {
        let Some(state) = self.sessions.get_mut(&session) else { return };
        if let Some(held) = state.held_back.take_next(state.done(), &mut self.timers) {
            self.begin(session, held.via, held.request, held.arrived);
            self.settle();
        }
    }
}
