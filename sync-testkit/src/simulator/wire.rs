//! A connection between a client and the manager: bytes under way, in both directions.

use std::collections::VecDeque;
use std::time::Duration;

use sync_objects::Time;

/// A connection.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    /// Its session survives that it breaks.
    pub(crate) is_tcp: bool,
    /// From the client to the manager.
    pub(crate) up: Pipe,
    /// From the manager to the client.
    pub(crate) down: Pipe,
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub(crate) struct Pipe {
    under_way: VecDeque<(Time, Vec<u8>)>,
    /// The writer has closed it: after what is under way comes the end.
    pub(crate) is_closed: bool,
    /// The reader has got the end, or has closed it: nothing is read from it any more.
    pub(crate) is_over: bool,
    /// So many bytes come one at a time.
    pub(crate) narrow: usize,
    /// How long bytes are under way.
    pub(crate) delay: Duration,
    /// Nothing comes through before this.
    pub(crate) stalled_until: Time,
}

/// The result of reading.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Bytes(Vec<u8>),
    End,
}

impl Pipe {
    pub(crate) fn write(&mut self, now: Time, bytes: Vec<u8>) {
        if !self.is_closed && !self.is_over && !bytes.is_empty() {
            self.under_way.push_back((now + self.delay, bytes));
        }
    }

    /// Returns when something can be read.
    pub(crate) fn ready_at(&self) -> Option<Time> {
        if self.is_over {
            return None;
        }
        match self.under_way.front() {
            Some(&(at, _)) => Some(at.max(self.stalled_until)),
            None => self.is_closed.then_some(self.stalled_until),
        }
    }

    pub(crate) fn read(&mut self) -> Read {
        let Some((_, first)) = self.under_way.front_mut() else {
            self.is_over = true;
            return Read::End;
        };
        if self.narrow > 0 && first.len() > 1 {
            self.narrow -= 1;
            let rest = first.split_off(1);
            return Read::Bytes(std::mem::replace(first, rest));
        }
        self.under_way.pop_front().map_or(Read::End, |(_, bytes)| Read::Bytes(bytes))
    }

    /// Loses the last `count` bytes that are under way; returns whether there were `count`.
    pub(crate) fn lose(&mut self, mut count: usize) -> bool {
        while let Some((at, mut last)) = self.under_way.pop_back() {
            if last.len() > count {
                last.truncate(last.len() - count);
                self.under_way.push_back((at, last));
                return true;
            }
            count -= last.len();
        }
        count == 0
    }

    pub(crate) fn bytes_under_way(&self) -> usize {
        self.under_way.iter().map(|(_, bytes)| bytes.len()).sum()
    }

    /// Nothing hinders it any more.
    pub(crate) fn heal(&mut self) {
        (self.narrow, self.delay, self.stalled_until) = (0, Duration::ZERO, Time::ZERO);
        for (at, _) in &mut self.under_way {
            *at = Time::ZERO;
        }
    }
}
