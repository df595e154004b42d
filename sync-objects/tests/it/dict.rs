//! Dict: what each method does, and its edges.

#![expect(clippy::unwrap_used, reason = "what a helper of a test finds wrong fails the test")]

use serde::Serialize;
use serde::de::DeserializeOwned;
use sync_objects::{DictPart, ErrorKind, NumberKind, Payload, dict, lock};
use sync_testkit::sim::{Sim, SimClient};

mod model;
mod random;
mod updates;

/// Encodes a value.
pub(crate) fn p<T: Serialize + ?Sized>(value: &T) -> Payload {
    Payload::pack(value).unwrap()
}

/// Decodes values.
pub(crate) fn all<T: DeserializeOwned>(payloads: &[Payload]) -> Vec<T> {
    payloads.iter().map(|p| p.unpack().unwrap()).collect()
}

fn new(client: &SimClient, entries: &[(&str, i64)]) -> dict::Proxy {
    let entries = entries.iter().map(|(key, value)| (p(key), p(value)));
    dict::Proxy::new(client, entries.collect()).unwrap()
}

fn items(dict: &dict::Proxy) -> Vec<(String, i64)> {
    let page = dict.page(DictPart::Items, false, None, None, u64::MAX);
    let page = page.unwrap();
    assert_eq!(page.next, None, "a page without a bound is the last");
    let (keys, values) = (all(&page.keys), all(&page.values));
    keys.into_iter().zip(values).collect()
}

fn keys(dict: &dict::Proxy) -> String {
    let items = items(dict).into_iter();
    items.map(|(key, _)| key).collect::<Vec<_>>().join("")
}

#[test]
fn entries_stand_in_the_order_in_which_their_keys_came_in() {
    let sim = Sim::new();
    let d = new(&sim.client(), &[("b", 1), ("a", 2), ("b", 3)]);
    assert_eq!(items(&d), [("b".into(), 3), ("a".into(), 2)]);
    d.set(p("c"), p(&4)).unwrap();
    d.set(p("b"), p(&5)).unwrap();
    assert_eq!(keys(&d), "bac", "overwriting keeps the place");
    assert!(d.delete(p("b")).unwrap());
    d.set(p("b"), p(&6)).unwrap();
    assert_eq!(keys(&d), "acb", "a key that comes again comes last");
    assert_eq!(d.len().unwrap(), 3);
    assert!(!d.is_empty().unwrap());
    d.clear().unwrap();
    assert!(d.is_empty().unwrap() && d.len().unwrap() == 0);
}

#[test]
fn values_are_read_and_written_by_key() {
    let sim = Sim::new();
    let d = new(&sim.client(), &[("a", 1)]);
    assert_eq!(d.get(p("a")).unwrap(), Some(p(&1)));
    assert_eq!(d.get(p("z")).unwrap(), None);
    assert!(d.contains_key(p("a")).unwrap() && !d.contains_key(p("z")).unwrap());
    assert_eq!(d.insert(p("a"), p(&2)).unwrap(), Some(p(&1)));
    assert_eq!(d.insert(p("b"), p(&3)).unwrap(), None);
    assert_eq!(d.get_or_insert(p("a"), p(&9)).unwrap(), p(&2));
    assert_eq!(d.get_or_insert(p("c"), p(&9)).unwrap(), p(&9));
    let many = d.get_many(vec![p("c"), p("z"), p("a")]).unwrap();
    assert_eq!(many, [Some(p(&9)), None, Some(p(&2))]);
    assert_eq!(d.delete_many(vec![p("c"), p("z"), p("c")]).unwrap(), 1);
    assert!(!d.delete(p("c")).unwrap());
    d.extend(vec![(p("a"), p(&7)), (p("d"), p(&8)), (p("d"), p(&9))]).unwrap();
    let expected = [("a".into(), 7), ("b".into(), 3), ("d".into(), 9)];
    assert_eq!(items(&d), expected);
}

#[test]
fn keys_meet_by_their_normal_form_and_stay_as_they_came() {
    let sim = Sim::new();
    let d = dict::Proxy::new(&sim.client(), vec![]).unwrap();
    d.set(p(&1u8), p("one")).unwrap();
    assert_eq!(d.get(p(&1.0)).unwrap(), Some(p("one")));
    assert_eq!(d.get(p(&true)).unwrap(), Some(p("one")));
    d.set(p(&1.0), p("uno")).unwrap();
    let page = d.page(DictPart::Keys, false, None, None, u64::MAX).unwrap();
    assert_eq!((page.keys, page.values), (vec![p(&1u8)], vec![]));
    d.set(p(&vec![1, 2]), p("pair")).unwrap();
    assert_eq!(d.get(p(&(1, 2))).unwrap(), Some(p("pair")), "a key's list is a tuple");
    assert_eq!(d.get(p("1")).unwrap(), None);
}

#[test]
fn nan_is_no_key() {
    let sim = Sim::new();
    let client = sim.client();
    let d = new(&client, &[("a", 1)]);
    let entries = vec![(p("b"), p(&1)), (p(&f64::NAN), p(&2))];
    let error = dict::Proxy::new(&client, entries.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(d.extend(entries).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(d.set(p(&(1, f32::NAN)), p(&0)).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(d.begin_update(p(&f64::NAN)).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(items(&d), [("a".into(), 1)], "nothing was half done");
}

#[test]
fn what_was_removed_can_be_put_back_to_its_place() {
    let sim = Sim::new();
    let d = new(&sim.client(), &[("a", 1), ("b", 2), ("c", 3)]);
    assert_eq!(d.remove(p("z")).unwrap(), None);
    let b = d.remove(p("b")).unwrap().unwrap();
    assert_eq!((&b.key, &b.value), (&p("b"), &p(&2)));
    d.set(p("d"), p(&4)).unwrap();
    assert!(d.restore(b.clone()).unwrap());
    assert_eq!(keys(&d), "abcd");
    assert!(!d.restore(b.clone()).unwrap(), "it is there again");
    let last = d.pop_last().unwrap().unwrap();
    assert_eq!(last.key, p("d"));
    d.set(p("d"), p(&5)).unwrap();
    assert!(!d.restore(last).unwrap(), "another took its key");
    let mut stranger = b;
    stranger.key = p("x");
    let error = d.restore(stranger.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "its place is taken");
    stranger.seq = 99;
    assert_eq!(d.restore(stranger).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(keys(&d), "abcd");
}

#[test]
fn the_last_entry_is_popped_first_until_none_is_left() {
    let sim = Sim::new();
    let d = new(&sim.client(), &[("a", 1), ("b", 2)]);
    d.set(p("a"), p(&3)).unwrap();
    let pop = || d.pop_last().unwrap().map(|entry| entry.value);
    assert_eq!([pop(), pop(), pop()], [Some(p(&2)), Some(p(&3)), None]);
}

#[test]
fn numbers_are_added_to_and_an_overflow_changes_nothing() {
    let sim = Sim::new();
    let d = new(&sim.client(), &[("a", 250)]);
    let add = |key: &str, amount: i64| d.add(p(key), NumberKind::U8, p(&amount));
    assert_eq!(add("a", 5).unwrap(), p(&255u8));
    assert_eq!(add("new", 3).unwrap(), p(&3u8));
    assert_eq!(add("a", 1).unwrap_err().kind(), ErrorKind::Overflow);
    assert_eq!(add("other", 256).unwrap_err().kind(), ErrorKind::WrongType);
    let all = |amounts: &[(&str, i64)]| {
        let amounts = amounts.iter().map(|(key, amount)| (p(key), p(amount)));
        d.add_all(NumberKind::U8, amounts.collect())
    };
    let error = all(&[("new", 1), ("fresh", 1), ("a", 1)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overflow);
    let error = all(&[("fresh", 200), ("fresh", 56)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overflow, "one key twice adds twice");
    assert_eq!(items(&d), [("a".into(), 255), ("new".into(), 3)]);
    all(&[("x", 1), ("new", 1), ("x", 2)]).unwrap();
    assert_eq!(items(&d)[1..], [("new".into(), 4), ("x".into(), 3)]);
    let half = d.add(p("f"), NumberKind::F64, p(&0.5)).unwrap();
    assert_eq!(half, p(&0.5));
    d.set(p("s"), p("text")).unwrap();
    assert_eq!(add("s", 1).unwrap_err().kind(), ErrorKind::WrongType);
}

#[test]
fn an_exchange_is_made_when_the_value_is_the_expected_one() {
    let sim = Sim::new();
    let d = new(&sim.client(), &[("a", 1)]);
    let exchange = |key: &str, expected: Option<f64>, new: Option<i64>| {
        let (expected, new) = (expected.map(|v| p(&v)), new.map(|v| p(&v)));
        d.compare_exchange(p(key), expected, new).unwrap()
    };
    assert_eq!(exchange("a", Some(1.0), Some(2)), Ok(Some(p(&1))));
    assert_eq!(exchange("a", Some(1.0), Some(3)), Err(Some(p(&2))));
    assert_eq!(exchange("a", None, Some(3)), Err(Some(p(&2))));
    assert_eq!(exchange("b", Some(1.0), Some(3)), Err(None));
    assert_eq!(exchange("b", None, None), Ok(None));
    assert_eq!(exchange("b", None, Some(4)), Ok(None));
    assert_eq!(exchange("a", Some(2.0), None), Ok(Some(p(&2))));
    assert_eq!(items(&d), [("b".into(), 4)]);
    d.set(p("n"), p(&f64::NAN)).unwrap();
    assert!(exchange("n", Some(f64::NAN), None).is_err(), "it equals nothing");
}

#[test]
fn pages_hold_as_much_as_fits_and_at_least_one_entry() {
    let sim = Sim::new();
    let d = new(&sim.client(), &[("a", 1), ("b", 2), ("c", 3), ("d", 4)]);
    let read = |part, reversed, max_bytes| {
        let (mut pages, mut after, mut changes) = (Vec::new(), None, None);
        loop {
            let page = d.page(part, reversed, after, changes, max_bytes).unwrap();
            let keys: Vec<String> = all(&page.keys);
            let values: Vec<i64> = all(&page.values);
            pages.push(format!("{}{values:?}", keys.concat()));
            (after, changes) = (page.next, Some(page.changes));
            if after.is_none() {
                return pages.join(" ");
            }
        }
    };
    // A key takes two bytes, a value one, and each is counted with 16 that say where it is.
    assert_eq!(read(DictPart::Keys, false, 36), "ab[] cd[]");
    assert_eq!(read(DictPart::Values, false, 51), "[1, 2, 3] [4]");
    assert_eq!(read(DictPart::Items, false, 70), "ab[1, 2] cd[3, 4]");
    assert_eq!(read(DictPart::Items, true, 70), "dc[4, 3] ba[2, 1]");
    assert_eq!(read(DictPart::Keys, true, 0), "d[] c[] b[] a[]");
    assert_eq!(read(DictPart::Keys, true, 72), "dcba[]");
    let empty = new(&sim.client(), &[]);
    let page = empty.page(DictPart::Items, false, None, None, 0).unwrap();
    assert!(page.keys.is_empty() && page.next.is_none());
}

#[test]
fn an_iteration_refuses_to_go_on_when_keys_came_or_went() {
    let sim = Sim::new();
    let d = new(&sim.client(), &[("a", 1), ("b", 2)]);
    let page = d.page(DictPart::Items, false, None, None, 1).unwrap();
    let rest = || d.page(DictPart::Items, false, page.next, Some(page.changes), 1);
    d.set(p("a"), p(&9)).unwrap();
    assert!(!d.delete(p("z")).unwrap());
    assert_eq!(rest().unwrap().next, None, "an overwritten value is no change of size");
    d.set(p("c"), p(&3)).unwrap();
    let error = rest().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed);
    assert_eq!(error.message(), "the dict changed size during iteration");
    d.delete(p("c")).unwrap();
    assert!(rest().is_err(), "also when it has the old size again");
    let tail = d.page(DictPart::Keys, false, page.next, None, 1).unwrap();
    assert_eq!(all::<String>(&tail.keys), ["b"], "who does not care goes on");
}

#[test]
fn a_dict_takes_over_the_entries_of_another() {
    let sim = Sim::new();
    let client = sim.client();
    let (a, b) = (new(&client, &[("a", 1), ("b", 2)]), new(&client, &[("c", 3), ("a", 4)]));
    let handle = |dict: &dict::Proxy| dict.remote().handle().clone();
    a.extend_from(handle(&b)).unwrap();
    let expected = [("a".into(), 4), ("b".into(), 2), ("c".into(), 3)];
    assert_eq!(items(&a), expected);
    a.extend_from(handle(&a)).unwrap();
    assert_eq!(items(&a), expected);
    let lock = lock::Proxy::new(&client).unwrap();
    let error = a.extend_from(lock.remote().handle().clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongType);
}

#[test]
fn objects_inside_entries_live_as_long_as_their_entries() {
    let sim = Sim::new();
    let client = sim.client();
    let d = dict::Proxy::new(&client, vec![]).unwrap();
    let put = |key: &str| {
        let lock = lock::Proxy::new(&client).unwrap();
        d.set(p(key), p(&lock)).unwrap();
    };
    ["a", "b", "c", "d"].into_iter().for_each(put);
    assert_eq!(sim.object_count(), 5);
    let fetched: lock::Proxy = d.get(p("a")).unwrap().unwrap().unpack().unwrap();
    fetched.acquire().unwrap();
    d.set(p("a"), p(&0)).unwrap();
    assert_eq!(sim.object_count(), 5, "the reader still has it");
    drop(fetched);
    assert_eq!(sim.object_count(), 4);
    d.delete(p("b")).unwrap();
    assert_eq!(sim.object_count(), 3);
    drop(d.pop_last().unwrap());
    assert_eq!(sim.object_count(), 2);
    d.clear().unwrap();
    assert_eq!(sim.object_count(), 1);
    let lock = lock::Proxy::new(&client).unwrap();
    let update = d.begin_update(p(&lock)).unwrap();
    drop(lock);
    assert_eq!(sim.object_count(), 2, "a key under update is kept");
    d.cancel_update(update.token).unwrap();
    assert_eq!(sim.object_count(), 1);
}
