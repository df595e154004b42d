//! set.

use std::collections::BTreeSet;

use sync_client::{Error, ErrorKind, Manager, Set};

use super::Row::{Not, Served};
use super::{Rows, kind};

/// `{1, 2, 3}`.
fn small(manager: &Manager) -> Result<Set<u32>, Error> {
    manager.create_set_from([1, 2, 3])
}

/// `{2, 3, 4}`, for one to compare or combine with.
fn other(manager: &Manager) -> Result<Set<u32>, Error> {
    manager.create_set_from([2, 3, 4])
}

/// What `{1, 2, 3}` and `{2, 3, 4}` make: the other one shared, and as values.
macro_rules! combined {
    ($method:ident => $expected:expr) => {
        Served(|manager| {
            let (set, other) = (small(manager)?, other(manager)?);
            assert_eq!(set.$method(&other)?, $expected);
            assert_eq!(set.$method([2, 3, 4])?, $expected);
            assert_eq!((set.to_vec()?, other.to_vec()?), (vec![1, 2, 3], vec![2, 3, 4]));
            Ok(())
        })
    };
}

/// What `{1, 2, 3}` becomes by `{2, 3, 4}`: the other one shared, as values, and itself.
macro_rules! changed {
    ($method:ident => $expected:expr, by itself $own:expr) => {
        Served(|manager| {
            let (set, same) = (small(manager)?, small(manager)?);
            set.$method(&other(manager)?)?;
            assert_eq!(set.to_vec()?, $expected);
            same.$method([2, 3, 4])?;
            assert_eq!(same.to_vec()?, $expected);
            let set = small(manager)?;
            set.$method(&set)?;
            assert_eq!(set.to_vec()?, $own);
            Ok(())
        })
    };
}

const NONE: [u32; 0] = [];

pub(super) const ROWS: Rows = &[
    ("__and__", combined!(intersection => [2, 3])),
    (
        "__class_getitem__",
        Not("it is how annotations are written: Set<T> has the type of its members in its own"),
    ),
    (
        "__contains__",
        Served(|manager| {
            let set = small(manager)?;
            assert!(set.contains(&1)? && !set.contains(&7)?);
            Ok(())
        }),
    ),
    ("__iand__", changed!(intersect_with => [2, 3], by itself [1, 2, 3])),
    ("__ior__", changed!(union_with => [1, 2, 3, 4], by itself [1, 2, 3])),
    ("__isub__", changed!(difference_with => [1], by itself NONE)),
    (
        "__iter__",
        Served(|manager| {
            let set = small(manager)?;
            assert_eq!(set.iter().collect::<Result<Vec<_>, _>>()?, [1, 2, 3], "in order");
            let large = manager.create_set_from((0..50).map(long))?;
            let mut members = large.iter();
            assert!(members.next().is_some_and(|member| member.is_ok()));
            assert!(large.remove(&long(49))?);
            let last = members.last().unwrap();
            assert_eq!(kind(last), ErrorKind::Changed, "changed size during iteration");
            Ok(())
        }),
    ),
    ("__ixor__", changed!(symmetric_difference_with => [1, 4], by itself NONE)),
    (
        "__len__",
        Served(|manager| {
            assert_eq!(manager.create_set_from([1, 1, 2])?.len()?, 2);
            assert!(manager.create_set::<u8>()?.is_empty()?);
            Ok(())
        }),
    ),
    ("__or__", combined!(union => [1, 2, 3, 4])),
    ("__rand__", Served(|manager| from_values(manager, |values, set| values & set, &[2, 3]))),
    ("__ror__", Served(|manager| from_values(manager, |values, set| values | set, &[1, 2, 3, 4]))),
    ("__rsub__", Served(|manager| from_values(manager, |values, set| values - set, &[4]))),
    ("__rxor__", Served(|manager| from_values(manager, |values, set| values ^ set, &[1, 4]))),
    ("__sub__", combined!(difference => [1])),
    ("__xor__", combined!(symmetric_difference => [1, 4])),
    ("__ge__", Served(is_superset)),
    (
        "__gt__",
        Served(|manager| {
            let here: BTreeSet<u32> = small(manager)?.to_set()?;
            let (part, equal) = (BTreeSet::from([1, 2]), BTreeSet::from([1, 2, 3]));
            assert!(here.is_superset(&part) && here != part);
            assert!(here.is_superset(&equal) && here == equal, "a set is not > itself");
            Ok(())
        }),
    ),
    ("__le__", Served(is_subset)),
    (
        "__lt__",
        Served(|manager| {
            let here: BTreeSet<u32> = small(manager)?.to_set()?;
            let (more, equal) = (BTreeSet::from([1, 2, 3, 4]), BTreeSet::from([1, 2, 3]));
            assert!(here.is_subset(&more) && here != more);
            assert!(here.is_subset(&equal) && here == equal, "a set is not < itself");
            Ok(())
        }),
    ),
    (
        "add",
        Served(|manager| {
            let set = small(manager)?;
            assert!(set.insert(&4)?);
            assert!(!set.insert(&1)?, "it is there");
            assert_eq!(set.to_vec()?, [1, 2, 3, 4]);
            let unhashable = manager.create_set_from([f64::NAN]);
            assert_eq!(kind(unhashable), ErrorKind::InvalidInput);
            Ok(())
        }),
    ),
    (
        "clear",
        Served(|manager| {
            let set = small(manager)?;
            set.clear()?;
            assert!(set.is_empty()?);
            Ok(())
        }),
    ),
    (
        "copy",
        Served(|manager| {
            let set = small(manager)?;
            let mut copy: BTreeSet<u32> = set.to_set()?;
            copy.clear();
            assert_eq!(set.len()?, 3);
            Ok(())
        }),
    ),
    ("difference", combined!(difference => [1])),
    ("difference_update", changed!(difference_with => [1], by itself NONE)),
    (
        "discard",
        Served(|manager| {
            let set = small(manager)?;
            set.remove(&7)?;
            set.remove(&1)?;
            assert_eq!(set.to_vec()?, [2, 3]);
            Ok(())
        }),
    ),
    ("intersection", combined!(intersection => [2, 3])),
    ("intersection_update", changed!(intersect_with => [2, 3], by itself [1, 2, 3])),
    (
        "isdisjoint",
        Served(|manager| {
            let set = small(manager)?;
            assert!(!set.is_disjoint(&other(manager)?)?);
            assert!(set.is_disjoint([4, 5])?);
            Ok(())
        }),
    ),
    ("issubset", Served(is_subset)),
    ("issuperset", Served(is_superset)),
    (
        "pop",
        Served(|manager| {
            let set = small(manager)?;
            assert_eq!(set.pop()?, Some(1), "the first, where Python takes any");
            set.clear()?;
            assert_eq!(set.pop()?, None, "pop from an empty set");
            Ok(())
        }),
    ),
    (
        "remove",
        Served(|manager| {
            let set = small(manager)?;
            assert!(set.remove(&1)?);
            assert!(!set.remove(&1)?, "KeyError");
            assert_eq!(set.to_vec()?, [2, 3]);
            Ok(())
        }),
    ),
    ("symmetric_difference", combined!(symmetric_difference => [1, 4])),
    ("symmetric_difference_update", changed!(symmetric_difference_with => [1, 4], by itself NONE)),
    ("union", combined!(union => [1, 2, 3, 4])),
    (
        "update",
        Served(|manager| {
            let set = small(manager)?;
            set.extend([3, 4])?;
            set.union_with(&manager.create_set_from([5])?)?;
            assert_eq!(set.to_vec()?, [1, 2, 3, 4, 5]);
            Ok(())
        }),
    ),
];

/// `values ∘ set`: the set is read in one step, and the rest is the standard library's.
fn from_values(
    manager: &Manager,
    combine: impl Fn(&BTreeSet<u32>, &BTreeSet<u32>) -> BTreeSet<u32>,
    expected: &[u32],
) -> Result<(), Error> {
    let combined = combine(&BTreeSet::from([2, 3, 4]), &small(manager)?.to_set()?);
    assert!(combined.iter().eq(expected), "{combined:?}");
    Ok(())
}

fn is_subset(manager: &Manager) -> Result<(), Error> {
    let set = small(manager)?;
    assert!(set.is_subset(&set)? && set.is_subset([1, 2, 3, 4])?);
    assert!(!set.is_subset(&other(manager)?)?);
    Ok(())
}

fn is_superset(manager: &Manager) -> Result<(), Error> {
    let set = small(manager)?;
    assert!(set.is_superset(&set)? && set.is_superset([1, 2])?);
    assert!(!set.is_superset(&other(manager)?)?);
    Ok(())
}

/// A member of 10 kB: some dozens don't fit a page of an iteration.
fn long(number: u32) -> String {
    format!("{number:010000}")
}
