//! Messages of a session whose turn has come, since the one that they waited for came at last.
//!
//! They may be thousands, and what they wait for a few bytes. A few of them are carried out with
//! it. The others are due: they go on one by one, each session in its turn, as the driver has time.

use core::ops::Bound;
use std::collections::BTreeSet;

use sync_proto::SessionId;

use super::sessions::Session;
use super::{Core, Kernel};
use crate::Time;

/// Messages that are carried out with the one that they waited for.
const AT_ONCE: usize = 8;

/// The sessions of which messages are due.
#[derive(Debug, Default)]
pub(super) struct Due {
    sessions: BTreeSet<SessionId>,
    /// Whose message was carried out last.
    last: Option<SessionId>,
}

impl Due {
    pub(super) fn is_empty(&self) -> bool {
        self.sessions.is_empty()
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
    /// Carries out a message that is due; returns whether there was one. Each step of
    /// [`handle_timeout`](Self::handle_timeout) does so, which
    /// [`poll_timeout`](Self::poll_timeout) asks for meanwhile; a driver with a clock can have
    /// more of them in a turn.
    pub fn handle_due(&mut self, now: Time) -> bool {
        self.core.advance(now);
        let was_due = self.core.carry_out_due();
        self.core.finish_input();
        was_due
    }

    /// Returns whether messages of a session are due. What it said before it went is lost with it
    /// if it is ended meanwhile.
    pub fn is_due(&self, session: SessionId) -> bool {
        self.core.due.sessions.contains(&session)
    }
}

impl Core {
    /// Carries out some of a session's messages whose turn has come; the others are due.
    pub(super) fn catch_up(&mut self, session: SessionId) {
        for _ in 0..AT_ONCE {
            if !self.carry_out_next(session) {
                break;
            }
        }
        self.note_due(session);
    }

    /// Carries out one message that is due; returns whether there was one.
    pub(super) fn carry_out_due(&mut self) -> bool {
        while let Some(session) = self.due.next() {
            let was_due = self.carry_out_next(session);
            self.note_due(session);
            // It may have been given up.
            if was_due {
                return true;
            }
        }
        false
    }

    fn note_due(&mut self, session: SessionId) {
        if self.sessions.get(&session).is_some_and(Session::has_due) {
            self.due.sessions.insert(session);
        } else {
            self.due.remove(session);
            self.leave_if_done(session);
        }
    }

    /// Carries out the next message of a session whose turn has come; returns whether there was
    /// one.
    fn carry_out_next(&mut self, session: SessionId) -> bool {
        let one_way = self.sessions.get_mut(&session).and_then(Session::next_one_way);
        if let Some(message) = one_way {
            self.run_one_way(session, message);
        } else if let Some((via, request, arrived)) = self.next_held_back(session) {
            self.begin(session, via, request, arrived);
        } else {
            return false;
        }
        self.settle();
        true
    }
}
