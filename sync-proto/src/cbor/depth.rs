//! How deep a value may nest, so that no value overflows the stack of its reader.

use super::error::{DecodeError, EncodeError};

/// The number of lists, maps and tags that may be nested in one another: as deep as the readers and
/// writers of every type get on a thread's stack. A manager may be configured to accept less
/// ([`check_depth`](super::check_depth)); readers go by this, whatever the manager accepted.
///
/// A tuple's or set's tag counts as one with its list.
pub const MAX_DEPTH: usize = 128;

/// Bounds the calls that nest without a byte to show for it (`Some`, newtype structs) together
/// with those that do: a type such as `struct L(Option<Box<L>>)` would read `5` for ever.
const MAX_STEPS: usize = 3 * MAX_DEPTH;

/// Counts how deep a reader or writer is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Depth {
    max: usize,
    nested: usize,
    steps: usize,
}

/// Says that a value nests deeper than this many levels.
#[derive(Debug)]
pub(super) struct TooDeep(usize);

impl Default for Depth {
    fn default() -> Self {
        Self::of(MAX_DEPTH)
    }
}

impl Depth {
    /// Begins to count up to `max` levels, or [`MAX_DEPTH`] if that is less.
    pub(super) fn of(max: usize) -> Self {
        Self { max: max.min(MAX_DEPTH), nested: 0, steps: 0 }
    }

    /// Enters a list, map or tag.
    pub(super) fn enter(&mut self) -> Result<(), TooDeep> {
        self.check(1)?;
        self.step()?;
        self.nested += 1;
        Ok(())
    }

    /// Leaves a list, map or tag.
    pub(super) fn leave(&mut self) {
        self.nested -= 1;
        self.unstep();
    }

    /// Enters what leaves no trace in the bytes.
    pub(super) fn step(&mut self) -> Result<(), TooDeep> {
        if self.steps == MAX_STEPS {
            return Err(TooDeep(self.max));
        }
        self.steps += 1;
        Ok(())
    }

    /// Leaves what [`Depth::step`] entered.
    pub(super) fn unstep(&mut self) {
        self.steps -= 1;
    }

    /// Checks that `more` levels fit below this one.
    pub(super) fn check(&self, more: usize) -> Result<(), TooDeep> {
        if self.nested + more > self.max { Err(TooDeep(self.max)) } else { Ok(()) }
    }
}

impl From<TooDeep> for DecodeError {
    fn from(TooDeep(max): TooDeep) -> Self {
        Self::new(format!("found a value nested deeper than {max} levels"))
    }
}

impl From<TooDeep> for EncodeError {
    fn from(TooDeep(max): TooDeep) -> Self {
        Self::new(format!("the value is nested deeper than {max} levels"))
    }
}
