//! The bytes of a pickle, taken from the front.

use crate::python::pickle::PickleError;

/// What is left to read, and where it begins.
#[derive(Debug)]
pub(super) struct Input<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Input<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes there are in all.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// How many bytes are left.
    pub(super) fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(super) fn malformed(&self, what: impl Into<String>) -> PickleError {
        PickleError::Malformed { offset: self.at, what: what.into() }
    }

    pub(super) fn byte(&mut self) -> Result<u8, PickleError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleError> {
        match self.bytes[self.at..].first_chunk() {
            Some(chunk) => {
                self.at += N;
                Ok(*chunk)
            }
            None => Err(self.malformed("it ends too early")),
        }
    }

    pub(super) fn u32(&mut self) -> Result<u32, PickleError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn take(&mut self, length: u64) -> Result<&'b [u8], PickleError> {
        if length > self.remaining() as u64 {
            return Err(self.malformed("it ends too early"));
        }
        let (start, length) = (self.at, length as usize);
        self.at += length;
        Ok(&self.bytes[start..self.at])
    }

    /// Takes bytes after their length of one byte.
    pub(super) fn take_short(&mut self) -> Result<&'b [u8], PickleError> {
        let length = self.byte()?;
        self.take(length.into())
    }

    /// Takes bytes after their length of four bytes.
    pub(super) fn take_medium(&mut self) -> Result<&'b [u8], PickleError> {
        let length = self.u32()?;
        self.take(length.into())
    }

    /// Takes bytes after their length of eight bytes.
    pub(super) fn take_long(&mut self) -> Result<&'b [u8], PickleError> {
        let length = self.array().map(u64::from_le_bytes)?;
        self.take(length)
    }

    /// Takes a line, without its end.
    pub(super) fn line(&mut self) -> Result<&'b [u8], PickleError> {
        let rest = &self.bytes[self.at..];
        match rest.iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                self.at += end + 1;
                Ok(&rest[..end])
            }
            None => Err(self.malformed("a line has no end")),
        }
    }

    /// Takes a line of ASCII.
    pub(super) fn ascii_line(&mut self) -> Result<&'b str, PickleError> {
        let line = self.line()?;
        match std::str::from_utf8(line) {
            Ok(text) if text.is_ascii() => Ok(text),
            _ => Err(self.malformed("a line is not ASCII")),
        }
    }
}
