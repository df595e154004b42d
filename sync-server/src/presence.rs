//! The time by which an event loop measures who is not let in yet.

use std::time::Duration;

use sync_objects::Time;

use crate::hub;

/// The most that one turn counts for, with the sleep before it.
const TURN_MAX: Duration = Duration::from_millis(100);

/// The time in which an event loop was there: while it is stopped, or waits for somebody's long
/// call, what clients say is not read, and they are not late.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    now: Time,
    /// When the last turn began, by the clock.
    began: Time,
}

impl Presence {
    /// Begins a turn.
    pub(crate) fn begin_turn(&mut self, now: Time) {
        self.now = self.now + now.since(self.began).min(TURN_MAX);
        self.began = now;
    }

    pub(crate) const fn now(&self) -> Time {
        self.now
    }

    /// Returns how long the event loop may sleep that has something to do at a moment.
    pub(crate) fn until(&self, moment: Time) -> Duration {
        // All of the sleep counts, also of one that takes longer.
        hub::until(moment, self.now).min(TURN_MAX / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_counts_for_as_long_as_it_took_and_a_standstill_for_little() {
        let mut presence = Presence::default();
        let mut now = Time::ZERO;
        for _ in 0..10 {
            let sleep = presence.until(Time::ZERO + Duration::from_secs(5));
            now = now + sleep;
            presence.begin_turn(now);
            assert_eq!(presence.now(), now);
        }
        let before = presence.now();
        presence.begin_turn(now + Duration::from_secs(3600));
        assert_eq!(presence.now(), before + TURN_MAX);
        assert_eq!(presence.until(before), Duration::ZERO);
    }
}
