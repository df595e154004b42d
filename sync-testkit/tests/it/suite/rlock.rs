//! RLock.

use sync_client::{ErrorKind, RLock};
use sync_testkit::{Role, roles};

use super::{SHORT, Stage, behaviours, refused};

roles![holder, waiter];

behaviours![
    its_holder_takes_it_again,
    a_waiter_is_next_after_the_last_unlock,
    a_time_that_is_up_takes_nothing,
    a_stranger_cannot_release_it,
];

fn lock(role: &Role) -> RLock {
    role.manager().named("lock").create_rlock().unwrap()
}

/// Holds the lock twice, and gives it back step by step.
fn holder(role: &Role) {
    let lock = lock(role);
    let guards = [lock.lock().unwrap(), lock.lock().unwrap()];
    role.say("holding");
    for guard in guards {
        role.hear();
        guard.unlock().unwrap();
        role.say("unlocked");
    }
}

fn waiter(role: &Role) {
    let guard = lock(role).lock().unwrap();
    role.say(guard.was_abandoned());
}

fn its_holder_takes_it_again(stage: &Stage) {
    let lock = stage.manager().named("lock").create_rlock().unwrap();
    let outer = lock.lock().unwrap();
    let inner = lock.try_lock().unwrap().expect("it is this thread's");
    assert_eq!(outer.fencing_token(), inner.fencing_token());
    drop(outer);
    assert!(lock.is_locked().unwrap());
    drop(inner);
    assert!(!lock.is_locked().unwrap());
}

fn a_waiter_is_next_after_the_last_unlock(stage: &Stage) {
    let lock = stage.manager().named("lock").create_rlock().unwrap();
    let (outer, inner) = (lock.lock().unwrap(), lock.lock().unwrap());
    let mut waiter = stage.start(waiter);
    stage.until_blocked(&lock, 1);
    inner.unlock().unwrap();
    assert_eq!(stage.manager().blocked_on(&lock).unwrap(), 1);
    outer.unlock().unwrap();
    waiter.expect("false");
    waiter.wait();
}

fn a_time_that_is_up_takes_nothing(stage: &Stage) {
    let lock = stage.manager().named("lock").create_rlock().unwrap();
    let mut holder = stage.start(holder);
    holder.expect("holding");
    for _ in 0..2 {
        assert!(lock.try_lock().unwrap().is_none());
        assert!(lock.try_lock_for(SHORT).unwrap().is_none());
        refused(lock.within(SHORT).lock(), ErrorKind::TimedOut);
        holder.tell("unlock");
        holder.expect("unlocked");
    }
    assert!(lock.try_lock().unwrap().is_some());
    holder.wait();
}

fn a_stranger_cannot_release_it(stage: &Stage) {
    let lock = stage.manager().named("lock").create_rlock().unwrap();
    refused(lock.release(), ErrorKind::NotOwner);
    let mut holder = stage.start(holder);
    holder.expect("holding");
    refused(lock.release(), ErrorKind::NotOwner);
    for _ in 0..2 {
        assert!(lock.is_locked().unwrap());
        holder.tell("unlock");
        holder.expect("unlocked");
    }
    assert!(!lock.is_locked().unwrap());
    holder.wait();
}
