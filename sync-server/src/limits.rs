//! Every bound of the server, each with its reason and its flag; those of the kernel, which knows
//! neither sockets nor flags, are a part of them.

use std::time::Duration;

use sync_objects::Limits as KernelLimits;
use sync_proto::frame::FrameLimit;

mod memory;

/// What the server refuses to exceed. All limits are on by default; a caller that exceeds one gets
/// a typed error.
///
/// Each has a flag of `sync-server` by its own name, with `max-` before it if it is a maximum.
/// Those on what clients keep in the manager, rather than on sockets, are in
/// [`kernel`](Self::kernel):
///
/// ```
/// use sync_server::{Limits, Server};
///
/// let mut limits = Limits::default();
/// limits.connections = 500; // as --max-connections
/// limits.output_hard = 16 << 20; // as --output-hard
/// limits.kernel.memory = 1 << 30; // as --max-memory
/// let server = Server::builder().limits(limits).spawn()?;
/// # Ok::<(), sync_server::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// The longest frame body, in bytes: one call's arguments and values, or one answer's
    /// (`--max-message`). A peer cannot make the server reserve more than this for one message.
    pub message: usize,
    /// Connections at once (`--max-connections`): each is a file descriptor.
    pub connections: usize,
    /// Connections at once whose handshake is not finished (`--max-half-open`). One more, and the
    /// oldest of them is dropped: peers that connect and send nothing keep nobody out.
    pub half_open: usize,
    /// Connections at once of one peer (`--max-connections-per-peer`): of one process over a unix
    /// socket, of one address over TCP. A peer that opens them without end leaves some for others.
    pub connections_per_peer: usize,
    /// Sessions at once of one peer (`--max-sessions-per-peer`): likewise. Over TCP each thread of
    /// a Python program has one.
    pub sessions_per_peer: usize,
    /// How long a client may take from connecting to its welcome (`--handshake-timeout`), in all
    /// and not for each message: a silent peer costs a connection for no longer. The time in which
    /// the server is stopped, or carries out one long call, does not count.
    pub handshake_timeout: Duration,
    /// The longest first message of a client, in bytes (`--max-hello`), while it is
    /// unauthenticated. At most 1,024, the default; honest ones take less than 100.
    pub hello: usize,
    /// How often a client over TCP and the server send each other something (`--heartbeat`). After
    /// three times as long without a message a client is checked once more, one heartbeat later,
    /// and if it was silent still, its connections count as broken.
    pub heartbeat: Duration,
    /// How long references of a host's Python programs are kept while none of them is connected
    /// over TCP (`--python-grace`): the server cannot see which of its processes are gone.
    pub python_grace: Duration,
    /// Calls of one connection that are not answered (`--max-calls-per-connection`). Each is kept
    /// until it is answered; one more is refused at once, with `LimitReached`. Calls that wait for
    /// a late one-way message are counted once it has come: until then they are bounded as those of
    /// their session are, and by the memory that they take.
    pub calls_per_connection: usize,
    /// Bytes of messages that are not complete, or wait to be carried out, on all connections
    /// together (`--max-input-total`), or one message if that is more. When there are more, the
    /// connection that has had one for longest, at least a second, is refused with `OutOfMemory` if
    /// its message is incomplete, and dropped if it is complete.
    pub input_total: usize,
    /// Bytes of answers that may wait for one connection that does not take them, before it is not
    /// read from either (`--output-soft`). Its requests are then not carried out.
    pub output_soft: usize,
    /// Bytes of answers that may wait for one connection, before it is dropped (`--output-hard`):
    /// calls that waited in line are answered even while it is not read from. An answer that began
    /// below this limit is sent whole.
    pub output_hard: usize,
    /// Bytes of answers that may wait on all connections together (`--max-output-total`). When
    /// there are more, the connection that has not taken all of its answers for longest, at least a
    /// second, is dropped.
    pub output_total: usize,
    /// What the kernel refuses to exceed (`--max-objects`, `--max-memory`, `--grace`, …).
    pub kernel: KernelLimits,
}

/// Bytes read from one connection in one turn of the loop: they bound how long one client makes the
/// others wait.
pub(crate) const READ_PER_TURN: usize = 64 * 1024;

/// Connections that are read in one turn.
pub(crate) const READS_PER_TURN: usize = 32;

/// Bytes of Python's requests in one turn: after that no further connection is read. A byte can
/// become fifty in memory, before the request is known.
pub(crate) const REQUESTS_PER_TURN: usize = 1 << 20;

/// Bytes written to one connection in one turn; and if more are written to all of them, the time is
/// checked: after [`TIME_PER_TURN`] of writing, connections that were not written to yet are in the
/// next turn.
pub(crate) const WRITE_PER_TURN: usize = 256 * 1024;

/// Calls of one connection that are carried out in one turn: a read of small ones has thousands.
pub(crate) const CALLS_PER_TURN: usize = 128;

/// How long one connection's calls are carried out before the next one's.
pub(crate) const TIME_PER_CONNECTION: Duration = Duration::from_micros(200);

/// A turn ends after this time, or this many bytes of answers: then what came meanwhile is read.
pub(crate) const TIME_PER_TURN: Duration = Duration::from_millis(1);
pub(crate) const OUTPUT_PER_TURN: usize = 64 << 20;

/// Connections accepted in one turn of the loop.
pub(crate) const ACCEPTS_PER_TURN: usize = 16;

/// Reads, in one turn, from connections that have not proved yet that they have the key: answering
/// one takes some 0.1 ms, and whoever recorded a first message can have it answered again. As many
/// connections in the handshake have their messages carried out.
pub(crate) const STRANGERS_PER_TURN: usize = 2;

/// Connections that the system keeps for the server before it accepts them.
pub(crate) const BACKLOG: i32 = 1024;

/// How long the last answers may take to be written when the server ends.
pub(crate) const LAST_WORDS: Duration = Duration::from_secs(1);

impl Limits {
    /// Returns the limit of what an unauthenticated client may send.
    pub(crate) fn first_frame(&self) -> FrameLimit {
        let most = FrameLimit::HANDSHAKE;
        FrameLimit { head: self.hello.min(most.head), ..most }
    }

    pub(crate) const fn frame(&self) -> FrameLimit {
        FrameLimit::of_body(self.message)
    }
}

impl Default for Limits {
    /// Returns limits that suit most uses; half of the machine's memory, or of what this process
    /// may have of it, is for the clients' values.
    fn default() -> Self {
        let mut kernel = KernelLimits::default();
        kernel.memory = memory::half().unwrap_or(kernel.memory);
        Self {
            message: 64 << 20,
            connections: 10_000,
            half_open: 1024,
            connections_per_peer: 8_000,
            sessions_per_peer: 1024,
            handshake_timeout: Duration::from_secs(5),
            hello: FrameLimit::HANDSHAKE.head,
            heartbeat: Duration::from_secs(2),
            python_grace: Duration::from_secs(3600),
            calls_per_connection: 4096,
            input_total: 1 << 30,
            output_soft: 1 << 20,
            output_hard: 64 << 20,
            output_total: 1 << 30,
            kernel,
        }
    }
}
