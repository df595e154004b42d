//! Set: members that are there once, in insertion order.
//!
//! A member is found by its normal form as a dict's key is, and is kept as it first came. Every
//! method is done in one step, even those with another shared set: nobody waits at a set.

use serde::{Deserialize, Serialize};
use sync_proto::{ErrorKind, Handle, Payload, Refusal};

use crate::{Cx, Flow, interface};

mod algebra;
mod members;

use algebra::Others;
use members::{Members, cost_of, keyed};

/// A member that was taken out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SetMember {
    /// Its place in the order of the members.
    pub seq: u64,
    /// The member, as it came.
    pub member: Payload,
}

/// Some members of a set, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SetPage {
    /// The members.
    pub members: Vec<Payload>,
    /// Where the next page begins: after this one; `None` when this is the last.
    pub next: Option<u64>,
    /// How often members were added or removed so far.
    pub changes: u64,
}

/// How two sets are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SetOp {
    /// What is in one of them or both.
    Union,
    /// What is in both.
    Intersection,
    /// What is in the first and not in the second.
    Difference,
    /// What is in one of them and not in both.
    SymmetricDifference,
}

/// The second set of two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum OtherSet {
    /// Values of the caller's; a value that is there twice counts once.
    Values(Vec<Payload>),
    /// A shared set, read in the same step. It may be the first set itself.
    Shared(Handle),
}

interface! {
    /// Members that are there once, in insertion order.
    pub mod set = "sync.set" {
        new(members: Vec<Payload>);
        /// Adds a member; returns whether it is new.
        fn insert(member: Payload) -> bool;
        /// Adds members in one step.
        fn extend(members: Vec<Payload>);
        /// Deletes a member; returns whether it was there.
        fn remove(member: Payload) -> bool;
        /// Takes out a member.
        fn take(member: Payload) -> Option<SetMember>;
        /// Takes out the first member.
        fn pop() -> Option<SetMember>;
        /// Puts back a member that its reader could not read to its old place; returns whether it
        /// did: not if the member is there again.
        fn restore(taken: SetMember) -> bool;
        /// Deletes all members.
        fn clear();
        /// Returns whether there is such a member.
        fn contains(member: Payload) -> bool;
        /// Returns how many members there are.
        fn len() -> u64;
        /// Returns whether there are no members.
        fn is_empty() -> bool;
        /// Returns the members after `after` (the `next` of the page before), at least one, and no
        /// more than fill `max_bytes`. Refuses with `Changed` when members were added or removed
        /// since a page returned `changes`.
        fn page(after: Option<u64>, changes: Option<u64>, max_bytes: u64) -> SetPage;
        /// Returns the result of an operation on this set and another; both stay as they are.
        fn combined(op: SetOp, other: OtherSet) -> Vec<Payload>;
        /// Turns this set into the result of an operation on it and another.
        fn combine(op: SetOp, other: OtherSet);
        /// Returns whether all members are in the other set.
        fn is_subset(other: OtherSet) -> bool;
        /// Returns whether all of the other set's members are in this one.
        fn is_superset(other: OtherSet) -> bool;
        /// Returns whether no member is in the other set.
        fn is_disjoint(other: OtherSet) -> bool;
    }
}

#[derive(Debug, Default)]
pub(crate) struct Set {
    members: Members,
}

impl Set {
    /// Goes on with the members of the other set.
    fn with<T>(
        &self,
        cx: &mut Cx<'_>,
        other: OtherSet,
        then: impl FnOnce(&Members, Others) -> T,
    ) -> Flow<T> {
        let others = self.values(cx, other).and_then(Others::new);
        others.map(|others| then(&self.members, others)).into()
    }

    /// Returns the members of the other set.
    fn values(&self, cx: &mut Cx<'_>, other: OtherSet) -> Result<Vec<Payload>, Refusal> {
        let other = match other {
            OtherSet::Values(values) => return Ok(values),
            // An object cannot call itself as its own peer.
            OtherSet::Shared(other) if other.object() == cx.object() => {
                return Ok(self.members.all());
            }
            OtherSet::Shared(other) => other,
        };
        match set::Peer(&other).page(cx, None, None, u64::MAX)? {
            Flow::Done(page) => Ok(page.members),
            Flow::Refuse(refusal) => Err(refusal),
            // A set never waits.
            _ => Err(Refusal::new(ErrorKind::Broken, "the other set did not answer")),
        }
    }
}

impl set::Service for Set {
    fn new(members: Vec<Payload>) -> Result<Self, Refusal> {
        let mut this = Self::default();
        this.members.extend(keyed(members)?);
        Ok(this)
    }

    fn insert(&mut self, cx: &mut Cx<'_>, member: Payload) -> Flow<bool> {
        let normal = member.normalize_key();
        let inserted = normal.and_then(|normal| {
            if !self.members.contains(&normal) {
                cx.afford(cost_of(&normal, &member))?;
            }
            Ok(self.members.insert(normal, member))
        });
        inserted.into()
    }

    fn extend(&mut self, cx: &mut Cx<'_>, members: Vec<Payload>) -> Flow<()> {
        let added = keyed(members).and_then(|members| {
            cx.afford(members.iter().map(|(normal, member)| cost_of(normal, member)).sum())?;
            self.members.extend(members);
            Ok(())
        });
        added.into()
    }

    fn remove(&mut self, cx: &mut Cx<'_>, member: Payload) -> Flow<bool> {
        self.take(cx, member).map(|taken| taken.is_some())
    }

    fn take(&mut self, _: &mut Cx<'_>, member: Payload) -> Flow<Option<SetMember>> {
        let normal = member.normalize_key();
        normal.map(|normal| self.members.remove(&normal)).into()
    }

    fn pop(&mut self, _: &mut Cx<'_>) -> Flow<Option<SetMember>> {
        let first = self.members.first().cloned();
        Flow::Done(first.and_then(|first| self.members.remove(&first)))
    }

    fn restore(&mut self, _: &mut Cx<'_>, taken: SetMember) -> Flow<bool> {
        let normal = taken.member.normalize_key();
        normal.and_then(|normal| self.members.restore(normal, taken)).into()
    }

    fn clear(&mut self, _: &mut Cx<'_>) -> Flow<()> {
        self.members.clear();
        Flow::Done(())
    }

    fn contains(&mut self, _: &mut Cx<'_>, member: Payload) -> Flow<bool> {
        let normal = member.normalize_key();
        normal.map(|normal| self.members.contains(&normal)).into()
    }

    fn len(&mut self, _: &mut Cx<'_>) -> Flow<u64> {
        Flow::Done(self.members.len() as u64)
    }

    fn is_empty(&mut self, _: &mut Cx<'_>) -> Flow<bool> {
        Flow::Done(self.members.len() == 0)
    }

    fn page(
        &mut self,
        cx: &mut Cx<'_>,
        after: Option<u64>,
        changes: Option<u64>,
        max_bytes: u64,
    ) -> Flow<SetPage> {
        if changes.is_some_and(|changes| changes != self.members.changes()) {
            return Flow::refuse(ErrorKind::Changed, "the set changed during iteration");
        }
        let page = self.members.page(after, max_bytes);
        cx.check_given(&page.members).map(|()| page).into()
    }

    fn combined(&mut self, cx: &mut Cx<'_>, op: SetOp, other: OtherSet) -> Flow<Vec<Payload>> {
        let combined = self.with(cx, other, |members, others| others.combined(op, members));
        combined.and_then(|members| cx.check_given(&members).map(|()| members).into())
    }

    fn combine(&mut self, cx: &mut Cx<'_>, op: SetOp, other: OtherSet) -> Flow<()> {
        let others = self.values(cx, other).and_then(Others::new);
        let others = others.and_then(|others| {
            cx.afford(if op.adds() { others.cost() } else { 0 })?;
            Ok(others)
        });
        others.map(|others| others.combine(op, &mut self.members)).into()
    }

    fn is_subset(&mut self, cx: &mut Cx<'_>, other: OtherSet) -> Flow<bool> {
        self.with(cx, other, |members, others| others.contain_all(members))
    }

    fn is_superset(&mut self, cx: &mut Cx<'_>, other: OtherSet) -> Flow<bool> {
        self.with(cx, other, |members, others| others.are_all_in(members))
    }

    fn is_disjoint(&mut self, cx: &mut Cx<'_>, other: OtherSet) -> Flow<bool> {
        self.with(cx, other, |members, others| others.contain_none(members))
    }

    fn weight(&self) -> usize {
        self.members.weight()
    }

    fn handles(&self, visit: &mut dyn FnMut(&Handle)) {
        self.members.payloads().flat_map(|payload| &payload.handles).for_each(visit);
    }

    fn handles_from(&self, place: u64, visit: &mut dyn FnMut(&Handle)) -> Option<u64> {
        self.members.handles_from(place, visit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::tests::handle;

    #[test]
    fn every_handle_is_shown() {
        let members = [vec![1], vec![2, 3], vec![2, 3]].map(|numbers| {
            let handles: Vec<_> = numbers.into_iter().map(handle).collect();
            Payload::pack(&handles).unwrap()
        });
        let made: Set = set::Service::new(members.to_vec()).unwrap();
        let mut seen = Vec::new();
        set::Service::handles(&made, &mut |handle| seen.push(handle.object().0));
        seen.sort_unstable();
        assert_eq!(seen, [1, 2, 3]);
    }
}
