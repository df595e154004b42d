//! Locks: who has one, who is next, and what if somebody dies.

use sync_testkit::{Actor, Cast, Role, roles};

roles![counter, holder, waiter];

/// Adds one to a value, so and so often, in two steps that only the lock keeps together.
fn counter(role: &Role) {
    let lock = role.manager().named("lock").create_lock().unwrap();
    let value = role.manager().named("value").create_value(0u64).unwrap();
    let rounds: u64 = role.arg(0);
    role.say("ready");
    role.hear();
    for _ in 0..rounds {
        let _guard = lock.lock().unwrap();
        let seen = value.get().unwrap();
        value.set(&(seen + 1)).unwrap();
    }
}

/// Holds the lock until it is told.
fn holder(role: &Role) {
    let lock = role.manager().named("lock").create_lock().unwrap();
    let guard = lock.lock().unwrap();
    role.say("holding");
    role.hear();
    guard.unlock().unwrap();
    role.say("released");
}

/// Waits for the lock, says what it found, and writes its number down while it has it.
fn waiter(role: &Role) {
    let lock = role.manager().named("lock").create_lock().unwrap();
    let order = role.manager().named("order").create_queue::<u32>(100).unwrap();
    let guard = lock.lock().unwrap();
    order.put(&role.arg(0)).unwrap();
    role.say(if guard.was_abandoned() { "abandoned" } else { "in good order" });
}

#[test]
fn eight_processes_lose_no_update_under_the_lock() {
    const ROUNDS: u64 = 250;
    let cast = Cast::new();
    let value = cast.manager().named("value").create_value(0u64).unwrap();
    let mut counters: Vec<Actor> = (0..8).map(|_| cast.start_with(counter, &[&ROUNDS])).collect();
    counters.iter_mut().for_each(|counter| counter.expect("ready"));
    counters.iter_mut().for_each(|counter| counter.tell("go"));
    counters.into_iter().for_each(Actor::wait);
    assert_eq!(value.get().unwrap(), 8 * ROUNDS);
}

/// Starts waiters that stand in line in the order of their numbers.
fn line_up(cast: &Cast, numbers: std::ops::Range<u32>) -> Vec<Actor> {
    let lock = cast.manager().named("lock").create_lock().unwrap();
    let join = |number: u32| {
        let before = cast.manager().blocked_on(&lock).unwrap();
        let actor = cast.start_with(waiter, &[&number]);
        cast.until_blocked(&lock, before + 1);
        actor
    };
    numbers.map(join).collect()
}

fn order(cast: &Cast) -> Vec<u32> {
    let order = cast.manager().named("order").create_queue::<u32>(100).unwrap();
    order.close().unwrap();
    order.iter().map(Result::unwrap).collect()
}

#[test]
fn the_lock_is_handed_over_first_come_first_served() {
    let cast = Cast::new();
    let lock = cast.manager().named("lock").create_lock().unwrap();
    let guard = lock.lock().unwrap();
    let mut waiters = line_up(&cast, 0..5);
    drop(guard);
    waiters.iter_mut().for_each(|waiter| waiter.expect("in good order"));
    waiters.into_iter().for_each(Actor::wait);
    assert_eq!(order(&cast), [0, 1, 2, 3, 4]);
}

#[test]
fn a_holder_that_is_killed_passes_the_lock_on_and_the_next_is_told() {
    let cast = Cast::new();
    let mut holder = cast.start(holder);
    holder.expect("holding");
    let mut waiters = line_up(&cast, 0..2);
    holder.kill();
    waiters[0].expect("abandoned");
    waiters[1].expect("in good order");
    waiters.into_iter().for_each(Actor::wait);
    assert_eq!(order(&cast), [0, 1]);
}

#[test]
fn a_waiter_that_is_killed_takes_nothing_with_it() {
    let cast = Cast::new();
    let lock = cast.manager().named("lock").create_lock().unwrap();
    let guard = lock.lock().unwrap();
    let mut waiters = line_up(&cast, 0..3);
    waiters.remove(1).kill();
    cast.until_blocked(&lock, 2);
    waiters.remove(0).kill();
    cast.until_blocked(&lock, 1);
    drop(guard);
    waiters[0].expect("in good order");
    waiters.into_iter().for_each(Actor::wait);
    assert_eq!(order(&cast), [2]);
}

#[test]
fn a_process_that_ends_with_a_lock_it_dropped_abandons_nothing() {
    let cast = Cast::new();
    let lock = cast.manager().named("lock").create_lock().unwrap();
    let guard = lock.lock().unwrap();
    let mut waiter = line_up(&cast, 0..1).remove(0);
    drop(guard);
    waiter.expect("in good order");
    waiter.wait();
    // It dropped its guard and ended at once: the release was not lost.
    assert!(!lock.lock().unwrap().was_abandoned());
}

#[test]
fn a_holder_that_is_frozen_keeps_the_lock() {
    let cast = Cast::new();
    let lock = cast.manager().named("lock").create_lock().unwrap();
    let mut holder = cast.start(holder);
    holder.expect("holding");
    holder.stop();
    let mut waiter = line_up(&cast, 0..1).remove(0);
    assert!(lock.try_lock().unwrap().is_none());
    holder.tell("release");
    assert_eq!(cast.manager().blocked_on(&lock).unwrap(), 1);
    holder.cont();
    holder.expect("released");
    waiter.expect("in good order");
}

#[test]
fn a_frozen_process_can_be_killed_and_loses_its_lock() {
    let cast = Cast::new();
    let lock = cast.manager().named("lock").create_lock().unwrap();
    let mut holder = cast.start(holder);
    holder.expect("holding");
    holder.stop();
    holder.kill();
    assert!(lock.lock().unwrap().was_abandoned());
}

#[test]
fn a_later_grant_has_a_greater_token_whichever_process_has_it() {
    let cast = Cast::new();
    let lock = cast.manager().named("lock").create_lock().unwrap();
    let first = lock.lock().unwrap();
    let before = first.fencing_token();
    let mut waiter = line_up(&cast, 0..1).remove(0);
    first.unlock().unwrap();
    waiter.expect("in good order");
    waiter.wait();
    assert!(lock.lock().unwrap().fencing_token() > before);
}
