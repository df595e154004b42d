//! Which peers may connect, and the log of those that may not.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;

use sync_objects::Time;

use crate::keys::Keys;
use crate::ration::{Ration, Share};

/// What a connection is measured by before it is let in.
#[derive(Debug)]
pub(crate) struct Strangers {
    pub(crate) keys: Arc<Keys>,
    /// TCP is not encrypted, and accepts everybody.
    pub(crate) insecure_tcp: bool,
    /// Users beside the server's own.
    pub(crate) uids: Vec<u32>,
    ration: Ration,
}

/// Unauthenticated peers that have sent something, by the keys of their connections, in the order
/// in which they began to: few are read in a turn, and one that keeps sending waits for the others.
#[derive(Debug, Default)]
pub(crate) struct Knocking {
    line: VecDeque<usize>,
    in_line: BTreeSet<usize>,
}

impl Knocking {
    /// Puts a stranger at the end of the line, unless it stands there.
    pub(crate) fn push(&mut self, key: usize) {
        if self.in_line.insert(key) {
            self.line.push_back(key);
        }
    }

    /// Takes the first one out of the line.
    pub(crate) fn pop(&mut self) -> Option<usize> {
        let key = self.line.pop_front()?;
        self.in_line.remove(&key);
        Some(key)
    }

    pub(crate) fn remove(&mut self, key: usize) {
        if self.in_line.remove(&key) {
            self.line.retain(|&of| of != key);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.line.is_empty()
    }
}

impl Strangers {
    pub(crate) fn new(keys: Arc<Keys>, insecure_tcp: bool, uids: Vec<u32>) -> Self {
        Self { keys, insecure_tcp, uids, ration: Ration::default() }
    }

    /// Notes a connection that was closed without an answer.
    pub(crate) fn log(&mut self, now: Time, origin: Option<SocketAddr>, why: impl Display) {
        let Share { is_worth_a_line, unsaid } = self.ration.meet(now);
        if unsaid > 0 {
            tracing::warn!("{unsaid} more connections were closed like that");
        }
        if is_worth_a_line {
            match origin {
                Some(origin) => tracing::warn!("a connection from {origin} is closed: {why}"),
                None => tracing::warn!("a connection is closed: {why}"),
            }
        }
    }
}
