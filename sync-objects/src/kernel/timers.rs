//! Deadlines of calls and alarms of objects, soonest first.

use std::collections::BTreeMap;
use std::time::Duration;

use sync_proto::{CallId, ObjectId, SessionId};

use super::{Core, calls::CallKey};
use crate::Time;

/// What is due at a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Timer {
    /// A call's deadline.
    Deadline(CallKey),
    /// That of a call that waits for a one-way message.
    HeldBack(SessionId, CallId),
    /// An object's own time: its line is polled.
    Alarm(ObjectId, u64),
    /// The end of a session whose connections are lost.
    Grace(SessionId),
}

impl Timer {
    const fn reason(self) -> &'static str {
        match self {
            Self::Deadline(_) | Self::HeldBack(..) => "a call's deadline",
            Self::Alarm(..) => "an object's alarm",
            Self::Grace(_) => "a lost session's grace",
        }
    }
}

/// A timer's place in the table: two at the same moment are due in the order they were set.
pub(crate) type TimerKey = (Time, u64);

/// All that is due some time.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    due: BTreeMap<TimerKey, Timer>,
    next: u64,
}

impl Timers {
    pub(crate) fn set(&mut self, at: Time, timer: Timer) -> TimerKey {
        let key = (at, self.next);
        self.next += 1;
        self.due.insert(key, timer);
        key
    }

    pub(crate) fn clear(&mut self, key: TimerKey) {
        self.due.remove(&key);
    }

    pub(crate) fn next(&self) -> Option<(Time, &'static str)> {
        let (&(at, _), timer) = self.due.first_key_value()?;
        Some((at, timer.reason()))
    }

    pub(crate) fn take_due(&mut self, now: Time) -> Option<Timer> {
        let first = self.due.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

impl Core {
    pub(crate) fn set_alarm(&mut self, object: ObjectId, channel: u64, at: Time) {
        // Strictly later, so that an alarm that sets itself again cannot keep a step going.
        let at = at.max(self.now() + Duration::from_nanos(1));
        let key = self.timers.set(at, Timer::Alarm(object, channel));
        let earlier = self.slot_mut(object).and_then(|slot| slot.alarms.insert(channel, key));
        if let Some(earlier) = earlier {
            self.timers.clear(earlier);
        }
    }
}
