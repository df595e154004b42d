//! The flags for everything that the server refuses to exceed.

use std::time::Duration;

use clap::Args;
use clap::builder::{RangedU64ValueParser, TypedValueParser};
use sync_server::Limits;

/// The limits, each with a flag. `docs/limits.md` lists them; a test holds it to this.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitFlags {
    /// The longest message, in bytes: one call with its values, or one answer.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().message)]
    max_message: usize,

    /// The most connections at once.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().connections)]
    max_connections: usize,

    /// The most connections at once whose handshake is not finished; one more, and the oldest of
    /// them is dropped.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().half_open)]
    max_half_open: usize,

    /// The most connections at once of one process over a unix socket, or of one address over TCP.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().connections_per_peer)]
    max_connections_per_peer: usize,

    /// The most client processes at once, and threads of Python programs over TCP.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().kernel.sessions)]
    max_sessions: usize,

    /// The most sessions at once of one process over a unix socket, or of one address over TCP,
    /// where each thread of a Python program has one.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().sessions_per_peer)]
    max_sessions_per_peer: usize,

    /// The seconds that a client may take from connecting to the end of its handshake.
    #[arg(long, value_name = "SECONDS",
        default_value_t = Limits::default().handshake_timeout.as_secs())]
    handshake_timeout: u64,

    /// The longest first message of a client, in the handshake, in bytes; no more than 1024.
    #[arg(long, value_name = "BYTES", value_parser = up_to(Limits::default().hello),
        default_value_t = Limits::default().hello)]
    max_hello: usize,

    /// How often a TCP client and the server send each other something, in milliseconds; a client
    /// that is silent for three times as long, and still is one heartbeat later, has lost its
    /// connections.
    #[arg(long, value_name = "MILLISECONDS", value_parser = clap::value_parser!(u64).range(1..),
        default_value_t = millis(Limits::default().heartbeat))]
    heartbeat: u64,

    /// How long a TCP client whose connection broke may take to come back before its session
    /// ends and its locks pass on, in milliseconds; at least 100.
    #[arg(long, value_name = "MILLISECONDS",
        default_value_t = millis(Limits::default().kernel.grace))]
    grace: u64,

    /// The seconds for which the references of a host's Python programs are kept after the last of
    /// them has disconnected from TCP.
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().python_grace.as_secs())]
    python_grace: u64,

    /// The most bytes of answers of more than 1 KiB that one TCP client may leave unacknowledged.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().kernel.unacknowledged)]
    max_unacknowledged: usize,

    /// The most objects at once.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().kernel.objects)]
    max_objects: usize,

    /// The most names at once.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().kernel.names)]
    max_names: usize,

    /// The longest name, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().kernel.name_length)]
    max_name_length: usize,

    /// The most tickets that wait to be redeemed.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().kernel.tickets)]
    max_tickets: usize,

    /// The most calls that wait for one object.
    #[arg(long, value_name = "COUNT",
        default_value_t = Limits::default().kernel.waiters_per_object)]
    max_waiters_per_object: usize,

    /// The most calls of one client process that wait.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().kernel.calls_per_session)]
    max_calls_per_session: usize,

    /// The most calls of one connection that are not answered yet, but for those that wait for a
    /// message of the same client that is late.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().calls_per_connection)]
    max_calls_per_connection: usize,

    /// The most messages of one client process that are kept because an earlier one is missing; a
    /// Rust client has at most some thousand under way.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().kernel.early_one_ways)]
    max_early_one_ways: usize,

    /// The most levels to which a value may nest; no more than 128, which is what clients can read.
    #[arg(long, value_name = "LEVELS", value_parser = up_to(Limits::default().kernel.nesting),
        default_value_t = Limits::default().kernel.nesting)]
    max_nesting: usize,

    /// The most bytes of values, including the cost of keeping them. Without it: half of the
    /// machine's memory, or of what the control group allows.
    #[arg(long, value_name = "BYTES")]
    max_memory: Option<usize>,

    /// The most bytes of messages that are not complete, or wait to be carried out, on all
    /// connections.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().input_total)]
    max_input_total: usize,

    /// The bytes of unread answers at which a connection is no longer read from.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().output_soft)]
    output_soft: usize,

    /// The bytes of unread answers at which a connection is dropped.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().output_hard)]
    output_hard: usize,

    /// The most bytes of unread answers, on all connections.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().output_total)]
    max_output_total: usize,
}

impl LimitFlags {
    /// Returns the limits that the flags say.
    pub(crate) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits.message = self.max_message;
        limits.connections = self.max_connections;
        limits.half_open = self.max_half_open;
        limits.kernel.unacknowledged = self.max_unacknowledged;
        limits.python_grace = Duration::from_secs(self.python_grace);
        limits.heartbeat = Duration::from_millis(self.heartbeat);
        limits.kernel.grace = Duration::from_millis(self.grace);
        limits.connections_per_peer = self.max_connections_per_peer;
        limits.sessions_per_peer = self.max_sessions_per_peer;
        limits.handshake_timeout = Duration::from_secs(self.handshake_timeout);
        limits.hello = self.max_hello;
        limits.calls_per_connection = self.max_calls_per_connection;
        limits.input_total = self.max_input_total;
        limits.output_soft = self.output_soft;
        limits.output_hard = self.output_hard;
        limits.output_total = self.max_output_total;
        limits.kernel.sessions = self.max_sessions;
        limits.kernel.objects = self.max_objects;
        limits.kernel.names = self.max_names;
        limits.kernel.name_length = self.max_name_length;
        limits.kernel.tickets = self.max_tickets;
        limits.kernel.waiters_per_object = self.max_waiters_per_object;
        limits.kernel.calls_per_session = self.max_calls_per_session;
        limits.kernel.early_one_ways = self.max_early_one_ways;
        limits.kernel.nesting = self.max_nesting;
        limits.kernel.memory = self.max_memory.unwrap_or(limits.kernel.memory);
        limits
    }
}

#[cfg(test)]
mod tests;

fn up_to(most: usize) -> impl TypedValueParser<Value = usize> {
    RangedU64ValueParser::new().range(1..=most as u64)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
