//! List: what each method does, and its edges.

#![expect(clippy::unwrap_used, reason = "what a helper of a test finds wrong fails the test")]

use sync_objects::{ErrorKind, Slice, list, lock};
use sync_testkit::sim::{Sim, SimClient};

use crate::dict::{all, p};

mod model;
mod updates;

fn new(client: &SimClient, items: &[i64]) -> list::Proxy {
    list::Proxy::new(client, items.iter().map(p).collect()).unwrap()
}

fn items(list: &list::Proxy) -> Vec<i64> {
    all(&list.to_vec().unwrap())
}

fn slice(start: Option<i64>, end: Option<i64>, step: Option<i64>) -> Slice {
    Slice { start, end, step }
}

#[test]
fn an_index_counts_from_the_end_when_it_is_negative() {
    let sim = Sim::new();
    let l = new(&sim.client(), &[1, 2, 3]);
    assert_eq!(
        [l.get(0), l.get(2), l.get(-1), l.get(-3)].map(Result::unwrap),
        [1, 3, 3, 1].map(|v| p(&v))
    );
    l.set(-1, p(&9)).unwrap();
    l.set(0, p(&7)).unwrap();
    assert_eq!(items(&l), [7, 2, 9]);
    assert_eq!(l.remove(-2).unwrap(), p(&2));
    assert_eq!(l.remove(0).unwrap(), p(&7));
    assert_eq!(l.len().unwrap(), 1);
}

#[test]
fn an_index_outside_is_refused_and_changes_nothing() {
    let sim = Sim::new();
    let l = new(&sim.client(), &[1, 2, 3]);
    for index in [3, -4, i64::MAX, i64::MIN] {
        let error = l.get(index).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutOfRange);
        let expected = format!("index {index} is out of range: the list has 3 items");
        assert_eq!(error.message(), expected);
        assert_eq!(l.set(index, p(&0)).unwrap_err().kind(), ErrorKind::OutOfRange);
        assert_eq!(l.remove(index).unwrap_err().kind(), ErrorKind::OutOfRange);
    }
    assert_eq!(items(&l), [1, 2, 3]);
    l.clear().unwrap();
    assert!(l.is_empty().unwrap());
    assert_eq!(l.pop().unwrap(), None);
    assert_eq!(l.get(0).unwrap_err().kind(), ErrorKind::OutOfRange);
}

#[test]
fn a_slice_is_made_of_two_indices_or_of_a_step() {
    let sim = Sim::new();
    let l = new(&sim.client(), &[1, 2, 3, 4, 5]);
    let of = |slice| all::<i64>(&l.slice(slice).unwrap());
    assert_eq!(of(Slice::between(1, -1)), [2, 3, 4]);
    assert_eq!(of(Slice::between(-2, 99)), [4, 5]);
    assert_eq!(of(Slice::every(2)), [1, 3, 5]);
    assert_eq!(of(Slice::every(-1)), [5, 4, 3, 2, 1]);
    assert_eq!(of(Slice { step: Some(-2), ..Slice::between(-1, 0) }), [5, 3]);
    assert_eq!(l.slice(Slice::every(0)).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn an_insertion_beyond_an_end_goes_to_that_end() {
    let sim = Sim::new();
    let l = new(&sim.client(), &[1, 2]);
    for (index, value) in [(100, 3), (-100, 0), (-1, 7), (1, 8), (i64::MIN, -1), (i64::MAX, 4)] {
        l.insert(index, p(&value)).unwrap();
    }
    assert_eq!(items(&l), [-1, 0, 8, 1, 2, 7, 3, 4]);
}

#[test]
fn items_are_found_by_equality_of_their_normal_forms() {
    let sim = Sim::new();
    let l = new(&sim.client(), &[1, 2, 1, 3]);
    l.push(p(&f64::NAN)).unwrap();
    l.push(p(&vec![1])).unwrap();
    let find = |start, end| l.index_of(p(&1.0), start, end).unwrap();
    assert_eq!(find(None, None), Some(0));
    assert_eq!(find(Some(1), None), Some(2));
    assert_eq!(find(Some(1), Some(2)), None);
    assert_eq!(find(Some(-5), Some(-3)), Some(2));
    assert_eq!(find(Some(-100), Some(100)), Some(0));
    assert_eq!(find(Some(100), None), None);
    assert_eq!(l.count(p(&1)).unwrap(), 2);
    assert!(l.contains(p(&true)).unwrap() && !l.contains(p("1")).unwrap());
    assert!(!l.contains(p(&f64::NAN)).unwrap(), "NaN equals nothing");
    assert!(!l.contains(p(&(1,))).unwrap(), "a tuple is no list");
    assert!(l.remove_item(p(&1)).unwrap() && l.remove_item(p(&1)).unwrap());
    assert!(!l.remove_item(p(&1)).unwrap());
    assert_eq!(l.len().unwrap(), 4);
}

#[test]
fn lists_are_joined_and_repeated() {
    let sim = Sim::new();
    let client = sim.client();
    let (a, b) = (new(&client, &[1, 2]), new(&client, &[3]));
    let handle = |list: &list::Proxy| list.remote().handle().clone();
    let joined = a.concat(vec![p(&9)]).unwrap();
    assert_eq!(all::<i64>(&joined), [1, 2, 9]);
    assert_eq!(items(&a), [1, 2]);
    a.extend_from(handle(&b)).unwrap();
    a.extend_from(handle(&a)).unwrap();
    assert_eq!(items(&a), [1, 2, 3, 1, 2, 3]);
    let lock = lock::Proxy::new(&client).unwrap();
    let error = a.extend_from(lock.remote().handle().clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongType);
    b.extend(vec![p(&4)]).unwrap();
    b.repeat(3).unwrap();
    assert_eq!(items(&b), [3, 4, 3, 4, 3, 4]);
    b.repeat(1).unwrap();
    for times in [i64::MAX, 1 << 22] {
        assert_eq!(b.repeat(times).unwrap_err().kind(), ErrorKind::TooLarge);
    }
    assert_eq!(b.len().unwrap(), 6);
    b.repeat(-1).unwrap();
    assert!(b.is_empty().unwrap());
    b.repeat(i64::MAX).unwrap();
    assert!(b.is_empty().unwrap(), "so many times nothing");
}

#[test]
fn a_sort_is_stable_in_both_directions() {
    let sim = Sim::new();
    let values = [p(&2), p(&1), p(&2.0), p(&true), p(&-0.5), p(&1e300)];
    let l = list::Proxy::new(&sim.client(), values.to_vec()).unwrap();
    let in_order = |order: [usize; 6]| order.map(|at| values[at].clone());
    l.sort(false).unwrap();
    assert_eq!(l.to_vec().unwrap(), in_order([4, 1, 3, 0, 2, 5]));
    l.sort(true).unwrap();
    assert_eq!(l.to_vec().unwrap(), in_order([5, 0, 2, 1, 3, 4]));
    l.reverse().unwrap();
    assert_eq!(l.to_vec().unwrap(), in_order([4, 3, 1, 2, 0, 5]));
    let words = ["b", "a", "ab", "", "B"].map(p);
    let l = list::Proxy::new(&sim.client(), words.to_vec()).unwrap();
    l.sort(false).unwrap();
    assert_eq!(all::<String>(&l.to_vec().unwrap()), ["", "B", "a", "ab", "b"]);
}

#[test]
fn what_has_no_order_is_not_sorted() {
    let sim = Sim::new();
    let client = sim.client();
    let mixed = vec![p(&2), p(&1), p("text")];
    let l = list::Proxy::new(&client, mixed.clone()).unwrap();
    let error = l.sort(false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongType);
    let message = error.message();
    assert!(message.contains("integer") && message.contains("string"), "{message}");
    assert_eq!(l.to_vec().unwrap(), mixed, "it is as it was");
    let l = list::Proxy::new(&client, vec![p(&f64::NAN)]).unwrap();
    l.sort(false).unwrap();
    l.push(p(&1)).unwrap();
    assert_eq!(l.sort(true).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn slices_are_pythons() {
    let sim = Sim::new();
    let l = new(&sim.client(), &[0, 1, 2, 3, 4, 5]);
    let get = |start, end, step| all::<i64>(&l.slice(slice(start, end, step)).unwrap());
    assert_eq!(get(None, None, None), [0, 1, 2, 3, 4, 5]);
    assert_eq!(get(Some(1), Some(-1), Some(2)), [1, 3]);
    assert_eq!(get(None, None, Some(-2)), [5, 3, 1]);
    assert_eq!(get(Some(4), Some(1), None), [0; 0]);
    assert_eq!(get(Some(-100), Some(100), Some(i64::MAX)), [0]);
    assert_eq!(get(None, None, Some(i64::MIN)), [5]);
    let set = |start, end, step, items: &[i64]| {
        let items = items.iter().map(p).collect();
        l.set_slice(slice(start, end, step), items)
    };
    set(Some(4), Some(1), None, &[8, 9]).unwrap();
    assert_eq!(items(&l), [0, 1, 2, 3, 8, 9, 4, 5], "put in where the slice starts");
    set(Some(1), Some(7), None, &[]).unwrap();
    assert_eq!(items(&l), [0, 5]);
    set(None, None, Some(-1), &[1, 2]).unwrap();
    assert_eq!(items(&l), [2, 1]);
    for items in [&[1][..], &[1, 2, 3]] {
        let error = set(None, None, Some(-1), items).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
    for refused in [
        set(None, None, Some(0), &[]),
        l.delete_slice(slice(None, None, Some(0))),
        l.slice(slice(None, None, Some(0))).map(drop),
    ] {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    assert_eq!(items(&l), [2, 1]);
}

#[test]
fn pages_hold_as_much_as_fits_and_see_what_moved() {
    let sim = Sim::new();
    let l = new(&sim.client(), &[0, 1, 2, 3, 4]);
    // An item takes a byte, and is counted with 16 that say where it is.
    let page = l.page(0, None, 34).unwrap();
    assert_eq!((all::<i64>(&page.items), page.next), (vec![0, 1], Some(2)));
    let rest = |start, max_bytes| l.page(start, Some(page.changes), max_bytes);
    l.set(0, p(&7)).unwrap();
    l.set_slice(slice(Some(0), Some(1), None), vec![p(&8)]).unwrap();
    assert!(!l.remove_item(p(&99)).unwrap());
    l.extend(vec![]).unwrap();
    let last = rest(2, u64::MAX).unwrap();
    assert_eq!((all::<i64>(&last.items), last.next), (vec![2, 3, 4], None));
    let one = rest(4, 0).unwrap();
    assert_eq!((all::<i64>(&one.items), one.next), (vec![4], None));
    for beyond in [5, u64::MAX] {
        let page = rest(beyond, 9).unwrap();
        assert_eq!((page.items, page.next), (vec![], None));
    }
    type Change<'l> = &'l dyn Fn() -> Result<(), sync_objects::Error>;
    let changes: [Change<'_>; 6] = [
        &|| l.push(p(&1)),
        &|| l.pop().map(drop),
        &|| l.reverse(),
        &|| l.sort(false),
        &|| l.set_slice(slice(None, None, None), vec![]),
        &|| {
            let update = l.begin_update()?;
            l.commit_update(update.token, update.items)
        },
    ];
    for change in changes {
        let page = l.page(0, None, 0).unwrap();
        change().unwrap();
        let error = l.page(0, Some(page.changes), 0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Changed);
    }
}

#[test]
fn objects_inside_items_live_as_long_as_their_items() {
    let sim = Sim::new();
    let client = sim.client();
    let lock = || p(&lock::Proxy::new(&client).unwrap());
    let l = list::Proxy::new(&client, (0..6).map(|_| lock()).collect()).unwrap();
    assert_eq!(sim.object_count(), 7);
    l.set(0, p(&0)).unwrap();
    drop(l.remove(1).unwrap());
    assert_eq!(sim.object_count(), 5);
    drop(l.pop().unwrap());
    l.set_slice(slice(Some(1), Some(2), None), vec![]).unwrap();
    assert_eq!(sim.object_count(), 3);
    l.repeat(3).unwrap();
    l.delete_slice(slice(Some(2), None, None)).unwrap();
    assert_eq!(sim.object_count(), 2, "items {:?}", l.to_vec());
    l.clear().unwrap();
    assert_eq!(sim.object_count(), 1);
}
