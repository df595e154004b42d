//! The list's methods.

use sync_proto::{ErrorKind, Handle, Payload, Refusal, Token};

use super::slice::{self, Slice};
use super::{List, ListPage, ListUpdate, REPEATED_ITEMS_MAX, TURN, find, list, sort};
use crate::kernel::{HANDLES_PER_LOOK, handles_cost};
use crate::objects::turn::given_up;
use crate::{Cx, Flow, Gone, VALUE_COST};

impl list::Service for List {
    fn new(items: Vec<Payload>) -> Result<Self, Refusal> {
        Ok(Self { items: items.into(), ..Self::default() })
    }

    fn get(&mut self, cx: &mut Cx<'_>, index: i64) -> Flow<Payload> {
        let item = slice::position(index, self.items.len()).map(|at| &self.items[at]);
        item.and_then(|item| cx.check_given([item]).map(|()| item.clone())).into()
    }

    fn to_vec(&mut self, cx: &mut Cx<'_>) -> Flow<Vec<Payload>> {
        cx.check_given(&self.items).map(|()| self.all()).into()
    }

    fn len(&mut self, _: &mut Cx<'_>) -> Flow<u64> {
        Flow::Done(self.items.len() as u64)
    }

    fn is_empty(&mut self, _: &mut Cx<'_>) -> Flow<bool> {
        Flow::Done(self.items.is_empty())
    }

    fn page(
        &mut self,
        cx: &mut Cx<'_>,
        start: u64,
        changes: Option<u64>,
        max_bytes: u64,
    ) -> Flow<ListPage> {
        if changes.is_some_and(|changes| changes != self.changes) {
            let why = "the list's items were added, removed or moved during iteration";
            return Flow::refuse(ErrorKind::Changed, why);
        }
        let page = self.page_from(start, max_bytes);
        cx.check_given(&page.items).map(|()| page).into()
    }

    fn slice(&mut self, cx: &mut Cx<'_>, slice: Slice) -> Flow<Vec<Payload>> {
        let items = slice.of(self.items.len()).map(|span| span.get(&self.items));
        items.and_then(|items| cx.check_given(&items).map(|()| items)).into()
    }

    fn concat(&mut self, cx: &mut Cx<'_>, items: Vec<Payload>) -> Flow<Vec<Payload>> {
        let mut all = self.all();
        all.extend(items);
        cx.check_given(&all).map(|()| all).into()
    }

    fn index_of(
        &mut self,
        _: &mut Cx<'_>,
        value: Payload,
        start: Option<i64>,
        end: Option<i64>,
    ) -> Flow<Option<u64>> {
        let step = None;
        let found = Slice { start, end, step }.of(self.items.len()).and_then(|slice| {
            let range = slice.range();
            let offset = find::first(&value, self.items.range(range.clone()))?;
            Ok(offset.map(|offset| (range.start + offset) as u64))
        });
        found.into()
    }

    fn count(&mut self, _: &mut Cx<'_>, value: Payload) -> Flow<u64> {
        find::count(&value, &self.items).into()
    }

    fn contains(&mut self, _: &mut Cx<'_>, value: Payload) -> Flow<bool> {
        find::first(&value, &self.items).map(|found| found.is_some()).into()
    }

    fn set(&mut self, cx: &mut Cx<'_>, index: i64, value: Payload) -> Flow<()> {
        self.write(cx, |items| {
            let at = slice::position(index, items.len())?;
            items[at] = value;
            Ok(())
        })
    }

    fn insert(&mut self, cx: &mut Cx<'_>, index: i64, value: Payload) -> Flow<()> {
        self.grow(cx, VALUE_COST, |items| {
            items.insert(slice::gap(index, items.len()), value);
            Ok(())
        })
    }

    fn push(&mut self, cx: &mut Cx<'_>, value: Payload) -> Flow<()> {
        self.grow(cx, VALUE_COST, |items| {
            items.push_back(value);
            Ok(())
        })
    }

    fn extend(&mut self, cx: &mut Cx<'_>, items: Vec<Payload>) -> Flow<()> {
        self.grow(cx, VALUE_COST * items.len(), |own| {
            own.extend(items);
            Ok(())
        })
    }

    fn extend_from(&mut self, cx: &mut Cx<'_>, other: Handle) -> Flow<()> {
        if other.object() == cx.object() {
            let items = self.all();
            return self.extend(cx, items);
        }
        match list::Peer(&other).to_vec(cx) {
            Ok(Flow::Done(items)) => self.extend(cx, items),
            Ok(other) => other.map(drop),
            Err(refusal) => Flow::Refuse(refusal),
        }
    }

    fn remove(&mut self, cx: &mut Cx<'_>, index: i64) -> Flow<Payload> {
        self.write(cx, |items| {
            let at = slice::position(index, items.len())?;
            items.remove(at).ok_or_else(|| ErrorKind::OutOfRange.into())
        })
    }

    fn pop(&mut self, cx: &mut Cx<'_>) -> Flow<Option<Payload>> {
        self.write(cx, |items| Ok(items.pop_back()))
    }

    fn remove_item(&mut self, cx: &mut Cx<'_>, value: Payload) -> Flow<bool> {
        self.write(cx, |items| {
            let found = find::first(&value, items.iter())?;
            Ok(found.and_then(|at| items.remove(at)).is_some())
        })
    }

    fn clear(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        self.write(cx, |items| {
            items.clear();
            Ok(())
        })
    }

    fn set_slice(&mut self, cx: &mut Cx<'_>, slice: Slice, items: Vec<Payload>) -> Flow<()> {
        self.grow(cx, VALUE_COST * items.len(), |own| slice.of(own.len())?.set(own, items))
    }

    fn delete_slice(&mut self, cx: &mut Cx<'_>, slice: Slice) -> Flow<()> {
        self.write(cx, |items| {
            slice.of(items.len())?.delete(items);
            Ok(())
        })
    }

    fn reverse(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        self.reorder(cx, |items| {
            items.make_contiguous().reverse();
            Ok(())
        })
    }

    fn sort(&mut self, cx: &mut Cx<'_>, descending: bool) -> Flow<()> {
        self.reorder(cx, |items| sort::sort(items, descending))
    }

    fn repeat(&mut self, cx: &mut Cx<'_>, times: i64) -> Flow<()> {
        let times = usize::try_from(times).unwrap_or(0);
        // A proxy in an item is copied as the item is.
        let proxies: usize = self.items.iter().map(|item| item.handles.len()).sum();
        let (once, handles) = (self.items.len() + proxies, self.items.iter().map(handles_cost));
        let cost = VALUE_COST * self.items.len() + handles.sum::<usize>();
        // More than can be repeated to is refused for that, and not for what it would cost.
        let wanted = times.saturating_mul(once);
        let more = if wanted > REPEATED_ITEMS_MAX { 0 } else { times.saturating_sub(1) };
        self.grow(cx, more * cost, |items| {
            if times > 1 && wanted > REPEATED_ITEMS_MAX {
                let why = format!(
                    "{times} times {once} items and proxies are more than {REPEATED_ITEMS_MAX}, \
                     the most that a list may be repeated to"
                );
                return Err(Refusal::new(ErrorKind::TooLarge, why));
            }
            // An empty list stays empty, however large `times` is: nothing counts up to it.
            let part: Vec<Payload> = items.drain(..).collect();
            let times = if part.is_empty() { 0 } else { times };
            items.extend((0..times).flat_map(|_| part.iter().cloned()));
            Ok(())
        })
    }

    fn begin_update(&mut self, cx: &mut Cx<'_>) -> Flow<ListUpdate> {
        if let Err(refusal) = cx.check_given(&self.items) {
            return Flow::Refuse(refusal);
        }
        match self.turn.is_free(cx, TURN) {
            Ok(true) => {
                let token = self.turn.take(cx, TURN);
                let items = self.all();
                Flow::Done(ListUpdate { token, items })
            }
            Ok(false) => Flow::Wait(TURN),
            Err(refusal) => Flow::Refuse(refusal),
        }
    }

    fn commit_update(&mut self, cx: &mut Cx<'_>, token: Token, items: Vec<Payload>) -> Flow<()> {
        let more = items.len().saturating_sub(self.items.len());
        if let Err(refusal) = cx.afford(more.saturating_mul(VALUE_COST)) {
            return Flow::Refuse(refusal);
        }
        // The turn ends whatever else comes of the commit.
        let ended = self.turn.end(cx, token, TURN);
        ended
            .map(|()| {
                self.items = items.into();
                self.changes += 1;
            })
            .into()
    }

    fn cancel_update(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<()> {
        given_up(self.turn.end(cx, token, TURN))
    }

    fn abandon_update(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        self.turn.abandon(cx, TURN);
        Flow::Done(())
    }

    fn session_gone(&mut self, cx: &mut Cx<'_>, gone: &Gone) {
        self.turn.session_gone(cx, gone, TURN);
    }

    fn weight(&self) -> usize {
        VALUE_COST * self.items.len()
    }

    fn handles(&self, visit: &mut dyn FnMut(&Handle)) {
        let payloads = self.items.iter();
        payloads.flat_map(|payload| &payload.handles).for_each(visit);
    }

    fn handles_from(&self, place: u64, visit: &mut dyn FnMut(&Handle)) -> Option<u64> {
        let start = self.items.len().min(usize::try_from(place).unwrap_or(usize::MAX));
        let end = self.items.len().min(start + HANDLES_PER_LOOK);
        let payloads = self.items.range(start..end);
        payloads.flat_map(|payload| &payload.handles).for_each(visit);
        (end < self.items.len()).then_some(end as u64)
    }
}
