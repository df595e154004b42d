//! Lock.

use sync_client::{ErrorKind, Lock};
use sync_testkit::{Role, roles};

use super::{SHORT, Stage, behaviours, refused};

roles![holder, waiter, leaver];

behaviours![
    one_party_at_a_time_holds_it,
    a_waiter_is_next_when_the_holder_unlocks,
    a_time_that_is_up_takes_nothing,
    a_stranger_cannot_release_it,
    each_grant_has_a_greater_token,
    a_party_that_ends_with_it_abandons_it,
];

fn lock(role: &Role) -> Lock {
    role.manager().named("lock").create_lock().unwrap()
}

/// Holds the lock until it is told.
fn holder(role: &Role) {
    let guard = lock(role).lock().unwrap();
    role.say("holding");
    role.hear();
    guard.unlock().unwrap();
    role.say("released");
}

fn waiter(role: &Role) {
    let guard = lock(role).lock().unwrap();
    role.say(guard.was_abandoned());
}

/// Ends without a word to the lock.
fn leaver(role: &Role) {
    lock(role).acquire().unwrap();
}

fn one_party_at_a_time_holds_it(stage: &Stage) {
    let lock = stage.manager().named("lock").create_lock().unwrap();
    let mut holder = stage.start(holder);
    holder.expect("holding");
    assert!(lock.try_lock().unwrap().is_none() && lock.is_locked().unwrap());
    holder.tell("release");
    holder.expect("released");
    let guard = lock.try_lock().unwrap().expect("it is free");
    assert!(!guard.was_abandoned() && !guard.is_lost());
    drop(guard);
    assert!(!lock.is_locked().unwrap());
    holder.wait();
}

fn a_waiter_is_next_when_the_holder_unlocks(stage: &Stage) {
    let lock = stage.manager().named("lock").create_lock().unwrap();
    let guard = lock.lock().unwrap();
    let mut waiter = stage.start(waiter);
    stage.until_blocked(&lock, 1);
    guard.unlock().unwrap();
    waiter.expect("false");
    waiter.wait();
}

fn a_time_that_is_up_takes_nothing(stage: &Stage) {
    let lock = stage.manager().named("lock").create_lock().unwrap();
    let mut holder = stage.start(holder);
    holder.expect("holding");
    assert!(lock.try_lock_for(SHORT).unwrap().is_none());
    refused(lock.within(SHORT).lock(), ErrorKind::TimedOut);
    assert_eq!(stage.manager().blocked_on(&lock).unwrap(), 0);
    holder.tell("release");
    holder.expect("released");
    assert!(!lock.is_locked().unwrap());
    holder.wait();
}

fn a_stranger_cannot_release_it(stage: &Stage) {
    let lock = stage.manager().named("lock").create_lock().unwrap();
    refused(lock.release(), ErrorKind::NotOwner);
    let mut holder = stage.start(holder);
    holder.expect("holding");
    refused(lock.release(), ErrorKind::NotOwner);
    assert!(lock.is_locked().unwrap());
    holder.tell("release");
    holder.expect("released");
    holder.wait();
}

fn each_grant_has_a_greater_token(stage: &Stage) {
    let lock = stage.manager().named("lock").create_lock().unwrap();
    let first = lock.lock().unwrap();
    let before = first.fencing_token();
    let mut waiter = stage.start(waiter);
    stage.until_blocked(&lock, 1);
    first.unlock().unwrap();
    waiter.expect("false");
    waiter.wait();
    assert!(lock.lock().unwrap().fencing_token() > before);
}

fn a_party_that_ends_with_it_abandons_it(stage: &Stage) {
    let lock = stage.manager().named("lock").create_lock().unwrap();
    stage.start(leaver).wait();
    assert!(lock.lock().unwrap().was_abandoned());
    assert!(!lock.lock().unwrap().was_abandoned());
}
