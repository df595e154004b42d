//! Condition.

use std::time::Duration;

use sync_client::{Condition, ErrorKind, RLock};
use sync_testkit::{Role, roles};

use super::{SHORT, Stage, behaviours, refused};

roles![waiter, notifier, reentrant_waiter];

behaviours![
    a_waiter_lets_go_of_the_lock_and_has_it_again_when_notified,
    notify_all_wakes_all_and_notify_one_one,
    a_predicate_is_waited_for,
    a_time_that_is_up_leaves_the_lock_with_the_waiter,
    who_does_not_hold_the_lock_is_refused,
    an_rlock_held_twice_is_waited_with,
];

fn condition(role: &Role) -> Condition {
    role.manager().named("condition").create_condition().unwrap()
}

/// Waits to be notified, and keeps the lock until it is told.
fn waiter(role: &Role) {
    let condition = condition(role);
    let mut guard = condition.lock().unwrap();
    condition.wait(&mut guard).unwrap();
    role.say("notified");
    role.hear();
    guard.unlock().unwrap();
}

/// Makes the predicate so, as soon as it can have the lock.
fn notifier(role: &Role) {
    let (condition, manager) = (condition(role), role.manager());
    let ready = manager.named("ready").create_value(false).unwrap();
    let guard = condition.lock().unwrap();
    ready.set(&true).unwrap();
    condition.notify_all(&guard).unwrap();
}

fn reentrant_waiter(role: &Role) {
    let condition: Condition<RLock> = role.manager().named("condition").open().unwrap();
    let lock = condition.on().unwrap();
    let (_outer, mut inner) = (lock.lock().unwrap(), lock.lock().unwrap());
    condition.wait(&mut inner).unwrap();
    role.say("notified");
}

fn a_waiter_lets_go_of_the_lock_and_has_it_again_when_notified(stage: &Stage) {
    let condition = stage.manager().named("condition").create_condition().unwrap();
    let mut waiter = stage.start(waiter);
    stage.until_blocked(&condition, 1);
    let lock = condition.on().unwrap();
    let guard = lock.try_lock().unwrap().expect("a waiter does not hold it");
    condition.notify_one(&guard).unwrap();
    guard.unlock().unwrap();
    waiter.expect("notified");
    assert!(lock.try_lock().unwrap().is_none());
    waiter.tell("unlock");
    assert!(!lock.lock().unwrap().was_abandoned());
    waiter.wait();
}

fn notify_all_wakes_all_and_notify_one_one(stage: &Stage) {
    let condition = stage.manager().named("condition").create_condition().unwrap();
    let mut waiters = Vec::new();
    for count in 1..=3 {
        waiters.push(stage.start(waiter));
        stage.until_blocked(&condition, count);
    }
    let mut first = waiters.remove(0);
    condition.notify_one(&condition.lock().unwrap()).unwrap();
    first.expect("notified");
    assert_eq!(stage.manager().blocked_on(&condition).unwrap(), 2);
    first.tell("unlock");
    condition.notify_all(&condition.lock().unwrap()).unwrap();
    for mut waiter in waiters {
        waiter.expect("notified");
        waiter.tell("unlock");
        waiter.wait();
    }
    first.wait();
}

fn a_predicate_is_waited_for(stage: &Stage) {
    let manager = stage.manager();
    let condition = manager.named("condition").create_condition().unwrap();
    let ready = manager.named("ready").create_value(false).unwrap();
    let mut guard = condition.lock().unwrap();
    let notifier = stage.start(notifier);
    stage.until_blocked(&condition.on().unwrap(), 1);
    condition.wait_while(&mut guard, || Ok(!ready.get()?)).unwrap();
    assert!(ready.get().unwrap());
    notifier.wait();
}

fn a_time_that_is_up_leaves_the_lock_with_the_waiter(stage: &Stage) {
    let condition = stage.manager().named("condition").create_condition().unwrap();
    let mut guard = condition.lock().unwrap();
    assert!(condition.wait_for(&mut guard, SHORT).unwrap().timed_out());
    let never = || Ok(true);
    for time in [Duration::ZERO, SHORT] {
        assert!(condition.wait_while_for(&mut guard, time, never).unwrap().timed_out());
    }
    refused(condition.within(SHORT).wait(&mut guard), ErrorKind::TimedOut);
    let notifier = stage.start(notifier);
    stage.until_blocked(&condition.on().unwrap(), 1);
    guard.unlock().unwrap();
    notifier.wait();
}

fn who_does_not_hold_the_lock_is_refused(stage: &Stage) {
    let condition = stage.manager().named("condition").create_condition().unwrap();
    let other = stage.manager().create_lock().unwrap();
    let mut guard = other.lock().unwrap();
    let mut waiter = stage.start(waiter);
    stage.until_blocked(&condition, 1);
    refused(condition.notify_all(&guard), ErrorKind::NotOwner);
    refused(condition.wait(&mut guard), ErrorKind::NotOwner);
    assert_eq!(stage.manager().blocked_on(&condition).unwrap(), 1);
    condition.notify_one(&condition.lock().unwrap()).unwrap();
    waiter.expect("notified");
    waiter.tell("unlock");
    waiter.wait();
}

fn an_rlock_held_twice_is_waited_with(stage: &Stage) {
    let lock = stage.manager().create_rlock().unwrap();
    let condition = stage.manager().named("condition").create_condition_on(&lock).unwrap();
    let mut waiter = stage.start(reentrant_waiter);
    stage.until_blocked(&condition, 1);
    let guard = lock.try_lock().unwrap().expect("a waiter does not hold it, not even once");
    condition.notify_one(&guard).unwrap();
    guard.unlock().unwrap();
    waiter.expect("notified");
    waiter.wait();
    assert!(!lock.lock().unwrap().was_abandoned());
}
