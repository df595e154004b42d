//! Iteration, a page at a time.

use core::fmt;
use core::iter::FusedIterator;

use sync_proto::Error;

use super::{Array, Element};
use crate::pages::{PAGE, Pages, Position};

/// Iterates over the elements of an [`Array`], a page at a time. Ends after the first error.
pub struct Iter<T> {
    array: Array<T>,
    pages: Pages<T>,
}

impl<T: Element> Iter<T> {
    pub(super) fn new(array: Array<T>) -> Self {
        Self { array, pages: Pages::new() }
    }
}

impl<T: Element> Iterator for Iter<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let Self { array, pages } = self;
        let turn = |at: Position| {
            let start = at.after.unwrap_or(0);
            let end = start + PAGE / T::TYPECODE.size() as u64;
            let page = array.slice(start..end)?;
            // The length never changes: a page that is not full is the last.
            let is_full = page.len() as u64 == end - start;
            Ok((page, is_full.then_some(Position { after: Some(end), changes: None })))
        };
        pages.next(turn, Ok)
    }
}

impl<T: Element> FusedIterator for Iter<T> {}

impl<T> fmt::Debug for Iter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("array", &self.array).finish_non_exhaustive()
    }
}
