//! Iteration, a page at a time.

use core::fmt;
use core::iter::FusedIterator;
use std::vec;

use serde::de::DeserializeOwned;
use sync_proto::{Error, Payload};

use super::{PAGE, Set};

/// Iterates over the members of a [`Set`], a page at a time. Ends after the first error.
pub struct Iter<T> {
    set: Set<T>,
    page: vec::IntoIter<Payload>,
    /// Where the next page begins; `None` when the page at hand is the last.
    next: Option<Position>,
}

#[derive(Clone, Copy)]
struct Position {
    after: Option<u64>,
    changes: Option<u64>,
}

impl<T> Iter<T> {
    pub(super) fn new(set: Set<T>) -> Self {
        let next = Some(Position { after: None, changes: None });
        Self { set, page: Vec::new().into_iter(), next }
    }

    fn turn_page(&mut self, at: Position) -> Result<(), Error> {
        let page = self.set.proxy.page(at.after, at.changes, PAGE)?;
        let changes = Some(page.changes);
        self.next = page.next.map(|after| Position { after: Some(after), changes });
        self.page = page.members.into_iter();
        Ok(())
    }
}

impl<T: DeserializeOwned> Iterator for Iter<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.len() == 0
            && let Some(position) = self.next.take()
            && let Err(error) = self.turn_page(position)
        {
            return Some(Err(error));
        }
        let member = self.page.next()?;
        let member = self.set.unpack(&member, "iter");
        if member.is_err() {
            self.page = Vec::new().into_iter();
            self.next = None;
        }
        Some(member)
    }
}

impl<T: DeserializeOwned> FusedIterator for Iter<T> {}

impl<T> fmt::Debug for Iter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("set", &self.set).finish_non_exhaustive()
    }
}
