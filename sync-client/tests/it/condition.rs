//! Condition and the guards that wait on it.

use std::time::Duration;

use sync_client::{Condition, ErrorKind, Lock, Manager, RLock};

use crate::support::{sessions, until_blocked};

const MILLI: Duration = Duration::from_millis(1);

/// Notifies all, from another session, once somebody waits.
fn notify_when_blocked<L: sync_client::ConditionLock>(
    manager: &Manager,
    condition: &Condition<L>,
    change: impl FnOnce(),
) {
    until_blocked(manager, 1);
    let guard = condition.lock().unwrap();
    change();
    condition.notify_all(&guard).unwrap();
}

#[test]
fn a_guard_that_waited_holds_the_lock_under_a_new_grant() {
    let (_server, [ours, theirs]) = sessions();
    let condition = ours.named("c").create_condition().unwrap();
    let same = theirs.named("c").create_condition().unwrap();
    let mut guard = condition.lock().unwrap();
    let before = guard.fencing_token();
    std::thread::scope(|scope| {
        scope.spawn(|| notify_when_blocked(&theirs, &same, || ()));
        condition.wait(&mut guard).unwrap();
    });
    assert!(guard.fencing_token() > before);
    assert!(same.on().unwrap().try_lock().unwrap().is_none());
    guard.unlock().unwrap();
    assert!(same.on().unwrap().try_lock().unwrap().is_some());
}

#[test]
fn a_wait_whose_time_is_up_answers_or_fails_with_the_lock_held() {
    let (_server, [manager]) = sessions();
    let lock = manager.create_lock().unwrap();
    let condition = manager.create_condition_on(&lock).unwrap();
    let mut guard = lock.lock().unwrap();
    let before = guard.fencing_token();
    assert!(condition.wait_for(&mut guard, MILLI).unwrap().timed_out());
    assert!(condition.within(MILLI * 1000).wait_for(&mut guard, MILLI).unwrap().timed_out());
    let hurried = condition.within(MILLI);
    let errors = [hurried.wait(&mut guard), hurried.wait_for(&mut guard, MILLI * 1000).map(drop)];
    assert_eq!(errors.map(|error| error.unwrap_err().kind()), [ErrorKind::TimedOut; 2]);
    assert!(guard.fencing_token() > before && lock.is_locked().unwrap());
    guard.unlock().unwrap();
    assert!(!lock.is_locked().unwrap());
}

#[test]
fn a_wait_for_a_predicate_ends_when_it_is_false_or_the_time_is_up() {
    let (_server, [ours, theirs]) = sessions();
    let condition = ours.named("c").create_condition().unwrap();
    let same = theirs.named("c").create_condition().unwrap();
    let ready = theirs.create_value(false).unwrap();
    let not_ready = || Ok(!ready.get()?);
    let mut guard = condition.lock().unwrap();
    assert!(condition.wait_while_for(&mut guard, MILLI, not_ready).unwrap().timed_out());
    assert!(condition.wait_while_for(&mut guard, Duration::ZERO, not_ready).unwrap().timed_out());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            notify_when_blocked(&theirs, &same, || ());
            notify_when_blocked(&theirs, &same, || ready.set(&true).unwrap());
        });
        condition.wait_while(&mut guard, not_ready).unwrap();
    });
    assert!(!condition.wait_while_for(&mut guard, Duration::ZERO, not_ready).unwrap().timed_out());
}

#[test]
fn a_guard_of_another_lock_is_refused_and_stays_as_it_was() {
    let (_server, [manager]) = sessions();
    let condition = manager.create_condition().unwrap();
    let other = manager.create_lock().unwrap();
    let mut guard = other.lock().unwrap();
    let _own = condition.lock().unwrap();
    assert_eq!(condition.wait(&mut guard).unwrap_err().kind(), ErrorKind::NotOwner);
    assert_eq!(condition.notify_one(&guard).unwrap_err().kind(), ErrorKind::NotOwner);
    assert!(other.is_locked().unwrap());
    guard.unlock().unwrap();
}

#[test]
fn all_guards_of_an_rlock_wait_with_the_one_that_waits() {
    let (_server, [ours, theirs]) = sessions();
    let lock = ours.named("l").create_rlock().unwrap();
    let condition = ours.named("c").create_condition_on(&lock).unwrap();
    let same = theirs.named("c").open::<Condition<RLock>>().unwrap();
    let (outer, mut inner) = (lock.lock().unwrap(), lock.lock().unwrap());
    let before = outer.fencing_token();
    std::thread::scope(|scope| {
        scope.spawn(|| notify_when_blocked(&theirs, &same, || ()));
        condition.wait(&mut inner).unwrap();
    });
    assert!(outer.fencing_token() > before);
    assert_eq!(outer.fencing_token(), inner.fencing_token());
    condition.notify_one(&outer).unwrap();
    drop(outer);
    assert!(same.on().unwrap().try_lock().unwrap().is_none());
    inner.unlock().unwrap();
    assert!(same.on().unwrap().try_lock().unwrap().is_some());
}

#[test]
fn a_condition_inside_a_value_comes_out_live() {
    let (_server, [ours, theirs]) = sessions();
    let lock = ours.create_rlock().unwrap();
    let condition = ours.create_condition_on(&lock).unwrap();
    ours.named("v").create_value(condition.clone()).unwrap();
    let value = theirs.named("v").open::<sync_client::Value<Condition<RLock>>>().unwrap();
    let same = value.get().unwrap();
    let guard = same.lock().unwrap();
    same.notify_all(&guard).unwrap();
    assert!(lock.try_lock().unwrap().is_none());
    let wrong = theirs.named("v").open::<sync_client::Value<Condition<Lock>>>().unwrap();
    assert_eq!(wrong.get().unwrap().lock().unwrap_err().kind(), ErrorKind::WrongType);
}

#[test]
fn a_condition_on_a_lock_of_another_manager_is_refused() {
    let (_server, [manager]) = sessions();
    let (_other_server, [other]) = sessions();
    let lock = other.create_lock().unwrap();
    let error = manager.create_condition_on(&lock).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(manager.object_count().unwrap(), 0);
}
