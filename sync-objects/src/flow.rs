//! What an object's method answers to the kernel.

use serde::Serialize;
use sync_proto::{Data, ErrorKind, ObjectId, Refusal};

/// A line of callers of an object: first come, first served. Objects number their lines themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel {
    number: u64,
    /// Set when a `Wait` crosses from a peer to the object that called it.
    of: Option<ObjectId>,
}

impl Channel {
    /// Names the line that an object knows by this number.
    pub const fn new(number: u64) -> Self {
        Self { number, of: None }
    }

    pub(crate) const fn number(self) -> u64 {
        self.number
    }

    pub(crate) fn object(self, own: ObjectId) -> ObjectId {
        self.of.unwrap_or(own)
    }

    const fn of_peer(self, peer: ObjectId) -> Self {
        Self { number: self.number, of: Some(peer) }
    }
}

/// The result of one poll of a method: an answer, a refusal, or a place in a line.
///
/// A call that waits is kept and *polled again* when something may have changed: the method runs
/// again, from its beginning, with the same arguments. It must not have changed anything before it
/// answered `Wait`, except for what its note ([`Cx::note`](crate::Cx::note)) tells it.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "the kernel handles every flow there is")]
pub enum Flow<T> {
    /// Answer now.
    Done(T),
    /// Refuse now. The object is as it was.
    Refuse(Refusal),
    /// Stand in line on this channel and be polled again when it is woken. If the deadline passes
    /// first, the call fails with `TimedOut`.
    Wait(Channel),
    /// As `Wait`, but polled once more when the deadline passes, with
    /// [`Cx::timed_out`](crate::Cx::timed_out). The note comes back in `Cx::note`. Whoever changes
    /// something before it asks [`Cx::check_line`](crate::Cx::check_line) first: of a call that
    /// wants no answer, and so cannot wait, only what it held is taken back.
    WaitThen(Channel, u64),
    /// Stand in line without a deadline from now on: a Condition's caller that was notified must
    /// retake its lock.
    Must(Channel, u64),
}

impl<T> Flow<T> {
    /// Refuses with a kind and a sentence.
    pub fn refuse(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::Refuse(Refusal::new(kind, message))
    }

    /// Maps the answer.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Flow<U> {
        self.and_then(|answer| Flow::Done(f(answer)))
    }

    /// Uses the result of a `Peer`'s method as a method's own answer: if the peer is gone, it
    /// refuses.
    pub fn of(result: Result<Self, Refusal>) -> Self {
        result.unwrap_or_else(Self::Refuse)
    }

    /// Continues with the answer of a peer. Nothing may have been changed before it: if the peer
    /// answers `Wait`, the whole method runs again when its line is woken.
    pub fn and_then<U>(self, f: impl FnOnce(T) -> Flow<U>) -> Flow<U> {
        match self {
            Self::Done(answer) => f(answer),
            Self::Refuse(refusal) => Flow::Refuse(refusal),
            Self::Wait(channel) => Flow::Wait(channel),
            Self::WaitThen(channel, note) => Flow::WaitThen(channel, note),
            Self::Must(channel, note) => Flow::Must(channel, note),
        }
    }

    /// Returns the same for the object that called: the line is still the peer's.
    pub(crate) fn of_peer(self, peer: ObjectId) -> Self {
        match self {
            Self::Wait(on) if on.of.is_none() => Self::Wait(on.of_peer(peer)),
            Self::WaitThen(on, note) if on.of.is_none() => Self::WaitThen(on.of_peer(peer), note),
            Self::Must(on, note) if on.of.is_none() => Self::Must(on.of_peer(peer), note),
            other => other,
        }
    }
}

impl<T: Serialize> Flow<T> {
    /// Encodes the answer for the wire.
    ///
    /// # Errors
    /// When the answer's `Serialize` fails.
    pub fn encode(self) -> Result<Flow<Data>, Refusal> {
        // Not by `map` and `transpose`: every answer goes through here.
        Ok(match self {
            Self::Done(answer) => Flow::Done(Data::encode(&answer)?),
            Self::Refuse(refusal) => Flow::Refuse(refusal),
            Self::Wait(channel) => Flow::Wait(channel),
            Self::WaitThen(channel, note) => Flow::WaitThen(channel, note),
            Self::Must(channel, note) => Flow::Must(channel, note),
        })
    }
}

impl<T, E> Flow<Result<T, E>> {
    /// Turns an error inside the answer into a refusal.
    ///
    /// # Errors
    /// The answer's.
    pub fn transpose(self) -> Result<Flow<T>, E> {
        let mut error = None;
        let flow = self.and_then(|answer| match answer {
            Ok(answer) => Flow::Done(answer),
            Err(found) => {
                error = Some(found);
                Flow::Refuse(ErrorKind::InvalidInput.into())
            }
        });
        error.map_or(Ok(flow), Err)
    }
}

impl<T> From<Result<T, Refusal>> for Flow<T> {
    fn from(result: Result<T, Refusal>) -> Self {
        match result {
            Ok(answer) => Self::Done(answer),
            Err(refusal) => Self::Refuse(refusal),
        }
    }
}
