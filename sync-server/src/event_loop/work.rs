//! What is carried out in one turn: some of each connection, so that nobody waits long for the
//! others.
//!
//! What a connection said beyond that stays in its inbox, and the connection is not read before
//! the inbox is empty: a client that says much waits for itself.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use sync_objects::{Kernel, Time};

use super::{EventLoop, KeySet, Said};
use crate::limits::{CALLS_PER_TURN, OUTPUT_PER_TURN, TIME_PER_CONNECTION, TIME_PER_TURN};

/// What connections said and what was not carried out yet, by connection, each in order.
///
/// However many connections wait here, a turn costs what is carried out in it.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    said: Vec<VecDeque<Said>>,
    /// Who said something.
    talkers: KeySet,
    /// Who said something, whoever was worked for least of late first: one that asks little does
    /// not wait for all those that ask much.
    line: BTreeSet<(Duration, usize)>,
    /// Connections that had more to read, and will have when their inbox is empty.
    unread: KeySet,
    /// How long each connection was worked for of late.
    worked: BTreeMap<usize, Duration>,
    /// When all of that was last halved.
    halved: Time,
    /// The memory of an inbox that is empty, for the next one: most hold one message.
    spare: VecDeque<Said>,
    /// Who was worked for in this turn, and how long.
    served: Vec<(usize, Duration)>,
}

/// An empty inbox with room for more is not kept.
const SPARE_MAX: usize = 256;

/// After so long, work that was done counts half.
const HALF_LIFE: Duration = Duration::from_millis(250);

impl Inbox {
    pub(super) fn push(&mut self, key: usize, said: Said) {
        if !self.has(key) {
            if key >= self.said.len() {
                self.said.resize_with(key + 1, VecDeque::new);
            }
            self.said[key] = std::mem::take(&mut self.spare);
            self.talkers.insert(key);
            self.line.insert((self.worked(key), key));
        }
        self.said[key].push_back(said);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.talkers.is_empty()
    }

    pub(super) fn has(&self, key: usize) -> bool {
        self.talkers.contains(key)
    }

    /// Returns whether somebody said something who is not among these.
    pub(super) fn has_others(&self, than: &KeySet) -> bool {
        self.talkers.iter().any(|key| !than.contains(key))
    }

    /// Notes that a connection has more to read: nobody will say so again.
    pub(super) fn read_later(&mut self, key: usize) {
        self.unread.insert(key);
    }

    /// Returns whether a connection is to be read now, which it was not before its inbox was
    /// empty.
    fn is_to_be_read(&mut self, key: usize) -> bool {
        !self.has(key) && self.unread.remove(key)
    }

    pub(super) fn remove(&mut self, key: usize) {
        self.line.remove(&(self.worked(key), key));
        if self.talkers.remove(key) {
            self.said[key] = VecDeque::new();
        }
        self.unread.remove(key);
        self.worked.remove(&key);
    }

    fn worked(&self, key: usize) -> Duration {
        self.worked.get(&key).copied().unwrap_or_default()
    }

    /// Lets work that was done long ago count less.
    fn forget_some(&mut self, now: Time) {
        if now.since(self.halved) < HALF_LIFE {
            return;
        }
        self.halved = now;
        self.worked.retain(|_, worked| {
            *worked /= 2;
            !worked.is_zero()
        });
        self.line = self.talkers.iter().map(|key| (self.worked(key), key)).collect();
    }

    /// Takes the first out of the line, which is to [come back](Self::line_up).
    fn next(&mut self) -> Option<usize> {
        self.line.pop_first().map(|(_, key)| key)
    }

    /// Puts a connection that still has something to say back into line, after so much work.
    fn line_up(&mut self, key: usize, worked: Duration) {
        let all = self.worked(key) + worked;
        if !worked.is_zero() {
            self.worked.insert(key, all);
        }
        if self.has(key) {
            self.line.insert((all, key));
        }
    }

    fn pop(&mut self, key: usize) -> Option<Said> {
        let said = self.said.get_mut(key)?;
        let first = said.pop_front()?;
        if said.is_empty() {
            self.talkers.remove(key);
            let emptied = std::mem::take(said);
            if emptied.capacity() <= SPARE_MAX {
                self.spare = emptied;
            }
        }
        Some(first)
    }
}

impl EventLoop {
    /// Carries out what connections said, up to what one turn may take; each has its turn once.
    /// Adds them to those who asked.
    pub(super) fn work(&mut self, kernel: &mut Kernel, now: Time, asked: &mut KeySet) {
        self.inbox.forget_some(now);
        let (mut time, mut served) = (now, std::mem::take(&mut self.inbox.served));
        while time.since(now) < TIME_PER_TURN && kernel.unsent_bytes() < OUTPUT_PER_TURN {
            let Some(key) = self.inbox.next() else { break };
            let began = time;
            time = self.work_for(kernel, now, key, began);
            served.push((key, time.since(began)));
        }
        for (key, worked) in served.drain(..) {
            // It may have ended, and is nobody then.
            if !self.connections.contains(key) {
                continue;
            }
            asked.insert(key);
            self.inbox.line_up(key, worked);
            if self.inbox.is_to_be_read(key) {
                self.ready.insert(key);
            }
        }
        self.inbox.served = served;
    }

    /// Returns whether something that a connection said is not heard yet, and will be: it is not
    /// one that does not listen.
    pub(super) fn is_unheard(&self, key: usize) -> bool {
        self.ready.contains(key) || self.inbox.has(key) && !self.paused.contains(key)
    }

    /// Carries out some of what one connection said; returns when that was done.
    fn work_for(&mut self, kernel: &mut Kernel, now: Time, key: usize, began: Time) -> Time {
        let mut time = began;
        let unsent = kernel.unsent_bytes();
        let pending = self.connections.get(key).map_or(0, super::Connection::pending_output);
        if pending > self.limits.output_pause {
            self.paused.insert(key);
            return time;
        }
        for _ in 0..CALLS_PER_TURN {
            let owed = pending + kernel.unsent_bytes().saturating_sub(unsent);
            if owed > self.limits.output_pause || time.since(began) >= TIME_PER_CONNECTION {
                break;
            }
            let Some(said) = self.inbox.pop(key) else { break };
            self.hear(kernel, now, key, said);
            time = self.hub.now();
        }
        time
    }

    /// Ends the connections that make the server keep too much.
    pub(super) fn shed(&mut self) {
        let limit = self.limits.input_total.max(self.limits.message);
        if !self.incoming.is_over(limit) && !self.outgoing.is_over(self.limits.output_total) {
            return;
        }
        let now = self.hub.now();
        while let Some((key, bytes)) = self.incoming.culprit(now, limit) {
            self.incoming.remove(key);
            let why = format!(
                "messages that are not complete take more than {limit} bytes, and the {bytes} of \
                 this connection are under way for longest: send faster, or less"
            );
            let refusal = super::Refusal::new(super::ErrorKind::OutOfMemory, why);
            if let Some(connection) = self.connections.get_mut(key) {
                connection.discard_input();
                self.inbox.push(key, Said::Nonsense(refusal));
                self.ready.insert(key);
            }
        }
        let limit = self.limits.output_total;
        while let Some((key, bytes)) = self.outgoing.culprit(now, limit) {
            self.outgoing.remove(key);
            tracing::warn!(
                bytes,
                limit,
                "answers that nobody takes are over the limit in all: the client that has been \
                 slowest is dropped"
            );
            self.broken.push(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::ZERO;

    /// Works for whoever is first; returns who that was.
    fn work(inbox: &mut Inbox, millis: u64) -> usize {
        let first = inbox.next().unwrap();
        inbox.line_up(first, Duration::from_millis(millis));
        first
    }

    fn inbox(said: impl IntoIterator<Item = usize>) -> Inbox {
        let mut inbox = Inbox::default();
        said.into_iter().for_each(|key| inbox.push(key, Said::End));
        inbox
    }

    #[test]
    fn who_asks_little_comes_before_all_who_ask_much() {
        let mut inbox = inbox(1..=9);
        for _ in 0..9 {
            work(&mut inbox, 50);
        }
        inbox.push(99, Said::End);
        for _ in 0..20 {
            assert_eq!(work(&mut inbox, 1), 99);
        }
    }

    #[test]
    fn all_who_ask_as_much_are_served_in_turn() {
        let mut inbox = inbox(1..=3);
        let order = [(); 6].map(|()| work(&mut inbox, 50));
        assert_eq!(order, [1, 2, 3, 1, 2, 3]);
    }

    #[test]
    fn what_was_long_ago_counts_little() {
        let mut inbox = inbox(1..=2);
        for key in [1, 2] {
            assert_eq!(work(&mut inbox, if key == 1 { 100_000 } else { 0 }), key);
        }
        let mut now = NOW;
        for _ in 0..20 {
            now = now + HALF_LIFE;
            inbox.forget_some(now);
        }
        assert_eq!(work(&mut inbox, 50), 2);
        assert_eq!(work(&mut inbox, 0), 1);
    }

    #[test]
    fn who_is_gone_or_has_said_all_is_not_in_line() {
        let mut inbox = inbox(1..=3);
        assert_eq!(work(&mut inbox, 5), 1);
        inbox.remove(2);
        assert_eq!(inbox.next(), Some(3));
        assert!(inbox.pop(3).is_some());
        inbox.line_up(3, Duration::ZERO);
        assert_eq!(work(&mut inbox, 0), 1);
        inbox.remove(1);
        assert_eq!((inbox.next(), inbox.is_empty()), (None, true));
    }

    #[test]
    fn what_is_left_to_read_is_read_when_the_inbox_is_empty_and_once() {
        let mut inbox = inbox([1]);
        inbox.read_later(1);
        assert!(!inbox.is_to_be_read(1));
        assert!(inbox.pop(1).is_some());
        assert!(inbox.is_to_be_read(1));
        assert!(!inbox.is_to_be_read(1));
    }
}
