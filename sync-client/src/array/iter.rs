//! Iteration, a page at a time.

use core::fmt;
use core::iter::FusedIterator;
use std::vec;

use sync_proto::Error;

use super::{Array, Element};

/// Bytes of a page: large enough that a call's cost does not count, small enough that no message
/// is large.
const PAGE: u64 = 256 * 1024;

/// Iterates over the elements of an [`Array`], a page at a time. Ends after the first error.
pub struct Iter<T> {
    array: Array<T>,
    page: vec::IntoIter<T>,
    /// Where the next page starts; `None` when the page at hand is the last.
    next: Option<u64>,
}

impl<T: Element> Iter<T> {
    pub(super) fn new(array: Array<T>) -> Self {
        Self { array, page: Vec::new().into_iter(), next: Some(0) }
    }

    fn turn_page(&mut self, start: u64) -> Result<(), Error> {
        let end = start + PAGE / T::TYPECODE.size() as u64;
        let page = self.array.slice(start..end)?;
        // The length never changes: a page that is not full is the last.
        self.next = (page.len() as u64 == end - start).then_some(end);
        self.page = page.into_iter();
        Ok(())
    }
}

impl<T: Element> Iterator for Iter<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.len() == 0
            && let Some(start) = self.next.take()
            && let Err(error) = self.turn_page(start)
        {
            return Some(Err(error));
        }
        self.page.next().map(Ok)
    }
}

impl<T: Element> FusedIterator for Iter<T> {}

impl<T> fmt::Debug for Iter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("array", &self.array).finish_non_exhaustive()
    }
}
