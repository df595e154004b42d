//! Frames: how messages are cut out of a stream of bytes.
//!
//! ```text
//!   4 bytes     4 bytes     head               body
//! ┌───────────┬───────────┬──────────────────┬───────────────────────────────┐
//! │ head len  │ body len  │ postcard message │ payload, payload … arguments  │
//! └───────────┴───────────┴──────────────────┴───────────────────────────────┘
//!   little-endian
//! ```
//!
//! The head says how long each part of the body is. The body is apart so that a large value is
//! read from the socket straight into the memory it is kept in, and written from there. Payloads
//! come first, so that the only large one has that memory from its beginning.

use bytes::{BufMut, Bytes, BytesMut};
use postcard::ser_flavors::{Flavor, Size};
use serde::{Deserialize, Serialize, Serializer};
use smallvec::SmallVec;

use crate::message::{Message, WireHandle};
use crate::payload::{Encoding, Payload};
use crate::{Args, Data, ErrorKind, Refusal, SmallBytes};

mod decoder;
mod out_buffer;

pub use decoder::Decoder;
pub use out_buffer::OutBuffer;

/// The bytes of the two lengths before a frame.
pub const PREFIX: usize = 8;

/// The largest head that is accepted: lists of payloads and handles, not values.
pub const HEAD_MAX: usize = 1 << 20;

/// By how much an answer may be longer than the longest request.
const ANSWER_SLACK: usize = 64 * 1024;

/// The limits of a connection's frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLimit {
    /// The longest head, in bytes.
    pub head: usize,
    /// The longest body, in bytes.
    pub body: usize,
}

impl FrameLimit {
    /// What a peer may send before it is authenticated: no frame of a handshake is longer.
    pub const HANDSHAKE: Self = Self { head: 1024, body: 0 };

    /// Makes the limit for an authenticated peer: heads up to [`HEAD_MAX`], bodies up to `body`
    /// bytes.
    pub const fn of_body(body: usize) -> Self {
        Self { head: HEAD_MAX, body }
    }

    /// Makes the limit for what a server with this limit answers: every value that it accepted goes
    /// out again with its description, and lists of many small values have long heads.
    pub const fn of_answers(self) -> Self {
        let head = if self.body > self.head { self.body } else { self.head };
        Self { head: head + ANSWER_SLACK, body: self.body + ANSWER_SLACK }
    }

    fn check(self, head: usize, body: usize) -> Result<(), Refusal> {
        let too_large = |what: &str, found: usize, limit: usize| {
            let why = format!(
                "a message's {what} of {found} bytes is over the limit of {limit}: put or take \
                 less at a time, or raise the server's --max-message"
            );
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
    out.append(|tail| {
        let start = tail.len();
        tail.put_bytes(0, PREFIX);
        postcard::serialize_with_flavor(&head, Appended(tail)).map_err(|error| {
            Refusal::new(ErrorKind::Malformed, format!("a message cannot be encoded: {error}"))
        })?;
        let head = tail.len() - start - PREFIX;
        limit.check(head, body).map_err(|refusal| in_values(refusal, data, head, limit))?;
        let (Ok(head), Ok(body)) = (u32::try_from(head), u32::try_from(body)) else {
            return Err(Refusal::new(ErrorKind::TooLarge, "a frame holds less than 4 GiB"));
        };
        tail[start..start + 4].copy_from_slice(&head.to_le_bytes());
        tail[start + 4..start + PREFIX].copy_from_slice(&body.to_le_bytes());
        Ok(())
    })?;
    if let Some(data) = data {
        for payload in &data.payloads {
            out.push(&payload.bytes);
        }
        out.extend(&data.args);
    }
    Ok(())
}

/// Room for what stands in the head of a call beside its data: numbers.
const HEAD_SLACK: usize = 64;

/// Checks that a call with this data will be [`encode`]d, whatever its numbers.
///
/// # Errors
/// [`ErrorKind::TooLarge`] when it would be over the limit.
pub fn check(data: &Data<WireHandle>, limit: FrameLimit) -> Result<(), Refusal> {
    let head =
        postcard::serialize_with_flavor(&DataRef(data), Size::default()).map_err(|error| {
            Refusal::new(ErrorKind::Malformed, format!("a call cannot be encoded: {error}"))
        })?;
    let head = head + HEAD_SLACK;
    limit.check(head, data.len()).map_err(|refusal| in_values(refusal, Some(data), head, limit))
}

/// Says what makes a head, a call's or an answer's, too long, in the caller's terms: values of any
/// size, and the proxies in them.
fn in_values(
    refusal: Refusal,
    data: Option<&Data<WireHandle>>,
    head: usize,
    limit: FrameLimit,
) -> Refusal {
    let Some(data) = data.filter(|_| head > limit.head) else { return refusal };
    let what = match (data.payloads.len(), data.all_handles().count()) {
        (values, 0) => format!("{values} values"),
        (values, proxies) => format!("{values} values with {proxies} proxies"),
    };
    let why = format!("{what} in one message are too many: put or take fewer at a time");
    Refusal::new(ErrorKind::TooLarge, why)
}

/// Appends what postcard writes.
struct Appended<'b>(&'b mut BytesMut);

impl Flavor for Appended<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.put_u8(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        match bytes {
            // Most numbers are small: one byte, for which a copy would be a call.
            &[byte] => self.0.put_u8(byte),
            _ => self.0.extend_from_slice(bytes),
        }
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// What is to go out as a [`DataHead`].
#[derive(Clone, Copy, Debug)]
pub struct DataRef<'a>(pub(crate) &'a Data<WireHandle>);

impl Serialize for DataRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Data { args, payloads, handles } = self.0;
        (length(args.len()), PayloadRefs(payloads), handles).serialize(serializer)
    }
}

/// What is to go out as a list of [`PayloadHead`]s.
struct PayloadRefs<'a>(&'a [Payload<WireHandle>]);

impl Serialize for PayloadRefs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let heads = self.0.iter().map(|of| (of.encoding, length(of.bytes.len()), &of.handles));
        serializer.collect_seq(heads)
    }
}

/// A length over 4 GiB is refused by [`encode`], and the head with it.
fn length(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// The body of a frame.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "it is either shared or not")]
pub enum Body<'b> {
    /// A short one: its parts are copied, each for itself.
    Copied(&'b [u8]),
    /// A long one: a part that takes up most of it keeps its memory, other parts are copied.
    /// Otherwise a short key could keep the memory of a long value that came with it and is gone.
    Shared(Bytes),
}

impl Body<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Copied(bytes) => bytes.len(),
            Self::Shared(bytes) => bytes.len(),
        }
    }

    /// Returns whether nothing is left of it.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn args(&mut self, len: usize) -> Option<Args> {
        Some(match self {
            Self::Copied(bytes) => Args::from_slice(bytes.split_off(..len)?),
            Self::Shared(bytes) if len <= bytes.len() => Args::from_slice(&bytes.split_to(len)),
            Self::Shared(_) => return None,
        })
    }

    fn payload(&mut self, len: usize, whole: usize) -> Option<SmallBytes> {
        Some(match self {
            Self::Copied(bytes) => SmallBytes::copy_from_slice(bytes.split_off(..len)?),
            Self::Shared(bytes) if len > bytes.len() => return None,
            Self::Shared(bytes) if len > whole / 2 => bytes.split_to(len).into(),
            Self::Shared(bytes) => SmallBytes::copy_from_slice(&bytes.split_to(len)),
        })
    }
}

/// A [`Data`] as it stands in a frame's head: how the body is to be cut.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct DataHead {
    args: u32,
    payloads: SmallVec<[PayloadHead; 1]>,
    handles: Vec<WireHandle>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct PayloadHead {
    encoding: Encoding,
    len: u32,
    handles: Vec<WireHandle>,
}

impl DataHead {
    pub(crate) fn join(self, mut body: Body<'_>) -> Option<Data<WireHandle>> {
        let whole = body.len();
        let mut payloads = Vec::with_capacity(self.payloads.len());
        for head in self.payloads {
            let bytes = body.payload(head.len as usize, whole)?;
            payloads.push(Payload::new(head.encoding, bytes, head.handles));
        }
        let args = body.args(self.args as usize)?;
        body.is_empty().then_some(Data { args, payloads, handles: self.handles })
    }
}

#[cfg(test)]
mod tests;
