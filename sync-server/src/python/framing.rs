//! Messages on a Python connection: a length, big-endian, and that many bytes.
//!
//! Sans-IO. A length is four bytes, signed; a message that is longer than they can say is led by
//! -1 and a length of eight bytes.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// What a peer may send before it is known, in one message; CPython's own bound.
pub(crate) const STRANGER_MAX: usize = 256;

/// The longest message whose length four bytes can say.
const SHORT_MAX: u64 = 0x7fff_ffff;

/// Bytes beyond this are reserved only as they come: a length alone costs the server nothing.
const RESERVED_AT_ONCE: usize = 1 << 20;

/// A message is longer than its sender may send, or its length is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadLength {
    pub(crate) limit: usize,
}

/// Cuts messages out of what comes in, however it is split.
#[derive(Debug)]
pub(crate) struct Decoder {
    buffer: BytesMut,
    limit: usize,
}

impl Decoder {
    pub(crate) fn new() -> Self {
        Self { buffer: BytesMut::new(), limit: STRANGER_MAX }
    }

    /// Sets how long a message may be from now on.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    pub(crate) fn push(&mut self, input: &[u8]) {
        self.buffer.extend_from_slice(input);
    }

    /// Returns whether part of a message is there.
    pub(crate) fn is_inside(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Returns how many bytes are kept.
    pub(crate) fn held(&self) -> usize {
        self.buffer.len()
    }

    /// Returns whether there is a whole message, or something that can become none.
    pub(crate) fn has_next(&self) -> bool {
        match self.head() {
            Ok(Some((head, length))) => self.buffer.len() >= head + length,
            Ok(None) => false,
            Err(_) => true,
        }
    }

    /// Returns the next message, once all of it is there.
    ///
    /// # Errors
    /// When it is longer than the limit: nothing after it can be read.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, BadLength> {
        let Some((head, length)) = self.head()? else { return Ok(None) };
        let whole = head + length;
        if self.buffer.len() < whole {
            let missing = whole - self.buffer.len();
            self.buffer.reserve(missing.min(RESERVED_AT_ONCE));
            return Ok(None);
        }
        self.buffer.advance(head);
        let message = self.buffer.split_to(length).freeze();
        if self.buffer.is_empty() {
            // What a large message needed is not kept for small ones.
            self.buffer = BytesMut::new();
        }
        Ok(Some(message))
    }

    /// Reads the length in front: how many bytes it takes, and what it says.
    fn head(&self) -> Result<Option<(usize, usize)>, BadLength> {
        let Some(short) = self.buffer.first_chunk::<4>() else { return Ok(None) };
        let (head, length) = match i32::from_be_bytes(*short) {
            -1 => {
                let Some(long) = self.buffer[4..].first_chunk::<8>() else { return Ok(None) };
                (12, u64::from_be_bytes(*long))
            }
            // A negative length is none, and is longer than any limit as an unsigned one.
            short => (4, u64::try_from(short).unwrap_or(u64::MAX)),
        };
        let length = usize::try_from(length).ok().filter(|&length| length <= self.limit);
        length.map(|length| Some((head, length))).ok_or(BadLength { limit: self.limit })
    }
}

/// Writes a message behind its length.
pub(crate) fn put(message: &[u8], out: &mut BytesMut) {
    let length = message.len() as u64;
    out.reserve(message.len() + 12);
    if length <= SHORT_MAX {
        // Checked right above.
        out.put_u32(length as u32);
    } else {
        out.put_i32(-1);
        out.put_u64(length);
    }
    out.put_slice(message);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(message: &[u8]) -> BytesMut {
        let mut out = BytesMut::new();
        put(message, &mut out);
        out
    }

    #[test]
    fn messages_come_out_whole_however_they_are_split() {
        let mut stream = framed(b"one");
        stream.extend_from_slice(&framed(b""));
        stream.extend_from_slice(&framed(&[7; 200]));
        for size in 1..stream.len() {
            let mut decoder = Decoder::new();
            let mut messages = Vec::new();
            for piece in stream.chunks(size) {
                decoder.push(piece);
                while decoder.has_next() {
                    let message = decoder.next().unwrap().unwrap();
                    messages.push(message);
                }
            }
            assert_eq!(messages, [&b"one"[..], b"", &[7; 200]], "in pieces of {size}");
            assert!(!decoder.is_inside());
        }
    }

    #[test]
    fn a_length_of_eight_bytes_is_taken_too() {
        let mut decoder = Decoder::new();
        decoder.push(&[0xff; 4]);
        decoder.push(&3u64.to_be_bytes());
        assert_eq!(decoder.next(), Ok(None));
        decoder.push(b"abc");
        assert_eq!(decoder.next(), Ok(Some(Bytes::from_static(b"abc"))));
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_its_bytes_come() {
        let mut decoder = Decoder::new();
        decoder.push(&(STRANGER_MAX as u32).to_be_bytes());
        assert_eq!(decoder.next(), Ok(None));
        for bad in [&257u32.to_be_bytes()[..], &(-2i32).to_be_bytes(), &[0xff; 12]] {
            let mut decoder = Decoder::new();
            decoder.push(bad);
            assert_eq!(decoder.next(), Err(BadLength { limit: STRANGER_MAX }), "{bad:?}");
            decoder.set_limit(1024);
            assert_eq!(decoder.next().is_ok(), bad.ends_with(&[1, 1]), "{bad:?}");
        }
    }
}
