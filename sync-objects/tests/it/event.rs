//! Event: a flag that callers wait for.

use sync_objects::{ErrorKind, event};
use sync_testkit::sim::Sim;

use crate::support::{kind, millis, start};

#[test]
fn everyone_who_waits_goes_on_when_the_event_is_set_also_if_it_is_cleared_right_after() {
    let sim = Sim::new();
    let (setter, waiter) = (sim.client(), sim.client());
    let ours = event::Proxy::new(setter.named("e")).unwrap();
    let theirs = event::Proxy::new(waiter.named("e")).unwrap();
    let waiting: Vec<_> = (0..5)
        .map(|thread| waiter.on_thread(thread, || start(&waiter, &theirs, event::Proxy::wait)))
        .collect();
    assert_eq!(sim.blocked_count(), 5);
    ours.set().unwrap();
    ours.clear().unwrap();
    for one in waiting {
        one.answer().unwrap();
    }
    assert!(!theirs.is_set().unwrap());
}

#[test]
fn a_wait_on_a_set_event_does_not_wait_and_setting_twice_is_setting() {
    let sim = Sim::new();
    let client = sim.client();
    let event = event::Proxy::new(&client).unwrap();
    assert!(!event.is_set().unwrap());
    event.set().unwrap();
    event.set().unwrap();
    assert!(event.is_set().unwrap());
    event.wait().unwrap();
    event.clear().unwrap();
    assert_eq!(kind(event.within(millis(0)).wait()), ErrorKind::TimedOut);
}

#[test]
fn a_wait_for_an_event_ends_at_its_deadline_and_not_before() {
    let sim = Sim::new();
    let client = sim.client();
    let event = event::Proxy::new(&client).unwrap();
    let timed = event.within(millis(10));
    let waiting = start(&client, &timed, event::Proxy::wait);
    sim.advance(millis(9));
    assert!(waiting.is_waiting());
    sim.advance(millis(1));
    assert_eq!(kind(waiting.answer()), ErrorKind::TimedOut);
    assert_eq!(sim.blocked_count(), 0);
}
