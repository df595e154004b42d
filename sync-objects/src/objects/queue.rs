//! Queue: some callers put items in, others get them, each item once.
//!
//! An item that is *got* belongs to the getter. An item that is *leased* stays the queue's until it
//! is acknowledged: if its consumer dies, or gives it back, it returns to its place.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sync_proto::{ErrorKind, Payload, Refusal, Token};

use crate::{Channel, Cx, Flow, VALUE_COST, interface};

mod service;

/// In which order items come out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Order {
    /// First in, first out.
    #[default]
    Fifo,
    /// Last in, first out.
    Lifo,
    /// The smallest priority first; equal ones first in, first out.
    Priority,
}

/// An item on its way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Item {
    /// Its number in its queue, the same at every delivery.
    pub id: u64,
    /// Which delivery of it this is: 1 for the first.
    pub attempt: u32,
    /// The priority that it was put with.
    pub priority: i64,
    /// The value.
    pub payload: Payload,
}

impl Item {
    /// Returns about how many bytes it takes in an answer.
    fn size(&self) -> u64 {
        const OTHER_FIELDS: usize = 32;
        (self.payload.bytes.len() + self.payload.handles.len() * 16 + OTHER_FIELDS) as u64
    }
}

/// An item that is leased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Leased {
    /// The token to acknowledge it with; also its fencing token.
    pub token: Token,
    /// The item.
    pub item: Item,
}

interface! {
    /// A queue of items.
    pub mod queue = "sync.queue" {
        new(bound: Option<u64>, order: Order);
        /// Waits until there is room, and puts an item in.
        fn put(payload: Payload, priority: i64);
        /// Waits until there is room for all of the items, and puts them in, one right after
        /// another.
        fn put_many(payloads: Vec<Payload>);
        /// Waits for an item and takes it; `None` when the queue is closed and drained.
        fn get() -> Option<Item>;
        /// Waits for an item and takes those that are in: at least one, at most `max`, and no more
        /// than fill `max_bytes`; none when the queue is closed and drained.
        fn get_many(max: u64, max_bytes: u64) -> Vec<Item>;
        /// Waits for an item and leases it; `None` when the queue is closed and drained.
        fn get_leased() -> Option<Leased>;
        /// Ends a lease: the item is done with, which counts as `task_done`.
        fn ack(token: Token);
        /// Ends a lease: the item returns to its place.
        fn requeue(token: Token);
        /// Returns items that their reader could not read to their places: all or none.
        fn put_back(items: Vec<Item>);
        /// Counts an item that was got as done.
        fn task_done();
        /// Waits until every item that was put is done.
        fn join();
        /// Accepts no more items; those that are in can be got.
        fn close();
        /// Accepts no more items and discards those that are in, and leased items that come back;
        /// returns how many items were in.
        fn close_now() -> u64;
        /// Returns whether the queue is closed.
        fn is_closed() -> bool;
        /// Returns how many items wait to be got.
        fn len() -> u64;
        /// Returns whether the queue is full.
        fn is_full() -> bool;
        /// Returns how many items the queue may hold.
        fn bound() -> Option<u64>;
    }
}

const CLOSED: &str = "the queue is closed: nothing more goes in";

const ROOM: Channel = Channel::new(0);
const ITEMS: Channel = Channel::new(1);
const ALL_DONE: Channel = Channel::new(2);

/// Where an item stands: one that comes back stands where it stood.
type Rank = (i64, i128);

#[derive(Debug)]
pub(crate) struct Queue {
    bound: Option<u64>,
    order: Order,
    ready: BTreeMap<Rank, Item>,
    leased: BTreeMap<Token, Item>,
    /// The numbers of the items that are leased.
    leased_ids: BTreeSet<u64>,
    next_id: u64,
    /// How many places the first in the line for room asked for when it was polled last: it is
    /// polled again when they are there, since many items cost time to look at.
    asked: usize,
    /// Items that were put and are not done.
    unfinished: u64,
    closed: bool,
    /// The queue was closed at once: items that come back are discarded, too.
    discards: bool,
}

/// What an item costs beside its value's bytes: with its number, rank and the tree it stands in.
const ITEM_COST: usize = VALUE_COST + 80;

impl Queue {
    fn has_room_for(&self, count: usize) -> bool {
        self.bound.is_none_or(|bound| (self.ready.len() + count) as u64 <= bound)
    }

    /// Returns whether the caller may put so many items in now; if not, it stands in line.
    fn admits(&mut self, cx: &Cx<'_>, count: usize) -> bool {
        if cx.is_behind(ROOM) {
            return false;
        }
        self.asked = count;
        self.has_room_for(count)
    }

    /// Serves those who wait for room, if the first of them gets it.
    fn offer_room(&self, cx: &mut Cx<'_>) {
        if self.has_room_for(self.asked) {
            cx.wake_in_turn(ROOM);
        }
    }

    /// Counts the items that are in, leased or not: none of them is done.
    fn pending(&self) -> u64 {
        (self.ready.len() + self.leased.len()) as u64
    }

    /// Returns whether no more items will come out. A lease may still bring one back: consumers get
    /// the end only when no lease is left, unless its item would be discarded.
    fn is_drained(&self) -> bool {
        self.closed && self.ready.is_empty() && (self.leased.is_empty() || self.discards)
    }

    fn rank(&self, item: &Item) -> Rank {
        match self.order {
            Order::Fifo => (0, item.id.into()),
            Order::Lifo => (0, -i128::from(item.id)),
            Order::Priority => (item.priority, item.id.into()),
        }
    }

    fn enter(&mut self, cx: &mut Cx<'_>, items: impl IntoIterator<Item = Item>) {
        for item in items {
            self.ready.insert(self.rank(&item), item);
        }
        cx.wake_in_turn(ITEMS);
    }

    /// Takes new items, for which there is room.
    fn accept(&mut self, cx: &mut Cx<'_>, payloads: Vec<Payload>, priority: i64) {
        let first = self.next_id;
        self.next_id += payloads.len() as u64;
        self.unfinished += payloads.len() as u64;
        let items = (first..).zip(payloads);
        self.enter(cx, items.map(|(id, payload)| Item { id, attempt: 0, priority, payload }));
    }

    /// Returns whether an item is out of this queue, as far as can be told.
    fn is_out(&self, item: &Item) -> bool {
        let known = item.id > 0 && item.id < self.next_id;
        let is_inside =
            self.ready.contains_key(&self.rank(item)) || self.leased_ids.contains(&item.id);
        known && !is_inside
    }

    /// Takes back an item that was out to its place, unless the queue discards it.
    fn come_back(&mut self, cx: &mut Cx<'_>, item: Item) {
        if self.discards {
            self.done(cx, 1);
        } else {
            self.enter(cx, [item]);
        }
    }

    /// Takes the next item for the first caller in line, or says what that caller is to do.
    fn take(&mut self, cx: &mut Cx<'_>) -> Result<Item, Flow<()>> {
        if !cx.is_behind(ITEMS)
            && let Some((_, mut item)) = self.ready.pop_first()
        {
            item.attempt += 1;
            self.offer_room(cx);
            return Ok(item);
        }
        Err(if self.is_drained() { Flow::Done(()) } else { Flow::Wait(ITEMS) })
    }

    fn end_lease(&mut self, cx: &mut Cx<'_>, token: Token) -> Result<Item, Refusal> {
        let ours = cx.owner(token).is_some_and(|owner| owner.session == cx.caller().session);
        let item = ours.then(|| self.take_leased(token)).flatten().ok_or_else(|| {
            let why = "the item is not leased by this process: it was acknowledged or returned";
            Refusal::new(ErrorKind::NotOwner, why)
        })?;
        cx.let_go(token);
        Ok(item)
    }

    fn take_leased(&mut self, token: Token) -> Option<Item> {
        let item = self.leased.remove(&token)?;
        self.leased_ids.remove(&item.id);
        Some(item)
    }

    fn done(&mut self, cx: &mut Cx<'_>, count: u64) {
        self.unfinished -= count;
        if self.unfinished == 0 {
            cx.wake(ALL_DONE, usize::MAX);
        }
        if self.is_drained() {
            cx.wake(ITEMS, usize::MAX);
        }
    }
}
