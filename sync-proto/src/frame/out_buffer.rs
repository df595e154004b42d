//! Bytes on their way out: small ones gathered, large ones shared.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes, BytesMut};

use crate::SmallBytes;
use crate::payload::LARGE;

/// Bytes on their way out, in order. A value of 16 KiB or more is not copied but written from
/// where it is kept ([`Buf::chunks_vectored`]).
#[derive(Debug, Default)]
pub struct OutBuffer {
    ready: VecDeque<Bytes>,
    tail: BytesMut,
    len: usize,
}

impl OutBuffer {
    /// Makes an empty buffer, without memory of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a copy of the bytes.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Appends what is appended to the bytes; nothing, if that fails.
    pub(crate) fn append<E>(
        &mut self,
        append: impl FnOnce(&mut BytesMut) -> Result<(), E>,
    ) -> Result<(), E> {
        let before = self.tail.len();
        let result = append(&mut self.tail);
        match result {
            Ok(()) => self.len += self.tail.len() - before,
            Err(_) => self.tail.truncate(before),
        }
        result
    }

    /// Appends `count` bytes, zero at first, and returns them to be filled.
    pub(crate) fn grow(&mut self, count: usize) -> &mut [u8] {
        let at = self.tail.len();
        self.tail.resize(at + count, 0);
        self.len += count;
        &mut self.tail[at..]
    }

    /// Appends the bytes, shared where they are large.
    pub fn push(&mut self, bytes: &SmallBytes) {
        if bytes.len() < LARGE {
            return self.extend(bytes);
        }
        if !self.tail.is_empty() {
            self.ready.push_back(self.tail.split().freeze());
        }
        self.ready.push_back(bytes.clone().into_shared());
        self.len += bytes.len();
    }

    /// Returns how many bytes wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether none wait.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Buf for OutBuffer {
    fn remaining(&self) -> usize {
        self.len
    }

    fn chunk(&self) -> &[u8] {
        self.ready.front().map_or(&self.tail, |first| first)
    }

    fn chunks_vectored<'a>(&'a self, out: &mut [IoSlice<'a>]) -> usize {
        let tail = (!self.tail.is_empty()).then_some(&*self.tail);
        let chunks = self.ready.iter().map(|chunk| &**chunk).chain(tail);
        let mut filled = 0;
        for (slot, chunk) in out.iter_mut().zip(chunks) {
            *slot = IoSlice::new(chunk);
            filled += 1;
        }
        filled
    }

    fn advance(&mut self, mut count: usize) {
        assert!(count <= self.len, "no more is written than there was");
        self.len -= count;
        while let Some(first) = self.ready.front_mut() {
            if count < first.len() {
                first.advance(count);
                return;
            }
            count -= first.len();
            self.ready.pop_front();
        }
        self.tail.advance(count);
        if self.len == 0 {
            // An idle connection keeps no buffer beyond a small one.
            if self.tail.capacity() > LARGE {
                self.tail = BytesMut::new();
            }
        }
    }
}
