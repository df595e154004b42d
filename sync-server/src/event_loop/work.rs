//! What is carried out in one turn: some of each connection, so that nobody waits long for the
//! others.
//!
//! What a connection said beyond that stays in its inbox, and the connection is not read before
//! the inbox is empty: a client that says much waits for itself.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sync_objects::{Kernel, Time};

use super::{EventLoop, Said};
use crate::limits::{CALLS_PER_TURN, OUTPUT_PER_TURN, TIME_PER_CONNECTION, TIME_PER_TURN};

/// What connections said and what was not carried out yet, by connection, each in order.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    said: BTreeMap<usize, VecDeque<Said>>,
    /// Connections that had more to read, and will have when their inbox is empty.
    unread: BTreeSet<usize>,
    /// The connection to begin with: after the last one that was served.
    next: usize,
}

impl Inbox {
    pub(super) fn push(&mut self, key: usize, said: Said) {
        self.said.entry(key).or_default().push_back(said);
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
    }

    /// Returns who said something, each connection once, going on after the last turn's last.
    fn round(&self) -> Vec<usize> {
        let (after, before) = (self.said.range(self.next..), self.said.range(..self.next));
        after.chain(before).map(|(&key, _)| key).collect()
    }

    fn pop(&mut self, key: usize) -> Option<Said> {
        let said = self.said.get_mut(&key)?;
        let first = said.pop_front();
        if said.is_empty() {
            self.said.remove(&key);
        }
        first
    }
}

impl EventLoop {
    /// Carries out what connections said, up to what one turn may take.
    pub(super) fn work(&mut self, kernel: &mut Kernel, now: Time) {
        let mut time = now;
        for key in self.inbox.round() {
            if time.since(now) >= TIME_PER_TURN || kernel.unsent_bytes() >= OUTPUT_PER_TURN {
                break;
            }
            self.inbox.next = key + 1;
            time = self.work_for(kernel, now, key, time);
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
    pub(super) fn shed(&mut self, now: Time) {
        let limit = self.limits.input_total.max(self.limits.message);
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
