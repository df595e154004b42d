//! Lines in the log about what anybody can bring about at will: they must not fill the disk, nor
//! hide the others.

use std::time::Duration;

use sync_objects::Time;

/// Lines of one kind in one period.
const LINES: u64 = 10;
const PERIOD: Duration = Duration::from_secs(10);

/// How many lines of one kind there were of late.
#[derive(Debug, Default)]
pub(crate) struct Ration {
    period: Time,
    met: u64,
}

/// What is to be logged of one more event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    /// Whether it is worth a line.
    pub(crate) is_worth_a_line: bool,
    /// How many others were not, in the period that is over now.
    pub(crate) unsaid: u64,
}

impl Ration {
    /// Counts one more event.
    pub(crate) fn meet(&mut self, now: Time) -> Share {
        let mut unsaid = 0;
        if now.since(self.period) >= PERIOD {
            unsaid = self.met.saturating_sub(LINES);
            (self.period, self.met) = (now, 0);
        }
        self.met += 1;
        Share { is_worth_a_line: self.met <= LINES, unsaid }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_a_few_lines_and_the_next_period_begins_anew_and_tells_of_the_others() {
        let mut ration = Ration::default();
        let mut lines = |at: Time| {
            let shares: Vec<_> = (0..10_000).map(|_| ration.meet(at)).collect();
            let lines = shares.iter().filter(|share| share.is_worth_a_line).count();
            (lines, shares.iter().map(|share| share.unsaid).sum::<u64>())
        };
        assert_eq!(lines(Time::ZERO), (10, 0));
        assert_eq!(lines(Time::ZERO + PERIOD / 2), (0, 0));
        assert_eq!(lines(Time::ZERO + PERIOD), (10, 19_990));
    }
}
