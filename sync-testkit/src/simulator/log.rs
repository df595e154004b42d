//! What happened last, to be read when a run fails.

use core::fmt;
use std::collections::VecDeque;

use sync_objects::Time;

/// How many events are kept.
const KEPT: usize = 60;

/// The last events.
#[derive(Debug, Default)]
pub(crate) struct Log {
    last: VecDeque<(Time, String)>,
    count: u64,
}

impl Log {
    pub(crate) fn push(&mut self, now: Time, event: String) {
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back((now, event));
        self.count += 1;
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.count - self.last.len() as u64;
        for ((at, event), number) in self.last.iter().zip(first + 1..) {
            writeln!(f, "  {number:>6}  {at:>12?}  {event}")?;
        }
        Ok(())
    }
}
