//! Iteration, a page at a time.

use core::fmt;
use core::iter::FusedIterator;
use std::collections::VecDeque;

use serde::de::DeserializeOwned;
use sync_objects::DictPart;
use sync_proto::{Error, Payload};

use super::{Dict, PAGE};

/// Iterates over the entries of a [`Dict`], a page at a time. Ends after the first error.
pub struct Iter<K, V> {
    dict: Dict<K, V>,
    reversed: bool,
    page: VecDeque<(Payload, Payload)>,
    /// Where the next page begins; `None` when the page at hand is the last.
    next: Option<Position>,
}

#[derive(Clone, Copy)]
struct Position {
    after: Option<u64>,
    changes: Option<u64>,
}

impl<K, V> Iter<K, V> {
    pub(super) fn new(dict: Dict<K, V>, reversed: bool) -> Self {
        let next = Some(Position { after: None, changes: None });
        Self { dict, reversed, page: VecDeque::new(), next }
    }

    fn turn_page(&mut self, at: Position) -> Result<(), Error> {
        let proxy = &self.dict.proxy;
        let page = proxy.page(DictPart::Items, self.reversed, at.after, at.changes, PAGE)?;
        let changes = Some(page.changes);
        self.next = page.next.map(|after| Position { after: Some(after), changes });
        self.page = page.keys.into_iter().zip(page.values).collect();
        Ok(())
    }
}

impl<K: DeserializeOwned, V: DeserializeOwned> Iterator for Iter<K, V> {
    type Item = Result<(K, V), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.is_empty()
            && let Some(position) = self.next.take()
            && let Err(error) = self.turn_page(position)
        {
            return Some(Err(error));
        }
        let (key, value) = self.page.pop_front()?;
        let entry = self.dict.unpack(&key, "iter");
        let entry = entry.and_then(|key| Ok((key, self.dict.unpack(&value, "iter")?)));
        if entry.is_err() {
            self.page.clear();
            self.next = None;
        }
        Some(entry)
    }
}

impl<K: DeserializeOwned, V: DeserializeOwned> FusedIterator for Iter<K, V> {}

impl<K, V> fmt::Debug for Iter<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("dict", &self.dict).finish_non_exhaustive()
    }
}
