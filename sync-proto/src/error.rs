//! What can go wrong, in one vocabulary for the manager, the wire and the client.

use core::fmt;
use std::io;

use serde::{Deserialize, Serialize};

/// What kind of failure an [`Error`] is: what a program branches on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The manager is gone, or the connection to it broke: the session is over.
    Disconnected,
    /// The manager did not accept the peer: wrong key, or another user.
    Unauthorized,
    /// The two ends speak different versions of the protocol.
    Incompatible,
    /// The deadline that the caller set has passed.
    TimedOut,
    /// The object is closed: nothing more goes in or comes out.
    Closed,
    /// The object broke: its code panicked, or a party of it failed.
    Broken,
    /// The caller does not hold what it wants to release.
    NotOwner,
    /// The named object is of another type or shape than was asked for.
    Mismatch,
    /// A value, or an object, is of another type than the one asked for.
    WrongType,
    /// Something that was to be new exists already.
    Exists,
    /// No such object, name, key, ticket or item.
    NotFound,
    /// An argument is invalid; the message says which and why.
    InvalidInput,
    /// An index or a range lies outside of the object.
    OutOfRange,
    /// A number does not fit its type.
    Overflow,
    /// A value or a message is larger than the manager accepts.
    TooLarge,
    /// A limit of the manager is reached (objects, connections, waiters, memory, …).
    LimitReached,
    /// The object was changed meanwhile, by the caller itself or under an iteration.
    Changed,
    /// The manager is shutting down.
    ShuttingDown,
    /// A message broke the protocol: a bug in the peer, or something else uses that socket.
    Malformed,
    /// The object has no such method: the two ends were built from different interfaces.
    UnknownMethod,
    /// The operating system refused; the message has its text.
    Io,
    /// Waiting would have closed a cycle of callers that wait for each other, and the manager is
    /// configured to refuse that.
    Deadlock,
    /// The manager has reached its memory limit. The object is as it was.
    OutOfMemory,
    /// The manager is there but has been silent for longer than the client waits: it is stopped, or
    /// its machine is. The session is over.
    Unresponsive,
}

impl ErrorKind {
    /// Returns whether the manager is gone, is ending, or does not answer.
    pub const fn is_disconnected(self) -> bool {
        matches!(self, Self::Disconnected | Self::ShuttingDown | Self::Unresponsive)
    }

    /// Returns the kind in words, for a message that has none better.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disconnected => "the manager is gone",
            Self::Unauthorized => "not accepted by the manager",
            Self::Incompatible => "another version of the protocol",
            Self::TimedOut => "the deadline has passed",
            Self::Closed => "the object is closed",
            Self::Broken => "the object is broken",
            Self::NotOwner => "not held by the caller",
            Self::Mismatch => "the named object differs",
            Self::WrongType => "of another type than asked for",
            Self::Exists => "exists already",
            Self::NotFound => "not found",
            Self::InvalidInput => "an argument is invalid",
            Self::OutOfRange => "out of range",
            Self::Overflow => "the number does not fit",
            Self::TooLarge => "too large",
            Self::LimitReached => "a limit of the manager is reached",
            Self::Changed => "changed meanwhile",
            Self::ShuttingDown => "the manager is shutting down",
            Self::Malformed => "the protocol was violated",
            Self::UnknownMethod => "no such method",
            Self::Io => "an input/output error",
            Self::Deadlock => "waiting would be a deadlock",
            Self::OutOfMemory => "the manager has reached its memory limit",
            Self::Unresponsive => "the manager does not answer",
        }
    }

    const fn io_kind(self) -> io::ErrorKind {
        match self {
            Self::Disconnected | Self::ShuttingDown => io::ErrorKind::ConnectionAborted,
            Self::Unauthorized | Self::NotOwner => io::ErrorKind::PermissionDenied,
            Self::TimedOut | Self::Unresponsive => io::ErrorKind::TimedOut,
            Self::Closed => io::ErrorKind::BrokenPipe,
            Self::Deadlock => io::ErrorKind::Deadlock,
            Self::Exists => io::ErrorKind::AlreadyExists,
            Self::NotFound => io::ErrorKind::NotFound,
            Self::InvalidInput | Self::OutOfRange => io::ErrorKind::InvalidInput,
            Self::WrongType | Self::Malformed | Self::Mismatch => io::ErrorKind::InvalidData,
            Self::TooLarge | Self::LimitReached => io::ErrorKind::QuotaExceeded,
            Self::OutOfMemory => io::ErrorKind::OutOfMemory,
            Self::Incompatible | Self::UnknownMethod => io::ErrorKind::Unsupported,
            Self::Broken | Self::Changed | Self::Overflow | Self::Io => io::ErrorKind::Other,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refusal in transit: a kind for programs and a sentence for people. Objects refuse with it, and
/// so do the kernel and the server, and it crosses the wire as it is. A caller gets it as an
/// [`Error`], which also knows the object and the method.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What a program branches on.
    pub kind: ErrorKind,
    /// What a person reads: a lowercase fragment; empty where the kind says it all.
    pub message: String,
}

impl Refusal {
    /// Makes a refusal of a kind with a message that says who is to blame and what to do.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// Adds what was being done.
    #[must_use]
    pub fn during(self, interface: &'static str, method: &'static str) -> Error {
        Error(Box::new(Inner { kind: self.kind, message: self.message, interface, method }))
    }
}

impl From<ErrorKind> for Refusal {
    fn from(kind: ErrorKind) -> Self {
        Self { kind, message: String::new() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.message.is_empty() { self.kind.as_str() } else { &self.message })
    }
}

impl std::error::Error for Refusal {}

/// Why a call on a shared object failed.
///
/// It knows its [`kind`](Self::kind), and the object's interface and the method that failed, and
/// converts into an [`io::Error`] of the matching kind.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    kind: ErrorKind,
    message: String,
    interface: &'static str,
    method: &'static str,
}

impl Error {
    /// Makes an error that no object is to blame for.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Refusal::new(kind, message).during("", "")
    }

    /// Adds a clause to the sentence for people.
    #[must_use]
    pub fn with_note(mut self, note: impl fmt::Display) -> Self {
        self.0.message = format!("{}; {note}", self.message());
        self
    }

    /// Returns the kind of this failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the interface of the object that was called ("sync.queue"), if one was.
    pub fn interface(&self) -> Option<&'static str> {
        Some(self.0.interface).filter(|name| !name.is_empty())
    }

    /// Returns the method that failed, if an object was called.
    pub fn method(&self) -> Option<&'static str> {
        Some(self.0.method).filter(|name| !name.is_empty())
    }

    /// Returns the sentence for people, without the object and the method.
    pub fn message(&self) -> &str {
        if self.0.message.is_empty() { self.0.kind.as_str() } else { &self.0.message }
    }

    /// Returns whether the deadline passed.
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::TimedOut
    }

    /// Returns whether the manager is gone, is ending, or does not answer: no later call of this
    /// session can succeed.
    pub fn is_disconnected(&self) -> bool {
        self.kind().is_disconnected()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(interface), Some(method)) = (self.interface(), self.method()) {
            write!(f, "{interface}.{method}: ")?;
        }
        f.write_str(self.message())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?}, {:?})", self.0.kind, self.to_string())
    }
}

impl std::error::Error for Error {}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        refusal.during("", "")
    }
}

impl From<core::convert::Infallible> for Error {
    fn from(never: core::convert::Infallible) -> Self {
        match never {}
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { kind: error.0.kind, message: error.0.message }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::new(error.kind().io_kind(), error)
    }
}
