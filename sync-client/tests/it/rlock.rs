//! RLock and its guards.

use std::time::Duration;

use sync_client::{ErrorKind, RLock};

use crate::support::{panicking, sessions};

#[test]
fn the_lock_is_free_when_the_last_guard_of_its_thread_is_gone() {
    let (_server, [ours, theirs]) = sessions();
    let lock = ours.named("l").create_rlock().unwrap();
    let same = theirs.named("l").open::<RLock>().unwrap();
    let (outer, inner) = (lock.lock().unwrap(), lock.try_lock().unwrap().unwrap());
    assert_eq!(outer.fencing_token(), inner.fencing_token());
    drop(outer);
    assert!(same.try_lock().unwrap().is_none());
    assert!(same.try_lock_for(Duration::from_millis(1)).unwrap().is_none());
    inner.unlock().unwrap();
    assert!(!same.lock().unwrap().was_abandoned());
}

#[test]
fn another_thread_of_the_same_process_is_a_stranger() {
    let (_server, [manager]) = sessions();
    let lock = manager.create_rlock().unwrap();
    let _guard = lock.lock().unwrap();
    let stranger = std::thread::spawn({
        let lock = lock.clone();
        move || (lock.try_lock().unwrap().is_none(), lock.release().unwrap_err().kind())
    });
    assert_eq!(stranger.join().unwrap(), (true, ErrorKind::NotOwner));
}

#[test]
fn a_guard_that_is_dropped_by_a_panic_leaves_the_lock_abandoned_once_it_is_free() {
    let (_server, [ours, theirs]) = sessions();
    let lock = ours.named("l").create_rlock().unwrap();
    let outer = lock.lock().unwrap();
    panicking(|| {
        let _inner = lock.lock().unwrap();
        panic!("on purpose");
    });
    outer.unlock().unwrap();
    let next = theirs.named("l").create_rlock().unwrap().lock().unwrap();
    assert!(next.was_abandoned());
}

#[test]
fn raw_takings_and_guards_count_together() {
    let (_server, [manager]) = sessions();
    let lock = manager.create_rlock().unwrap();
    let grant = lock.acquire().unwrap();
    let guard = lock.lock().unwrap();
    assert_eq!(guard.fencing_token(), grant.token);
    lock.release().unwrap();
    assert!(lock.is_locked().unwrap());
    drop(guard);
    assert!(!lock.is_locked().unwrap());
    assert_eq!(lock.release().unwrap_err().kind(), ErrorKind::NotOwner);
}
