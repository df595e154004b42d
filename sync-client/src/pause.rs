//! Pauses between attempts, when there is nothing to wait for.

use std::time::Duration;

/// The pauses between attempts to reach a manager that was there before.
pub(crate) const PAUSES: Pauses =
    Pauses::between(Duration::from_millis(5), Duration::from_millis(200));

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

/// Lets some time pass.
#[expect(clippy::disallowed_methods, reason = "nothing would tell that a manager has come")]
pub(crate) fn pause(time: Duration) {
    // Not parked: the thread is the application's, and so is the token that ends a park.
    std::thread::sleep(time);
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_pause_leaves_the_application_its_unpark() {
        let watchdog = Duration::from_secs(30);
        std::thread::current().unpark();
        pause(Duration::ZERO);
        let began = Instant::now();
        #[expect(clippy::disallowed_methods, reason = "ends at once, by what was unparked")]
        std::thread::park_timeout(watchdog);
        assert!(began.elapsed() < watchdog);
    }
}
