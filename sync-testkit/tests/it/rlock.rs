//! RLocks: however often a dead holder had taken it, the next one is told once.

use sync_testkit::{Cast, Role, roles};

roles![holder, waiter];

/// Holds the lock twice until it is told.
fn holder(role: &Role) {
    let lock = role.manager().named("lock").create_rlock().unwrap();
    let (_outer, inner) = (lock.lock().unwrap(), lock.lock().unwrap());
    role.say("holding");
    role.hear();
    inner.unlock().unwrap();
    role.say("holding");
    role.hear();
}

fn waiter(role: &Role) {
    let guard = role.manager().named("lock").create_rlock().unwrap().lock().unwrap();
    role.say(if guard.was_abandoned() { "abandoned" } else { "in good order" });
}

#[test]
fn a_holder_killed_at_depth_two_passes_the_lock_on_and_the_next_is_told() {
    let cast = Cast::new();
    let lock = cast.manager().named("lock").create_rlock().unwrap();
    let mut holder = cast.start(holder);
    holder.expect("holding");
    let mut first = cast.start(waiter);
    cast.until_blocked(&lock, 1);
    let mut second = cast.start(waiter);
    cast.until_blocked(&lock, 2);
    holder.kill();
    first.expect("abandoned");
    second.expect("in good order");
    first.wait();
    second.wait();
}

#[test]
fn a_holder_killed_between_its_releases_abandons_the_lock() {
    let cast = Cast::new();
    let lock = cast.manager().named("lock").create_rlock().unwrap();
    let mut holder = cast.start(holder);
    holder.expect("holding");
    holder.tell("unlock once");
    holder.expect("holding");
    assert!(lock.try_lock().unwrap().is_none());
    holder.kill();
    let outer = lock.lock().unwrap();
    assert!(outer.was_abandoned());
    assert_eq!(lock.lock().unwrap().fencing_token(), outer.fencing_token());
}

#[test]
fn a_waiter_for_an_rlock_that_is_killed_takes_nothing_with_it() {
    let cast = Cast::new();
    let lock = cast.manager().named("lock").create_rlock().unwrap();
    let guards = [lock.lock().unwrap(), lock.lock().unwrap()];
    let doomed = cast.start(waiter);
    cast.until_blocked(&lock, 1);
    let mut other = cast.start(waiter);
    cast.until_blocked(&lock, 2);
    doomed.kill();
    cast.until_blocked(&lock, 1);
    drop(guards);
    other.expect("in good order");
    other.wait();
}
