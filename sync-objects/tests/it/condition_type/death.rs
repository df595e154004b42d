//! Death of a waiter, and of who holds the lock while others wait.

use sync_proto::CallId;

use super::*;

#[test]
fn a_dead_waiter_takes_no_notification_with_it() {
    let sim = Sim::new();
    let [a, b, c, d] = Party::all(&sim);
    let [dead, second, third] = [&a, &b, &c].map(Party::wait);
    a.client.kill();
    d.notify(1);
    b.finish(second);
    assert!(dead.is_waiting() && third.is_waiting());
}

#[test]
fn a_notified_waiter_that_dies_before_it_has_the_lock_passes_the_notification_on() {
    let sim = Sim::new();
    let [a, b, c, d] = Party::all(&sim);
    let [_dead, second, third] = [&a, &b, &c].map(Party::wait);
    let token = d.take();
    d.condition.notify(token, 1).unwrap();
    a.client.kill();
    assert!(second.is_waiting());
    d.lock.release(token).unwrap();
    let woken = second.answer().unwrap();
    assert!(!woken.grant.abandoned && third.is_waiting());
}

#[test]
fn a_waiter_whose_time_was_up_had_no_notification_to_pass_on() {
    let sim = Sim::new();
    let [a, b, c] = Party::all(&sim);
    let (_dead, second) = (a.wait_for(TIME), b.wait());
    let token = c.take();
    sim.advance(TIME);
    a.client.kill();
    c.lock.release(token).unwrap();
    assert!(second.is_waiting());
    assert!(!c.lock.is_locked().unwrap());
}

#[test]
fn a_notifier_that_dies_with_the_lock_leaves_it_to_the_notified_waiter_who_is_told() {
    let sim = Sim::new();
    let [a, b] = Party::all(&sim);
    let waiting = a.wait();
    let token = b.take();
    b.condition.notify(token, 1).unwrap();
    b.client.kill();
    assert!(waiting.answer().unwrap().grant.abandoned);
}

#[test]
fn who_is_abandoned_while_it_waits_takes_no_lock_with_it() {
    let sim = Sim::new();
    let [a, b] = Party::all(&sim);
    let waiting = a.wait();
    sim.kernel(|kernel, now| {
        let session = a.client.session();
        (0..50).for_each(|call| kernel.handle_abandoned(now, session, CallId(call)));
    });
    assert!(waiting.is_waiting(), "it is not answered");
    assert_eq!(sim.blocked_count(), 0);
    a.client.kill();
    assert!(!b.lock.acquire().unwrap().abandoned, "nobody has died with it");
}
