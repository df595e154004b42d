//! Bytes in, messages out; no I/O.

use super::{Body, FrameLimit, PREFIX};
use crate::message::Message;
use crate::{ErrorKind, Refusal};

/// From this many bytes a body gets memory of its own, into which the socket is read directly.
const DIRECT_FROM: usize = 64 * 1024;

/// Memory for a large body at first, and how many times as much it gets once no further read has
/// room. To announce bytes reserves little, also where the system commits memory as it is asked
/// for. As a body grows, what has come is copied: with these, little of it, up to 64 MiB.
const BODY_AT_FIRST: usize = 256 * 1024;
const BODY_GROWS_BY: usize = 256;

/// Cuts messages out of a stream of bytes. A decoder between two frames holds no memory.
///
/// After an error the stream is lost: it is not known where the next frame begins.
#[derive(Debug)]
pub struct Decoder {
    limit: FrameLimit,
    /// The beginning of a frame that is not complete.
    partial: Vec<u8>,
    large: Option<Large>,
}

/// A frame whose body is long: the head is complete, the body is being filled.
#[derive(Debug)]
struct Large {
    head: Vec<u8>,
    /// What there is of the body.
    body: Vec<u8>,
    /// How long it will be.
    len: usize,
}

impl Decoder {
    /// Makes a decoder at the beginning of a stream.
    pub fn new(limit: FrameLimit) -> Self {
        Self { limit, partial: Vec::new(), large: None }
    }

    /// Sets the limit of what is accepted from now on.
    pub fn set_limit(&mut self, limit: FrameLimit) {
        self.limit = limit;
    }

    /// Returns whether the stream stands between two frames: an end here is a clean one.
    pub fn is_between_frames(&self) -> bool {
        self.partial.is_empty() && self.large.is_none()
    }

    /// Returns whether `input`, which comes next, begins with a whole frame, or one that
    /// [`next`](Self::next) refuses: it needs no more bytes for it.
    pub fn is_whole(&self, input: &[u8]) -> bool {
        self.is_between_frames() && !matches!(self.whole(input), Ok(None))
    }

    /// Returns how many bytes of an incomplete frame are kept. Bytes that are announced do not
    /// count before they come.
    pub fn held(&self) -> usize {
        self.partial.len() + self.large.as_ref().map_or(0, |of| of.head.len() + of.body.len())
    }

    /// Returns the memory into which more of a large body is to be read, if one is being read: to
    /// be appended to, up to its capacity and not beyond. It is not zeroed before.
    pub fn direct(&mut self) -> Option<&mut Vec<u8>> {
        let Large { body, len, .. } = self.large.as_mut()?;
        if body.capacity() - body.len() < DIRECT_FROM {
            let wanted = body.capacity().saturating_mul(BODY_GROWS_BY).min(*len);
            if body.try_reserve_exact(wanted.saturating_sub(body.len())).is_err() {
                // The announced length may be more than memory allows; what has come needs room.
                let wanted = body.capacity().saturating_mul(2).min(*len);
                body.reserve_exact(wanted.saturating_sub(body.len()));
            }
        }
        // An allocator may give more than it was asked for: the next frame has no place there.
        (body.capacity() <= *len).then_some(body)
    }

    /// Takes the next message from what was read; moves `input` past what was used. `None` means
    /// that all of `input` was used and more bytes are needed.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] when a frame announces more than the limit, before anything is
    /// allocated for it; [`ErrorKind::Malformed`] when its bytes are not a message.
    pub fn next<M: Message>(&mut self, input: &mut &[u8]) -> Result<Option<M>, Refusal> {
        if self.large.is_some() {
            return self.next_large(input);
        }
        if self.partial.is_empty() {
            // The usual case: whole frames are decoded where they were read.
            if let Some(whole) = self.whole(input)? {
                let (frame, rest) = input.split_at(PREFIX + whole.head + whole.body);
                *input = rest;
                return decode(&frame[PREFIX..], whole.head).map(Some);
            }
        }
        while !input.is_empty() {
            let wanted = self.wanted()?;
            let (now, rest) = input.split_at(wanted.min(input.len()));
            self.partial.extend_from_slice(now);
            *input = rest;
            if let Some(lengths) = self.lengths(&self.partial)? {
                if lengths.body >= DIRECT_FROM && self.partial.len() >= PREFIX + lengths.head {
                    self.begin_large(lengths);
                    return self.next_large(input);
                }
                if self.partial.len() == PREFIX + lengths.head + lengths.body {
                    let frame = std::mem::take(&mut self.partial);
                    return decode(&frame[PREFIX..], lengths.head).map(Some);
                }
            }
        }
        Ok(None)
    }

    /// Returns the lengths of the frame at the beginning of `input` if it is there to its end.
    fn whole(&self, input: &[u8]) -> Result<Option<Lengths>, Refusal> {
        let lengths = self.lengths(input)?;
        Ok(lengths.filter(|of| of.body < DIRECT_FROM && input.len() >= PREFIX + of.head + of.body))
    }

    /// Returns how many more bytes the partial frame wants before it is looked at again.
    fn wanted(&self) -> Result<usize, Refusal> {
        let have = self.partial.len();
        Ok(match self.lengths(&self.partial)? {
            None => PREFIX - have,
            Some(of) if of.body >= DIRECT_FROM => (PREFIX + of.head).saturating_sub(have),
            Some(of) => PREFIX + of.head + of.body - have,
        })
    }

    fn lengths(&self, bytes: &[u8]) -> Result<Option<Lengths>, Refusal> {
        let Some(&[a, b, c, d, e, f, g, h]) = bytes.first_chunk::<PREFIX>() else {
            return Ok(None);
        };
        let head = u32::from_le_bytes([a, b, c, d]) as usize;
        let body = u32::from_le_bytes([e, f, g, h]) as usize;
        self.limit.check(head, body)?;
        Ok(Some(Lengths { head, body }))
    }

    fn begin_large(&mut self, lengths: Lengths) {
        let mut head = std::mem::take(&mut self.partial);
        let early = head.split_off(PREFIX + lengths.head);
        head.drain(..PREFIX);
        let mut body = Vec::with_capacity(lengths.body.min(BODY_AT_FIRST));
        body.extend_from_slice(&early);
        self.large = Some(Large { head, body, len: lengths.body });
    }

    fn next_large<M: Message>(&mut self, input: &mut &[u8]) -> Result<Option<M>, Refusal> {
        let Some(mut large) = self.large.take() else {
            return Ok(None);
        };
        let missing = large.len.saturating_sub(large.body.len());
        let (now, rest) = input.split_at(missing.min(input.len()));
        large.body.extend_from_slice(now);
        *input = rest;
        if large.body.len() < large.len {
            self.large = Some(large);
            return Ok(None);
        }
        join(&large.head, Body::Shared(large.body.into())).map(Some)
    }
}

#[derive(Clone, Copy, Debug)]
struct Lengths {
    head: usize,
    body: usize,
}

fn decode<M: Message>(frame: &[u8], head_len: usize) -> Result<M, Refusal> {
    let (head, body) = frame.split_at(head_len);
    join(head, Body::Copied(body))
}

fn join<M: Message>(head: &[u8], body: Body<'_>) -> Result<M, Refusal> {
    let malformed = |why: &str| {
        Refusal::new(ErrorKind::Malformed, format!("a frame that is not a message: {why}"))
    };
    // Postcard leaves what it does not need; a message fills its frame.
    match postcard::take_from_bytes::<M::Head>(head) {
        Ok((head, [])) => M::join(head, body)
            .ok_or_else(|| malformed("its body does not fit its head, or it contains too much")),
        Ok(_) => Err(malformed("its head is too long")),
        Err(error) => Err(malformed(&error.to_string())),
    }
}
