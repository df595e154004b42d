//! Iteration, a page at a time.

use core::fmt;
use core::iter::FusedIterator;

use serde::de::DeserializeOwned;
use sync_proto::{Error, Payload};

use super::Set;
use crate::pages::{PAGE, Pages, Position};

/// Iterates over the members of a [`Set`], a page at a time. Ends after the first error.
pub struct Iter<T> {
    set: Set<T>,
    pages: Pages<Payload>,
}

impl<T> Iter<T> {
    pub(super) fn new(set: Set<T>) -> Self {
        Self { set, pages: Pages::new() }
    }
}

impl<T: DeserializeOwned> Iterator for Iter<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let Self { set, pages } = self;
        let turn = |at: Position| {
            let page = set.proxy.page(at.after, at.changes, PAGE)?;
            let changes = Some(page.changes);
            Ok((page.members, page.next.map(|after| Position { after: Some(after), changes })))
        };
        pages.next(turn, |member| set.unpack(&member, "iter"))
    }
}

impl<T: DeserializeOwned> FusedIterator for Iter<T> {}

impl<T> fmt::Debug for Iter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("set", &self.set).finish_non_exhaustive()
    }
}
