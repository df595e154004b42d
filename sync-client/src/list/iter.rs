//! Iteration, a page at a time.

use core::fmt;
use core::iter::FusedIterator;
use std::vec;

use serde::de::DeserializeOwned;
use sync_proto::{Error, Payload};

use super::List;

/// Bytes of a page: large enough that a call's cost does not count, small enough that no message
/// is large.
const PAGE: u64 = 256 * 1024;

/// Iterates over the items of a [`List`], a page at a time. Ends after the first error.
pub struct Iter<T> {
    list: List<T>,
    page: vec::IntoIter<Payload>,
    /// Where the next page starts, and what the pages so far said of changes; `None` when the
    /// page at hand is the last.
    next: Option<(u64, Option<u64>)>,
}

impl<T> Iter<T> {
    pub(super) fn new(list: List<T>) -> Self {
        Self { list, page: Vec::new().into_iter(), next: Some((0, None)) }
    }

    fn turn_page(&mut self, start: u64, changes: Option<u64>) -> Result<(), Error> {
        let page = self.list.proxy.page(start, changes, PAGE)?;
        self.next = page.next.map(|next| (next, Some(page.changes)));
        self.page = page.items.into_iter();
        Ok(())
    }
}

impl<T: DeserializeOwned> Iterator for Iter<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.len() == 0
            && let Some((start, changes)) = self.next.take()
            && let Err(error) = self.turn_page(start, changes)
        {
            return Some(Err(error));
        }
        let item = self.page.next()?;
        let item = self.list.unpack(&item, "iter");
        if item.is_err() {
            self.page = Vec::new().into_iter();
            self.next = None;
        }
        Some(item)
    }
}

impl<T: DeserializeOwned> FusedIterator for Iter<T> {}

impl<T> fmt::Debug for Iter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("list", &self.list).finish_non_exhaustive()
    }
}
