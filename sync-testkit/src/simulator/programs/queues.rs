//! Programs that put and get.

use sync_objects::{Order, queue};
use sync_proto::{Error, ErrorKind, Payload};

use super::super::server::MESSAGE_MAX;
use super::super::thread::Thread;
use super::{ROUNDS, unless};

const NAMES: [&str; 2] = ["queue", "stack"];

pub(super) fn bounded(place: crate::Spot) -> Result<queue::Proxy, Error> {
    queue::Proxy::new(place, Some(2), Order::Fifo)
}

pub(super) fn stack(place: crate::Spot) -> Result<queue::Proxy, Error> {
    queue::Proxy::new(place, None, Order::Lifo)
}

async fn any_queue(me: &Thread) -> Result<queue::Proxy, Error> {
    let name = NAMES[me.chance.below(NAMES.len())];
    me.named(if name == "queue" { bounded } else { stack }, name).await
}

pub(super) async fn producer(me: Thread) -> Result<(), Error> {
    let queue = any_queue(&me).await?;
    for _ in 0..ROUNDS {
        let asked = if me.chance.once_in(2) { queue.within(me.patience()) } else { queue.clone() };
        let payload = || Payload::pack(&me.ghost.new_item()).expect("a number");
        let put = if me.chance.once_in(3) {
            let both = vec![payload(), payload()];
            me.ask(|| asked.put_many(both.clone())).await
        } else {
            let payload = payload();
            me.ask(|| asked.put(payload.clone(), 0)).await
        };
        match put {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Closed => return Ok(()),
            Err(error) => unless(&[ErrorKind::TimedOut], error)?,
        }
        me.pause().await;
    }
    Ok(())
}

pub(super) async fn consumer(me: Thread) -> Result<(), Error> {
    let queue = any_queue(&me).await?;
    for _ in 0..ROUNDS {
        let got = if me.chance.once_in(3) {
            me.ask(|| queue.get_many(3, 1000)).await
        } else {
            me.ask(|| queue.get()).await.map(Vec::from_iter)
        };
        match got {
            Ok(items) if items.is_empty() => return Ok(()),
            Ok(items) => {
                for item in items {
                    me.ghost.took(item.payload.unpack().expect("a number"));
                    me.call(|| queue.task_done()).await?;
                }
            }
            Err(error) => unless(&[ErrorKind::TimedOut], error)?,
        }
        me.pause().await;
    }
    Ok(())
}

pub(super) async fn leased_consumer(me: Thread) -> Result<(), Error> {
    let queue = any_queue(&me).await?;
    for _ in 0..ROUNDS {
        let leased = match me.ask(|| queue.get_leased()).await {
            Ok(Some(leased)) => leased,
            Ok(None) => return Ok(()),
            Err(error) => {
                unless(&[ErrorKind::TimedOut], error)?;
                continue;
            }
        };
        me.ghost.does(me.who(), Some("lease"));
        me.pause().await;
        match me.chance.below(4) {
            0 => queue.one_way().requeue(leased.token)?,
            1 => me.call(|| queue.requeue(leased.token)).await?,
            _ => {
                me.call(|| queue.ack(leased.token)).await?;
                me.ghost.took(leased.item.payload.unpack().expect("a number"));
            }
        }
        me.ghost.does(me.who(), None);
    }
    Ok(())
}

pub(super) async fn joiner(me: Thread) -> Result<(), Error> {
    let queue = any_queue(&me).await?;
    for _ in 0..ROUNDS {
        let joined = me.ask(|| queue.within(me.patience()).join()).await;
        joined.or_else(|error| unless(&[ErrorKind::TimedOut], error))?;
        me.call(|| queue.len()).await?;
        me.pause().await;
    }
    Ok(())
}

/// Keeps large values until there may be no more, and lets them go.
pub(super) async fn memory_hog(me: Thread) -> Result<(), Error> {
    if !me.chance.once_in(4) {
        return Ok(());
    }
    let queue = match me.call(|| stack(me.link.anonymous())).await {
        Ok(queue) => queue,
        Err(error) => return unless(&[ErrorKind::LimitReached, ErrorKind::OutOfMemory], error),
    };
    let large = Payload::pack(&"x".repeat(MESSAGE_MAX / 2)).expect("a text");
    let mut kept = 0;
    loop {
        match me.call(|| queue.put(large.clone(), 0)).await {
            Ok(()) => kept += 1,
            Err(error) => break unless(&[ErrorKind::OutOfMemory], error)?,
        }
    }
    let len = me.call(|| queue.len()).await?;
    assert_eq!(len, kept, "who was refused has changed nothing");
    me.pause().await;
    // What takes out needs no memory, however little there is.
    let discarded = me.call(|| queue.close_now()).await?;
    assert_eq!(discarded, kept, "what was kept is discarded");
    Ok(())
}
