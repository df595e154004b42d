//! Who may come in, and the log of who may not.

use std::fmt::Display;
use std::net::SocketAddr;
use std::time::Duration;

use sync_objects::Time;
use sync_proto::secure::KeyRing;

/// Lines about strangers in one period: they must not fill the disk by knocking.
const LINES: u64 = 10;
const PERIOD: Duration = Duration::from_secs(10);

/// What a connection is measured by before it is let in.
#[derive(Debug)]
pub(crate) struct Strangers {
    pub(crate) keys: KeyRing,
    /// TCP is not sealed, and lets everybody in.
    pub(crate) insecure_tcp: bool,
    /// Users beside the server's own.
    pub(crate) uids: Vec<u32>,
    period: Time,
    met: u64,
}

impl Strangers {
    pub(crate) fn new(keys: KeyRing, insecure_tcp: bool, uids: Vec<u32>) -> Self {
        Self { keys, insecure_tcp, uids, period: Time::ZERO, met: 0 }
    }

    /// Notes a connection that was closed without a word.
    pub(crate) fn log(&mut self, now: Time, origin: Option<SocketAddr>, why: impl Display) {
        if self.is_worth_a_line(now) {
            match origin {
                Some(origin) => tracing::warn!("a connection from {origin} is closed: {why}"),
                None => tracing::warn!("a connection is closed: {why}"),
            }
        }
    }

    fn is_worth_a_line(&mut self, now: Time) -> bool {
        if now.since(self.period) >= PERIOD {
            let unsaid = self.met.saturating_sub(LINES);
            if unsaid > 0 {
                tracing::warn!("{unsaid} more connections were closed like that");
            }
            (self.period, self.met) = (now, 0);
        }
        self.met += 1;
        self.met <= LINES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_strangers_is_a_few_lines_and_the_next_period_begins_anew() {
        let mut strangers = Strangers::new(KeyRing::new(&[]).unwrap(), false, Vec::new());
        let mut lines = |at: Time| (0..10_000).filter(|_| strangers.is_worth_a_line(at)).count();
        assert_eq!(lines(Time::ZERO), 10);
        assert_eq!(lines(Time::ZERO + PERIOD / 2), 0);
        assert_eq!(lines(Time::ZERO + PERIOD), 10);
    }
}
