//! Pauses between attempts, when there is nothing to wait for.

use std::time::Duration;

/// How long to pause before the next attempt: soon at first, then now and then.
#[derive(Debug)]
pub(crate) struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Pauses {
    /// Each is twice as long as the one before, from the shortest up to the longest.
    pub(crate) const fn between(shortest: Duration, longest: Duration) -> Self {
        Self { next: shortest, longest }
    }

    pub(crate) fn next(&mut self) -> Duration {
        let longer = (self.next * 2).min(self.longest);
        std::mem::replace(&mut self.next, longer)
    }
}

/// Lets some time pass. Nobody unparks the thread on purpose, and a pause cut short does no harm.
pub(crate) fn pause(time: Duration) {
    std::thread::park_timeout(time);
}
