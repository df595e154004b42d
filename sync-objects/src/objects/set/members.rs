//! What a set keeps: members by their normal forms, and their order.

use std::collections::BTreeMap;
use std::ops::Bound;

use sync_proto::cbor::Normal;
use sync_proto::{ErrorKind, Handle, Payload, Refusal};

use super::{SetMember, SetPage};
use crate::VALUE_COST;
use crate::kernel::HANDLES_PER_LOOK;
use crate::objects::normals::with_normals;

/// Members in insertion order. Everything costs O(log n): a removal moves nothing.
#[derive(Debug, Default)]
pub(super) struct Members {
    members: BTreeMap<Normal, SetMember>,
    order: BTreeMap<u64, Normal>,
    /// Never given twice, so that what was removed can be put back where it was.
    next_seq: u64,
    changes: u64,
    /// How many bytes the normal forms have.
    normal_bytes: usize,
}

/// What a member costs beside its bytes and its normal form: two trees have it.
const MEMBER_COST: usize = VALUE_COST + 160;

/// Returns what adding a member would cost.
pub(super) fn cost_of(normal: &Normal, member: &Payload) -> usize {
    MEMBER_COST + normal.as_bytes().len() + member.bytes.len()
}

/// Finds the normal form of every member, before anything is written.
pub(super) fn keyed(members: Vec<Payload>) -> Result<Vec<(Normal, Payload)>, Refusal> {
    with_normals(members, Payload::normalize_key)
}

impl Members {
    pub(super) fn contains(&self, member: &Normal) -> bool {
        self.members.contains_key(member)
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// Returns what all members cost beside their bytes.
    pub(super) fn weight(&self) -> usize {
        MEMBER_COST * self.members.len() + self.normal_bytes
    }

    /// Returns how often members were added or removed.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    pub(super) fn first(&self) -> Option<&Normal> {
        self.order.first_key_value().map(|(_, normal)| normal)
    }

    /// Returns the members in order, each with its normal form.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Normal, &Payload)> {
        let member = |normal| self.members.get(normal).map(|kept| (normal, &kept.member));
        self.order.values().filter_map(member)
    }

    /// Returns the members in order, as they came.
    pub(super) fn all(&self) -> Vec<Payload> {
        self.iter().map(|(_, member)| member.clone()).collect()
    }

    /// Shows the handles in some entries, from a sequence number on; returns where to go on.
    pub(super) fn handles_from(&self, place: u64, visit: &mut dyn FnMut(&Handle)) -> Option<u64> {
        let mut members = self.order.range(place..);
        for (_, normal) in members.by_ref().take(HANDLES_PER_LOOK) {
            let kept = self.members.get(normal).into_iter();
            kept.flat_map(|kept| &kept.member.handles).for_each(&mut *visit);
        }
        members.next().map(|(&seq, _)| seq)
    }

    /// Returns every payload that is kept.
    pub(super) fn payloads(&self) -> impl Iterator<Item = &Payload> {
        self.members.values().map(|kept| &kept.member)
    }

    /// Adds a member, unless it is there; returns whether it is new. A member that is there stays
    /// as it came.
    pub(super) fn insert(&mut self, normal: Normal, member: Payload) -> bool {
        if self.contains(&normal) {
            return false;
        }
        let seq = self.next_seq;
        self.next_seq += 1;
        self.add(normal, SetMember { seq, member });
        true
    }

    pub(super) fn extend(&mut self, members: impl IntoIterator<Item = (Normal, Payload)>) {
        for (normal, member) in members {
            self.insert(normal, member);
        }
    }

    pub(super) fn remove(&mut self, member: &Normal) -> Option<SetMember> {
        let taken = self.members.remove(member)?;
        self.normal_bytes -= member.as_bytes().len();
        self.order.remove(&taken.seq);
        self.changes += 1;
        Some(taken)
    }

    /// Keeps the members that a condition holds for.
    pub(super) fn retain(&mut self, keep: impl Fn(&Normal) -> bool) {
        let (before, order) = (self.members.len(), &mut self.order);
        let normal_bytes = &mut self.normal_bytes;
        self.members.retain(|normal, kept| {
            let stays = keep(normal);
            if !stays {
                order.remove(&kept.seq);
                *normal_bytes -= normal.as_bytes().len();
            }
            stays
        });
        if self.members.len() != before {
            self.changes += 1;
        }
    }

    /// Puts a member that was taken back to its place, unless it is there again.
    ///
    /// # Errors
    /// `InvalidInput` when it was never in this set.
    pub(super) fn restore(&mut self, normal: Normal, taken: SetMember) -> Result<bool, Refusal> {
        if self.contains(&normal) {
            return Ok(false);
        }
        if taken.seq >= self.next_seq || self.order.contains_key(&taken.seq) {
            let why = "the member was not taken from this set: only one that was can be put back";
            return Err(Refusal::new(ErrorKind::InvalidInput, why));
        }
        self.add(normal, taken);
        Ok(true)
    }

    pub(super) fn clear(&mut self) {
        self.retain(|_| false);
    }

    /// Returns the members after a place, at least one, as many as fill `max_bytes`.
    pub(super) fn page(&self, after: Option<u64>, max_bytes: u64) -> SetPage {
        let mut page = SetPage { changes: self.changes, ..SetPage::default() };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut bytes = 0;
        for normal in self.order.range((from, Bound::Unbounded)).map(|(_, normal)| normal) {
            let Some(kept) = self.members.get(normal) else {
                continue;
            };
            bytes += crate::objects::size_in_answer(&kept.member);
            if !page.members.is_empty() && bytes > max_bytes {
                return page;
            }
            page.members.push(kept.member.clone());
            page.next = Some(kept.seq);
        }
        page.next = None;
        page
    }

    fn add(&mut self, normal: Normal, member: SetMember) {
        self.normal_bytes += normal.as_bytes().len();
        self.order.insert(member.seq, normal.clone());
        self.members.insert(normal, member);
        self.changes += 1;
    }
}
