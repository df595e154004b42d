//! What is waited for: events, conditions, barriers.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use sync_client::{BarrierOptions, Condition, Error, ErrorKind};

use super::Row::Served;
use super::{Rows, kind};
use crate::support::until_blocked;

const MILLI: Duration = Duration::from_millis(1);

pub(super) const EVENT: Rows = &[
    (
        "is_set",
        Served(|manager| {
            assert!(!manager.create_event()?.is_set()?);
            Ok(())
        }),
    ),
    (
        "set",
        Served(|manager| {
            let event = manager.create_event()?;
            event.set()?;
            event.set()?;
            assert!(event.is_set()?);
            Ok(())
        }),
    ),
    (
        "clear",
        Served(|manager| {
            let event = manager.create_event()?;
            event.set()?;
            event.clear()?;
            assert!(!event.is_set()?);
            Ok(())
        }),
    ),
    (
        "wait",
        Served(|manager| {
            let event = manager.create_event()?;
            assert!(event.wait_for(Duration::ZERO)?.timed_out(), "wait(0) is False");
            thread::scope(|scope| {
                let waiter = scope.spawn(|| event.wait());
                until_blocked(manager, 1);
                event.set()?;
                waiter.join().unwrap()
            })?;
            assert!(!event.wait_for(MILLI)?.timed_out(), "wait(…) of one that is set is True");
            Ok(())
        }),
    ),
];

pub(super) const CONDITION: Rows = &[
    (
        "acquire",
        Served(|manager| {
            let condition = manager.create_condition()?;
            let _guard = condition.lock()?;
            assert!(condition.on()?.try_lock()?.is_none());
            Ok(())
        }),
    ),
    (
        "release",
        Served(|manager| {
            let condition = manager.create_condition()?;
            condition.lock()?.unlock()?;
            assert!(!condition.on()?.is_locked()?);
            assert_eq!(kind(condition.on()?.release()), ErrorKind::NotOwner);
            Ok(())
        }),
    ),
    (
        "wait",
        Served(|manager| {
            let lock = manager.create_rlock()?;
            let condition = manager.create_condition_on(&lock)?;
            let mut guard = lock.lock()?;
            assert!(condition.wait_for(&mut guard, MILLI)?.timed_out(), "wait(0.001) is False");
            let mut asked = 0;
            let awaited = || {
                asked += 1;
                Ok(asked < 3)
            };
            thread::scope(|scope| {
                let notifier =
                    scope.spawn(|| notify_twice(&condition, || until_blocked(manager, 1)));
                condition.wait_while(&mut guard, awaited)?;
                notifier.join().unwrap()
            })?;
            let mut stranger = manager.create_rlock()?.lock()?;
            assert_eq!(kind(condition.wait(&mut stranger)), ErrorKind::NotOwner);
            Ok(())
        }),
    ),
    (
        "notify",
        Served(|manager| {
            let condition = manager.create_condition()?;
            thread::scope(|scope| {
                let wait = || condition.wait(&mut condition.lock()?);
                let waiters = [scope.spawn(wait), scope.spawn(wait), scope.spawn(wait)];
                until_blocked(manager, 3);
                let guard = condition.lock()?;
                condition.notify(&guard, 0)?;
                condition.notify(&guard, 2)?;
                guard.unlock()?;
                until_blocked(manager, 1);
                condition.notify_one(&condition.lock()?)?;
                waiters.into_iter().try_for_each(|waiter| waiter.join().unwrap())
            })?;
            let stranger = manager.create_lock()?.lock()?;
            assert_eq!(kind(condition.notify_one(&stranger)), ErrorKind::NotOwner);
            Ok(())
        }),
    ),
    (
        "notify_all",
        Served(|manager| {
            let condition = manager.create_condition()?;
            condition.notify_all(&condition.lock()?)?;
            thread::scope(|scope| {
                let wait = || condition.wait(&mut condition.lock()?);
                let waiters = [scope.spawn(wait), scope.spawn(wait), scope.spawn(wait)];
                until_blocked(manager, 3);
                condition.notify_all(&condition.lock()?)?;
                waiters.into_iter().try_for_each(|waiter| waiter.join().unwrap())
            })
        }),
    ),
    (
        "locked",
        Served(|manager| {
            let condition = manager.create_condition()?;
            assert!(!condition.on()?.is_locked()?);
            let _guard = condition.lock()?;
            assert!(condition.on()?.is_locked()?);
            Ok(())
        }),
    ),
];

fn notify_twice(
    condition: &Condition<sync_client::RLock>,
    mut ready: impl FnMut(),
) -> Result<(), Error> {
    for _ in 0..2 {
        ready();
        condition.notify_all(&condition.lock()?)?;
    }
    Ok(())
}

pub(super) const BARRIER: Rows = &[
    (
        "__getattribute__",
        Served(|manager| {
            let barrier = manager.create_barrier(2)?;
            assert_eq!((barrier.parties()?, barrier.n_waiting()?), (2, 0));
            assert!(!barrier.is_broken()?);
            assert_eq!(kind(manager.create_barrier(0)), ErrorKind::InvalidInput);
            Ok(())
        }),
    ),
    (
        "wait",
        Served(|manager| {
            let rounds = manager.create_value(0u32)?;
            let action = {
                let rounds = rounds.clone();
                move || rounds.fetch_add(1).map(drop)
            };
            let options = BarrierOptions::new(3).action(action);
            let barrier = manager.create_barrier(options)?;
            let indices: Result<BTreeSet<u32>, Error> = thread::scope(|scope| {
                let party = || barrier.wait().map(|result| result.index());
                let parties = [scope.spawn(party), scope.spawn(party), scope.spawn(party)];
                parties.into_iter().map(|party| party.join().unwrap()).collect()
            });
            assert_eq!(indices?, BTreeSet::from([0, 1, 2]));
            assert_eq!(rounds.get()?, 1, "the action runs once a round");
            assert_eq!(kind(barrier.within(MILLI).wait()), ErrorKind::TimedOut);
            assert!(barrier.is_broken()?, "whose time is up breaks it");
            assert_eq!(kind(barrier.wait()), ErrorKind::Broken);
            Ok(())
        }),
    ),
    (
        "abort",
        Served(|manager| {
            let barrier = manager.create_barrier(2)?;
            thread::scope(|scope| {
                let party = scope.spawn(|| barrier.wait());
                until_blocked(manager, 1);
                assert_eq!(barrier.n_waiting()?, 1);
                barrier.abort()?;
                assert_eq!(kind(party.join().unwrap()), ErrorKind::Broken);
                Ok::<_, Error>(())
            })?;
            assert!(barrier.is_broken()?);
            Ok(())
        }),
    ),
    (
        "reset",
        Served(|manager| {
            let barrier = manager.create_barrier(2)?;
            thread::scope(|scope| {
                let party = scope.spawn(|| barrier.wait());
                until_blocked(manager, 1);
                barrier.reset()?;
                assert_eq!(kind(party.join().unwrap()), ErrorKind::Broken);
                Ok::<_, Error>(())
            })?;
            assert!(!barrier.is_broken()?, "it is usable again");
            barrier.abort()?;
            barrier.reset()?;
            assert!(!barrier.is_broken()?);
            Ok(())
        }),
    ),
];
