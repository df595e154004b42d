//! Set.

use sync_client::{ErrorKind, Set};
use sync_testkit::{Role, roles};

use super::{Stage, behaviours, refused};

roles![writer, inserter, taker];

behaviours![
    members_are_seen_by_both_parties_once_each,
    sets_are_combined_and_compared,
    what_both_parties_insert_is_all_there,
    each_member_is_taken_by_one_party,
    what_can_be_no_member_is_refused,
];

fn seen(role: &Role) -> Set<u32> {
    role.manager().named("seen").create_set().unwrap()
}

fn writer(role: &Role) {
    let seen = seen(role);
    seen.extend([3, 1, 3]).unwrap();
    assert!(seen.insert(&2).unwrap() && !seen.insert(&1).unwrap());
}

fn inserter(role: &Role) {
    let seen = seen(role);
    for member in 0..100 {
        seen.insert(&member).unwrap();
    }
}

/// Takes what it can, until nothing is left, and says how much that was.
fn taker(role: &Role) {
    let seen = seen(role);
    let took = std::iter::from_fn(|| seen.pop().unwrap()).count();
    role.manager().named("took").create_value(0usize).unwrap().fetch_add(took).unwrap();
}

fn members_are_seen_by_both_parties_once_each(stage: &Stage) {
    let seen = stage.manager().named("seen").create_set::<u32>().unwrap();
    stage.start(writer).wait();
    assert_eq!((seen.len().unwrap(), seen.to_vec().unwrap()), (3, vec![3, 1, 2]));
    assert!(seen.contains(&1).unwrap() && !seen.contains(&4).unwrap());
    assert_eq!((seen.take(&3).unwrap(), seen.take(&3).unwrap()), (Some(3), None));
    assert!(seen.remove(&1).unwrap() && !seen.remove(&1).unwrap());
    assert!(seen.iter().map(Result::unwrap).eq([2]));
    seen.clear().unwrap();
    assert!(seen.is_empty().unwrap() && seen.pop().unwrap().is_none());
}

fn sets_are_combined_and_compared(stage: &Stage) {
    let seen = stage.manager().named("seen").create_set::<u32>().unwrap();
    let other = stage.manager().create_set_from([2, 3, 4u32]).unwrap();
    stage.start(writer).wait();
    assert_eq!(seen.union(&other).unwrap().len(), 4);
    assert_eq!(seen.difference(&other).unwrap(), [1]);
    assert!(!seen.is_subset(&other).unwrap() && !seen.is_disjoint(&other).unwrap());
    seen.intersect_with(&other).unwrap();
    assert!(other.is_superset(&seen).unwrap());
    assert_eq!(seen.len().unwrap(), 2);
}

fn what_both_parties_insert_is_all_there(stage: &Stage) {
    let seen = stage.manager().named("seen").create_set::<u32>().unwrap();
    let inserter = stage.start(inserter);
    for member in 50..150 {
        seen.insert(&member).unwrap();
    }
    inserter.wait();
    assert_eq!(seen.len().unwrap(), 150);
}

fn each_member_is_taken_by_one_party(stage: &Stage) {
    let seen = stage.manager().named("seen").create_set::<u32>().unwrap();
    seen.extend(0..200).unwrap();
    let taker = stage.start(taker);
    let took = std::iter::from_fn(|| seen.pop().unwrap()).count();
    taker.wait();
    let theirs = stage.manager().named("took").create_value(0usize).unwrap().get().unwrap();
    assert_eq!(took + theirs, 200);
}

fn what_can_be_no_member_is_refused(stage: &Stage) {
    let floats = stage.manager().create_set::<f64>().unwrap();
    refused(floats.insert(&f64::NAN), ErrorKind::InvalidInput);
    refused(floats.extend([1.0, f64::NAN]), ErrorKind::InvalidInput);
    assert!(floats.is_empty().unwrap());
    let seen = stage.manager().named("seen").create_set::<u32>().unwrap();
    stage.start(writer).wait();
    let texts: Set<String> = stage.manager().named("seen").open().unwrap();
    refused(texts.pop(), ErrorKind::WrongType);
    assert_eq!(seen.to_vec().unwrap(), [3, 1, 2]);
}
