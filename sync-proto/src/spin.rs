//! Busy-polling for a moment before falling asleep.
//!
//! Being woken costs more than a small call: some microseconds on the core where the process slept,
//! and more where the core slept, too. An end that busy-polls for a moment after it was active
//! often finds the other end's answer there. Where other work wants the core, polling is worse than
//! sleeping: a time slice that was given away comes back after milliseconds. So an end that notices
//! this, or that polls in vain, stops polling for a while.

use core::time::Duration;

/// How long a core that others want is left to them.
const REST: Duration = Duration::from_millis(100);

/// A yield that took this long gave its time slice to other work. One to a process that only
/// answers and sleeps again is over much sooner.
const OTHERS_RAN: Duration = Duration::from_millis(1);

/// A yield that took this long let another process run, if only for a moment.
const SOMEBODY_RAN: Duration = Duration::from_micros(2);

/// How often to poll between two yields when nobody wants the core.
const LOOKS_ALONE: u32 = 4;

/// The most waits that begin asleep after polling in vain.
const MOST_SKIPPED: u32 = 64;

/// Decides, for one end of a connection or one event loop, whether to poll again (with a yield in
/// between) or to sleep. It has no clock: every `now` is the time since any one moment.
#[derive(Debug)]
pub struct Spin {
    limit: Duration,
    began: Duration,
    rests_until: Duration,
    /// No other process ran during the last yield.
    is_alone: bool,
    /// Waits in a row in which polling was in vain.
    in_vain: u32,
    /// Waits that are still to begin asleep.
    skip: u32,
}

impl Spin {
    /// Makes one that polls for at most `limit` in each wait; zero is never.
    pub const fn new(limit: Duration) -> Self {
        let zero = Duration::ZERO;
        Self { limit, began: zero, rests_until: zero, is_alone: false, in_vain: 0, skip: 0 }
    }

    /// Returns whether it never polls: then nobody needs to read a clock for it.
    pub const fn is_off(&self) -> bool {
        self.limit.is_zero()
    }

    /// A wait begins, straight after activity. Returns whether to poll again instead of sleeping.
    pub fn begin(&mut self, now: Duration) -> bool {
        if self.is_off() || now < self.rests_until {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.began = now;
        true
    }

    /// Returns how often to poll before the next yield, which costs more than a poll.
    pub const fn looks(&self) -> u32 {
        if self.is_alone { LOOKS_ALONE } else { 1 }
    }

    /// Nothing was found, and a yield went from `before` to `now`. Returns whether to poll again.
    pub fn go_on(&mut self, before: Duration, now: Duration) -> bool {
        let yielded = now.saturating_sub(before);
        self.is_alone = yielded < SOMEBODY_RAN;
        if yielded >= OTHERS_RAN {
            self.rests_until = now + REST;
            return false;
        }
        if now.saturating_sub(self.began) < self.limit {
            return true;
        }
        // Twice as many waits asleep each time: an end with long waits pays next to nothing for
        // this.
        self.skip = 1_u32.checked_shl(self.in_vain).map_or(MOST_SKIPPED, |n| n.min(MOST_SKIPPED));
        self.in_vain += 1;
        false
    }

    /// What was waited for was there before sleeping.
    pub fn found(&mut self) {
        self.in_vain = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_micros(50);
    const fn us(count: u64) -> Duration {
        Duration::from_micros(count)
    }

    #[test]
    fn a_wait_is_looked_through_until_its_time_is_up() {
        let mut spin = Spin::new(LIMIT);
        assert!(spin.begin(us(100)));
        assert!(spin.go_on(us(100), us(101)));
        assert!(spin.go_on(us(148), us(149)));
        assert!(!spin.go_on(us(149), us(150)));
    }

    #[test]
    fn what_is_never_found_is_looked_for_ever_more_rarely() {
        let mut spin = Spin::new(LIMIT);
        let mut looked = 0;
        for wait in 1..=1000 {
            if spin.begin(us(wait * 1000)) {
                looked += 1;
                assert!(!spin.go_on(us(wait * 1000), us(wait * 1000 + 60)));
            }
        }
        assert!((10..30).contains(&looked), "{looked} of 1000");
        while !spin.begin(us(2_000_000)) {}
        spin.found();
        assert!(spin.begin(us(2_000_100)), "it was there: the next wait is looked through, too");
    }

    #[test]
    fn a_core_that_others_want_is_left_to_them() {
        let mut spin = Spin::new(LIMIT);
        assert!(spin.begin(us(0)));
        assert!(!spin.go_on(us(0), us(4_000)));
        assert!(!spin.begin(us(103_999)));
        assert!(spin.begin(us(104_000)));
    }

    #[test]
    fn who_is_alone_on_a_core_yields_less() {
        let mut spin = Spin::new(LIMIT);
        assert!(spin.begin(us(0)));
        assert_eq!(spin.looks(), 1, "nothing is known of others");
        assert!(spin.go_on(us(1), us(1)));
        assert_eq!(spin.looks(), LOOKS_ALONE);
        assert!(spin.go_on(us(2), us(7)));
        assert_eq!(spin.looks(), 1, "somebody ran for 5 us");
    }

    #[test]
    fn without_a_limit_nothing_is_looked_for() {
        assert!(!Spin::new(Duration::ZERO).begin(us(1)));
    }
}
