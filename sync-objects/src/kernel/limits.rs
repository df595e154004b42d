//! The kernel's bounds.

use std::time::Duration;

/// What the kernel refuses to exceed. A call that exceeds a limit gets a typed error, and nothing
/// has changed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Objects alive at once. Each costs some hundred bytes before it holds anything; the default
    /// of a million keeps an idle manager under a gigabyte whatever its clients do.
    pub objects: usize,
    /// Sessions at once. A session is a process; a machine rarely runs more than some thousands.
    pub sessions: usize,
    /// Bytes in an object's name. Names are read by people and kept in an index.
    pub name_length: usize,
    /// Names at once: each keeps an object for ever.
    pub names: usize,
    /// Tickets that wait to be redeemed: each keeps an object until its issuer ends.
    pub tickets: usize,
    /// Calls of one session that wait, in a line or for a one-way message before them: each is a
    /// thread of the client, or a pipelined call.
    pub calls_per_session: usize,
    /// One-way messages of one session that came before an earlier one. A client has some when its
    /// threads overtake each other (this project's client at most a thousand); one that leaves a
    /// gap would send them for ever. Its session ends: what it sent after the gap can never be
    /// carried out.
    pub early_one_ways: usize,
    /// Calls in the lines of one object. One more is refused instead: waking all of them is one
    /// step, in which nobody else is served.
    pub waiters_per_object: usize,
    /// Levels to which a value may nest: lists, maps and tags inside one another. Clients read and
    /// write at most [`MAX_DEPTH`](sync_proto::cbor::MAX_DEPTH), the default, for which values are
    /// not checked. More has no further effect; with less, each value that arrives is checked, for
    /// readers with small stacks.
    pub nesting: usize,
    /// Bytes of clients' values, including the cost of keeping them ([`OutOfMemory`]): otherwise
    /// the system would end the whole manager.
    ///
    /// [`OutOfMemory`]: sync_proto::ErrorKind::OutOfMemory
    pub memory: usize,
    /// How long a session whose connections broke is kept for its client to come back, with its
    /// locks and its places in line. Callers that wait for those locks wait that long, too. A
    /// server that listens on TCP refuses less than 100 ms.
    pub grace: Duration,
    /// Bytes of answers of more than a kilobyte that a session may leave unacknowledged, each kept
    /// in case it was lost. Several long messages may be unacknowledged, and the longest must fit.
    /// If an answer is lost because it was not kept, what it granted is given back: a turn, a
    /// lease.
    pub unacknowledged: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            objects: 1_000_000,
            sessions: 10_000,
            name_length: 255,
            names: 100_000,
            tickets: 100_000,
            calls_per_session: 65_536,
            early_one_ways: 4_096,
            waiters_per_object: 65_536,
            nesting: sync_proto::cbor::MAX_DEPTH,
            memory: 4 << 30,
            grace: Duration::from_secs(10),
            unacknowledged: 256 << 20,
        }
    }
}
