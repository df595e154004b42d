//! Queue: items put by some and got by others, each by one.
//!
//! An item that is *got* belongs to who got it. An item that is *leased* stays the queue's until
//! it is acknowledged: if its consumer dies, or gives it back, it returns to where it was.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sync_proto::{ErrorKind, Handle, Payload, Refusal, Token};

use crate::{Channel, Cx, Flow, Gone, interface};

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
    /// The priority it was put with.
    pub priority: i64,
    /// The value.
    pub payload: Payload,
}

/// An item that is leased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Leased {
    /// What it is acknowledged under; also its fencing token.
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
        /// Waits for an item and takes it; `None` when the queue is closed and drained.
        fn get() -> Option<Item>;
        /// Waits for an item and leases it; `None` when the queue is closed and drained.
        fn get_leased() -> Option<Leased>;
        /// Ends a lease: the item is done with, which counts as `task_done`.
        fn ack(token: Token);
        /// Ends a lease: the item returns to where it was.
        fn requeue(token: Token);
        /// Returns an item that its reader could not read to where it was.
        fn put_back(item: Item);
        /// Counts an item that was got as done.
        fn task_done();
        /// Waits until every item that was put is done.
        fn join();
        /// Lets nothing more in; what is in can be got.
        fn close();
        /// Lets nothing more in and discards what is in, and leased items that come back; returns
        /// how many items were in.
        fn close_now() -> u64;
        /// Returns whether the queue is closed.
        fn is_closed() -> bool;
        /// Returns how many items wait to be got.
        fn len() -> u64;
        /// Returns whether there is no room.
        fn is_full() -> bool;
        /// Returns how many items it may hold.
        fn bound() -> Option<u64>;
    }
}

const ROOM: Channel = Channel::new(0);
const ITEMS: Channel = Channel::new(1);
const ALL_DONE: Channel = Channel::new(2);

/// Where an item stands: an item that comes back stands where it stood.
type Rank = (i64, i128);

#[derive(Debug)]
pub(crate) struct Queue {
    bound: Option<u64>,
    order: Order,
    ready: BTreeMap<Rank, Item>,
    leased: BTreeMap<Token, Item>,
    next_id: u64,
    /// Items that were put and are not done.
    unfinished: u64,
    closed: bool,
    /// It was closed at once: what comes back is discarded, too.
    discards: bool,
}

impl Queue {
    fn has_no_room(&self) -> bool {
        self.bound.is_some_and(|bound| self.ready.len() as u64 >= bound)
    }

    /// Counts the items that are in, lent or not: none of them is done.
    fn pending(&self) -> u64 {
        (self.ready.len() + self.leased.len()) as u64
    }

    /// Returns whether nothing will come out any more. A lease may yet come back: consumers end
    /// only when none is out, unless it would be discarded.
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

    fn enter(&mut self, cx: &mut Cx<'_>, item: Item) {
        self.ready.insert(self.rank(&item), item);
        cx.wake_in_turn(ITEMS);
    }

    /// Takes an item that was out back to where it was; one that would be discarded is.
    fn come_back(&mut self, cx: &mut Cx<'_>, item: Item) {
        if self.discards {
            self.done(cx, 1);
        } else {
            self.enter(cx, item);
        }
    }

    /// Takes the next item for whoever is first in line, or says what its caller is to do.
    fn take(&mut self, cx: &mut Cx<'_>) -> Result<Item, Flow<()>> {
        if !cx.is_behind(ITEMS)
            && let Some((_, mut item)) = self.ready.pop_first()
        {
            item.attempt += 1;
            cx.wake_in_turn(ROOM);
            return Ok(item);
        }
        Err(if self.is_drained() { Flow::Done(()) } else { Flow::Wait(ITEMS) })
    }

    fn end_lease(&mut self, cx: &mut Cx<'_>, token: Token) -> Result<Item, Refusal> {
        let ours = cx.owner(token).is_some_and(|owner| owner.session == cx.caller().session);
        let item = ours.then(|| self.leased.remove(&token)).flatten().ok_or_else(|| {
            let why = "the item is not leased by this process: it was acknowledged or returned";
            Refusal::new(ErrorKind::NotOwner, why)
        })?;
        cx.let_go(token);
        Ok(item)
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

impl queue::Service for Queue {
    fn new(bound: Option<u64>, order: Order) -> Result<Self, Refusal> {
        if bound == Some(0) {
            let why = "a queue with room for nothing would never take an item";
            return Err(Refusal::new(ErrorKind::InvalidInput, why));
        }
        Ok(Self {
            bound,
            order,
            ready: BTreeMap::new(),
            leased: BTreeMap::new(),
            next_id: 1,
            unfinished: 0,
            closed: false,
            discards: false,
        })
    }

    fn put(&mut self, cx: &mut Cx<'_>, payload: Payload, priority: i64) -> Flow<()> {
        if self.closed {
            return Flow::refuse(ErrorKind::Closed, "the queue is closed: nothing more goes in");
        }
        if priority != 0 && self.order != Order::Priority {
            let why = "this queue has no priorities: create it with priority order";
            return Flow::refuse(ErrorKind::InvalidInput, why);
        }
        if self.has_no_room() || cx.is_behind(ROOM) {
            return Flow::Wait(ROOM);
        }
        let item = Item { id: self.next_id, attempt: 0, priority, payload };
        self.next_id += 1;
        self.unfinished += 1;
        self.enter(cx, item);
        Flow::Done(())
    }

    fn get(&mut self, cx: &mut Cx<'_>) -> Flow<Option<Item>> {
        match self.take(cx) {
            Ok(item) => Flow::Done(Some(item)),
            Err(flow) => flow.map(|()| None),
        }
    }

    fn get_leased(&mut self, cx: &mut Cx<'_>) -> Flow<Option<Leased>> {
        match self.take(cx) {
            Ok(item) => {
                let token = cx.hold(1);
                self.leased.insert(token, item.clone());
                Flow::Done(Some(Leased { token, item }))
            }
            Err(flow) => flow.map(|()| None),
        }
    }

    fn ack(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<()> {
        self.end_lease(cx, token).map(|_| self.done(cx, 1)).into()
    }

    fn requeue(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<()> {
        self.end_lease(cx, token).map(|item| self.come_back(cx, item)).into()
    }

    fn put_back(&mut self, cx: &mut Cx<'_>, mut item: Item) -> Flow<()> {
        let known = item.id > 0 && item.id < self.next_id;
        let is_inside = self.ready.contains_key(&self.rank(&item))
            || self.leased.values().any(|other| other.id == item.id);
        if !known || is_inside {
            return Flow::refuse(ErrorKind::InvalidInput, "the item was not got from this queue");
        }
        if self.discards {
            return Flow::Done(());
        }
        item.attempt = item.attempt.saturating_sub(1);
        self.enter(cx, item);
        // Somebody may have called it done, unread: what is in is not.
        self.unfinished = self.unfinished.max(self.pending());
        Flow::Done(())
    }

    fn task_done(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        if self.unfinished <= self.pending() {
            let why = "task_done was called more often than items were got";
            return Flow::refuse(ErrorKind::InvalidInput, why);
        }
        self.done(cx, 1);
        Flow::Done(())
    }

    fn join(&mut self, _: &mut Cx<'_>) -> Flow<()> {
        if self.unfinished == 0 { Flow::Done(()) } else { Flow::Wait(ALL_DONE) }
    }

    fn close(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        self.closed = true;
        cx.wake(ROOM, usize::MAX);
        cx.wake(ITEMS, usize::MAX);
        Flow::Done(())
    }

    fn close_now(&mut self, cx: &mut Cx<'_>) -> Flow<u64> {
        let discarded = std::mem::take(&mut self.ready).len() as u64;
        (self.closed, self.discards) = (true, true);
        self.done(cx, discarded);
        cx.wake(ROOM, usize::MAX);
        cx.wake(ITEMS, usize::MAX);
        Flow::Done(discarded)
    }

    fn is_closed(&mut self, _: &mut Cx<'_>) -> Flow<bool> {
        Flow::Done(self.closed)
    }

    fn len(&mut self, _: &mut Cx<'_>) -> Flow<u64> {
        Flow::Done(self.ready.len() as u64)
    }

    fn is_full(&mut self, _: &mut Cx<'_>) -> Flow<bool> {
        Flow::Done(self.has_no_room())
    }

    fn bound(&mut self, _: &mut Cx<'_>) -> Flow<Option<u64>> {
        Flow::Done(self.bound)
    }

    fn session_gone(&mut self, cx: &mut Cx<'_>, gone: &Gone) {
        for (token, _) in &gone.held {
            if let Some(item) = self.leased.remove(token) {
                self.come_back(cx, item);
            }
        }
    }

    fn shape(&self) -> String {
        let order = match self.order {
            Order::Fifo => "first in, first out",
            Order::Lifo => "last in, first out",
            Order::Priority => "by priority",
        };
        match self.bound {
            Some(bound) => format!("{order}, at most {bound} items"),
            None => format!("{order}, without a bound"),
        }
    }

    fn handles(&self, visit: &mut dyn FnMut(&Handle)) {
        let items = self.ready.values().chain(self.leased.values());
        items.flat_map(|item| &item.payload.handles).for_each(visit);
    }
}
