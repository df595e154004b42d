//! Every bound of the server, each with its reason and its flag.

use std::time::Duration;

use sync_proto::frame::FrameLimit;

/// What the server refuses to exceed. All are on by default.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// The longest frame body, in bytes: one call's arguments and values, or one answer's
    /// (`--max-message`). A peer cannot make the server reserve more than this for one message.
    pub message: usize,
    /// Connections at once (`--max-connections`): each is a file descriptor.
    pub connections: usize,
    /// Connections at once that are not let in yet (`--max-half-open`). One more, and the oldest
    /// of them is dropped: strangers that come and say nothing keep nobody out.
    pub half_open: usize,
    /// How long a client may take from its first byte to its welcome (`--handshake-timeout`), in
    /// all and not for each message: a silent stranger costs a connection for no longer.
    pub handshake: Duration,
    /// Bytes that may wait for a client that does not read, before it is not read from either:
    /// whoever asks must also listen.
    pub output_pause: usize,
    /// What the kernel refuses to exceed (`--max-objects`, `--max-sessions`).
    pub kernel: sync_objects::Limits,
}

/// Bytes read from one connection in one turn of the loop: what one client can make the others
/// wait for.
pub(crate) const READ_PER_TURN: usize = 64 * 1024;

/// Connections accepted in one turn of the loop.
pub(crate) const ACCEPTS_PER_TURN: usize = 64;

/// Connections that the system keeps for the server before it accepts them.
pub(crate) const BACKLOG: i32 = 1024;

impl Limits {
    pub(crate) const fn frame(&self) -> FrameLimit {
        FrameLimit::of_body(self.message)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: 64 << 20,
            connections: 10_000,
            half_open: 1024,
            handshake: Duration::from_secs(5),
            output_pause: 1 << 20,
            kernel: sync_objects::Limits::default(),
        }
    }
}
