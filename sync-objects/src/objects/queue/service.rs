//! What each method of a queue does.

use std::collections::{BTreeMap, BTreeSet};

use sync_proto::{ErrorKind, Handle, Payload, Refusal, Token};

use super::{ALL_DONE, CLOSED, ITEM_COST, ITEMS, Item, Leased, Order, Queue, ROOM, queue};
use crate::kernel::HOLD;
use crate::{Cx, Flow, Gone};

impl queue::Service for Queue {
    fn new(bound: Option<u64>, order: Order) -> Result<Self, Refusal> {
        if bound == Some(0) {
            let why = "a queue with no room would never accept an item";
            return Err(Refusal::new(ErrorKind::InvalidInput, why));
        }
        Ok(Self {
            bound,
            order,
            ready: BTreeMap::new(),
            leased: BTreeMap::new(),
            leased_ids: BTreeSet::new(),
            next_id: 1,
            asked: 0,
            unfinished: 0,
            closed: false,
            discards: false,
        })
    }

    fn put(&mut self, cx: &mut Cx<'_>, payload: Payload, priority: i64) -> Flow<()> {
        if self.closed {
            return Flow::refuse(ErrorKind::Closed, CLOSED);
        }
        if priority != 0 && self.order != Order::Priority {
            let why = "this queue has no priorities: create it with priority order";
            return Flow::refuse(ErrorKind::InvalidInput, why);
        }
        if !self.admits(cx, 1) {
            return Flow::Wait(ROOM);
        }
        if let Err(refusal) = cx.afford(ITEM_COST) {
            return Flow::Refuse(refusal);
        }
        self.accept(cx, vec![payload], priority);
        Flow::Done(())
    }

    fn put_many(&mut self, cx: &mut Cx<'_>, payloads: Vec<Payload>) -> Flow<()> {
        if self.closed {
            return Flow::refuse(ErrorKind::Closed, CLOSED);
        }
        let count = payloads.len();
        if let Some(bound) = self.bound.filter(|&bound| count as u64 > bound) {
            let why = format!("{count} items never fit into a queue of {bound}: put fewer at once");
            return Flow::refuse(ErrorKind::InvalidInput, why);
        }
        if count == 0 {
            // Nothing takes no place, and waits for none.
            return Flow::Done(());
        }
        if !self.admits(cx, count) {
            return Flow::Wait(ROOM);
        }
        if let Err(refusal) = cx.afford(count * ITEM_COST) {
            return Flow::Refuse(refusal);
        }
        self.accept(cx, payloads, 0);
        Flow::Done(())
    }

    fn get(&mut self, cx: &mut Cx<'_>) -> Flow<Option<Item>> {
        match self.take(cx) {
            Ok(item) => Flow::Done(Some(item)),
            Err(flow) => flow.map(|()| None),
        }
    }

    fn get_many(&mut self, cx: &mut Cx<'_>, max: u64, max_bytes: u64) -> Flow<Vec<Item>> {
        if max == 0 {
            return Flow::refuse(ErrorKind::InvalidInput, "no items were asked for");
        }
        let mut items = match self.take(cx) {
            Ok(item) => vec![item],
            Err(flow) => return flow.map(|()| Vec::new()),
        };
        let max_bytes = max_bytes.min(cx.answer_max() as u64);
        let mut left = max_bytes.saturating_sub(items[0].size());
        while (items.len() as u64) < max
            && let Some(next) = self.ready.first_entry()
            && let Some(rest) = left.checked_sub(next.get().size())
        {
            left = rest;
            let mut item = next.remove();
            item.attempt += 1;
            items.push(item);
        }
        self.offer_room(cx);
        Flow::Done(items)
    }

    fn get_leased(&mut self, cx: &mut Cx<'_>) -> Flow<Option<Leased>> {
        // What is given back can be leased by the next: it is only read. The grant is kept, a
        // little beyond the limit, so that a full manager can be emptied by leases.
        if !cx.is_behind(ITEMS)
            && let Some((_, first)) = self.ready.first_key_value()
            && let Err(refusal) =
                cx.check_given([&first.payload]).and_then(|()| cx.afford_little(HOLD))
        {
            return Flow::Refuse(refusal);
        }
        match self.take(cx) {
            Ok(item) => {
                let token = cx.hold(1);
                self.leased.insert(token, item.clone());
                self.leased_ids.insert(item.id);
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

    fn put_back(&mut self, cx: &mut Cx<'_>, mut items: Vec<Item>) -> Flow<()> {
        items.sort_by_key(|item| item.id);
        let doubled = items.windows(2).any(|pair| pair[0].id == pair[1].id);
        if doubled || !items.iter().all(|item| self.is_out(item)) {
            return Flow::refuse(ErrorKind::InvalidInput, "the item was not got from this queue");
        }
        if self.discards {
            // Somebody may have called them done, unread.
            let undone = self.unfinished.saturating_sub(self.pending());
            self.done(cx, undone.min(items.len() as u64));
            return Flow::Done(());
        }
        for item in &mut items {
            item.attempt = item.attempt.saturating_sub(1);
        }
        self.enter(cx, items);
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
        Flow::Done(!self.has_room_for(1))
    }

    fn bound(&mut self, _: &mut Cx<'_>) -> Flow<Option<u64>> {
        Flow::Done(self.bound)
    }

    fn session_gone(&mut self, cx: &mut Cx<'_>, gone: &Gone) {
        for (token, _) in &gone.held {
            if let Some(item) = self.take_leased(*token) {
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

    fn weight(&self) -> usize {
        ITEM_COST * (self.ready.len() + self.leased.len())
    }

    fn handles(&self, visit: &mut dyn FnMut(&Handle)) {
        let items = self.ready.values().chain(self.leased.values());
        items.flat_map(|item| &item.payload.handles).for_each(visit);
    }
}
