//! What is acquired and released.

use std::thread;
use std::time::Duration;

use sync_client::{Error, ErrorKind, Lock, Semaphore};

use super::Row::Served;
use super::{Rows, another, kind};

const MILLI: Duration = Duration::from_millis(1);

pub(super) const LOCK: Rows = &[
    (
        "acquire",
        Served(|manager| {
            let lock = manager.create_lock()?;
            let guard = lock.lock()?;
            assert!(lock.try_lock()?.is_none(), "acquire(False) is False");
            assert!(lock.try_lock_for(MILLI)?.is_none(), "acquire(timeout=…) is False");
            guard.unlock()?;
            lock.acquire()?;
            assert!(lock.is_locked()?);
            lock.release()
        }),
    ),
    (
        "release",
        Served(|manager| {
            let lock = manager.named("released").create_lock()?;
            assert_eq!(kind(lock.release()), ErrorKind::NotOwner);
            lock.acquire()?;
            thread::scope(|scope| scope.spawn(|| lock.release()).join().unwrap())?;
            lock.acquire()?;
            let theirs = another(manager)?.named("released").open::<Lock>()?;
            assert_eq!(kind(theirs.release()), ErrorKind::NotOwner, "who holds it releases it");
            assert!(lock.is_locked()?);
            lock.release()
        }),
    ),
    (
        "locked",
        Served(|manager| {
            let lock = manager.create_lock()?;
            assert!(!lock.is_locked()?);
            let _guard = lock.lock()?;
            assert!(lock.is_locked()?);
            Ok(())
        }),
    ),
];

pub(super) const RLOCK: Rows = &[
    (
        "acquire",
        Served(|manager| {
            let lock = manager.create_rlock()?;
            let _guards = [lock.lock()?, lock.lock()?, lock.lock()?];
            let taken = || lock.try_lock().map(|guard| guard.is_some());
            assert!(taken()?);
            thread::scope(|scope| {
                let other = scope.spawn(|| lock.try_lock().map(|guard| guard.is_some()));
                assert!(!other.join().unwrap()?, "acquire(False) of another thread is False");
                Ok(())
            })
        }),
    ),
    (
        "release",
        Served(|manager| {
            let lock = manager.create_rlock()?;
            for _ in 0..3 {
                lock.acquire()?;
            }
            thread::scope(|scope| {
                let stranger = scope.spawn(|| lock.release());
                assert_eq!(kind(stranger.join().unwrap()), ErrorKind::NotOwner);
            });
            for left in (0..3).rev() {
                lock.release()?;
                assert_eq!(lock.is_locked()?, left > 0);
            }
            assert_eq!(kind(lock.release()), ErrorKind::NotOwner);
            Ok(())
        }),
    ),
    (
        "locked",
        Served(|manager| {
            let lock = manager.create_rlock()?;
            assert!(!lock.is_locked()?);
            let _guard = lock.lock()?;
            assert!(lock.is_locked()?);
            Ok(())
        }),
    ),
];

pub(super) const SEMAPHORE: Rows = &[
    (
        "acquire",
        Served(|manager| {
            let semaphore = manager.create_semaphore(2)?;
            let _permits = [semaphore.acquire()?, semaphore.acquire()?];
            assert!(semaphore.try_acquire()?.is_none());
            assert!(semaphore.try_acquire_for(MILLI)?.is_none());
            Ok(())
        }),
    ),
    (
        "release",
        Served(|manager| {
            let semaphore = manager.create_semaphore(1)?;
            semaphore.acquire()?.forget()?;
            semaphore.release(1)?;
            semaphore.release(2)?;
            assert_eq!(semaphore.available()?, 3, "more than it began with");
            Ok(())
        }),
    ),
    ("locked", Served(|manager| all_taken(&manager.create_semaphore(1)?))),
];

pub(super) const BOUNDED_SEMAPHORE: Rows = &[
    (
        "acquire",
        Served(|manager| {
            let semaphore = manager.create_bounded_semaphore(1)?;
            let permit = semaphore.acquire()?;
            assert!(semaphore.try_acquire()?.is_none());
            permit.release()?;
            assert!(semaphore.try_acquire()?.is_some());
            Ok(())
        }),
    ),
    (
        "release",
        Served(|manager| {
            let semaphore = manager.create_bounded_semaphore(1)?;
            assert_eq!(kind(semaphore.release(1)), ErrorKind::InvalidInput);
            assert_eq!(semaphore.available()?, 1);
            semaphore.acquire()?.forget()?;
            semaphore.release(1)?;
            assert_eq!(semaphore.available()?, 1);
            Ok(())
        }),
    ),
    ("locked", Served(|manager| all_taken(&manager.create_bounded_semaphore(1)?))),
];

fn all_taken(semaphore: &Semaphore) -> Result<(), Error> {
    assert_eq!(semaphore.available()?, 1);
    let _permit = semaphore.acquire()?;
    assert_eq!(semaphore.available()?, 0);
    Ok(())
}
