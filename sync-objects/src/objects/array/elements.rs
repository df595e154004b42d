//! An array's elements, as it keeps them.

use std::hint::black_box;

use sync_proto::{ErrorKind, Payload, Refusal};

use super::single::{self, fixed};
use super::{PackedElements, Typecode};
use crate::Cx;
use crate::objects::list::{self, Slice, Span};
use crate::objects::number::{self, NumberOp};

/// The most bytes that zeros are made of: a call of a few bytes must not fill the manager's
/// memory.
const ZEROS_MAX: u64 = 1 << 30;

#[derive(Debug)]
pub(super) struct Elements {
    typecode: Typecode,
    /// How many bytes they are.
    size: usize,
    /// The bytes; none yet of zeros that nobody has asked for.
    bytes: Vec<u8>,
}

impl Elements {
    /// Takes `count` zeros, which are made when they are first used: then the manager has agreed to
    /// keep them, and an array that is only asked for its shape needs none.
    ///
    /// # Errors
    /// `TooLarge` when they are more than an array is made with.
    pub(super) fn zeros(typecode: Typecode, count: u64) -> Result<Self, Refusal> {
        let len = count.checked_mul(typecode.size() as u64).filter(|&len| len <= ZEROS_MAX);
        let len = len.and_then(|len| usize::try_from(len).ok()).ok_or_else(|| {
            let why = format!(
                "{count} elements of {} bytes are more than {ZEROS_MAX} bytes, the most that a new \
                 array may have",
                typecode.size()
            );
            Refusal::new(ErrorKind::TooLarge, why)
        })?;
        Ok(Self { typecode, size: len, bytes: Vec::new() })
    }

    /// Takes elements as they came.
    ///
    /// # Errors
    /// `InvalidInput` when the bytes are no elements of the type; `WrongType` when there are no
    /// bytes.
    pub(super) fn of(typecode: Typecode, packed: &PackedElements) -> Result<Self, Refusal> {
        let bytes = bytes_of(typecode, packed)?;
        Ok(Self { typecode, size: bytes.len(), bytes })
    }

    pub(super) fn typecode(&self) -> Typecode {
        self.typecode
    }

    pub(super) fn len(&self) -> usize {
        self.size / self.typecode.size()
    }

    /// Returns how many bytes they take.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Finds an element for a caller that expects elements of a type.
    pub(super) fn position(&mut self, of: Typecode, index: i64) -> Result<usize, Refusal> {
        self.check(of)?;
        let at = list::find(index, self.len()).ok_or_else(|| {
            let len = self.len();
            let why = format!("index {index} is out of range: the array has {len} elements");
            Refusal::new(ErrorKind::OutOfRange, why)
        })?;
        self.make()?;
        Ok(at)
    }

    /// Finds a slice's elements for a caller that expects elements of a type.
    pub(super) fn span(&mut self, of: Typecode, slice: Slice) -> Result<Span, Refusal> {
        self.check(of)?;
        let span = slice.of(self.len())?;
        self.make()?;
        Ok(span)
    }

    pub(super) fn get(&self, at: usize) -> Result<Payload, Refusal> {
        single::pack(self.typecode, self.element(at))
    }

    pub(super) fn set(&mut self, at: usize, element: &Payload) -> Result<(), Refusal> {
        let element = single::unpack(self.typecode, element)?;
        self.put(at, &element);
        Ok(())
    }

    /// Copies a slice's elements.
    pub(super) fn get_span(&self, cx: &Cx<'_>, span: Span) -> Result<PackedElements, Refusal> {
        let bytes = span.count() * self.typecode.size();
        if bytes > cx.answer_max() {
            let most = cx.answer_max();
            let why = format!(
                "the slice has {bytes} bytes, and an answer at most {most}: take less at once"
            );
            return Err(Refusal::new(ErrorKind::TooLarge, why));
        }
        match span.contiguous() {
            Some(range) => PackedElements::new(&self.bytes[self.scaled(range)]),
            None => {
                let mut picked = Vec::with_capacity(bytes);
                span.indices().for_each(|at| picked.extend_from_slice(self.element(at)));
                PackedElements::new(&picked)
            }
        }
    }

    pub(super) fn set_span(&mut self, span: Span, new: &PackedElements) -> Result<(), Refusal> {
        let new = bytes_of(self.typecode, new)?;
        let (count, given) = (span.count(), new.len() / self.typecode.size());
        if given != count {
            let why = format!(
                "an array's length never changes: the slice has {count} elements, it cannot take \
                 {given}"
            );
            return Err(Refusal::new(ErrorKind::InvalidInput, why));
        }
        if let Some(range) = span.contiguous() {
            let range = self.scaled(range);
            self.bytes[range].copy_from_slice(&new);
            return Ok(());
        }
        for (at, element) in span.indices().zip(new.chunks_exact(self.typecode.size())) {
            self.put(at, element);
        }
        Ok(())
    }

    pub(super) fn fill(&mut self, span: Span, element: &Payload) -> Result<(), Refusal> {
        let element = single::unpack(self.typecode, element)?;
        for at in span.indices() {
            self.put(at, &element);
        }
        Ok(())
    }

    pub(super) fn swap(&mut self, first: usize, second: usize) {
        let size = self.typecode.size();
        for offset in 0..size {
            self.bytes.swap(first * size + offset, second * size + offset);
        }
    }

    /// Combines a number with an operand; returns the number before.
    pub(super) fn fetch(
        &mut self,
        at: usize,
        op: NumberOp,
        operand: &Payload,
    ) -> Result<Payload, Refusal> {
        let kind = self.typecode.number().ok_or_else(|| {
            let why = format!("arithmetic needs an array of numbers, not of {}", self.typecode);
            Refusal::new(ErrorKind::WrongType, why)
        })?;
        let before = self.get(at)?;
        let result = number::apply(kind, op, &before, operand)?;
        self.set(at, &result)?;
        Ok(before)
    }

    /// Makes the zeros, if they are not there.
    ///
    /// # Errors
    /// `OutOfMemory` when the system has no room for them, even if the manager may keep them: an
    /// allocation that is not checked would end the process.
    fn make(&mut self) -> Result<(), Refusal> {
        if self.bytes.len() == self.size {
            return Ok(());
        }
        let mut probe = Vec::<u8>::new();
        probe.try_reserve_exact(self.size).map_err(|_| {
            let why = format!("the system has no room for {} bytes of zeros", self.size);
            Refusal::new(ErrorKind::OutOfMemory, why)
        })?;
        // What nobody looks at, a compiler may leave out, and take for granted.
        drop(black_box(probe));
        // The system gives zeros, and a page of them when it is first used.
        self.bytes = vec![0; self.size];
        Ok(())
    }

    fn check(&self, of: Typecode) -> Result<(), Refusal> {
        if of.is_same_type(self.typecode) {
            return Ok(());
        }
        let why = format!("the array's elements are {}, not {of}", self.typecode);
        Err(Refusal::new(ErrorKind::WrongType, why))
    }

    fn element(&self, at: usize) -> &[u8] {
        &self.bytes[self.scaled(at..at + 1)]
    }

    fn put(&mut self, at: usize, element: &[u8]) {
        let range = self.scaled(at..at + 1);
        self.bytes[range].copy_from_slice(element);
    }

    /// Returns where the bytes of a range of elements are.
    fn scaled(&self, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
        let size = self.typecode.size();
        range.start * size..range.end * size
    }
}

/// Returns the bytes of elements, checked.
fn bytes_of(typecode: Typecode, packed: &PackedElements) -> Result<Vec<u8>, Refusal> {
    let bytes = packed.to_bytes()?;
    let (len, size) = (bytes.len(), typecode.size());
    if !len.is_multiple_of(size) {
        let why =
            format!("{len} bytes are not whole elements of typecode {typecode}, {size} bytes each");
        return Err(Refusal::new(ErrorKind::InvalidInput, why));
    }
    if typecode.number().is_none() {
        let number = |bytes: &[u8]| u32::from_le_bytes(fixed(bytes));
        let numbers = bytes.chunks_exact(size).map(number);
        if let Some(number) = numbers.into_iter().find(|&number| char::from_u32(number).is_none()) {
            let why = format!("{number:#x} is not a character: it is not a Unicode scalar value");
            return Err(Refusal::new(ErrorKind::InvalidInput, why));
        }
    }
    Ok(bytes)
}
