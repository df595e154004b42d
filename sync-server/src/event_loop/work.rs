//! What is carried out in one turn: some of each connection, so that nobody waits long for the
//! others.
//!
//! What a connection said beyond that stays in its inbox, and the connection is not read before
//! the inbox is empty: a client that says much waits for itself.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use sync_objects::{Kernel, Time};

use super::{EventLoop, Said};
use crate::limits::{CALLS_PER_TURN, OUTPUT_PER_TURN, TIME_PER_CONNECTION, TIME_PER_TURN};

/// What connections said and what was not carried out yet, by connection, each in order.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    said: BTreeMap<usize, VecDeque<Said>>,
    /// Connections that had more to read, and will have when their inbox is empty.
    unread: BTreeSet<usize>,
    /// How long each connection was worked for of late.
    worked: BTreeMap<usize, Duration>,
    /// When all of that was last halved.
    halved: Time,
    /// The memory of an inbox that is empty, for the next one: most hold one message.
    spare: VecDeque<Said>,
}

/// An empty inbox with room for more is not kept.
const SPARE_MAX: usize = 256;

/// After so long, work that was done counts half.
const HALF_LIFE: Duration = Duration::from_millis(250);

impl Inbox {
    pub(super) fn push(&mut self, key: usize, said: Said) {
        let spare = || std::mem::take(&mut self.spare);
        self.said.entry(key).or_insert_with(spare).push_back(said);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.said.is_empty()
    }

    pub(super) fn has(&self, key: usize) -> bool {
        self.said.contains_key(&key)
    }

    /// Notes that a connection has more to read: nobody will say so again.
    pub(super) fn read_later(&mut self, key: usize) {
        self.unread.insert(key);
    }

    pub(super) fn remove(&mut self, key: usize) {
        self.said.remove(&key);
        self.unread.remove(&key);
        self.worked.remove(&key);
    }

    /// Returns who said something, whoever was worked for least of late first: one that asks
    /// little does not wait for all those that ask much.
    fn round(&mut self, now: Time) -> Vec<usize> {
        if now.since(self.halved) >= HALF_LIFE {
            self.halved = now;
            self.worked.retain(|_, worked| {
                *worked /= 2;
                !worked.is_zero()
            });
        }
        let worked = |key: &usize| self.worked.get(key).copied().unwrap_or_default();
        let mut round: Vec<usize> = self.said.keys().copied().collect();
        round.sort_by_cached_key(worked);
        round
    }

    fn note_work(&mut self, key: usize, worked: Duration) {
        *self.worked.entry(key).or_default() += worked;
    }

    fn pop(&mut self, key: usize) -> Option<Said> {
        let said = self.said.get_mut(&key)?;
        let first = said.pop_front();
        if said.is_empty() {
            let emptied = self.said.remove(&key);
            self.spare = emptied.filter(|of| of.capacity() <= SPARE_MAX).unwrap_or_default();
        }
        first
    }
}

impl EventLoop {
    /// Carries out what connections said, up to what one turn may take.
    pub(super) fn work(&mut self, kernel: &mut Kernel, now: Time) {
        let mut time = now;
        for key in self.inbox.round(now) {
            if time.since(now) >= TIME_PER_TURN || kernel.unsent_bytes() >= OUTPUT_PER_TURN {
                break;
            }
            let began = time;
            time = self.work_for(kernel, now, key, began);
            self.inbox.note_work(key, time.since(began));
        }
        // Who still has something to say is heard next time, unless it does not listen.
        let waiting = self.inbox.said.keys().filter(|key| !self.paused.contains(key));
        self.ready.extend(waiting);
        self.ready.append(&mut self.inbox.unread);
    }

    /// Carries out some of what one connection said; returns when that was done.
    fn work_for(&mut self, kernel: &mut Kernel, now: Time, key: usize, began: Time) -> Time {
        let mut time = began;
        let unsent = kernel.unsent_bytes();
        let pending = self.connections.get(key).map_or(0, super::Connection::pending_output);
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
        let first = inbox.round(NOW)[0];
        inbox.note_work(first, Duration::from_millis(millis));
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
        inbox.note_work(1, Duration::from_secs(100));
        let mut now = NOW;
        for _ in 0..20 {
            now = now + HALF_LIFE;
            inbox.round(now);
        }
        inbox.note_work(2, Duration::from_millis(50));
        assert_eq!(inbox.round(now)[0], 1);
    }
}
