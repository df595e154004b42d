//! Bytes that wait on connections: of messages that are not complete, or of answers that are not
//! taken. Many connections with a little each are as much as one with too much.

use std::collections::BTreeMap;
use std::time::Duration;

use sync_objects::Time;

/// How long bytes may wait before the connection is to blame: one that is slower than this is the
/// first to go when there is too much in all.
const GRACE: Duration = Duration::from_secs(1);

/// What waits, by connection.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    total: usize,
    waiting: BTreeMap<usize, Waiting>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    bytes: usize,
    since: Time,
}

impl Backlog {
    /// Notes how much waits on a connection now.
    pub(crate) fn set(&mut self, now: Time, key: usize, bytes: usize) {
        if bytes == 0 {
            return self.remove(key);
        }
        let waiting = self.waiting.entry(key).or_insert(Waiting { bytes: 0, since: now });
        self.total = self.total - waiting.bytes + bytes;
        waiting.bytes = bytes;
    }

    /// Forgets a connection.
    pub(crate) fn remove(&mut self, key: usize) {
        if let Some(waiting) = self.waiting.remove(&key) {
            self.total -= waiting.bytes;
        }
    }

    /// Returns whether more waits than may.
    pub(crate) const fn is_over(&self, limit: usize) -> bool {
        self.total > limit
    }

    /// Returns when there will be a connection to blame, when more waits than may: nothing else may
    /// happen until then.
    pub(crate) fn next_culprit(&self, limit: usize) -> Option<Time> {
        if !self.is_over(limit) {
            return None;
        }
        self.waiting.values().map(|of| of.since + GRACE).min()
    }

    /// Returns the connection to blame when more waits than may, and how much it is: the one on
    /// which something has waited longest, if that is long.
    pub(crate) fn culprit(&self, now: Time, limit: usize) -> Option<(usize, usize)> {
        if !self.is_over(limit) {
            return None;
        }
        let late = self.waiting.iter().filter(|(_, of)| now.since(of.since) >= GRACE);
        let (&key, waiting) = late.min_by_key(|(_, of)| of.since)?;
        Some((key, waiting.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Time = Time::ZERO;

    #[test]
    fn nobody_is_to_blame_before_there_is_too_much_and_it_has_waited_long() {
        let mut backlog = Backlog::default();
        backlog.set(START, 1, 60);
        assert_eq!(backlog.culprit(START + 2 * GRACE, 100), None);
        assert_eq!(backlog.next_culprit(100), None);
        backlog.set(START + GRACE, 2, 60);
        assert_eq!(backlog.culprit(START + GRACE / 2, 100), None);
        assert_eq!(backlog.next_culprit(100), Some(START + GRACE));
        assert_eq!(backlog.culprit(START + GRACE, 100), Some((1, 60)));
        backlog.remove(1);
        backlog.set(START + GRACE, 1, 60);
        assert_eq!(backlog.culprit(START + GRACE, 100), None, "it has only begun");
    }

    #[test]
    fn what_is_gone_counts_no_more() {
        let mut backlog = Backlog::default();
        backlog.set(START, 1, 60);
        backlog.set(START, 2, 60);
        backlog.set(START, 1, 10);
        assert_eq!(backlog.culprit(START + GRACE, 69), Some((1, 10)));
        assert_eq!(backlog.culprit(START + GRACE, 70), None);
        backlog.set(START, 1, 0);
        backlog.remove(2);
        assert_eq!(backlog.culprit(START + GRACE, 0), None);
    }
}
