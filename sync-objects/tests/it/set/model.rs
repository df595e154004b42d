//! Random methods on two sets and on two std sets.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use sync_objects::{SetMember, SetOp, set};
use sync_testkit::sim::Sim;

use super::{all, members, new, p, packed, shared, values};

#[derive(Clone, Debug)]
enum Step {
    Insert(i64),
    Extend(Vec<i64>),
    Remove(i64),
    Take(i64),
    Pop,
    Restore,
    Clear,
    Combine(SetOp, Vec<i64>),
    CombineShared(SetOp),
    Relate(Vec<i64>),
}

fn step() -> impl Strategy<Value = Step> {
    use SetOp::*;
    let member = 0..10i64;
    let few = || vec(0..10i64, 0..6);
    let op = || {
        prop_oneof![4 => Just(Union), 1 => Just(Intersection), 2 => Just(Difference),
        2 => Just(SymmetricDifference)]
    };
    prop_oneof![
        6 => member.clone().prop_map(Step::Insert),
        2 => few().prop_map(Step::Extend),
        3 => member.clone().prop_map(Step::Remove),
        3 => member.prop_map(Step::Take),
        2 => Just(Step::Pop),
        4 => Just(Step::Restore),
        1 => Just(Step::Clear),
        2 => (op(), few()).prop_map(|(op, few)| Step::Combine(op, few)),
        2 => op().prop_map(Step::CombineShared),
        2 => few().prop_map(Step::Relate),
    ]
}

/// What a set is meant to be: members in order, each with its place.
#[derive(Default)]
struct Model {
    members: Vec<(u64, i64)>,
    next: u64,
    taken: Vec<(SetMember, (u64, i64))>,
}

impl Model {
    fn set(&self) -> BTreeSet<i64> {
        self.members.iter().map(|&(_, member)| member).collect()
    }

    fn in_order(&self) -> Vec<i64> {
        self.members.iter().map(|&(_, member)| member).collect()
    }

    fn insert(&mut self, member: i64) -> bool {
        let new = !self.set().contains(&member);
        if new {
            self.members.push((self.next, member));
            self.next += 1;
        }
        new
    }

    fn remove(&mut self, member: i64) -> Option<(u64, i64)> {
        let at = self.members.iter().position(|&(_, found)| found == member)?;
        Some(self.members.remove(at))
    }

    fn combine(&mut self, op: SetOp, other: &[i64]) {
        let (ours, theirs) = (self.set(), BTreeSet::from_iter(other.iter().copied()));
        let wanted: BTreeSet<i64> = match op {
            SetOp::Union => ours.union(&theirs).copied().collect(),
            SetOp::Intersection => ours.intersection(&theirs).copied().collect(),
            SetOp::Difference => ours.difference(&theirs).copied().collect(),
            _ => ours.symmetric_difference(&theirs).copied().collect(),
        };
        self.members.retain(|(_, member)| wanted.contains(member));
        for member in other {
            if wanted.contains(member) {
                self.insert(*member);
            }
        }
    }
}

struct Pair {
    set: set::Proxy,
    model: Model,
}

impl Pair {
    fn run(&mut self, other: &Self, step: Step) {
        let (s, model) = (&self.set, &mut self.model);
        match step {
            Step::Insert(member) => {
                assert_eq!(s.insert(p(&member)).unwrap(), model.insert(member));
            }
            Step::Extend(few) => {
                s.extend(packed(&few)).unwrap();
                for member in few {
                    model.insert(member);
                }
            }
            Step::Remove(member) => {
                assert_eq!(s.remove(p(&member)).unwrap(), model.remove(member).is_some());
            }
            Step::Take(member) => {
                let (taken, expected) = (s.take(p(&member)).unwrap(), model.remove(member));
                model.keep(taken, expected);
            }
            Step::Pop => {
                let first = model.members.first().map(|&(_, member)| member);
                let expected = first.and_then(|member| model.remove(member));
                model.keep(s.pop().unwrap(), expected);
            }
            Step::Restore => {
                let Some((taken, place)) = model.taken.pop() else { return };
                let fits = !model.set().contains(&place.1);
                assert_eq!(s.restore(taken).unwrap(), fits);
                if fits {
                    model.members.push(place);
                    model.members.sort_unstable();
                }
            }
            Step::Clear => {
                s.clear().unwrap();
                model.members.clear();
            }
            Step::Combine(op, few) => {
                let combined = s.combined(op, values(&few)).unwrap();
                s.combine(op, values(&few)).unwrap();
                model.combine(op, &few);
                assert_eq!(all(&combined), model.in_order());
            }
            Step::CombineShared(op) => {
                let combined = s.combined(op, shared(&other.set)).unwrap();
                s.combine(op, shared(&other.set)).unwrap();
                model.combine(op, &other.model.in_order());
                assert_eq!(all(&combined), model.in_order());
            }
            Step::Relate(few) => {
                let (ours, theirs) = (model.set(), BTreeSet::from_iter(few.iter().copied()));
                assert_eq!(s.is_subset(values(&few)).unwrap(), ours.is_subset(&theirs));
                assert_eq!(s.is_superset(values(&few)).unwrap(), ours.is_superset(&theirs));
                assert_eq!(s.is_disjoint(values(&few)).unwrap(), ours.is_disjoint(&theirs));
            }
        }
        assert_eq!(members(s), model.in_order());
        assert_eq!(s.len().unwrap(), model.members.len() as u64);
    }
}

impl Model {
    fn keep(&mut self, taken: Option<SetMember>, expected: Option<(u64, i64)>) {
        let found = taken.as_ref().map(|taken| taken.member.unpack::<i64>().unwrap());
        assert_eq!(found, expected.map(|(_, member)| member));
        self.taken.extend(taken.zip(expected));
    }
}

proptest! {
    #[test]
    fn a_set_does_what_a_std_set_does(steps in vec((any::<bool>(), step()), 1..100)) {
        let sim = Sim::new();
        let client = sim.client();
        let pair = || Pair { set: new(&client, &[]), model: Model::default() };
        let (mut a, mut b) = (pair(), pair());
        for (first, step) in steps {
            if first { a.run(&b, step) } else { b.run(&a, step) }
        }
    }
}
