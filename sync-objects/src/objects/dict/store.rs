//! What a dict keeps: entries by their keys' normal forms, and their order.

use std::collections::BTreeMap;
use std::ops::Bound;

use sync_proto::cbor::Normal;
use sync_proto::{ErrorKind, Handle, Payload, Refusal};

use super::{DictPage, DictPart, Removed};
use crate::VALUE_COST;
use crate::kernel::HANDLES_PER_LOOK;
use crate::objects::size_in_answer;

/// Entries in the order in which their keys came in. Everything costs O(log n): a removal moves
/// nothing.
#[derive(Debug, Default)]
pub(super) struct Store {
    entries: BTreeMap<Normal, Entry>,
    order: BTreeMap<u64, Normal>,
    /// Never given twice, so that what was removed can be put back where it was.
    next_seq: u64,
    changes: u64,
    /// How many bytes the keys' normal forms have.
    normal_bytes: usize,
}

/// What an entry costs beside the bytes of key, value and normal form: two trees have it.
pub(super) const ENTRY_COST: usize = 2 * VALUE_COST + 160;

#[derive(Debug)]
struct Entry {
    seq: u64,
    key: Payload,
    value: Payload,
}

impl Store {
    pub(super) fn get(&self, key: &Normal) -> Option<&Payload> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    pub(super) fn contains(&self, key: &Normal) -> bool {
        self.entries.contains_key(key)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns what all entries cost beside the bytes of keys and values.
    pub(super) fn weight(&self) -> usize {
        ENTRY_COST * self.entries.len() + self.normal_bytes
    }

    /// Returns how many bytes the keys' normal forms have.
    pub(super) fn normal_bytes(&self) -> usize {
        self.normal_bytes
    }

    /// Returns how often keys were added or removed.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// Returns the key of the last entry.
    pub(super) fn last(&self) -> Option<&Normal> {
        self.order.last_key_value().map(|(_, key)| key)
    }

    /// Sets a value and returns the one before. A key that is there stays as it came.
    pub(super) fn set(&mut self, normal: Normal, key: Payload, value: Payload) -> Option<Payload> {
        if let Some(entry) = self.entries.get_mut(&normal) {
            return Some(std::mem::replace(&mut entry.value, value));
        }
        let seq = self.next_seq;
        self.next_seq += 1;
        self.add(normal, Entry { seq, key, value });
        None
    }

    pub(super) fn remove(&mut self, normal: &Normal) -> Option<Removed> {
        let Entry { seq, key, value } = self.entries.remove(normal)?;
        self.order.remove(&seq);
        self.normal_bytes -= normal.as_bytes().len();
        self.changes += 1;
        Some(Removed { seq, key, value })
    }

    /// Puts a removed entry back to its place, unless its key is there again.
    ///
    /// # Errors
    /// `InvalidInput` when it was never in this dict.
    pub(super) fn restore(&mut self, normal: Normal, removed: Removed) -> Result<bool, Refusal> {
        let Removed { seq, key, value } = removed;
        if self.contains(&normal) {
            return Ok(false);
        }
        if seq >= self.next_seq || self.order.contains_key(&seq) {
            let why = "the entry was not removed from this dict: only one that was can be put back";
            return Err(Refusal::new(ErrorKind::InvalidInput, why));
        }
        self.add(normal, Entry { seq, key, value });
        Ok(true)
    }

    pub(super) fn clear(&mut self) {
        if !self.entries.is_empty() {
            self.changes += 1;
        }
        self.entries.clear();
        self.order.clear();
        self.normal_bytes = 0;
    }

    /// Returns the entries after a place, at least one, as many as fill `max_bytes`.
    pub(super) fn page(
        &self,
        part: DictPart,
        reversed: bool,
        after: Option<u64>,
        max_bytes: u64,
    ) -> DictPage {
        let mut page = DictPage { changes: self.changes, ..DictPage::default() };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut ahead = self.order.range((from, Bound::Unbounded));
        let mut back = self.order.range((Bound::Unbounded, from)).rev();
        let entries: &mut dyn Iterator<Item = _> = if reversed { &mut back } else { &mut ahead };
        let (mut bytes, mut last) = (0, None);
        for (&seq, normal) in entries {
            let Some(entry) = self.entries.get(normal) else {
                continue;
            };
            bytes += entry.size(part);
            if last.is_some() && bytes > max_bytes {
                page.next = last;
                break;
            }
            last = Some(seq);
            if part != DictPart::Values {
                page.keys.push(entry.key.clone());
            }
            if part != DictPart::Keys {
                page.values.push(entry.value.clone());
            }
        }
        page
    }

    /// Shows the handles in some entries, from a sequence number on; returns where to go on.
    pub(super) fn handles_from(&self, place: u64, visit: &mut dyn FnMut(&Handle)) -> Option<u64> {
        let mut entries = self.order.range(place..);
        for (_, normal) in entries.by_ref().take(HANDLES_PER_LOOK) {
            let entry = self.entries.get(normal).into_iter();
            let payloads = entry.flat_map(|entry| [&entry.key, &entry.value]);
            payloads.flat_map(|payload| &payload.handles).for_each(&mut *visit);
        }
        entries.next().map(|(&seq, _)| seq)
    }

    /// Returns the keys, in the order of their normal forms.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Normal> {
        self.entries.keys()
    }

    /// Returns every payload that is kept.
    pub(super) fn payloads(&self) -> impl Iterator<Item = &Payload> {
        self.entries.values().flat_map(|entry| [&entry.key, &entry.value])
    }

    fn add(&mut self, normal: Normal, entry: Entry) {
        self.normal_bytes += normal.as_bytes().len();
        self.order.insert(entry.seq, normal.clone());
        self.entries.insert(normal, entry);
        self.changes += 1;
    }
}

impl Entry {
    /// Returns how many bytes a part of it takes.
    fn size(&self, part: DictPart) -> u64 {
        let (key, value) = (size_in_answer(&self.key), size_in_answer(&self.value));
        match part {
            DictPart::Keys => key,
            DictPart::Values => value,
            DictPart::Items => key + value,
        }
    }
}
