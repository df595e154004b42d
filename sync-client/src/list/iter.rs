//! Iteration, a page at a time.

use core::fmt;
use core::iter::FusedIterator;

use serde::de::DeserializeOwned;
use sync_proto::{Error, Payload};

use super::List;
use crate::pages::{PAGE, Pages, Position};

/// Iterates over the items of a [`List`], a page at a time. Ends after the first error.
pub struct Iter<T> {
    list: List<T>,
    pages: Pages<Payload>,
}

impl<T> Iter<T> {
    pub(super) fn new(list: List<T>) -> Self {
        Self { list, pages: Pages::new() }
    }
}

impl<T: DeserializeOwned> Iterator for Iter<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let Self { list, pages } = self;
        let turn = |at: Position| {
            let page = list.proxy.page(at.after.unwrap_or(0), at.changes, PAGE)?;
            let changes = Some(page.changes);
            Ok((page.items, page.next.map(|next| Position { after: Some(next), changes })))
        };
        pages.next(turn, |item| list.unpack(&item, "iter"))
    }
}

impl<T: DeserializeOwned> FusedIterator for Iter<T> {}

impl<T> fmt::Debug for Iter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("list", &self.list).finish_non_exhaustive()
    }
}
