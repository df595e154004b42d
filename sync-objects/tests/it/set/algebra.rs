//! Two sets: with values, with another shared set, and with itself.

use sync_objects::SetOp::{Difference, Intersection, SymmetricDifference, Union};
use sync_objects::{ErrorKind, OtherSet, SetOp, list};
use sync_proto::Shared as _;
use sync_testkit::sim::Sim;

use super::{all, members, new, packed, shared, values};

const EXPECTED: [(SetOp, &[i64]); 4] = [
    (Union, &[3, 1, 2, 9, 8]),
    (Intersection, &[3, 2]),
    (Difference, &[1]),
    (SymmetricDifference, &[1, 9, 8]),
];

#[test]
fn the_algebra_with_values_and_with_another_set_is_the_same() {
    let sim = Sim::new();
    let client = sim.client();
    let other = new(&client, &[9, 2, 8, 3]);
    for (op, expected) in EXPECTED {
        for with in [values(&[9, 2, 9, 8, 3, 2]), shared(&other)] {
            let s = new(&client, &[3, 1, 2]);
            assert_eq!(all(&s.combined(op, with.clone()).unwrap()), expected, "{op:?}");
            assert_eq!(members(&s), [3, 1, 2], "both stay as they are");
            s.combine(op, with).unwrap();
            assert_eq!(members(&s), expected, "{op:?} in place");
            assert_eq!(members(&other), [9, 2, 8, 3]);
        }
    }
}

#[test]
fn a_set_may_be_its_own_other() {
    let sim = Sim::new();
    let client = sim.client();
    for (op, expected) in [
        (Union, vec![1, 2]),
        (Intersection, vec![1, 2]),
        (Difference, vec![]),
        (SymmetricDifference, vec![]),
    ] {
        let s = new(&client, &[1, 2]);
        assert_eq!(all(&s.combined(op, shared(&s)).unwrap()), expected);
        assert!(s.is_subset(shared(&s)).unwrap() && s.is_superset(shared(&s)).unwrap());
        assert!(!s.is_disjoint(shared(&s)).unwrap());
        s.combine(op, shared(&s)).unwrap();
        assert_eq!(members(&s), expected);
    }
    let empty = new(&client, &[]);
    assert!(empty.is_disjoint(shared(&empty)).unwrap());
}

#[test]
fn sets_lie_to_each_other_as_the_predicates_say() {
    let sim = Sim::new();
    let client = sim.client();
    let s = new(&client, &[1, 2]);
    for (other, subset, superset, disjoint) in [
        (&[2, 1][..], true, true, false),
        (&[3, 2, 1], true, false, false),
        (&[2], false, true, false),
        (&[2, 2, 3], false, false, false),
        (&[3, 4], false, false, true),
        (&[], false, true, true),
    ] {
        let shared_other = new(&client, other);
        for with in [values(other), shared(&shared_other)] {
            let found = (
                s.is_subset(with.clone()).unwrap(),
                s.is_superset(with.clone()).unwrap(),
                s.is_disjoint(with).unwrap(),
            );
            assert_eq!(found, (subset, superset, disjoint), "{other:?}");
        }
    }
}

#[test]
fn what_is_no_set_is_refused() {
    let sim = Sim::new();
    let client = sim.client();
    let s = new(&client, &[1]);
    let l = list::Proxy::new(&client, packed(&[1])).unwrap();
    let error = s.combine(Difference, OtherSet::Shared(l.handle().clone())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongType, "{error}");
    assert_eq!(members(&s), [1]);
}
