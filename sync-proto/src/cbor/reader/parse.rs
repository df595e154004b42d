//! Reads the items that take more than one step: strings, what has a tag, floats and constants.

use std::borrow::Cow;

use super::{Form, Item, Reader, malformed};
use crate::cbor::error::DecodeError;
use crate::cbor::number::Integer;
use crate::cbor::{head, tag};

impl<'b> Reader<'b> {
    pub(super) fn bytes(&mut self, byte: u8) -> Result<Cow<'b, [u8]>, DecodeError> {
        if !head::is_indefinite(byte) {
            return self.tokens.bytes().map(Cow::Borrowed).map_err(malformed);
        }
        let mut whole = Vec::new();
        for chunk in self.tokens.bytes_iter().map_err(malformed)? {
            whole.extend_from_slice(chunk.map_err(malformed)?);
        }
        Ok(Cow::Owned(whole))
    }

    pub(super) fn text(&mut self, byte: u8) -> Result<Cow<'b, str>, DecodeError> {
        if !head::is_indefinite(byte) {
            return self.tokens.str().map(Cow::Borrowed).map_err(malformed);
        }
        let mut whole = String::new();
        for chunk in self.tokens.str_iter().map_err(malformed)? {
            whole.push_str(chunk.map_err(malformed)?);
        }
        Ok(Cow::Owned(whole))
    }

    pub(super) fn tagged(&mut self) -> Result<Item<'b>, DecodeError> {
        let start = self.position();
        let tag = self.tokens.tag().map_err(malformed)?.as_u64();
        let byte = self.peek().ok_or_else(DecodeError::cut)?;
        let must_be = |major| {
            if head::major(byte) == major {
                return Ok(());
            }
            Err(DecodeError::malformed(
                start,
                format_args!("tag {tag} around a value that it is not for"),
            ))
        };
        match tag {
            tag::POSITIVE | tag::NEGATIVE => {
                must_be(head::BYTES)?;
                let bytes = self.bytes(byte)?;
                Ok(Item::Integer(Integer::from_bignum(tag == tag::NEGATIVE, bytes)))
            }
            tag::TUPLE => must_be(head::ARRAY).and_then(|()| self.array(Form::Tuple)),
            tag::SET => must_be(head::ARRAY).and_then(|()| self.array(Form::Set)),
            tag::FROZEN_SET => must_be(head::ARRAY).and_then(|()| self.array(Form::FrozenSet)),
            tag::OPAQUE => must_be(head::ARRAY).and_then(|()| self.array(Form::Opaque)),
            tag::BYTE_ARRAY => {
                must_be(head::BYTES).and_then(|()| self.bytes(byte)).map(Item::Bytes)
            }
            tag::WIDE_TEXT => {
                must_be(head::BYTES)?;
                let bytes = self.bytes(byte)?;
                if std::str::from_utf8(&bytes).is_ok() {
                    let what = "a string is marked as one with surrogates and has none";
                    return Err(DecodeError::malformed(start, what));
                }
                Ok(Item::WideText(bytes))
            }
            tag::SHARED => self.shared(start),
            tag::REFERENCE => {
                must_be(head::UNSIGNED)?;
                let number = self.tokens.u64().map_err(malformed)?;
                if number >= self.shared_values() as u64 {
                    let what = "a reference to a value that does not come before it";
                    return Err(DecodeError::malformed(start, what));
                }
                Ok(Item::Reference(number))
            }
            tag::HANDLE => {
                must_be(head::UNSIGNED)?;
                self.tokens.u64().map(Item::Handle).map_err(malformed)
            }
            tag::SOME => Ok(Item::Some),
            _ => Ok(Item::Tag(tag)),
        }
    }

    /// Reads an item of the last major type: constants, floats, simple values.
    pub(super) fn simple(&mut self, byte: u8) -> Result<Item<'b>, DecodeError> {
        let start = self.position();
        let constant = match byte {
            head::FALSE => Item::Bool(false),
            head::TRUE => Item::Bool(true),
            head::NULL => Item::Null,
            head::UNDEFINED => Item::Undefined,
            head::F16 => return self.half().map(Item::Float),
            head::F32 => {
                return self.tokens.f32().map(f64::from).map(Item::Float).map_err(malformed);
            }
            head::F64 => return self.tokens.f64().map(Item::Float).map_err(malformed),
            head::BREAK => return Err(DecodeError::malformed(start, "a break instead of a value")),
            _ => match self.tokens.simple().map_err(malformed)? {
                // RFC 8949, section 3.3: two bytes are only for what does not fit into one.
                number if number < 32 && byte == head::SIMPLE_BYTE => {
                    return Err(DecodeError::malformed(start, "a simple value in two bytes"));
                }
                number => return Ok(Item::Simple(number)),
            },
        };
        self.advance(1);
        Ok(constant)
    }

    fn half(&mut self) -> Result<f64, DecodeError> {
        let Some([_, high, low]) = self.since(self.position()).first_chunk() else {
            return Err(DecodeError::cut());
        };
        self.advance(3);
        Ok(widen(u16::from_be_bytes([*high, *low])))
    }
}

/// Widens a half-precision float; `minicbor` would take a further crate to do it.
fn widen(bits: u16) -> f64 {
    let exponent = u64::from(bits >> 10 & 0x1f);
    let fraction = u64::from(bits & 0x3ff);
    let magnitude = match exponent {
        // Subnormal: a multiple of 2^-24.
        0 => fraction as f64 / f64::from(1 << 24),
        31 => f64::from_bits(0x7ff << 52 | fraction << 42),
        _ => f64::from_bits((exponent + 1023 - 15) << 52 | fraction << 42),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}
