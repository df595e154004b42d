//! Semaphore and BoundedSemaphore.

use sync_client::{ErrorKind, Semaphore};
use sync_testkit::{Role, roles};

use super::{SHORT, Stage, behaviours, refused};

roles![taker];

behaviours![
    permits_are_counted_across_parties,
    a_waiter_gets_what_is_released,
    a_time_that_is_up_takes_nothing,
    a_bounded_one_takes_no_permit_too_many,
    an_unbounded_one_grows,
];

fn seats(role: &Role) -> Semaphore {
    role.manager().named("seats").create_semaphore(3).unwrap()
}

/// Takes permits and keeps them until it is told.
fn taker(role: &Role) {
    let permit = seats(role).acquire_many(role.arg(0)).unwrap();
    role.say(permit.count());
    role.hear();
    permit.release().unwrap();
    role.say("released");
}

fn permits_are_counted_across_parties(stage: &Stage) {
    let seats = stage.manager().named("seats").create_semaphore(3).unwrap();
    let mut taker = stage.start_with(taker, &[&2]);
    taker.expect("2");
    assert_eq!(seats.available().unwrap(), 1);
    assert!(seats.try_acquire_many(2).unwrap().is_none());
    let permit = seats.try_acquire().unwrap().expect("one is left");
    assert!(seats.try_acquire().unwrap().is_none());
    taker.tell("release");
    taker.expect("released");
    assert_eq!(seats.available().unwrap(), 2);
    drop(permit);
    assert_eq!(seats.available().unwrap(), 3);
    taker.wait();
}

fn a_waiter_gets_what_is_released(stage: &Stage) {
    let seats = stage.manager().named("seats").create_semaphore(3).unwrap();
    let permits = [seats.acquire().unwrap(), seats.acquire_many(2).unwrap()];
    let mut taker = stage.start_with(taker, &[&3]);
    stage.until_blocked(&seats, 1);
    for permit in permits {
        assert_eq!(stage.manager().blocked_on(&seats).unwrap(), 1);
        permit.release().unwrap();
    }
    taker.expect("3");
    taker.tell("release");
    taker.expect("released");
    taker.wait();
}

fn a_time_that_is_up_takes_nothing(stage: &Stage) {
    let seats = stage.manager().named("seats").create_semaphore(3).unwrap();
    let mut taker = stage.start_with(taker, &[&2]);
    taker.expect("2");
    assert!(seats.try_acquire_many_for(2, SHORT).unwrap().is_none());
    refused(seats.within(SHORT).acquire_many(2), ErrorKind::TimedOut);
    assert!(seats.try_acquire_for(SHORT).unwrap().is_some());
    taker.tell("release");
    taker.expect("released");
    assert_eq!(seats.available().unwrap(), 3);
    taker.wait();
}

fn a_bounded_one_takes_no_permit_too_many(stage: &Stage) {
    let seats = stage.manager().create_bounded_semaphore(2).unwrap();
    refused(seats.release(1), ErrorKind::InvalidInput);
    seats.acquire().unwrap().forget().unwrap();
    refused(seats.release(2), ErrorKind::InvalidInput);
    assert_eq!(seats.available().unwrap(), 1);
    seats.release(1).unwrap();
    assert_eq!(seats.available().unwrap(), 2);
}

fn an_unbounded_one_grows(stage: &Stage) {
    let seats = stage.manager().named("seats").create_semaphore(3).unwrap();
    let mut taker = stage.start_with(taker, &[&5]);
    stage.until_blocked(&seats, 1);
    seats.release(2).unwrap();
    taker.expect("5");
    taker.tell("release");
    taker.expect("released");
    assert_eq!(seats.available().unwrap(), 5);
    let bounded = stage.manager().named("seats").create_bounded_semaphore(3);
    refused(bounded, ErrorKind::Mismatch);
    taker.wait();
}
