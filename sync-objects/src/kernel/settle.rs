//! Settling: after every input all wakes are carried out, and nothing is in flight.

use core::ops::Range;
use std::collections::{BTreeSet, VecDeque};

use sync_proto::ObjectId;

use super::timers::Timer;
use super::{Core, table::Body};

/// A line that is to be polled.
#[derive(Debug)]
pub(crate) enum Wake {
    /// From its front, until the one in front must go on waiting.
    InTurn { object: ObjectId, channel: u64 },
    /// So many callers of these places, each once.
    Count { object: ObjectId, channel: u64, left: usize, places: Range<u64> },
}

impl Wake {
    /// Returns what two wakes have in common when one serves for both: their line, and up to
    /// which place.
    const fn key(&self) -> Option<(ObjectId, u64, u64)> {
        match self {
            Self::InTurn { object, channel } => Some((*object, *channel, 0)),
            Self::Count { left, .. } if *left < usize::MAX => None,
            Self::Count { object, channel, places, .. } => Some((*object, *channel, places.end)),
        }
    }
}

/// The wakes that are to be carried out. One that asks for what an earlier one will do anyway is
/// left out: a session that dies in thousands of places of one line has that line looked at once.
#[derive(Debug, Default)]
pub(crate) struct Wakes {
    queue: VecDeque<Wake>,
    keys: BTreeSet<(ObjectId, u64, u64)>,
}

impl Wakes {
    fn push_back(&mut self, wake: Wake) {
        if wake.key().is_none_or(|key| self.keys.insert(key)) {
            self.queue.push_back(wake);
        }
    }

    fn push_front(&mut self, wake: Wake) {
        if wake.key().is_none_or(|key| self.keys.insert(key)) {
            self.queue.push_front(wake);
        }
    }

    fn pop_front(&mut self) -> Option<Wake> {
        let wake = self.queue.pop_front()?;
        if let Some(key) = wake.key() {
            self.keys.remove(&key);
        }
        Some(wake)
    }
}

/// How many times each waiting call may be polled in one settling before the object at hand is
/// called broken. A sound object polls a caller once or twice; this only ends what has no end.
const POLLS_PER_CALL: usize = 64;

/// The polls that are allowed even where nobody waits.
const POLLS_AT_LEAST: usize = 1024;

/// How much of what is due is carried out in one input: others are served in between, also where
/// a whole crowd has one deadline.
const DUE_MAX: usize = 1024;

impl Core {
    pub(crate) fn wake_in_turn(&mut self, object: ObjectId, channel: u64) {
        self.wakes.push_back(Wake::InTurn { object, channel });
    }

    pub(crate) fn wake_count(&mut self, object: ObjectId, channel: u64, count: usize) {
        let places = 0..self.next_place + 1;
        self.wakes.push_back(Wake::Count { object, channel, left: count, places });
    }

    /// Carries out wakes, and drops objects that nothing holds, until none is left.
    pub(super) fn settle(&mut self) {
        let mut polls = POLLS_AT_LEAST.saturating_add(self.calls.len() * POLLS_PER_CALL);
        loop {
            if let Some(wake) = self.wakes.pop_front() {
                if polls == 0 {
                    self.break_endless(&wake);
                    polls = POLLS_AT_LEAST;
                }
                // Only polls count: the wakes of a session's death may find nobody in line.
                polls -= usize::from(self.carry_out(wake));
            } else if let Some(object) = self.ledger.next_unheld() {
                self.drop_object(object);
            } else {
                return;
            }
        }
    }

    /// Carries out a wake, or one step of it; returns whether that polled a call.
    fn carry_out(&mut self, wake: Wake) -> bool {
        match wake {
            Wake::InTurn { object, channel } => {
                let first = self.slot(object).and_then(|slot| slot.lines.first(channel));
                let Some((_, call)) = first else { return false };
                if !self.poll(call, false) {
                    // It left the line: the next one is in front.
                    self.wakes.push_front(Wake::InTurn { object, channel });
                }
            }
            Wake::Count { object, channel, left, places } => {
                let slot = self.slot(object).filter(|_| left > 0);
                let next = slot.and_then(|slot| slot.lines.first_within(channel, places.clone()));
                let Some((place, call)) = next else {
                    return false;
                };
                let places = place + 1..places.end;
                self.wakes.push_front(Wake::Count { object, channel, left: left - 1, places });
                if !self.poll(call, false) {
                    // The call behind it is polled, once this wake is done.
                    self.wake_in_turn(object, channel);
                }
            }
        }
        true
    }

    /// Breaks the object whose callers stand in the line: the line itself may be a peer's, which
    /// is not to blame. Wakes of other objects stay.
    fn break_endless(&mut self, wake: &Wake) {
        let (Wake::InTurn { object, channel } | Wake::Count { object, channel, .. }) = *wake;
        let first = self.slot(object).and_then(|slot| slot.lines.first(channel));
        let caller = first.and_then(|(_, key)| self.call(key));
        let culprit = caller.map_or(object, |call| call.target.object());
        if self.slot(culprit).is_some_and(|slot| matches!(slot.body, Body::Here(_))) {
            self.break_object(culprit, "its callers wake each other endlessly".to_owned());
        }
    }

    /// Carries out some of what is due, settling after each; the next input goes on.
    pub(super) fn fire_due(&mut self) {
        let now = self.now();
        for _ in 0..DUE_MAX {
            let Some(timer) = self.timers.take_due(now) else { return };
            match timer {
                Timer::Deadline(key) => {
                    if let Some(call) = self.call_mut(key) {
                        call.deadline = None;
                        self.time_out(key);
                    }
                }
                Timer::HeldBack(session, call) => self.give_up_held_back(session, call),
                Timer::Alarm(object, channel) => {
                    if let Some(slot) = self.slot_mut(object) {
                        slot.alarms.remove(&channel);
                        self.wake_count(object, channel, usize::MAX);
                    }
                }
                Timer::Grace(session) => self.grace_passed(session),
            }
            self.settle();
        }
    }

    pub(super) fn assert_settled(&self) {
        assert!(self.wakes.queue.is_empty(), "no wake is in flight");
        assert!(self.wakes.keys.is_empty(), "no wake is remembered");
        let mut standing = 0;
        for slot in self.objects.iter() {
            assert!(!matches!(slot.body, Body::AtWork), "{slot:?} is not at work");
            assert!(slot.handle.count() > 0, "{slot:?} is held by someone");
            for call in slot.lines.calls() {
                let call = self.call(call).expect("who stands in line waits");
                let place = call.place.expect("who waits stands in a line");
                assert_eq!(place.object, slot.id, "a call knows its line");
                assert_eq!(call.line.object(), slot.id, "a call keeps its line's object");
                standing += 1;
            }
            for (token, hold) in &slot.holds {
                let session = self.sessions.get(&hold.caller.session);
                let session = session.expect("who holds something lives");
                assert!(session.holds.contains(&(slot.id, *token)), "a session knows its holds");
            }
            let owners = slot.holds.iter().filter_map(|(&token, hold)| Some((hold.owns?, token)));
            let owners: BTreeSet<_> = owners.map(|(owned, token)| (owned.channel, token)).collect();
            assert_eq!(slot.owners, owners, "who owns is found by the line");
        }
        assert_eq!(standing, self.calls.len(), "every call that waits stands in one line");
        let tickets: usize = self.sessions.values().map(|session| session.tickets.len()).sum();
        assert_eq!(tickets, self.tickets.len(), "a session knows its tickets");
        for (&id, session) in &self.sessions {
            assert_eq!(self.due.has(id), session.has_due(), "what is due is known to be");
            for &(object, token) in &session.holds {
                assert!(self.owner(object, token).is_some(), "an object knows its holders");
            }
            for key in session.calls.values() {
                assert!(self.call(*key).is_some(), "a session's call waits");
            }
            if let Some(resumable) = &session.resumable {
                let calls = session.calls.iter();
                resumable.assert_settled(
                    calls.filter_map(|(&call, key)| Some((call, self.call(*key)?.route.via))),
                );
            }
        }
    }
}
