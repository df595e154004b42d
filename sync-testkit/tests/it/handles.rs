//! Handles: objects live as long as somebody, or something, refers to them.

use std::cell::RefCell;

use sync_client::{ErrorKind, Event, Lock, Queue, Ticket, Value};
use sync_testkit::{Cast, Role, roles};

roles![giver, redeemer, env_redeemer, issuer, hoarder, namer, finisher];

/// Puts proxies into a queue and a value, and ends.
fn giver(role: &Role) {
    let number = role.manager().create_value(41u64).unwrap();
    let inner = role.manager().create_queue::<Value<u64>>(1).unwrap();
    inner.put(&number).unwrap();
    let outer = role.manager().named("outer").create_queue::<Queue<Value<u64>>>(1).unwrap();
    outer.put(&inner).unwrap();
    let lock = role.manager().create_lock().unwrap();
    let slot = role.manager().named("slot").create_value(None::<Lock>).unwrap();
    slot.set(&Some(lock)).unwrap();
}

/// Moves an item to the end of its queue when it is dropped.
struct Mover(Queue<Event>);

impl Drop for Mover {
    fn drop(&mut self) {
        let event = self.0.get().unwrap().unwrap();
        self.0.put(&event).unwrap();
        event.set().unwrap();
    }
}

/// Has a thread leave something to its end that makes calls.
fn finisher(role: &Role) {
    thread_local! {
        static LAST: RefCell<Option<Mover>> = const { RefCell::new(None) };
    }
    let queue: Queue<Event> = role.manager().named("queue").create_queue(2).unwrap();
    let thread = std::thread::spawn(move || {
        // Before the first call: it is dropped after all that calls themselves leave behind.
        LAST.set(Some(Mover(queue)));
        LAST.with_borrow(|last| last.as_ref().unwrap().0.len().unwrap());
    });
    thread.join().unwrap();
}

/// Redeems the ticket that is its argument.
fn redeemer(role: &Role) {
    redeem(role, role.arg(0));
}

/// Redeems the ticket in its environment.
fn env_redeemer(role: &Role) {
    redeem(role, std::env::var("TICKET").unwrap().parse().unwrap());
}

fn redeem(role: &Role, ticket: Ticket) {
    let value: Value<u64> = role.manager().redeem(&ticket).unwrap();
    value.fetch_add(1).unwrap();
    let again = role.manager().redeem::<Value<u64>>(&ticket).unwrap_err();
    role.say(format!("{:?}", again.kind()));
    role.hear();
}

/// Makes a ticket for an object of its own.
fn issuer(role: &Role) {
    let event = role.manager().create_event().unwrap();
    role.say(role.manager().ticket(&event).unwrap());
    role.hear();
}

/// Creates objects and keeps them.
fn hoarder(role: &Role) {
    let events: Vec<Event> = (0..20).map(|_| role.manager().create_event().unwrap()).collect();
    let queue = role.manager().create_queue::<Event>(100).unwrap();
    events.iter().for_each(|event| queue.put(event).unwrap());
    role.say("has them");
    role.hear();
}

/// Leaves an object behind under a name.
fn namer(role: &Role) {
    role.manager().named("left").create_value(7u8).unwrap();
}

#[test]
fn a_nested_proxy_survives_its_creator_and_comes_out_live() {
    let cast = Cast::new();
    let manager = cast.manager();
    let before = manager.object_count().unwrap();
    cast.start(giver).wait();
    cast.until("its session is over", || manager.debug_info().unwrap().sessions.len() == 1);
    let outer: Queue<Queue<Value<u64>>> = manager.named("outer").open().unwrap();
    let slot: Value<Option<Lock>> = manager.named("slot").open().unwrap();
    assert_eq!(manager.object_count().unwrap(), before + 5);
    let inner = outer.get().unwrap().unwrap();
    let number = inner.get().unwrap().unwrap();
    assert_eq!(number.fetch_add(1).unwrap(), 41);
    let lock = slot.get().unwrap().unwrap();
    assert!(!lock.lock().unwrap().was_abandoned());
    drop((inner, outer));
    assert!(manager.unpublish("outer").unwrap());
    cast.until("both queues are gone", || manager.object_count().unwrap() == before + 3);
    assert_eq!(number.get().unwrap(), 42);
    drop((number, lock));
    slot.set(&None).unwrap();
    drop(slot);
    manager.unpublish("slot").unwrap();
    cast.until("all are gone", || manager.object_count().unwrap() == before);
}

#[test]
fn a_ticket_hands_an_object_over_by_argument() {
    let cast = Cast::new();
    let value = cast.manager().create_value(1u64).unwrap();
    let ticket = cast.manager().ticket(&value).unwrap();
    let mut child = cast.start_with(redeemer, &[&ticket]);
    child.expect("NotFound");
    assert_eq!(value.get().unwrap(), 2);
    // The child's handle is enough.
    drop(value);
    assert_eq!(cast.manager().object_count().unwrap(), 1);
    child.kill();
    cast.until("it is gone", || cast.manager().object_count().unwrap() == 0);
}

#[test]
fn a_ticket_hands_an_object_over_by_environment() {
    let cast = Cast::new();
    let value = cast.manager().create_value(1u64).unwrap();
    let ticket = cast.manager().ticket(&value).unwrap();
    let mut child = cast.start_in(env_redeemer, &[], &[("TICKET", &ticket)]);
    child.expect("NotFound");
    assert_eq!(value.get().unwrap(), 2);
}

#[test]
fn a_ticket_ends_with_its_issuer_and_so_does_the_object() {
    let cast = Cast::new();
    let manager = cast.manager();
    let mut issuer = cast.start(issuer);
    let ticket: Ticket = issuer.hear().parse().unwrap();
    let wrong = manager.redeem::<Lock>(&ticket).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Mismatch, "{wrong}");
    issuer.kill();
    cast.until("the object is gone", || manager.object_count().unwrap() == 0);
    let late = manager.redeem::<Event>(&ticket).unwrap_err();
    assert_eq!(late.kind(), ErrorKind::NotFound, "{late}");
}

#[test]
fn the_proxies_of_a_killed_process_are_collected() {
    let cast = Cast::new();
    let mut hoarder = cast.start(hoarder);
    hoarder.expect("has them");
    assert_eq!(cast.manager().object_count().unwrap(), 21);
    hoarder.kill();
    cast.until("all are gone", || cast.manager().object_count().unwrap() == 0);
}

#[test]
fn a_named_object_outlives_its_creator() {
    let cast = Cast::new();
    cast.start(namer).wait();
    let left: Value<u8> = cast.manager().named("left").open().unwrap();
    assert_eq!(left.get().unwrap(), 7);
    let other = cast.manager().named("left").open::<Lock>().unwrap_err();
    assert_eq!(other.kind(), ErrorKind::Mismatch, "{other}");
    let taken = cast.manager().named("left").exclusive().create_value(8u8).unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::Exists, "{taken}");
}

#[test]
fn what_a_thread_leaves_to_its_end_can_make_calls_still() {
    let cast = Cast::new();
    let queue: Queue<Event> = cast.manager().named("queue").create_queue(2).unwrap();
    let events = [(); 2].map(|()| cast.manager().create_event().unwrap());
    events.iter().for_each(|event| queue.put(event).unwrap());
    cast.start(finisher).wait();
    assert_eq!(events.each_ref().map(|event| event.is_set().unwrap()), [true, false]);
    assert_eq!(
        [(); 2].map(|()| queue.get().unwrap().unwrap()),
        [1, 0].map(|at| events[at].clone())
    );
}
