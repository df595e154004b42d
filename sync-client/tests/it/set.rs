//! Set: members as the type that their reader asks for, and the algebra.

use std::collections::{BTreeSet, HashSet};

use sync_client::{ErrorKind, Set};

use crate::support::sessions;

#[test]
fn a_member_that_its_reader_cannot_read_stays_where_it_was() {
    let (_server, [manager]) = sessions();
    let words = manager.named("s").create_set_from(["a", "b"].map(String::from)).unwrap();
    let numbers: Set<u8> = manager.named("s").open().unwrap();
    assert_eq!(numbers.pop().unwrap_err().kind(), ErrorKind::WrongType);
    assert_eq!(numbers.iter().next().unwrap().unwrap_err().kind(), ErrorKind::WrongType);
    assert_eq!(words.to_vec().unwrap(), ["a", "b"]);
    assert_eq!(words.take("b").unwrap().as_deref(), Some("b"));
    assert_eq!(words.pop().unwrap().as_deref(), Some("a"));
    assert_eq!(words.pop().unwrap(), None);
}

#[test]
fn the_other_set_may_be_shared_or_any_collection_of_values() {
    let (_server, [manager]) = sessions();
    let s = manager.create_set_from([1, 2, 3]).unwrap();
    let other = manager.create_set_from([3, 4]).unwrap();
    let list = vec![3, 4];
    let hashed: HashSet<i32> = list.iter().copied().collect();
    let ordered: BTreeSet<i32> = list.iter().copied().collect();
    let differences = [
        s.difference(&other),
        s.difference(&list),
        s.difference(list.as_slice()),
        s.difference(list.clone()),
        s.difference([3, 4]),
        s.difference(&hashed),
        s.difference(hashed.clone()),
        s.difference(&ordered),
        s.difference(ordered.clone()),
    ];
    for difference in differences {
        assert_eq!(difference.unwrap(), [1, 2]);
    }
    assert_eq!(s.union(&other).unwrap(), [1, 2, 3, 4]);
    assert_eq!(s.intersection(&other).unwrap(), [3]);
    assert_eq!(s.symmetric_difference(&other).unwrap(), [1, 2, 4]);
    assert!(s.is_superset([1, 3]).unwrap() && !s.is_subset(&other).unwrap());
    assert!(s.is_disjoint([7]).unwrap());
    s.symmetric_difference_with(&other).unwrap();
    s.union_with([9]).unwrap();
    s.difference_with([1]).unwrap();
    assert_eq!(s.to_vec().unwrap(), [2, 4, 9]);
    s.intersect_with(&hashed).unwrap();
    s.extend([8]).unwrap();
    assert_eq!(s.to_set::<BTreeSet<_>>().unwrap(), BTreeSet::from([4, 8]));
    s.difference_with(&s).unwrap();
    assert!(s.is_empty().unwrap());
}

#[test]
fn a_set_of_another_manager_is_refused() {
    let ((_here, [manager]), (_there, [elsewhere])) = (sessions(), sessions());
    let s = manager.create_set_from([1]).unwrap();
    let foreign = elsewhere.create_set_from([1]).unwrap();
    let error = s.difference_with(&foreign).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(s.to_vec().unwrap(), [1]);
}

#[test]
fn an_iteration_of_many_pages_has_every_member_and_tells_of_changes() {
    let (_server, [manager]) = sessions();
    let member = |number: u32| format!("{number:0>1000}");
    let s = manager.create_set_from((0..1000).map(member)).unwrap();
    assert!(s.iter().map(Result::unwrap).eq((0..1000).map(member)));
    let mut members = s.iter();
    members.next().unwrap().unwrap();
    s.remove(&member(7)).unwrap();
    let error = members.find_map(Result::err).unwrap();
    assert_eq!(error.kind(), ErrorKind::Changed);
    assert!(members.next().is_none());
}
