//! Set: what each method does, and its edges.

#![expect(clippy::unwrap_used, reason = "what a helper of a test finds wrong fails the test")]

use serde::Serialize;
use sync_objects::{ErrorKind, OtherSet, Payload, lock, set};
use sync_proto::Shared as _;
use sync_testkit::sim::{Sim, SimClient};

mod algebra;
mod model;

/// Encodes a value.
fn p<T: Serialize + ?Sized>(value: &T) -> Payload {
    Payload::pack(value).unwrap()
}

fn all(payloads: &[Payload]) -> Vec<i64> {
    payloads.iter().map(|p| p.unpack().unwrap()).collect()
}

fn packed(members: &[i64]) -> Vec<Payload> {
    members.iter().map(p).collect()
}

fn new(client: &SimClient, members: &[i64]) -> set::Proxy {
    set::Proxy::new(client, packed(members)).unwrap()
}

fn members(s: &set::Proxy) -> Vec<i64> {
    let page = s.page(None, None, u64::MAX).unwrap();
    assert_eq!(page.next, None, "a page without a bound is the last");
    all(&page.members)
}

fn values(members: &[i64]) -> OtherSet {
    OtherSet::Values(packed(members))
}

fn shared(s: &set::Proxy) -> OtherSet {
    OtherSet::Shared(s.handle().clone())
}

#[test]
fn a_member_is_there_once_in_the_order_in_which_it_came() {
    let sim = Sim::new();
    let s = new(&sim.client(), &[3, 1, 3, 2]);
    assert_eq!(members(&s), [3, 1, 2]);
    assert!(!s.insert(p(&3)).unwrap() && s.insert(p(&0)).unwrap());
    assert!(s.remove(p(&3)).unwrap() && !s.remove(p(&3)).unwrap());
    s.extend(packed(&[5, 1, 3, 5])).unwrap();
    assert_eq!(members(&s), [1, 2, 0, 5, 3]);
    assert_eq!(s.len().unwrap(), 5);
    assert!(s.contains(p(&5)).unwrap() && !s.contains(p(&4)).unwrap());
    s.clear().unwrap();
    assert!(s.is_empty().unwrap() && s.len().unwrap() == 0);
}

#[test]
fn members_are_equal_by_what_they_are_and_stay_as_they_came_first() {
    let sim = Sim::new();
    let s = new(&sim.client(), &[1]);
    for same in [p(&1u8), p(&1.0), p(&true)] {
        assert!(!s.insert(same.clone()).unwrap());
        assert!(s.contains(same).unwrap());
    }
    assert!(s.insert(p(&vec![1, 2])).unwrap());
    assert!(!s.insert(p(&(1, 2))).unwrap(), "a list counts as a tuple");
    assert!(s.insert(p("1")).unwrap());
    let taken = s.take(p(&1.0)).unwrap().unwrap();
    assert_eq!(taken.member, p(&1));
}

#[test]
fn what_equals_nothing_is_no_member_and_nothing_is_half_done() {
    let sim = Sim::new();
    let client = sim.client();
    let s = new(&client, &[1, 2]);
    let nan = p(&f64::NAN);
    let mixed = vec![p(&7), nan.clone()];
    let other = || OtherSet::Values(mixed.clone());
    let refusals = [
        set::Proxy::new(&client, mixed.clone()).unwrap_err(),
        s.insert(nan.clone()).unwrap_err(),
        s.extend(mixed.clone()).unwrap_err(),
        s.remove(nan.clone()).unwrap_err(),
        s.contains(nan).unwrap_err(),
        s.combine(sync_objects::SetOp::Union, other()).unwrap_err(),
        s.combined(sync_objects::SetOp::Difference, other()).unwrap_err(),
        s.is_subset(other()).unwrap_err(),
    ];
    for error in refusals {
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    assert_eq!(members(&s), [1, 2]);
}

#[test]
fn pop_takes_the_first_and_it_can_be_put_back_to_its_place() {
    let sim = Sim::new();
    let s = new(&sim.client(), &[3, 1, 2]);
    let first = s.pop().unwrap().unwrap();
    assert_eq!((first.member.clone(), members(&s)), (p(&3), vec![1, 2]));
    assert!(s.restore(first.clone()).unwrap());
    assert_eq!(members(&s), [3, 1, 2]);
    assert!(!s.restore(first.clone()).unwrap(), "it is there");
    let middle = s.take(p(&1)).unwrap().unwrap();
    assert_eq!(s.take(p(&1)).unwrap(), None);
    s.restore(middle).unwrap();
    assert_eq!(members(&s), [3, 1, 2]);
    let mut forged = first;
    forged.member = p(&9);
    assert_eq!(s.restore(forged.clone()).unwrap_err().kind(), ErrorKind::InvalidInput);
    forged.seq = 99;
    assert_eq!(s.restore(forged).unwrap_err().kind(), ErrorKind::InvalidInput);
    s.clear().unwrap();
    assert_eq!(s.pop().unwrap(), None);
}

#[test]
fn pages_go_through_the_members_and_say_when_the_set_changed() {
    let sim = Sim::new();
    let s = new(&sim.client(), &[10, 11, 12, 13, 14]);
    let size = p(&10).bytes.len() as u64;
    let (mut after, mut changes, mut seen) = (None, None, Vec::new());
    loop {
        let page = s.page(after, changes, 2 * size).unwrap();
        assert!(page.members.len() <= 2);
        seen.extend(all(&page.members));
        (after, changes) = (page.next, Some(page.changes));
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [10, 11, 12, 13, 14]);
    let first = s.page(None, None, 0).unwrap();
    assert_eq!(all(&first.members), [10], "at least one");
    s.insert(p(&10)).unwrap();
    s.page(first.next, Some(first.changes), size).unwrap();
    s.remove(p(&14)).unwrap();
    let error = s.page(first.next, Some(first.changes), size).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed);
    s.clear().unwrap();
    let empty = s.page(None, None, size).unwrap();
    assert_eq!((empty.members.len(), empty.next), (0, None));
}

#[test]
fn a_proxy_is_a_member_by_its_object_and_is_kept_by_the_set() {
    let sim = Sim::new();
    let client = sim.client();
    let before = sim.object_count();
    let s = new(&client, &[]);
    let (a, b) = (lock::Proxy::new(&client).unwrap(), lock::Proxy::new(&client).unwrap());
    assert!(s.insert(p(&a)).unwrap() && s.insert(p(&b)).unwrap() && !s.insert(p(&a)).unwrap());
    assert!(s.remove(p(&b)).unwrap());
    drop((a, b));
    assert_eq!(sim.object_count(), before + 2);
    s.clear().unwrap();
    assert_eq!(sim.object_count(), before + 1);
}
