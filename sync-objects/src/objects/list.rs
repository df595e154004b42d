//! List: values by their index, with Python's indices and slices.
//!
//! The whole list has one turn: an update (two calls) has it for itself, other writers wait in
//! line, first come, first served, and readers don't wait.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use sync_proto::{Handle, Payload, Refusal, Token};

use super::turn::Turn;
use crate::{Channel, Cx, Flow, interface};

mod find;
mod service;
mod slice;
mod sort;

pub use sort::sort_order;

pub use slice::Slice;
pub(crate) use slice::{Span, find};

/// Some items of a list, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ListPage {
    /// The items.
    pub items: Vec<Payload>,
    /// Where the next page starts; `None` when this is the last.
    pub next: Option<u64>,
    /// How often items were added, removed or moved so far; setting one in its place does not
    /// count.
    pub changes: u64,
}

/// The beginning of an update: the turn, and the items as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ListUpdate {
    /// The token to commit the update with.
    pub token: Token,
    /// The items.
    pub items: Vec<Payload>,
}

interface! {
    /// Values by index. A negative index counts from the end.
    pub mod list = "sync.list" {
        new(items: Vec<Payload>);
        /// Returns the item at an index.
        fn get(index: i64) -> Payload;
        /// Returns all items.
        fn to_vec() -> Vec<Payload>;
        /// Returns how many items there are.
        fn len() -> u64;
        /// Returns whether there are no items.
        fn is_empty() -> bool;
        /// Returns the items from an index on: at least one, and no more than fill `max_bytes`.
        /// Refuses with `Changed` when items were added, removed or moved since a page returned
        /// `changes`.
        fn page(start: u64, changes: Option<u64>, max_bytes: u64) -> ListPage;
        /// Returns the items of a slice.
        fn slice(slice: Slice) -> Vec<Payload>;
        /// Returns the list's items followed by these; the list stays as it is.
        fn concat(items: Vec<Payload>) -> Vec<Payload>;
        /// Returns the index of the first item that equals a value, between two indices, which
        /// count as in a slice.
        fn index_of(value: Payload, start: Option<i64>, end: Option<i64>) -> Option<u64>;
        /// Returns how many items equal a value.
        fn count(value: Payload) -> u64;
        /// Returns whether an item equals a value.
        fn contains(value: Payload) -> bool;
        /// Sets the item at an index.
        fn set(index: i64, value: Payload);
        /// Inserts an item before the one at an index, or at an end if the index lies beyond it.
        fn insert(index: i64, value: Payload);
        /// Adds an item at the end.
        fn push(value: Payload);
        /// Adds items at the end.
        fn extend(items: Vec<Payload>);
        /// Adds the items of another list, or this list's own once more, at the end.
        fn extend_from(other: Handle);
        /// Takes out the item at an index.
        fn remove(index: i64) -> Payload;
        /// Takes out the last item.
        fn pop() -> Option<Payload>;
        /// Deletes the first item that equals a value; returns whether there was one.
        fn remove_item(value: Payload) -> bool;
        /// Deletes all items.
        fn clear();
        /// Replaces the items of a slice. One with a step takes as many as it has.
        fn set_slice(slice: Slice, items: Vec<Payload>);
        /// Deletes the items of a slice.
        fn delete_slice(slice: Slice);
        /// Reverses the order.
        fn reverse();
        /// Sorts the items by value; equal ones keep their order, even when descending.
        fn sort(descending: bool);
        /// Repeats the items `times` times; none are left for 0 and less.
        fn repeat(times: i64);
        /// Waits for the turn to write and takes it, with the items.
        fn begin_update() -> ListUpdate;
        /// Replaces all items and ends the turn.
        fn commit_update(token: Token, items: Vec<Payload>);
        /// Ends the turn and leaves the items as they are.
        fn cancel_update(token: Token);
        /// Ends the caller's own turn, if the answer that began it was too large to reach the
        /// caller, and leaves the items as they are.
        fn abandon_update();
    }
}

const TURN: Channel = Channel::new(0);

/// The most items that `repeat` makes, with the proxies in them: a call of a few bytes must not
/// fill the manager's memory.
const REPEATED_ITEMS_MAX: usize = 1 << 22;

#[derive(Debug, Default)]
pub(crate) struct List {
    items: VecDeque<Payload>,
    changes: u64,
    turn: Turn,
}

impl List {
    /// Runs a write, if it is the caller's turn.
    fn write<T>(
        &mut self,
        cx: &mut Cx<'_>,
        write: impl FnOnce(&mut VecDeque<Payload>) -> Result<T, Refusal>,
    ) -> Flow<T> {
        if !self.turn.may_write(cx, TURN) {
            return Flow::Wait(TURN);
        }
        let before = self.items.len();
        let result = write(&mut self.items);
        if result.is_ok() {
            self.turn.touch(cx);
        }
        if self.items.len() != before {
            self.changes += 1;
        }
        result.into()
    }

    /// Runs a write that adds items, if it is the caller's turn and the manager may keep
    /// `more` bytes.
    fn grow<T>(
        &mut self,
        cx: &mut Cx<'_>,
        more: usize,
        write: impl FnOnce(&mut VecDeque<Payload>) -> Result<T, Refusal>,
    ) -> Flow<T> {
        let room = cx.afford(more);
        self.write(cx, |items| room.and_then(|()| write(items)))
    }

    /// Runs a write by which items move, if it is the caller's turn.
    fn reorder(
        &mut self,
        cx: &mut Cx<'_>,
        write: impl FnOnce(&mut VecDeque<Payload>) -> Result<(), Refusal>,
    ) -> Flow<()> {
        let flow = self.write(cx, write);
        if matches!(flow, Flow::Done(())) {
            self.changes += 1;
        }
        flow
    }

    fn all(&self) -> Vec<Payload> {
        self.items.iter().cloned().collect()
    }

    fn page_from(&self, start: u64, max_bytes: u64) -> ListPage {
        let start = self.items.len().min(usize::try_from(start).unwrap_or(usize::MAX));
        let mut bytes = 0;
        let fitting = self.items.range(start..).take_while(|item| {
            bytes += super::size_in_answer(item);
            bytes <= max_bytes
        });
        // The first goes even if it alone is more.
        let end = (start + fitting.count().max(1)).min(self.items.len());
        ListPage {
            items: self.items.range(start..end).cloned().collect(),
            next: (end < self.items.len()).then_some(end as u64),
            changes: self.changes,
        }
    }
}
