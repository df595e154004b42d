//! The dict's methods.

use sync_proto::{ErrorKind, Handle, Payload, Refusal, Token};

use super::store::ENTRY_COST;
use super::{Dict, DictPage, DictPart, DictUpdate, Removed, Stop, bulk, dict, flow};
use crate::kernel::handles_cost;
use crate::objects::equal;
use crate::objects::number::NumberKind;
use crate::objects::turn::given_up;
use crate::{Cx, Flow, Gone};

impl dict::Service for Dict {
    fn new(entries: Vec<(Payload, Payload)>) -> Result<Self, Refusal> {
        let mut this = Self::default();
        bulk::put_in(&mut this.store, bulk::keyed(entries)?);
        Ok(this)
    }

    fn get(&mut self, cx: &mut Cx<'_>, key: Payload) -> Flow<Option<Payload>> {
        let value = key.normalize_key().map(|key| self.store.get(&key));
        value.and_then(|value| cx.check_given(value).map(|()| value.cloned())).into()
    }

    fn get_many(&mut self, cx: &mut Cx<'_>, keys: Vec<Payload>) -> Flow<Vec<Option<Payload>>> {
        let value = |key: &Payload| Ok(self.store.get(&key.normalize_key()?));
        let values = keys.iter().map(value).collect::<Result<Vec<_>, Refusal>>();
        // A value that is asked for often is copied as often, with the proxies in it.
        let values = values.and_then(|values| {
            let handles = values.iter().flatten().map(|value| handles_cost(value)).sum();
            if handles > 0 { cx.afford(handles) } else { Ok(()) }?;
            cx.check_given(values.iter().copied().flatten()).map(|()| values)
        });
        values.map(|values| values.into_iter().map(|value| value.cloned()).collect()).into()
    }

    fn contains_key(&mut self, _: &mut Cx<'_>, key: Payload) -> Flow<bool> {
        let key = key.normalize_key();
        key.map(|key| self.store.contains(&key)).into()
    }

    fn len(&mut self, _: &mut Cx<'_>) -> Flow<u64> {
        Flow::Done(self.store.len() as u64)
    }

    fn is_empty(&mut self, _: &mut Cx<'_>) -> Flow<bool> {
        Flow::Done(self.store.len() == 0)
    }

    fn page(
        &mut self,
        cx: &mut Cx<'_>,
        part: DictPart,
        reversed: bool,
        after: Option<u64>,
        changes: Option<u64>,
        max_bytes: u64,
    ) -> Flow<DictPage> {
        if changes.is_some_and(|changes| changes != self.store.changes()) {
            let why = "the dict changed size during iteration";
            return Flow::refuse(ErrorKind::Changed, why);
        }
        let page = self.store.page(part, reversed, after, max_bytes);
        cx.check_given(page.keys.iter().chain(&page.values)).map(|()| page).into()
    }

    fn set(&mut self, cx: &mut Cx<'_>, key: Payload, value: Payload) -> Flow<()> {
        self.insert(cx, key, value).map(drop)
    }

    fn insert(&mut self, cx: &mut Cx<'_>, key: Payload, value: Payload) -> Flow<Option<Payload>> {
        flow(key.normalize_key().map_err(Stop::from).and_then(|normal| {
            self.grow(cx, &normal.clone(), |store| Ok(store.set(normal, key, value)))
        }))
    }

    fn get_or_insert(&mut self, cx: &mut Cx<'_>, key: Payload, value: Payload) -> Flow<Payload> {
        flow(key.normalize_key().map_err(Stop::from).and_then(|normal| {
            let found = self.store.get(&normal);
            let given = cx.check_given([found.unwrap_or(&value)]);
            // A caller that finds the key only reads, even if it stood in line to write.
            if let Some(found) = found.cloned() {
                self.turns.tidy(cx, &normal);
                return Ok(given.map(|()| found)?);
            }
            self.grow(cx, &normal.clone(), |store| {
                given?;
                store.set(normal, key, value.clone());
                Ok(value)
            })
        }))
    }

    fn remove(&mut self, cx: &mut Cx<'_>, key: Payload) -> Flow<Option<Removed>> {
        flow(
            key.normalize_key()
                .map_err(Stop::from)
                .and_then(|key| self.write(cx, &key, |store| Ok(store.remove(&key)))),
        )
    }

    fn pop_last(&mut self, cx: &mut Cx<'_>) -> Flow<Option<Removed>> {
        let last = self.store.last().cloned();
        flow(
            self.write_found(cx, &last, |store| {
                Ok(last.as_ref().and_then(|key| store.remove(key)))
            }),
        )
    }

    fn restore(&mut self, cx: &mut Cx<'_>, removed: Removed) -> Flow<bool> {
        let normal = removed.key.normalize_key();
        flow(normal.map_err(Stop::from).and_then(|normal| {
            self.grow(cx, &normal.clone(), |store| store.restore(normal, removed))
        }))
    }

    fn delete(&mut self, cx: &mut Cx<'_>, key: Payload) -> Flow<bool> {
        self.remove(cx, key).map(|removed| removed.is_some())
    }

    fn delete_many(&mut self, cx: &mut Cx<'_>, keys: Vec<Payload>) -> Flow<u64> {
        flow(self.remove_all(cx, &keys))
    }

    fn clear(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        flow(self.remove_every(cx))
    }

    fn extend(&mut self, cx: &mut Cx<'_>, entries: Vec<(Payload, Payload)>) -> Flow<()> {
        flow(self.set_all(cx, entries))
    }

    fn extend_from(&mut self, cx: &mut Cx<'_>, other: Handle) -> Flow<()> {
        self.copy_all(cx, &other)
    }

    fn add(
        &mut self,
        cx: &mut Cx<'_>,
        key: Payload,
        kind: NumberKind,
        amount: Payload,
    ) -> Flow<Payload> {
        flow(key.normalize_key().map_err(Stop::from).and_then(|normal| {
            self.grow(cx, &normal.clone(), |store| {
                let sum = bulk::sum(kind, store.get(&normal), &amount)?;
                store.set(normal, key, sum.clone());
                Ok(sum)
            })
        }))
    }

    fn add_all(
        &mut self,
        cx: &mut Cx<'_>,
        kind: NumberKind,
        amounts: Vec<(Payload, Payload)>,
    ) -> Flow<()> {
        flow(self.add_to_all(cx, kind, amounts))
    }

    fn compare_exchange(
        &mut self,
        cx: &mut Cx<'_>,
        key: Payload,
        expected: Option<Payload>,
        new: Option<Payload>,
    ) -> Flow<Result<Option<Payload>, Option<Payload>>> {
        flow(key.normalize_key().map_err(Stop::from).and_then(|normal| {
            let given = cx.check_given(self.store.get(&normal));
            self.grow(cx, &normal.clone(), |store| {
                let current = store.get(&normal);
                let same = match (current, &expected) {
                    (Some(current), Some(expected)) => equal(current, expected)?,
                    (current, expected) => current.is_none() && expected.is_none(),
                };
                if !same {
                    return given.map(|()| Err(current.cloned()));
                }
                Ok(Ok(match new {
                    Some(value) => store.set(normal, key, value),
                    None => store.remove(&normal).map(|removed| removed.value),
                }))
            })
        }))
    }

    fn begin_update(&mut self, cx: &mut Cx<'_>, key: Payload) -> Flow<DictUpdate> {
        let normal = match key.normalize_key() {
            Ok(normal) => normal,
            Err(refusal) => return Flow::Refuse(refusal),
        };
        let value = self.store.get(&normal);
        if let Err(refusal) = cx.check_given(value) {
            self.turns.tidy(cx, &normal);
            return Flow::Refuse(refusal);
        }
        let value = value.cloned();
        self.turns.begin(cx, normal, key).map(|token| DictUpdate { token, value })
    }

    fn commit_update(&mut self, cx: &mut Cx<'_>, token: Token, value: Option<Payload>) -> Flow<()> {
        let normal = self.turns.key_of(token);
        let is_new = value.is_some() && normal.is_some_and(|normal| !self.store.contains(normal));
        if is_new && let Err(refusal) = cx.afford(ENTRY_COST) {
            return Flow::Refuse(refusal);
        }
        // They came in two messages, and who takes the entry out gets them in one.
        let key = self.turns.key_under(token).map_or(0, |key| key.bytes.len());
        let len = key + value.as_ref().map_or(0, |value| value.bytes.len());
        if value.is_some() && len > cx.answer_max() {
            let why = format!(
                "the key and the value have {len} bytes together, more than the {} of one answer",
                cx.answer_max()
            );
            return Flow::refuse(ErrorKind::TooLarge, why);
        }
        // The turn ends whatever else comes of the commit.
        let ended = self.turns.end(cx, token);
        ended
            .map(|(normal, key)| match value {
                Some(value) => drop(self.store.set(normal, key, value)),
                None => drop(self.store.remove(&normal)),
            })
            .into()
    }

    fn cancel_update(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<()> {
        given_up(self.turns.end(cx, token))
    }

    fn session_gone(&mut self, cx: &mut Cx<'_>, gone: &Gone) {
        self.turns.session_gone(cx, gone);
    }

    fn weight(&self) -> usize {
        self.store.weight() + self.turns.weight()
    }

    fn handles(&self, visit: &mut dyn FnMut(&Handle)) {
        let payloads = self.store.payloads().chain(self.turns.payloads());
        payloads.flat_map(|payload| &payload.handles).for_each(visit);
    }

    fn handles_from(&self, place: u64, visit: &mut dyn FnMut(&Handle)) -> Option<u64> {
        if place == 0 {
            self.turns.payloads().flat_map(|payload| &payload.handles).for_each(&mut *visit);
        }
        self.store.handles_from(place, visit)
    }
}
