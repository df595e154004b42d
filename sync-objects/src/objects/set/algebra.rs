//! Two sets: how they are combined, and how they relate.

use std::collections::BTreeSet;

use sync_proto::cbor::Normal;
use sync_proto::{Payload, Refusal};

use super::SetOp;
use super::members::{Members, cost_of, keyed};

/// The members of the second set.
pub(super) struct Others {
    normals: BTreeSet<Normal>,
    /// In their order; one may be there more than once.
    members: Vec<(Normal, Payload)>,
}

impl Others {
    /// Takes the second set's members.
    ///
    /// # Errors
    /// `InvalidInput` when one can't be a member.
    pub(super) fn new(values: Vec<Payload>) -> Result<Self, Refusal> {
        let members = keyed(values)?;
        let normals = members.iter().map(|(normal, _)| normal.clone()).collect();
        Ok(Self { normals, members })
    }

    /// Returns what adding all of them would cost.
    pub(super) fn cost(&self) -> usize {
        self.members.iter().map(|(normal, member)| cost_of(normal, member)).sum()
    }

    /// Returns the result of an operation on the first set and this one: the first's members in
    /// their order and as they came there, then the second's.
    pub(super) fn combined(self, op: SetOp, first: &Members) -> Vec<Payload> {
        let theirs = |normal: &Normal| self.normals.contains(normal);
        let kept = first.iter().filter(|(normal, _)| op.keeps(theirs(normal)));
        let kept = kept.map(|(_, member)| member.clone());
        if op.adds() {
            let mut added = BTreeSet::new();
            let fresh = self.members.iter().filter(|(normal, _)| {
                // In their order, each once.
                !first.contains(normal) && added.insert(normal)
            });
            kept.chain(fresh.map(|(_, member)| member.clone())).collect()
        } else {
            kept.collect()
        }
    }

    /// Turns the first set into the result of an operation on it and this one.
    pub(super) fn combine(self, op: SetOp, first: &mut Members) {
        let Self { normals, mut members } = self;
        // Told before anything goes: a member of both must not come back as a new one.
        members.retain(|(normal, _)| op.adds() && !first.contains(normal));
        if op != SetOp::Union {
            first.retain(|normal| op.keeps(normals.contains(normal)));
        }
        first.extend(members);
    }

    pub(super) fn contain_all(&self, first: &Members) -> bool {
        first.len() <= self.normals.len()
            && first.iter().all(|(normal, _)| self.normals.contains(normal))
    }

    pub(super) fn are_all_in(&self, first: &Members) -> bool {
        self.normals.iter().all(|normal| first.contains(normal))
    }

    pub(super) fn contain_none(&self, first: &Members) -> bool {
        !self.normals.iter().any(|normal| first.contains(normal))
    }
}

impl SetOp {
    /// Returns whether a member of the first set stays, by whether it is in the second too.
    const fn keeps(self, is_theirs: bool) -> bool {
        match self {
            Self::Union => true,
            Self::Intersection => is_theirs,
            Self::Difference | Self::SymmetricDifference => !is_theirs,
        }
    }

    /// Returns whether members of the second set alone come in.
    pub(super) const fn adds(self) -> bool {
        matches!(self, Self::Union | Self::SymmetricDifference)
    }
}
