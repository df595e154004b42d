//! Events for an operator, on their way to a log.

use core::fmt;
use std::time::Duration;

use sync_proto::handshake::ClientInfo;
use sync_proto::{ObjectId, Refusal, SessionId, Token};

use super::DeadlockInfo;
use super::report::OneLine;

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// Its last connection was closed.
    Closed,
    /// A connection was closed while a call waited on it.
    ClosedWhileWaiting,
    /// Its process ended.
    ProcessEnded,
    /// It broke the protocol.
    Malformed(Refusal),
    /// The manager shuts down.
    ShuttingDown,
    /// Its connections broke, and it did not come back within this grace period.
    NotResumed(Duration),
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("its last connection was closed"),
            Self::ClosedWhileWaiting => f.write_str("a connection was closed during a call"),
            Self::ProcessEnded => f.write_str("its process ended"),
            Self::Malformed(refusal) => write!(f, "it broke the protocol: {refusal}"),
            Self::ShuttingDown => f.write_str("the manager shuts down"),
            Self::NotResumed(grace) => {
                write!(f, "its connections broke, and it did not come back within {grace:?}")
            }
        }
    }
}

/// An event that no caller learns of, for the driver to log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// A session ended.
    SessionEnded {
        /// The session.
        session: SessionId,
        /// How its client described itself.
        info: ClientInfo,
        /// The reason.
        reason: DisconnectReason,
        /// The last state change before that: answers with a [later](super::Outgoing::commit)
        /// number may follow from it.
        commit: Token,
    },
    /// A message that wants no answer could not be carried out.
    OneWayFailed {
        /// The session that sent it.
        session: SessionId,
        /// The object called.
        object: ObjectId,
        /// The object's interface and the method, "sync.lock.release".
        method: String,
        /// The reason.
        refusal: Refusal,
    },
    /// An object's code panicked, or its callers woke each other endlessly.
    ObjectBroke {
        /// The object.
        object: ObjectId,
        /// Its interface.
        interface: &'static str,
        /// The panic's message.
        why: String,
    },
    /// Callers wait for each other in a cycle: the first of them has just closed it.
    Deadlock {
        /// Who waits for whom; the caller that closed the cycle comes first.
        deadlock: DeadlockInfo,
        /// Whether that call was refused, so that the others go on.
        refused: bool,
    },
}

/// It is one line, whatever it quotes.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SessionEnded { session, info, reason, .. } => {
                let (program, pid, reason) = (OneLine(&info.program), info.pid, OneLine(reason));
                write!(f, "session {session} of {program} (pid {pid}) ended: {reason}")
            }
            Self::OneWayFailed { session, object, method, refusal } => {
                let why = OneLine(refusal);
                write!(f, "{method} on {object} for session {session} failed: {why}")
            }
            Self::Deadlock { deadlock, refused } => {
                write!(f, "{deadlock}")?;
                if *refused { write!(f, "; the first of them was refused") } else { Ok(()) }
            }
            Self::ObjectBroke { object, interface, why } => {
                write!(f, "{interface} {object} is broken: {}", OneLine(why))
            }
        }
    }
}
