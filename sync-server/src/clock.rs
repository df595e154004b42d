//! The manager's one clock.

use std::time::Instant;

use sync_objects::Time;

/// The time since the server began, by the system's monotonic clock. Everything in the manager goes
/// by it, and gets the time as an argument.
#[derive(Debug)]
pub(crate) struct Clock {
    began: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { began: Instant::now() }
    }

    pub(crate) fn now(&self) -> Time {
        Time::ZERO + self.began.elapsed()
    }
}
