//! Semaphores: permits are counted, and come back from the dead.

use sync_testkit::{Actor, Cast, Role, roles};

roles![guest, keeper, taker];

/// Enters and leaves, and looks that there is never one too many inside.
fn guest(role: &Role) {
    let seats = role.manager().named("seats").create_semaphore(3).unwrap();
    let inside = role.manager().named("inside").create_value(0u32).unwrap();
    role.say("ready");
    role.hear();
    for _ in 0..role.arg(0) {
        let _permit = seats.acquire().unwrap();
        let others = inside.fetch_add(1).unwrap();
        assert!(others < 3, "{others} others sit on 3 seats");
        inside.fetch_sub(1).unwrap();
    }
}

/// Takes permits and keeps them until it is told; then ends without giving them back by itself.
fn keeper(role: &Role) {
    let seats = role.manager().named("seats").create_semaphore(3).unwrap();
    let _permit = seats.acquire_many(role.arg(0)).unwrap();
    role.say("sitting");
    role.hear();
}

/// Takes permits that stay taken.
fn taker(role: &Role) {
    let seats = role.manager().named("seats").create_semaphore(3).unwrap();
    seats.acquire_many(2).unwrap().forget().unwrap();
}

#[test]
fn never_more_processes_are_inside_than_there_are_permits() {
    let cast = Cast::new();
    let seats = cast.manager().named("seats").create_semaphore(3).unwrap();
    let mut guests: Vec<Actor> = (0..6).map(|_| cast.start_with(guest, &[&100])).collect();
    guests.iter_mut().for_each(|guest| guest.expect("ready"));
    guests.iter_mut().for_each(|guest| guest.tell("go"));
    guests.into_iter().for_each(Actor::wait);
    // The last word of a process may still be on its way when it has ended.
    cast.until("all seats are free", || seats.available().unwrap() == 3);
}

#[test]
fn the_permits_of_a_killed_process_return_to_who_waits() {
    let cast = Cast::new();
    let seats = cast.manager().named("seats").create_semaphore(3).unwrap();
    let mut first = cast.start_with(keeper, &[&2]);
    first.expect("sitting");
    let mut second = cast.start_with(keeper, &[&3]);
    cast.until_blocked(&seats, 1);
    // One is free, but whoever wants three stands before us.
    assert!(seats.try_acquire().unwrap().is_none());
    first.kill();
    second.expect("sitting");
    assert_eq!(seats.available().unwrap(), 0);
    second.kill();
    cast.until("the permits are back", || seats.available().unwrap() == 3);
}

#[test]
fn a_killed_waiter_lets_those_behind_it_go_on() {
    let cast = Cast::new();
    let seats = cast.manager().named("seats").create_semaphore(3).unwrap();
    let permit = seats.acquire().unwrap();
    let greedy = cast.start_with(keeper, &[&3]);
    cast.until_blocked(&seats, 1);
    let mut modest = cast.start_with(keeper, &[&1]);
    cast.until_blocked(&seats, 2);
    greedy.kill();
    modest.expect("sitting");
    drop(permit);
}

#[test]
fn a_permit_that_was_forgotten_outlives_its_process() {
    let cast = Cast::new();
    let seats = cast.manager().named("seats").create_semaphore(3).unwrap();
    cast.start(taker).wait();
    // The process and its session are over when another one's end is seen after it.
    cast.until("its session is over", || cast.manager().debug_info().unwrap().sessions.len() == 1);
    assert_eq!(seats.available().unwrap(), 1);
    seats.release(2).unwrap();
    assert_eq!(seats.available().unwrap(), 3);
}
