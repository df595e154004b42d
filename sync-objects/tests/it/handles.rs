//! Handles: an object lives exactly as long as somebody can reach it.

use sync_objects::{
    DisconnectReason, ErrorKind, Order, Payload, Shared, Via, lock, manager, queue, value,
};
use sync_proto::message::{Request, WireHandle};
use sync_proto::{
    CallId, Data, Fingerprint, Interface, ManagerId, MethodId, ObjectId, OneWayId, ThreadId,
};
use sync_testkit::sim::{Sim, SimClient};

use crate::support::{kind, pack, start};

fn queue(client: &SimClient) -> queue::Proxy {
    queue::Proxy::new(client, None, Order::Fifo).unwrap()
}

fn inside(payload: &Payload) -> lock::Proxy {
    payload.unpack().unwrap()
}

#[test]
fn an_anonymous_object_dies_with_its_last_handle() {
    let sim = Sim::new();
    let client = sim.client();
    let one = lock::Proxy::new(&client).unwrap();
    let clone = one.clone();
    drop(one);
    assert_eq!(sim.object_count(), 1);
    clone.acquire().unwrap();
    drop(clone);
    assert_eq!(sim.object_count(), 0, "held or not");
    let _kept = lock::Proxy::new(&client).unwrap();
    client.kill();
    assert_eq!(sim.object_count(), 0);
}

#[test]
fn an_object_lives_until_as_many_handles_come_back_as_went_out() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let lock = lock::Proxy::new(&a).unwrap();
    let ours = value::Proxy::new(a.named("v"), None, pack(&lock)).unwrap();
    let theirs = value::Proxy::new(b.named("v"), None, pack(&())).unwrap();
    drop(lock);
    let [first, second, third] = [0; 3].map(|_| inside(&theirs.get().unwrap()));
    drop(first);
    ours.set(pack(&())).unwrap();
    drop(third);
    second.acquire().unwrap();
    drop(second);
    assert_eq!(sim.object_count(), 1);
}

#[test]
fn a_handle_inside_a_payload_keeps_its_object_until_the_item_is_gone() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let shared = queue::Proxy::new(a.named("q"), None, Order::Fifo).unwrap();
    let lock = lock::Proxy::new(&a).unwrap();
    let grant = lock.acquire().unwrap();
    shared.put(pack(&lock), 0).unwrap();
    drop((lock, grant));
    assert_eq!(sim.object_count(), 2);
    let theirs = queue::Proxy::new(b.named("q"), None, Order::Fifo).unwrap();
    let item = theirs.get().unwrap().unwrap();
    let fetched = inside(&item.payload);
    drop(item);
    assert!(fetched.is_locked().unwrap(), "it came out live");
    drop(fetched);
    assert_eq!(sim.object_count(), 1);
}

#[test]
fn queues_inside_queues_live_and_die_together() {
    let sim = Sim::new();
    let client = sim.client();
    let outer = queue(&client);
    for depth in 0..100 {
        let inner = queue(&client);
        inner.put(pack(&lock::Proxy::new(&client).unwrap()), 0).unwrap();
        if depth > 0 {
            let below: queue::Proxy = outer.get().unwrap().unwrap().payload.unpack().unwrap();
            inner.put(pack(&below), 0).unwrap();
        }
        outer.put(pack(&inner), 0).unwrap();
    }
    assert_eq!(sim.object_count(), 201);
    let lease = outer.get_leased().unwrap().unwrap();
    outer.requeue(lease.token).unwrap();
    drop(lease);
    assert_eq!(sim.object_count(), 201);
    assert_eq!(outer.close_now().unwrap(), 1);
    assert_eq!(sim.object_count(), 1);
}

#[test]
fn a_value_lets_go_of_the_handle_that_it_held_before() {
    let sim = Sim::new();
    let client = sim.client();
    let make = || pack(&lock::Proxy::new(&client).unwrap());
    let value = value::Proxy::new(&client, None, make()).unwrap();
    for _ in 0..3 {
        value.set(make()).unwrap();
        drop(value.swap(make()).unwrap());
        assert_eq!(sim.object_count(), 2);
    }
    value.set(pack(&())).unwrap();
    assert_eq!(sim.object_count(), 1);
}

#[test]
fn a_call_that_waits_keeps_its_object_and_its_arguments() {
    let sim = Sim::new();
    let client = sim.client();
    let full = queue::Proxy::new(&client, Some(1), Order::Fifo).unwrap();
    full.put(pack(&1), 0).unwrap();
    let lock = lock::Proxy::new(&client).unwrap();
    let putting = {
        let packed = pack(&lock);
        start(&client, &full, move |q| q.put(packed.clone(), 0))
    };
    drop(lock);
    assert_eq!(sim.object_count(), 2);
    full.get().unwrap().unwrap();
    putting.answer().unwrap();
    let fetched = inside(&full.get().unwrap().unwrap().payload);
    assert!(!fetched.is_locked().unwrap());
}

/// Sends a request made by hand; returns the kind it is refused with.
fn refused(sim: &Sim, client: &SimClient, object: ObjectId, data: Data<WireHandle>) -> ErrorKind {
    let request = Request {
        call: CallId(900),
        after: OneWayId::NONE,
        thread: ThreadId(1),
        object,
        method: MethodId(0),
        timeout: None,
        data,
    };
    sim.kernel(|kernel, now| {
        kernel.handle_request(now, client.session(), Via(3), request);
        let outgoing = kernel.poll_reply().unwrap();
        assert_eq!((outgoing.session, outgoing.via), (client.session(), Via(3)));
        outgoing.reply.outcome.unwrap_err().kind
    })
}

fn put_of(interface: &'static Interface, object: ObjectId) -> Data<WireHandle> {
    let wire = WireHandle { object, interface: interface.fingerprint };
    let packed = Data::encode(&(pack(&1), 0i64)).unwrap();
    let mut data = packed.into_wire(ManagerId(1)).unwrap();
    data.payloads[0].handles = [wire].into();
    data
}

#[test]
fn handles_on_nothing_or_on_something_else_are_refused() {
    let sim = Sim::new();
    let client = sim.client();
    let (queue, lock) = (queue(&client), lock::Proxy::new(&client).unwrap());
    let (target, object) = (queue.remote().handle().object(), lock.remote().handle().object());
    let nothing = put_of(&lock::INTERFACE, ObjectId(object.0 + (1 << 24)));
    assert_eq!(refused(&sim, &client, target, nothing), ErrorKind::NotFound);
    let other = put_of(&manager::INTERFACE, object);
    assert_eq!(refused(&sim, &client, target, other), ErrorKind::WrongType);
    let unknown = ObjectId(77);
    assert_eq!(refused(&sim, &client, unknown, Data::default()), ErrorKind::NotFound);
    assert_eq!(queue.len().unwrap(), 0);
    let foreign = Sim::new().client();
    let stranger = lock::Proxy::new(&foreign).unwrap();
    assert_eq!(kind(queue.put(pack(&stranger), 0)), ErrorKind::InvalidInput);
}

#[test]
fn an_identity_is_never_given_twice() {
    let sim = Sim::new();
    let client = sim.client();
    let first = lock::Proxy::new(&client).unwrap();
    let object = first.remote().handle().object();
    drop(first);
    let second = lock::Proxy::new(&client).unwrap();
    assert_ne!(second.remote().handle().object(), object);
    assert_eq!(refused(&sim, &client, object, Data::default()), ErrorKind::NotFound);
}

#[test]
fn a_session_cannot_give_back_handles_that_it_does_not_have() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let lock = lock::Proxy::new(&a).unwrap();
    let object = lock.remote().handle().object();
    assert_eq!(kind(b.manager().release(object, 1)), ErrorKind::NotOwner);
    assert_eq!(kind(a.manager().release(object, 2)), ErrorKind::NotOwner);
    assert_eq!(kind(a.manager().release(ObjectId::MANAGER, 1)), ErrorKind::NotOwner);
    lock.acquire().unwrap();
    sim.kernel(|kernel, now| {
        kernel.handle_disconnect(now, a.session(), DisconnectReason::ProcessEnded);
        kernel.handle_disconnect(now, a.session(), DisconnectReason::Closed);
    });
    assert_eq!((sim.object_count(), sim.notes().len()), (0, 1));
}

#[test]
fn a_request_whose_interface_lies_is_told_so_by_its_proxy() {
    let client = Sim::new().client();
    let lock = lock::Proxy::new(&client).unwrap();
    let handle = lock.remote().handle().clone();
    assert_eq!(kind(queue::Proxy::attach(handle)), ErrorKind::WrongType);
    assert_ne!(lock::INTERFACE.fingerprint, Fingerprint(0));
}
