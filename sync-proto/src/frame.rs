//! Frames: how messages are cut out of a stream of bytes.
//!
//! ```text
//!   4 bytes     4 bytes     head               body
//! ┌───────────┬───────────┬──────────────────┬───────────────────────────────┐
//! │ head len  │ body len  │ postcard message │ arguments, payload, payload … │
//! └───────────┴───────────┴──────────────────┴───────────────────────────────┘
//!   little-endian
//! ```
//!
//! The head says how long each part of the body is. The body is apart so that a large value is
//! read from the socket straight into the memory it is kept in, and written from there.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::message::{Message, WireHandle};
use crate::payload::{Encoding, Payload};
use crate::{Data, ErrorKind, Refusal};

mod decoder;
mod out_buffer;

pub use decoder::Decoder;
pub use out_buffer::OutBuffer;

/// The bytes of the two lengths before a frame.
pub const PREFIX: usize = 8;

/// The largest head that is taken: lists of payloads and handles, not values.
pub const HEAD_MAX: usize = 1 << 20;

/// What an answer may be longer than the longest request.
const ANSWER_SLACK: usize = 64 * 1024;

/// What a connection must hold to, and answers for: a frame's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLimit {
    /// The longest head, in bytes.
    pub head: usize,
    /// The longest body, in bytes.
    pub body: usize,
}

impl FrameLimit {
    /// What a peer may say before it is known: no frame of a handshake is longer.
    pub const HANDSHAKE: Self = Self { head: 1024, body: 0 };

    /// Makes the limit for a known peer: heads up to [`HEAD_MAX`], bodies up to `body` bytes.
    pub const fn of_body(body: usize) -> Self {
        Self { head: HEAD_MAX, body }
    }

    /// Makes the limit for what a server with this limit answers: every value that it took goes
    /// out again with what is said about it, and lists of many small values have long heads.
    pub const fn of_answers(self) -> Self {
        let head = if self.body > self.head { self.body } else { self.head };
        Self { head: head + ANSWER_SLACK, body: self.body + ANSWER_SLACK }
    }

    fn check(self, head: usize, body: usize) -> Result<(), Refusal> {
        let too_large = |what: &str, found: usize, limit: usize| {
            let why = format!("a frame's {what} of {found} bytes is over the limit of {limit}");
            Err(Refusal::new(ErrorKind::TooLarge, why))
        };
        if head > self.head {
            return too_large("head", head, self.head);
        }
        if body > self.body {
            return too_large("body", body, self.body);
        }
        Ok(())
    }
}

/// Appends a message to a buffer.
///
/// # Errors
/// [`ErrorKind::TooLarge`] when it is over the limit; the buffer is as it was.
pub fn encode<M: Message>(
    message: &M,
    limit: FrameLimit,
    out: &mut OutBuffer,
) -> Result<(), Refusal> {
    let (head, data) = message.split();
    let body = data.map_or(0, Data::len);
    let head = postcard::to_extend(&head, SmallVec::<[u8; 128]>::new()).map_err(|error| {
        Refusal::new(ErrorKind::Malformed, format!("a message cannot be encoded: {error}"))
    })?;
    limit.check(head.len(), body)?;
    let length = |len: usize| u32::try_from(len).map(u32::to_le_bytes);
    let (Ok(head_len), Ok(body_len)) = (length(head.len()), length(body)) else {
        return Err(Refusal::new(ErrorKind::TooLarge, "a frame holds less than 4 GiB"));
    };
    out.extend(&head_len);
    out.extend(&body_len);
    out.extend(&head);
    if let Some(data) = data {
        out.extend(&data.args);
        for payload in &data.payloads {
            out.push(&payload.bytes);
        }
    }
    Ok(())
}

/// A [`Data`] as it stands in a frame's head: how the body is to be cut.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataHead {
    args: u32,
    payloads: SmallVec<[PayloadHead; 1]>,
    handles: Vec<WireHandle>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct PayloadHead {
    encoding: Encoding,
    len: u32,
    handles: Vec<WireHandle>,
}

impl DataHead {
    pub(crate) fn of(data: &Data<WireHandle>) -> Self {
        // A length over 4 GiB is refused by `encode` before this head is used.
        let length = |bytes: &Bytes| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        Self {
            args: length(&data.args),
            payloads: data
                .payloads
                .iter()
                .map(|payload| PayloadHead {
                    encoding: payload.encoding,
                    len: length(&payload.bytes),
                    handles: payload.handles.clone(),
                })
                .collect(),
            handles: data.handles.clone(),
        }
    }

    pub(crate) fn join(self, mut body: Bytes) -> Option<Data<WireHandle>> {
        let mut take = |len: u32| {
            let len = len as usize;
            (len <= body.len()).then(|| body.split_to(len))
        };
        let args = take(self.args)?;
        let mut payloads = SmallVec::with_capacity(self.payloads.len());
        for head in self.payloads {
            let bytes = take(head.len)?;
            payloads.push(Payload::new(head.encoding, bytes, head.handles));
        }
        body.is_empty().then_some(Data { args, payloads, handles: self.handles })
    }
}

#[cfg(test)]
mod tests;
