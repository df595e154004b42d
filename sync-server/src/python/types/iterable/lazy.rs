//! What iterators have still to give. One may draw from another, and two from the same: each item
//! is drawn when its turn comes, as in Python.

use std::collections::HashMap;
use std::vec;

use sync_proto::Payload;

use super::{items, unknown};
use crate::python::args::Arg;
use crate::python::desk::Desk;
use crate::python::exceptions::{Raise, VALUE_ERROR};
use crate::python::pickle::{Iteration, NodeId};
use crate::python::value;

/// How many iterators may draw from each other: a pickle may have any number.
const LEVELS_MAX: usize = 16;

/// Returns what an iterator has still to give.
pub(super) fn rest(desk: &mut Desk<'_>, iterator: Arg<'_>) -> Result<Vec<Payload>, Raise> {
    let mut drawn = Drawn { desk, begun: HashMap::new() };
    let mut items = Vec::new();
    while let Some(item) = drawn.next(iterator, LEVELS_MAX)? {
        items.push(item);
    }
    Ok(items)
}

struct Drawn<'a, 'k, 'g> {
    desk: &'a mut Desk<'k>,
    begun: HashMap<NodeId, Begun<'g>>,
}

/// Where an iterator is.
enum Begun<'g> {
    Items(vec::IntoIter<Payload>),
    Enumerate(NodeId, i64),
    Zip(&'g [NodeId], bool),
    /// At its end, where it stays: one that is named often is looked through once.
    Done,
}

impl<'g> Drawn<'_, '_, 'g> {
    fn next(&mut self, of: Arg<'g>, levels: usize) -> Result<Option<Payload>, Raise> {
        let Some(levels) = levels.checked_sub(1) else { return Err(unknown(of)) };
        if !self.begun.contains_key(&of.id) {
            let begun = self.begin(of)?;
            self.begun.insert(of.id, begun);
        }
        let item = match self.begun.get_mut(&of.id) {
            None | Some(Begun::Done) => return Ok(None),
            Some(Begun::Items(items)) => items.next(),
            Some(Begun::Enumerate(inner, next)) => {
                let (inner, number) = (of.part(*inner), Payload::pack(&*next)?);
                *next += 1;
                let item = self.next(inner, levels)?;
                item.map(|item| self.tuple(&[number, item])).transpose()?
            }
            Some(&mut Begun::Zip(inner, is_strict)) => self.zip(of, inner, is_strict, levels)?,
        };
        if item.is_none() {
            self.begun.insert(of.id, Begun::Done);
        }
        Ok(item)
    }

    fn zip(
        &mut self,
        of: Arg<'g>,
        inner: &[NodeId],
        is_strict: bool,
        levels: usize,
    ) -> Result<Option<Payload>, Raise> {
        let mut items = Vec::new();
        for &id in inner {
            match self.next(of.part(id), levels)? {
                Some(item) => items.push(item),
                None if is_strict => {}
                None => return Ok(None),
            }
        }
        match items.len() {
            0 => Ok(None),
            len if len == inner.len() => self.tuple(&items).map(Some),
            _ => Err(VALUE_ERROR.with("zip() arguments have different lengths")),
        }
    }

    fn begin(&mut self, of: Arg<'g>) -> Result<Begun<'g>, Raise> {
        Ok(match of.graph.iteration(of.id) {
            Some(Iteration::Enumerate(inner, number)) => Begun::Enumerate(inner, number),
            Some(Iteration::Zip(inner, is_strict)) => Begun::Zip(inner, is_strict),
            Some(Iteration::Over { container, is_reversed, place }) => {
                // No deeper: an iterator holds the container itself.
                if of.graph.iteration(container).is_some() {
                    return Err(unknown(of));
                }
                let items = items(self.desk, of.part(container))?;
                Begun::Items(cut(items, is_reversed, place).into_iter())
            }
            None => return Err(unknown(of)),
        })
    }

    fn tuple(&self, items: &[Payload]) -> Result<Payload, Raise> {
        let tuple = value::tuple(items)?;
        self.desk.charge(1, tuple.bytes.len())?;
        Ok(tuple)
    }
}

/// Returns the items from a place on, or before it from the last; CPython cuts a place that is
/// none likewise.
fn cut(mut items: Vec<Payload>, is_reversed: bool, place: Option<i64>) -> Vec<Payload> {
    if is_reversed {
        if let Some(place) = place {
            items.truncate(usize::try_from(place.saturating_add(1)).unwrap_or(0));
        }
        items.reverse();
    } else {
        let given = usize::try_from(place.unwrap_or(0)).unwrap_or(0);
        items.drain(..given.min(items.len()));
    }
    items
}
