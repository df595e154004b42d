//! Events: everyone who waits goes on.

use sync_testkit::{Actor, Cast, Role, roles};

roles![waiter, setter];

fn waiter(role: &Role) {
    let event = role.manager().named("event").create_event().unwrap();
    event.wait().unwrap();
    role.say("on");
}

fn setter(role: &Role) {
    role.manager().named("event").create_event().unwrap().set().unwrap();
}

#[test]
fn an_event_set_in_one_process_wakes_all_others() {
    let cast = Cast::new();
    let event = cast.manager().named("event").create_event().unwrap();
    let mut waiters: Vec<Actor> = (0..4).map(|_| cast.start(waiter)).collect();
    cast.until_blocked(&event, 4);
    cast.start(setter).wait();
    waiters.iter_mut().for_each(|waiter| waiter.expect("on"));
    waiters.into_iter().for_each(Actor::wait);
}

#[test]
fn who_waited_goes_on_even_if_the_event_is_cleared_at_once() {
    let cast = Cast::new();
    let event = cast.manager().named("event").create_event().unwrap();
    let mut waiters: Vec<Actor> = (0..3).map(|_| cast.start(waiter)).collect();
    cast.until_blocked(&event, 3);
    event.set().unwrap();
    event.clear().unwrap();
    waiters.iter_mut().for_each(|waiter| waiter.expect("on"));
    let _late = cast.start(waiter);
    cast.until_blocked(&event, 1);
}

#[test]
fn a_killed_waiter_is_not_waited_for() {
    let cast = Cast::new();
    let event = cast.manager().named("event").create_event().unwrap();
    let doomed = cast.start(waiter);
    let mut other = cast.start(waiter);
    cast.until_blocked(&event, 2);
    doomed.kill();
    cast.until_blocked(&event, 1);
    event.set().unwrap();
    other.expect("on");
    other.wait();
}
