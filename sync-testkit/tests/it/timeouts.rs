//! Timeouts: the manager's clock decides, and a caller that gave up takes nothing.

use std::time::{Duration, Instant};

use sync_client::{ErrorKind, Received, Sent};
use sync_testkit::{Cast, Role, roles};

roles![holder, patient];

const SHORT: Duration = Duration::from_millis(40);
const LONG: Duration = Duration::from_secs(300);

/// Has everything that others may want.
fn holder(role: &Role) {
    let manager = role.manager();
    let _guard = manager.named("lock").create_lock().unwrap().lock().unwrap();
    let _permit = manager.named("seats").create_semaphore(1).unwrap().acquire().unwrap();
    manager.named("full").create_queue::<u8>(1).unwrap().put(&1).unwrap();
    role.say("has it");
    role.hear();
}

/// Waits for the lock for a time, in milliseconds.
fn patient(role: &Role) {
    let lock = role.manager().named("lock").create_lock().unwrap();
    let guard = lock.try_lock_for(Duration::from_millis(role.arg(0))).unwrap();
    role.say(if guard.is_some() { "got it" } else { "gave up" });
    role.hear();
}

fn takes_its_time<R>(call: impl FnOnce() -> R) -> R {
    let start = Instant::now();
    let answer = call();
    assert!(start.elapsed() >= SHORT, "it gave up after {:?}", start.elapsed());
    answer
}

#[test]
fn whoever_waits_for_a_time_is_answered_when_it_is_up() {
    let cast = Cast::new();
    let manager = cast.manager();
    let mut holder = cast.start(holder);
    holder.expect("has it");
    let lock = manager.named("lock").create_lock().unwrap();
    let seats = manager.named("seats").create_semaphore(1).unwrap();
    let full = manager.named("full").create_queue::<u8>(1).unwrap();
    let empty = manager.create_queue::<u8>(1).unwrap();
    let event = manager.create_event().unwrap();
    assert!(takes_its_time(|| lock.try_lock_for(SHORT)).unwrap().is_none());
    assert!(takes_its_time(|| seats.try_acquire_for(SHORT)).unwrap().is_none());
    assert_eq!(takes_its_time(|| full.try_put_for(&2, SHORT)).unwrap(), Sent::Full);
    assert_eq!(takes_its_time(|| empty.try_get_for(SHORT)).unwrap(), Received::Empty);
    assert!(takes_its_time(|| event.wait_for(SHORT)).unwrap().timed_out());
    let error = takes_its_time(|| lock.within(SHORT).lock()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    let error = takes_its_time(|| empty.within(SHORT).get()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert_eq!(manager.blocked_count().unwrap(), 0);
}

#[test]
fn the_shorter_of_two_times_counts_and_says_what_it_is() {
    let cast = Cast::new();
    let mut holder = cast.start(holder);
    holder.expect("has it");
    let lock = cast.manager().named("lock").create_lock().unwrap();
    let error = takes_its_time(|| lock.within(SHORT).try_lock_for(LONG)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(takes_its_time(|| lock.within(LONG).try_lock_for(SHORT)).unwrap().is_none());
}

#[test]
fn what_comes_in_time_is_taken() {
    let cast = Cast::new();
    let lock = cast.manager().named("lock").create_lock().unwrap();
    let guard = lock.lock().unwrap();
    let mut patient = cast.start_with(patient, &[&LONG.as_millis()]);
    cast.until_blocked(&lock, 1);
    drop(guard);
    patient.expect("got it");
}

#[test]
fn a_frozen_process_whose_time_is_up_is_granted_nothing() {
    let cast = Cast::new();
    let lock = cast.manager().named("lock").create_lock().unwrap();
    let guard = lock.lock().unwrap();
    let mut frozen = cast.start_with(patient, &[&500]);
    cast.until_blocked(&lock, 1);
    frozen.stop();
    cast.until_blocked(&lock, 0);
    drop(guard);
    let guard = lock.try_lock().unwrap().expect("nobody has it");
    assert!(!guard.was_abandoned());
    frozen.cont();
    frozen.expect("gave up");
}

#[test]
fn a_caller_that_gave_up_leaves_the_line_to_those_behind() {
    let cast = Cast::new();
    let lock = cast.manager().named("lock").create_lock().unwrap();
    let guard = lock.lock().unwrap();
    let mut hasty = cast.start_with(patient, &[&500]);
    cast.until_blocked(&lock, 1);
    let mut patient = cast.start_with(patient, &[&LONG.as_millis()]);
    hasty.expect("gave up");
    cast.until_blocked(&lock, 1);
    drop(guard);
    patient.expect("got it");
}
