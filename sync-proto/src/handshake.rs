//! How a connection begins: the client says what it is for, and is welcomed or refused.
//!
//! ```text
//! client                                     server
//!   │  preamble, Hello {purpose}                │
//!   │ ────────────────────────────────────────► │
//!   │           Welcome {session, token}        │   or Refused
//!   │ ◄──────────────────────────────────────── │
//! ```
//!
//! The peers have authenticated each other before: over a unix socket by their credentials, over
//! TCP by the key, inside whose encryption these messages travel ([`secure`](crate::secure)).

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::message::{ClientMessage, ServerMessage};
use crate::{Epoch, ErrorKind, ManagerId, Refusal, SessionId, SessionToken};

/// A client's first message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// What the connection is for.
    pub purpose: Purpose,
}

/// What a connection is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_enums, reason = "a server handles every purpose of its version")]
pub enum Purpose {
    /// To begin a session.
    Open(ClientInfo),
    /// To be one more connection of a session, of this generation. With a new one, the client has
    /// given up the session's connections of all earlier ones.
    Join(SessionToken, Epoch),
}

/// How a client describes itself, for the logs and for the manager's `debug_info` only: no decision
/// depends on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientInfo {
    /// Its process id, in its own view.
    pub pid: u32,
    /// Its program's name; cut after 64 bytes.
    pub program: String,
}

impl ClientInfo {
    /// Takes a process id and the path of a program.
    pub fn new(pid: u32, program: Option<PathBuf>) -> Self {
        let name = program.as_deref().and_then(Path::file_name).unwrap_or_default();
        let mut program = name.to_string_lossy().into_owned();
        while program.len() > 64 {
            program.pop();
        }
        Self { pid, program }
    }
}

/// The end of a handshake that went well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The manager.
    pub manager: ManagerId,
    /// The session that the connection belongs to.
    pub session: SessionId,
    /// What further connections join it with.
    pub token: SessionToken,
    /// The longest frame body that the server accepts, in bytes.
    pub body_max: u32,
    /// How the session survives broken connections; one over a unix socket does not, and ends
    /// with them.
    pub resumption: Option<Resumption>,
}

/// How a session survives broken connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumption {
    /// Each end sends the other something at least this often. One that gets nothing for
    /// [`SILENCE`] times as long takes the connections for broken; the server, which may have been
    /// stopped or busy itself, only after one more.
    pub heartbeat: Duration,
    /// How long the server keeps a session whose connections are broken.
    pub grace: Duration,
}

/// After how many heartbeats of silence a client takes its connections for broken, and the server a
/// client for suspect. Two may be lost, or late.
pub const SILENCE: u32 = 3;

impl Hello {
    /// Takes a client's first message.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] when it is another message; the refusal is to be sent, and the
    /// connection closed.
    pub fn of(message: ClientMessage) -> Result<Self, Refusal> {
        match message {
            ClientMessage::Hello(hello) => Ok(hello),
            _ => Err(Refusal::new(ErrorKind::Malformed, "a connection begins with a hello")),
        }
    }
}

impl Welcome {
    /// Takes a server's first message.
    ///
    /// # Errors
    /// What the server refused with; [`ErrorKind::Malformed`] when it sends something that has no
    /// place here.
    pub fn of(message: ServerMessage) -> Result<Self, Refusal> {
        match message {
            ServerMessage::Welcome(welcome) => Ok(welcome),
            ServerMessage::Refused(refusal) => Err(refusal),
            _ => Err(Refusal::new(ErrorKind::Malformed, "the manager's handshake is out of order")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CallId;
    use crate::frame::{self, FrameLimit, OutBuffer};
    use crate::message::Reply;

    #[test]
    fn a_connection_begins_with_a_hello_and_a_welcome_or_a_refusal_and_nothing_else() {
        let hello = Hello { purpose: Purpose::Open(ClientInfo::default()) };
        assert_eq!(Hello::of(ClientMessage::Hello(hello.clone())).unwrap(), hello);
        let early = Hello::of(ClientMessage::Cancel(CallId(1))).unwrap_err();
        assert_eq!(early.kind, ErrorKind::Malformed);
        let (manager, session, token) = (ManagerId(1), SessionId(2), SessionToken(3));
        let welcome = Welcome { manager, session, token, body_max: 4, resumption: None };
        assert_eq!(Welcome::of(ServerMessage::Welcome(welcome.clone())).unwrap(), welcome);
        let refusal = Refusal::from(ErrorKind::ShuttingDown);
        assert_eq!(Welcome::of(ServerMessage::Refused(refusal.clone())).unwrap_err(), refusal);
        let reply = Reply { call: CallId(1), outcome: Err(refusal) };
        let early = Welcome::of(ServerMessage::Reply(reply)).unwrap_err();
        assert_eq!(early.kind, ErrorKind::Malformed);
    }

    #[test]
    fn the_longest_hello_takes_less_than_a_hundred_bytes() {
        let info = ClientInfo::new(u32::MAX, Some(PathBuf::from("x".repeat(100))));
        let join = Purpose::Join(SessionToken(u128::MAX), Epoch(u64::MAX));
        for purpose in [Purpose::Open(info), join] {
            let hello = ClientMessage::Hello(Hello { purpose });
            let limit = FrameLimit { head: 99, body: 0 };
            frame::encode(&hello, limit, &mut OutBuffer::new()).unwrap();
        }
    }

    #[test]
    fn a_long_name_of_a_program_is_cut() {
        let info = ClientInfo::new(7, Some(PathBuf::from(format!("/bin/{}", "é".repeat(40)))));
        assert_eq!(info.program, "é".repeat(32));
    }
}
