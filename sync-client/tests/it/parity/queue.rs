//! Queue and JoinableQueue.

use std::thread;
use std::time::Duration;

use sync_client::{Error, ErrorKind, QueueOptions, Received, Sent};

use super::Row::Served;
use super::{Rows, kind};
use crate::support::until_blocked;

const MILLI: Duration = Duration::from_millis(1);

pub(super) const ROWS: Rows = &[
    (
        "empty",
        Served(|manager| {
            let queue = manager.create_queue::<u32>(1)?;
            assert!(queue.is_empty()?);
            queue.put(&1)?;
            assert!(!queue.is_empty()?);
            Ok(())
        }),
    ),
    (
        "full",
        Served(|manager| {
            let queue = manager.create_queue::<u32>(1)?;
            assert!(!queue.is_full()?);
            queue.put(&1)?;
            assert!(queue.is_full()?);
            let unbounded = manager.create_queue::<u32>(QueueOptions::unbounded())?;
            unbounded.put(&1)?;
            assert!(!unbounded.is_full()?, "maxsize 0 is never full");
            Ok(())
        }),
    ),
    (
        "get",
        Served(|manager| {
            let queue = manager.create_queue::<u32>(9)?;
            assert_eq!(queue.try_get_for(MILLI)?, Received::Empty);
            thread::scope(|scope| {
                let getter = scope.spawn(|| queue.get());
                until_blocked(manager, 1);
                queue.put(&1)?;
                assert_eq!(getter.join().unwrap()?, Some(1));
                Ok::<_, Error>(())
            })?;
            queue.put(&2)?;
            queue.put(&3)?;
            assert_eq!([queue.get()?, queue.get()?], [Some(2), Some(3)], "first in, first out");
            Ok(())
        }),
    ),
    (
        "get_nowait",
        Served(|manager| {
            let queue = manager.create_queue::<u32>(9)?;
            assert_eq!(queue.try_get()?, Received::Empty);
            queue.put(&1)?;
            assert_eq!(queue.try_get()?, Received::Item(1));
            Ok(())
        }),
    ),
    (
        "join",
        Served(|manager| {
            let queue = manager.create_queue::<u32>(9)?;
            queue.join()?;
            queue.put(&1)?;
            thread::scope(|scope| {
                let joiner = scope.spawn(|| queue.join());
                until_blocked(manager, 1);
                assert_eq!(queue.get()?, Some(1));
                assert_eq!(manager.blocked_on(&queue)?, 1, "got is not done");
                queue.task_done()?;
                joiner.join().unwrap()
            })
        }),
    ),
    (
        "put",
        Served(|manager| {
            let queue = manager.create_queue::<u32>(1)?;
            queue.put(&1)?;
            assert_eq!(queue.try_put_for(&2, MILLI)?, Sent::Full);
            thread::scope(|scope| {
                let putter = scope.spawn(|| queue.put(&3));
                until_blocked(manager, 1);
                assert_eq!(queue.get()?, Some(1));
                putter.join().unwrap()
            })?;
            assert_eq!(queue.get()?, Some(3));
            Ok(())
        }),
    ),
    (
        "put_nowait",
        Served(|manager| {
            let queue = manager.create_queue::<u32>(1)?;
            assert_eq!(queue.try_put(&1)?, Sent::Done);
            assert_eq!(queue.try_put(&2)?, Sent::Full);
            assert_eq!((queue.len()?, queue.get()?), (1, Some(1)));
            Ok(())
        }),
    ),
    (
        "qsize",
        Served(|manager| {
            let queue = manager.create_queue::<u32>(9)?;
            queue.put(&1)?;
            queue.put(&2)?;
            assert_eq!((queue.len()?, queue.bound()?), (2, Some(9)));
            Ok(())
        }),
    ),
    (
        "task_done",
        Served(|manager| {
            let queue = manager.create_queue::<u32>(9)?;
            queue.put(&1)?;
            assert_eq!(queue.get()?, Some(1));
            queue.task_done()?;
            assert_eq!(kind(queue.task_done()), ErrorKind::InvalidInput, "called too many times");
            Ok(())
        }),
    ),
    (
        "shutdown",
        Served(|manager| {
            let queue = manager.create_queue::<u32>(9)?;
            queue.put(&1)?;
            queue.close()?;
            assert_eq!(kind(queue.put(&2)), ErrorKind::Closed);
            assert_eq!(queue.get()?, Some(1), "what is in is drained");
            assert_eq!((queue.get()?, queue.try_get()?), (None, Received::Closed));
            let queue = manager.create_queue::<u32>(9)?;
            queue.put(&1)?;
            thread::scope(|scope| {
                let joiner = scope.spawn(|| queue.join());
                until_blocked(manager, 1);
                assert_eq!(queue.close_now()?, 1, "shutdown(immediate=True) drops the items");
                joiner.join().unwrap()
            })?;
            assert_eq!((queue.get()?, queue.is_closed()?), (None, true));
            Ok(())
        }),
    ),
];
