//! Names: get or create, must be new, must exist.

use sync_objects::{ErrorKind, Limits, Order, Shared, interface, lock, queue, registry, semaphore};
use sync_objects::{Flow, Refusal};
use sync_testkit::sim::{Sim, SimClient};

use crate::support::kind;

/// Two versions of one type, as two programs of different age have them.
mod v1 {
    use super::*;
    interface! {
        /// The older one.
        pub(crate) mod thing = "app.thing" {
            new();
            fn touch();
        }
    }
}
mod v2 {
    use super::*;
    interface! {
        /// The newer one.
        pub(crate) mod thing = "app.thing" {
            new();
            fn touch(times: u32);
        }
    }
}

struct Thing;

impl v1::thing::Service for Thing {
    fn new() -> Result<Self, Refusal> {
        Ok(Self)
    }
    fn touch(&mut self, _: &mut sync_objects::Cx<'_>) -> Flow<()> {
        Flow::Done(())
    }
}

fn open_lock(client: &SimClient, name: &str) -> Result<sync_objects::Handle, ErrorKind> {
    let (interface, fingerprint) = (lock::INTERFACE.name, lock::INTERFACE.fingerprint);
    let opened = client.manager().open(name.into(), interface.into(), fingerprint);
    opened.map_err(|error| error.kind())
}

#[test]
fn a_name_is_created_by_the_first_and_got_by_the_others() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let ours = lock::Proxy::new(a.named("l")).unwrap();
    let theirs = lock::Proxy::new(b.named("l")).unwrap();
    assert_eq!(ours.remote().handle().object(), theirs.remote().handle().object());
    assert_eq!(sim.object_count(), 1);
    assert_eq!(kind(lock::Proxy::new(b.new_named("l"))), ErrorKind::Exists);
    lock::Proxy::new(b.new_named("k")).unwrap();
    assert_eq!(a.manager().names().unwrap(), ["k", "l"]);
    assert_eq!(open_lock(&a, "k").unwrap().object().0 & 0xff, 2);
    assert_eq!(open_lock(&a, "m"), Err(ErrorKind::NotFound));
}

#[test]
fn arguments_of_shape_must_equal_the_objects_and_both_are_named() {
    let sim = Sim::new();
    let client = sim.client();
    let make = |bound, order| queue::Proxy::new(client.named("q"), bound, order);
    make(Some(3), Order::Fifo).unwrap();
    make(Some(3), Order::Fifo).unwrap();
    let error = make(Some(4), Order::Lifo).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    for part in ["\"q\"", "sync.queue", "first in, first out, at most 3", "last in", "at most 4"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(kind(make(None, Order::Fifo)), ErrorKind::Mismatch);
    semaphore::Proxy::new(client.named("s"), 3, false).unwrap();
    semaphore::Proxy::new(client.named("s"), 9, false).expect("contents count only at creation");
    let bounded = semaphore::Proxy::new(client.named("s"), 3, true);
    assert_eq!(kind(bounded), ErrorKind::Mismatch);
    assert_eq!(sim.object_count(), 2, "an object that only served to compare is gone");
}

#[test]
fn a_name_of_another_type_is_refused_and_both_types_are_named() {
    let sim = Sim::new();
    let client = sim.client();
    queue::Proxy::new(client.named("x"), None, Order::Fifo).unwrap();
    let error = lock::Proxy::new(client.named("x")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    for part in ["\"x\"", "sync.queue", "sync.lock"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(open_lock(&client, "x"), Err(ErrorKind::Mismatch));
    assert_eq!(sim.object_count(), 1);
}

#[test]
fn two_versions_of_an_interface_do_not_meet_and_both_fingerprints_are_named() {
    let mut types = registry();
    v1::thing::register::<Thing>(&mut types);
    let sim = Sim::with(types, Limits::default());
    let client = sim.client();
    v1::thing::Proxy::new(client.named("t")).unwrap().touch().unwrap();
    let error = v2::thing::Proxy::new(client.named("t")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    for fingerprint in [v1::thing::INTERFACE.fingerprint, v2::thing::INTERFACE.fingerprint] {
        assert!(error.to_string().contains(&fingerprint.to_string()), "{error}");
    }
    let handle = v1::thing::Proxy::new(client.named("t")).unwrap();
    let attached = v2::thing::Proxy::attach(handle.remote().handle().clone());
    assert_eq!(kind(attached), ErrorKind::WrongType);
}

#[test]
fn a_type_that_is_not_registered_is_refused_by_name() {
    let client = Sim::new().client();
    let error = v1::thing::Proxy::new(&client).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("app.thing"), "{error}");
}

#[test]
fn a_published_object_lives_as_long_as_its_name() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let ours = lock::Proxy::new(&a).unwrap();
    let handle = ours.remote().handle().clone();
    a.manager().publish("l".into(), handle.clone()).unwrap();
    let again = a.manager().publish("l".into(), handle.clone());
    assert_eq!(kind(again), ErrorKind::Exists);
    a.manager().publish("other".into(), handle.clone()).unwrap();
    drop((ours, handle));
    a.kill();
    assert_eq!(sim.object_count(), 1, "its names keep it");
    lock::Proxy::attach(open_lock(&b, "l").unwrap()).unwrap().acquire().unwrap();
    assert!(b.manager().unpublish("l".into()).unwrap());
    assert!(!b.manager().unpublish("l".into()).unwrap());
    assert_eq!(sim.object_count(), 1);
    assert!(b.manager().unpublish("other".into()).unwrap());
    assert_eq!(sim.object_count(), 0);
}
