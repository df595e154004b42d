//! Array: packed elements of one machine type, of a fixed length.
//!
//! The manager keeps the elements' bytes, little-endian and one after the other. Many elements
//! travel as these bytes; a single one travels as a value. Each method that moves elements names
//! the type that the caller expects, so that no proxy, wherever it came from, reads elements of one
//! type as another.
//!
//! The whole array has one turn, as a list does: an update has it for itself, other writers wait
//! in line, first come first served, and readers don't wait.

use serde::{Deserialize, Serialize};
use sync_proto::{Payload, Refusal, Token};

use super::list::Slice;
use super::number::NumberOp;
use super::turn::{self, Turn};
use crate::{Channel, Cx, Flow, Gone, interface};

mod elements;
mod packed;
mod single;
mod typecode;

use elements::Elements;
pub use packed::PackedElements;
pub use typecode::Typecode;

/// What an array holds at first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ArrayStart {
    /// This many zeros.
    Zeros(u64),
    /// These elements.
    Elements(PackedElements),
}

/// The beginning of an update: the turn, and the elements as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ArrayUpdate {
    /// The token to commit the update with.
    pub token: Token,
    /// The elements.
    pub elements: PackedElements,
}

interface! {
    /// Elements of one machine type, of a fixed length. A negative index counts from the end. `of`
    /// is the type that the caller expects the elements to have.
    pub mod array = "sync.array" {
        new(of: Typecode, start: ArrayStart);
        /// Returns the type of the elements.
        fn typecode() -> Typecode;
        /// Returns how many elements there are.
        fn len() -> u64;
        /// Returns the element at an index.
        fn get(of: Typecode, index: i64) -> Payload;
        /// Returns the elements of a slice.
        fn slice(of: Typecode, slice: Slice) -> PackedElements;
        /// Sets the element at an index.
        fn set(of: Typecode, index: i64, element: Payload);
        /// Replaces the elements of a slice by the same number of others.
        fn set_slice(of: Typecode, slice: Slice, elements: PackedElements);
        /// Sets all elements of a slice to one value.
        fn fill(of: Typecode, slice: Slice, element: Payload);
        /// Exchanges two elements.
        fn swap(first: i64, second: i64);
        /// Combines the number at an index with an operand and returns the number before.
        fn fetch(of: Typecode, index: i64, op: NumberOp, operand: Payload) -> Payload;
        /// Replaces the element at an index if it equals the expected one; returns the one
        /// before, in `Ok` if it was replaced and in `Err` if not.
        fn compare_exchange(
            of: Typecode, index: i64, expected: Payload, new: Payload,
        ) -> Result<Payload, Payload>;
        /// Waits for the turn to write and takes it, with the elements of a slice.
        fn begin_update(of: Typecode, slice: Slice) -> ArrayUpdate;
        /// Replaces the elements of a slice by the same number of others and ends the turn.
        fn commit_update(of: Typecode, token: Token, slice: Slice, elements: PackedElements);
        /// Ends the turn and leaves the elements as they are.
        fn cancel_update(token: Token);
        /// Ends the caller's own turn, if the answer that began it was too large to reach the
        /// caller, and leaves the elements as they are.
        fn abandon_update();
    }
}

const TURN: Channel = Channel::new(0);

#[derive(Debug)]
pub(crate) struct Array {
    elements: Elements,
    turn: Turn,
}

impl Array {
    /// Runs a write, if it is the caller's turn.
    fn write<T>(
        &mut self,
        cx: &mut Cx<'_>,
        write: impl FnOnce(&mut Elements) -> Result<T, Refusal>,
    ) -> Flow<T> {
        if !self.turn.may_write(cx, TURN) {
            return Flow::Wait(TURN);
        }
        let result = write(&mut self.elements);
        if result.is_ok() {
            self.turn.touch(cx);
        }
        result.into()
    }
}

impl array::Service for Array {
    fn new(of: Typecode, start: ArrayStart) -> Result<Self, Refusal> {
        let elements = match start {
            ArrayStart::Zeros(count) => Elements::zeros(of, count)?,
            ArrayStart::Elements(packed) => Elements::of(of, &packed)?,
        };
        Ok(Self { elements, turn: Turn::default() })
    }

    fn typecode(&mut self, _: &mut Cx<'_>) -> Flow<Typecode> {
        Flow::Done(self.elements.typecode())
    }

    fn len(&mut self, _: &mut Cx<'_>) -> Flow<u64> {
        Flow::Done(self.elements.len() as u64)
    }

    fn get(&mut self, _: &mut Cx<'_>, of: Typecode, index: i64) -> Flow<Payload> {
        let at = self.elements.position(of, index);
        at.and_then(|at| self.elements.get(at)).into()
    }

    fn slice(&mut self, cx: &mut Cx<'_>, of: Typecode, slice: Slice) -> Flow<PackedElements> {
        let span = self.elements.span(of, slice);
        span.and_then(|span| self.elements.get_span(cx, span)).into()
    }

    fn set(&mut self, cx: &mut Cx<'_>, of: Typecode, index: i64, element: Payload) -> Flow<()> {
        self.write(cx, |elements| {
            let at = elements.position(of, index)?;
            elements.set(at, &element)
        })
    }

    fn set_slice(
        &mut self,
        cx: &mut Cx<'_>,
        of: Typecode,
        slice: Slice,
        new: PackedElements,
    ) -> Flow<()> {
        self.write(cx, |elements| {
            let span = elements.span(of, slice)?;
            elements.set_span(span, &new)
        })
    }

    fn fill(&mut self, cx: &mut Cx<'_>, of: Typecode, slice: Slice, element: Payload) -> Flow<()> {
        self.write(cx, |elements| {
            let span = elements.span(of, slice)?;
            elements.fill(span, &element)
        })
    }

    fn swap(&mut self, cx: &mut Cx<'_>, first: i64, second: i64) -> Flow<()> {
        self.write(cx, |elements| {
            let of = elements.typecode();
            let (first, second) = (elements.position(of, first)?, elements.position(of, second)?);
            elements.swap(first, second);
            Ok(())
        })
    }

    fn fetch(
        &mut self,
        cx: &mut Cx<'_>,
        of: Typecode,
        index: i64,
        op: NumberOp,
        operand: Payload,
    ) -> Flow<Payload> {
        self.write(cx, |elements| {
            let at = elements.position(of, index)?;
            elements.fetch(at, op, &operand)
        })
    }

    fn compare_exchange(
        &mut self,
        cx: &mut Cx<'_>,
        of: Typecode,
        index: i64,
        expected: Payload,
        new: Payload,
    ) -> Flow<Result<Payload, Payload>> {
        self.write(cx, |elements| {
            let at = elements.position(of, index)?;
            let found = elements.get(at)?;
            if !super::equal(&found, &expected)? {
                return Ok(Err(found));
            }
            elements.set(at, &new)?;
            Ok(Ok(found))
        })
    }

    fn begin_update(&mut self, cx: &mut Cx<'_>, of: Typecode, slice: Slice) -> Flow<ArrayUpdate> {
        let span = self.elements.span(of, slice);
        match span.and_then(|span| Ok((span, self.turn.is_free(cx, TURN)?))) {
            Ok((span, true)) => {
                let elements = self.elements.get_span(cx, span);
                let begun = |elements| ArrayUpdate { token: self.turn.take(cx, TURN), elements };
                elements.map(begun).into()
            }
            Ok((_, false)) => Flow::Wait(TURN),
            Err(refusal) => Flow::Refuse(refusal),
        }
    }

    fn commit_update(
        &mut self,
        cx: &mut Cx<'_>,
        of: Typecode,
        token: Token,
        slice: Slice,
        new: PackedElements,
    ) -> Flow<()> {
        // The turn ends whatever comes of the commit.
        let ended = self.turn.end(cx, token, TURN);
        let span = ended.and_then(|()| self.elements.span(of, slice));
        span.and_then(|span| self.elements.set_span(span, &new)).into()
    }

    fn cancel_update(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<()> {
        turn::given_up(self.turn.end(cx, token, TURN))
    }

    fn abandon_update(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        self.turn.abandon(cx, TURN);
        Flow::Done(())
    }

    fn session_gone(&mut self, cx: &mut Cx<'_>, gone: &Gone) {
        self.turn.session_gone(cx, gone, TURN);
    }

    fn weight(&self) -> usize {
        self.elements.size()
    }

    fn shape(&self) -> String {
        let (of, count) = (self.elements.typecode(), self.elements.len());
        format!("{count} elements of typecode {of}")
    }
}
