//! The one client without faults: it opens what the others share, releases them at the end, and
//! checks what is left.

use sync_objects::{barrier, condition, dict, event, lock, queue, rlock, semaphore};
use sync_proto::{Error, ErrorKind, Shared};

use super::super::thread::Thread;
use super::{containers, locks, queues, unless, waits};

/// Makes every shared object, so that their names keep them.
pub(crate) async fn open(me: Thread) -> Result<(), Error> {
    for name in ["lock a", "lock b"] {
        me.named(lock::Proxy::new, name).await?;
    }
    me.named(rlock::Proxy::new, "rlock").await?;
    me.named(|place| semaphore::Proxy::new(place, locks::PERMITS, true), "semaphore").await?;
    me.named(queues::bounded, "queue").await?;
    me.named(queues::stack, "stack").await?;
    let condition = me.named(waits::own_condition, "condition").await?;
    let lock = me.call(|| condition.lock()).await?;
    me.ghost.knows("condition's lock", lock.object());
    me.named(waits::two_parties, "barrier").await?;
    me.named(event::Proxy::new, "event").await?;
    for name in ["counters", "updated", "tree"] {
        me.named(containers::empty_dict, name).await?;
    }
    Ok(())
}

/// Releases every client that waits for one that may never come, until nobody is left.
pub(crate) async fn close(me: Thread) -> Result<(), Error> {
    me.ghost.is_closing.set(true);
    let queue: queue::Proxy = me.named(queues::bounded, "queue").await?;
    let stack: queue::Proxy = me.named(queues::stack, "stack").await?;
    let condition: condition::Proxy = me.named(waits::own_condition, "condition").await?;
    let lock = lock::Proxy::attach(me.call(|| condition.lock()).await?)?;
    let barrier: barrier::Proxy = me.named(waits::two_parties, "barrier").await?;
    let event = me.named(event::Proxy::new, "event").await?;
    me.call(|| queue.close()).await?;
    me.call(|| stack.close()).await?;
    while me.ghost.others() > 0 {
        me.call(|| barrier.abort()).await?;
        me.call(|| event.set()).await?;
        match me.call(|| lock.acquire()).await {
            Ok(grant) => {
                me.call(|| condition.notify(grant.token, u32::MAX)).await?;
                me.call(|| lock.release(grant.token)).await?;
            }
            // As many as may wait for it, or for anything: they will be fewer.
            Err(error) => unless(&[ErrorKind::LimitReached, ErrorKind::OutOfMemory], error)?,
        }
        me.pause().await;
    }
    Ok(())
}

/// Checks what is left when all others are gone.
pub(crate) async fn verify(me: Thread) -> Result<(), Error> {
    for (name, new) in [("queue", queues::bounded as fn(_) -> _), ("stack", queues::stack)] {
        let queue: queue::Proxy = me.named(new, name).await?;
        while let Some(item) = me.call(|| queue.get()).await? {
            me.ghost.took(item.payload.unpack().expect("a number"));
        }
    }
    for name in ["lock a", "lock b"] {
        let lock = me.named(lock::Proxy::new, name).await?;
        assert!(!me.call(|| lock.is_locked()).await?, "{name} is held by nobody");
    }
    let rlock = me.named(rlock::Proxy::new, "rlock").await?;
    assert!(!me.call(|| rlock.is_locked()).await?, "rlock is held by nobody");
    let semaphore = |place| semaphore::Proxy::new(place, locks::PERMITS, true);
    let semaphore = me.named(semaphore, "semaphore").await?;
    let free = me.call(|| semaphore.available()).await?;
    assert_eq!(free, locks::PERMITS, "every permit is back");
    let tree: dict::Proxy = me.named(containers::empty_dict, "tree").await?;
    me.call(|| tree.clear()).await?;
    let manager = me.link.manager_proxy();
    for name in me.call(|| manager.names()).await? {
        me.call(|| manager.unpublish(name.clone())).await?;
    }
    Ok(())
}
