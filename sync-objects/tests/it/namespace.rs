//! Namespace: what each method does, and its edges.

#![expect(clippy::unwrap_used, reason = "what a helper of a test finds wrong fails the test")]

use serde::Serialize;
use sync_objects::{ErrorKind, Payload, lock, namespace};
use sync_proto::Shared as _;
use sync_testkit::sim::{Sim, SimClient};

mod model;

/// Encodes a value.
fn p<T: Serialize + ?Sized>(value: &T) -> Payload {
    Payload::pack(value).unwrap()
}

fn new(client: &SimClient) -> namespace::Proxy {
    namespace::Proxy::new(client, vec![]).unwrap()
}

fn get(n: &namespace::Proxy, name: &str) -> Option<i64> {
    n.get(name.to_owned()).unwrap().map(|value| value.unpack().unwrap())
}

fn s(name: &str) -> String {
    name.to_owned()
}

#[test]
fn each_attribute_has_a_type_of_its_own() {
    let sim = Sim::new();
    let n = new(&sim.client());
    n.set(s("host"), p("localhost")).unwrap();
    n.set(s("port"), p(&80)).unwrap();
    assert_eq!(n.get(s("host")).unwrap().unwrap().unpack::<String>().unwrap(), "localhost");
    assert_eq!(get(&n, "port"), Some(80));
    n.set(s("port"), p("http")).unwrap();
    assert_eq!(n.get(s("port")).unwrap(), Some(p("http")), "the type may change");
    assert_eq!(get(&n, "path"), None);
    assert!(n.contains_key(s("host")).unwrap() && !n.contains_key(s("path")).unwrap());
}

#[test]
fn names_come_in_alphabetical_order_and_a_leading_underscore_is_nothing_special() {
    let sim = Sim::new();
    let client = sim.client();
    let start = ["b", "_c", "a", "ä", "b"].map(|name| (s(name), p(name)));
    let n = namespace::Proxy::new(&client, start.to_vec()).unwrap();
    assert_eq!(n.names().unwrap(), ["_c", "a", "b", "ä"]);
    assert!(n.delete(s("a")).unwrap() && !n.delete(s("a")).unwrap());
    assert_eq!(n.names().unwrap(), ["_c", "b", "ä"]);
}

#[test]
fn an_empty_name_is_refused_everywhere() {
    let sim = Sim::new();
    let client = sim.client();
    let n = new(&client);
    let refusals = [
        n.get(s("")).unwrap_err(),
        n.contains_key(s("")).unwrap_err(),
        n.set(s(""), p(&1)).unwrap_err(),
        n.delete(s("")).unwrap_err(),
        n.remove(s("")).unwrap_err(),
        n.begin_update(s("")).unwrap_err(),
        namespace::Proxy::new(&client, vec![(s(""), p(&1))]).unwrap_err(),
    ];
    for error in refusals {
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(error.message(), "an attribute's name cannot be empty");
    }
    assert_eq!(n.names().unwrap(), Vec::<String>::new());
}

#[test]
fn what_was_taken_can_be_put_back_unless_it_is_there_again() {
    let sim = Sim::new();
    let n = new(&sim.client());
    n.set(s("a"), p(&1)).unwrap();
    assert_eq!(n.remove(s("b")).unwrap(), None);
    let taken = n.remove(s("a")).unwrap().unwrap();
    assert_eq!((taken.value.clone(), get(&n, "a")), (p(&1), None));
    assert!(n.restore(taken).unwrap());
    let taken = n.remove(s("a")).unwrap().unwrap();
    n.set(s("a"), p(&2)).unwrap();
    assert!(!n.restore(taken).unwrap());
    assert_eq!(get(&n, "a"), Some(2));
}

#[test]
fn what_is_no_name_cannot_be_put_back() {
    let sim = Sim::new();
    let n = new(&sim.client());
    n.set(s("a"), p(&1)).unwrap();
    let taken = n.remove(s("a")).unwrap().unwrap();
    let with = |key: Payload| {
        let mut forged = taken.clone();
        forged.key = key;
        n.restore(forged).unwrap_err().kind()
    };
    assert_eq!(with(p(&7)), ErrorKind::WrongType);
    assert_eq!(with(p("")), ErrorKind::InvalidInput);
    let mut early = taken.clone();
    early.seq = 9;
    assert_eq!(n.restore(early).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(n.names().unwrap(), Vec::<String>::new());
}

#[test]
fn an_update_has_its_attribute_to_itself() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let n = namespace::Proxy::new(a.named("n"), vec![(s("x"), p(&1))]).unwrap();
    let other = namespace::Proxy::new(b.named("n"), vec![]).unwrap();
    let begun = n.begin_update(s("x")).unwrap();
    assert_eq!(begun.value, Some(p(&1)));
    other.set(s("y"), p(&9)).unwrap();
    let writer = other.clone();
    let waiting = b.start(move || writer.set(s("x"), p(&100)));
    assert!(waiting.is_waiting());
    assert_eq!(b.on_thread(2, || get(&other, "x")), Some(1), "readers don't wait");
    n.commit_update(begun.token, Some(p(&2))).unwrap();
    waiting.answer().unwrap();
    assert_eq!((get(&n, "x"), get(&n, "y")), (Some(100), Some(9)));
    let begun = n.begin_update(s("x")).unwrap();
    n.commit_update(begun.token, None).unwrap();
    assert_eq!(get(&n, "x"), None, "an update may delete");
    let begun = n.begin_update(s("x")).unwrap();
    n.cancel_update(begun.token).unwrap();
    assert_eq!(n.names().unwrap(), ["y"]);
}

#[test]
fn an_updater_that_dies_changes_nothing_and_passes_the_turn_on() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let n = namespace::Proxy::new(a.named("n"), vec![(s("x"), p(&1))]).unwrap();
    let other = namespace::Proxy::new(b.named("n"), vec![]).unwrap();
    n.begin_update(s("x")).unwrap();
    let waiting = {
        let other = other.clone();
        b.start(move || other.begin_update(s("x")))
    };
    a.kill();
    let begun = waiting.answer().unwrap();
    assert_eq!(begun.value, Some(p(&1)));
    other.commit_update(begun.token, Some(p(&2))).unwrap();
    assert_eq!(get(&other, "x"), Some(2));
}

#[test]
fn an_attribute_keeps_the_object_whose_proxy_it_is() {
    let sim = Sim::new();
    let client = sim.client();
    let before = sim.object_count();
    let n = new(&client);
    let held = lock::Proxy::new(&client).unwrap();
    n.set(s("lock"), p(&held)).unwrap();
    let object = held.handle().object();
    drop(held);
    assert_eq!(sim.object_count(), before + 2);
    let found = n.get(s("lock")).unwrap().unwrap().unpack::<lock::Proxy>().unwrap();
    assert_eq!(found.handle().object(), object);
    drop(found);
    assert!(n.delete(s("lock")).unwrap());
    assert_eq!(sim.object_count(), before + 1);
}
