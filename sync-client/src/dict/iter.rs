//! Iteration, a page at a time.

use core::fmt;
use core::iter::FusedIterator;

use serde::de::DeserializeOwned;
use sync_objects::DictPart;
use sync_proto::{Error, Payload};

use super::Dict;
use crate::pages::{PAGE, Pages, Position};

/// Iterates over the entries of a [`Dict`], a page at a time. Ends after the first error.
pub struct Iter<K, V> {
    dict: Dict<K, V>,
    reversed: bool,
    pages: Pages<(Payload, Payload)>,
}

impl<K, V> Iter<K, V> {
    pub(super) fn new(dict: Dict<K, V>, reversed: bool) -> Self {
        Self { dict, reversed, pages: Pages::new() }
    }
}

impl<K: DeserializeOwned, V: DeserializeOwned> Iterator for Iter<K, V> {
    type Item = Result<(K, V), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let Self { dict, reversed, pages } = self;
        let turn = |at: Position| {
            let page = dict.proxy.page(DictPart::Items, *reversed, at.after, at.changes, PAGE)?;
            let changes = Some(page.changes);
            let next = page.next.map(|after| Position { after: Some(after), changes });
            Ok((page.keys.into_iter().zip(page.values).collect(), next))
        };
        pages.next(turn, |(key, value)| {
            Ok((dict.unpack(&key, "iter")?, dict.unpack(&value, "iter")?))
        })
    }
}

impl<K: DeserializeOwned, V: DeserializeOwned> FusedIterator for Iter<K, V> {}

impl<K, V> fmt::Debug for Iter<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("dict", &self.dict).finish_non_exhaustive()
    }
}
