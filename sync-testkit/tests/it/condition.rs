//! Conditions: a notification is for whoever lives.

use sync_client::{Condition, RLock};
use sync_testkit::{Actor, Cast, Role, roles};

roles![waiter, reentrant_waiter, notifier];

/// Waits to be notified.
fn waiter(role: &Role) {
    let condition = role.manager().named("condition").create_condition().unwrap();
    let mut guard = condition.lock().unwrap();
    condition.wait(&mut guard).unwrap();
    role.say(if guard.was_abandoned() { "abandoned" } else { "notified" });
    role.hear();
}

/// Waits with a lock that it holds twice.
fn reentrant_waiter(role: &Role) {
    let condition: Condition<RLock> = role.manager().named("condition").open().unwrap();
    let lock = condition.on().unwrap();
    let (_outer, mut inner) = (lock.lock().unwrap(), lock.lock().unwrap());
    condition.wait(&mut inner).unwrap();
    role.say("notified");
    role.hear();
}

/// Notifies one, and sits on the lock.
fn notifier(role: &Role) {
    let condition = role.manager().named("condition").create_condition().unwrap();
    let guard = condition.lock().unwrap();
    condition.notify_one(&guard).unwrap();
    role.say("notified one");
    role.hear();
}

fn line_up<const N: usize>(cast: &Cast, condition: &Condition) -> [Actor; N] {
    std::array::from_fn(|before| {
        let actor = cast.start(waiter);
        cast.until_blocked(condition, before as u64 + 1);
        actor
    })
}

#[test]
fn a_waiter_that_is_killed_swallows_no_notification() {
    let cast = Cast::new();
    let condition = cast.manager().named("condition").create_condition().unwrap();
    let [doomed, mut other] = line_up(&cast, &condition);
    doomed.kill();
    cast.until_blocked(&condition, 1);
    let guard = condition.lock().unwrap();
    assert!(!guard.was_abandoned(), "a waiter does not hold the lock");
    condition.notify_one(&guard).unwrap();
    guard.unlock().unwrap();
    other.expect("notified");
}

#[test]
fn a_notified_waiter_killed_before_it_has_the_lock_passes_the_notification_on() {
    let cast = Cast::new();
    let condition = cast.manager().named("condition").create_condition().unwrap();
    let lock = condition.on().unwrap();
    let [doomed, mut next, last] = line_up(&cast, &condition);
    let guard = condition.lock().unwrap();
    condition.notify_one(&guard).unwrap();
    cast.until_blocked(&lock, 1);
    cast.until_blocked(&condition, 2);
    doomed.kill();
    // The next one stands in the lock's line instead.
    cast.until_blocked(&condition, 1);
    cast.until_blocked(&lock, 1);
    guard.unlock().unwrap();
    next.expect("notified");
    // It was one notification: the last one still waits.
    assert_eq!(cast.manager().blocked_on(&condition).unwrap(), 1);
    drop(last);
}

#[test]
fn a_notified_waiter_killed_with_the_lock_passes_on_the_lock_and_no_notification() {
    let cast = Cast::new();
    let condition = cast.manager().named("condition").create_condition().unwrap();
    let [mut doomed, mut next] = line_up(&cast, &condition);
    condition.notify_one(&condition.lock().unwrap()).unwrap();
    doomed.expect("notified");
    doomed.kill();
    let guard = condition.lock().unwrap();
    assert!(guard.was_abandoned());
    assert_eq!(cast.manager().blocked_on(&condition).unwrap(), 1);
    condition.notify_one(&guard).unwrap();
    guard.unlock().unwrap();
    next.expect("notified");
}

#[test]
fn a_notifier_killed_with_the_lock_has_notified_all_the_same() {
    let cast = Cast::new();
    let condition = cast.manager().named("condition").create_condition().unwrap();
    let [mut waiter] = line_up(&cast, &condition);
    let mut notifier = cast.start(notifier);
    notifier.expect("notified one");
    notifier.kill();
    waiter.expect("abandoned");
}

#[test]
fn a_waiter_killed_while_it_had_given_up_an_rlock_held_twice_leaves_it_free() {
    let cast = Cast::new();
    let lock = cast.manager().create_rlock().unwrap();
    let condition = cast.manager().named("condition").create_condition_on(&lock).unwrap();
    let doomed = cast.start(reentrant_waiter);
    cast.until_blocked(&condition, 1);
    doomed.kill();
    cast.until_blocked(&condition, 0);
    assert!(!lock.try_lock().unwrap().expect("nobody holds it").was_abandoned());
    let mut other = cast.start(reentrant_waiter);
    cast.until_blocked(&condition, 1);
    condition.notify_all(&lock.lock().unwrap()).unwrap();
    other.expect("notified");
    other.kill();
    assert!(lock.lock().unwrap().was_abandoned());
}
