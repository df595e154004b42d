//! Writes of many entries, each done in one step or not at all.

use std::collections::BTreeMap;

use sync_proto::cbor::Normal;
use sync_proto::{Handle, Payload, Refusal};

use super::store::Store;
use super::{Dict, DictPart, Stop, dict};
use crate::objects::normals::with_normals;
use crate::objects::number::{self, NumberKind, NumberOp};
use crate::{Cx, Flow};

/// An entry on its way in, with the normal form of its key.
pub(super) type Keyed = (Normal, (Payload, Payload));

/// Finds the normal form of every key, before anything is written.
pub(super) fn keyed(entries: Vec<(Payload, Payload)>) -> Result<Vec<Keyed>, Refusal> {
    with_normals(entries, |(key, _)| key.normalize_key())
}

pub(super) fn put_in(store: &mut Store, entries: Vec<Keyed>) {
    for (normal, (key, value)) in entries {
        store.set(normal, key, value);
    }
}

/// Returns the sum of a key's number, or of 0, and an amount.
pub(super) fn sum(
    kind: NumberKind,
    number: Option<&Payload>,
    amount: &Payload,
) -> Result<Payload, Refusal> {
    match number {
        Some(number) => number::apply(kind, NumberOp::Add, number, amount),
        None => number::apply(kind, NumberOp::Add, &number::zero(kind)?, amount),
    }
}

impl Dict {
    pub(super) fn set_all(
        &mut self,
        cx: &mut Cx<'_>,
        entries: Vec<(Payload, Payload)>,
    ) -> Result<(), Stop> {
        let entries = keyed(entries)?;
        let keys: Vec<_> = entries.iter().map(|(normal, _)| normal.clone()).collect();
        let room = self.room(cx, &keys);
        self.write_many(cx, &keys, |store| {
            room?;
            put_in(store, entries);
            Ok(())
        })
    }

    pub(super) fn copy_all(&mut self, cx: &mut Cx<'_>, other: &Handle) -> Flow<()> {
        if other.object() == cx.object() {
            return Flow::Done(());
        }
        let peer = dict::Peer(other);
        match peer.page(cx, DictPart::Items, false, None, None, u64::MAX) {
            Ok(Flow::Done(page)) => {
                let entries = page.keys.into_iter().zip(page.values).collect();
                super::flow(self.set_all(cx, entries))
            }
            Ok(other) => other.map(drop),
            Err(refusal) => Flow::Refuse(refusal),
        }
    }

    pub(super) fn remove_all(&mut self, cx: &mut Cx<'_>, keys: &[Payload]) -> Result<u64, Stop> {
        let keys = with_normals(keys, |key| key.normalize_key())?;
        let keys: Vec<_> = keys.into_iter().map(|(normal, _)| normal).collect();
        self.write_many(cx, &keys, |store| {
            Ok(keys.iter().filter_map(|key| store.remove(key)).count() as u64)
        })
    }

    pub(super) fn remove_every(&mut self, cx: &mut Cx<'_>) -> Result<(), Stop> {
        // An update of a key that is not there has nothing to lose by it.
        let touched: Vec<_> = if self.turns.len() < self.store.len() {
            self.turns.keys().filter(|key| self.store.contains(key)).cloned().collect()
        } else {
            self.store.keys().filter(|key| self.turns.has(key)).cloned().collect()
        };
        self.write_found(cx, &touched, |store| {
            store.clear();
            Ok(())
        })
    }

    pub(super) fn add_to_all(
        &mut self,
        cx: &mut Cx<'_>,
        kind: NumberKind,
        amounts: Vec<(Payload, Payload)>,
    ) -> Result<(), Stop> {
        let amounts = keyed(amounts)?;
        let keys: Vec<_> = amounts.iter().map(|(normal, _)| normal.clone()).collect();
        let room = self.room(cx, &keys);
        self.write_many(cx, &keys, |store| {
            room?;
            // All sums are made before the first is kept: one may overflow.
            let mut sums = BTreeMap::<&Normal, Payload>::new();
            for (normal, (_, amount)) in &amounts {
                let number = sums.get(normal).or_else(|| store.get(normal));
                sums.insert(normal, sum(kind, number, amount)?);
            }
            for (normal, (key, _)) in &amounts {
                if let Some(sum) = sums.remove(normal) {
                    store.set(normal.clone(), key.clone(), sum);
                }
            }
            Ok(())
        })
    }
}
