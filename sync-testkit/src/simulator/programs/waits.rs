//! Programs that wait for each other.

use sync_objects::{Arrival, barrier, condition, event, lock};
use sync_proto::{Error, ErrorKind, Shared};

use super::super::thread::Thread;
use super::{ROUNDS, unless};

pub(super) fn own_condition(place: crate::Spot) -> Result<condition::Proxy, Error> {
    condition::Proxy::new(place, None)
}

pub(super) fn two_parties(place: crate::Spot) -> Result<barrier::Proxy, Error> {
    barrier::Proxy::new(place, 2, None)
}

/// Holds the condition's lock; now and then notifies, else waits.
pub(super) async fn condition(me: Thread) -> Result<(), Error> {
    let condition = me.named(own_condition, "condition").await?;
    let lock = lock::Proxy::attach(me.call(|| condition.lock()).await?)?;
    for _ in 0..ROUNDS {
        let grant = match me.ask(|| lock.acquire()).await {
            Ok(grant) => grant,
            Err(error) => {
                unless(&[ErrorKind::TimedOut], error)?;
                continue;
            }
        };
        let mut token = grant.token;
        me.ghost.enter("condition", 1, me.who(), 1, token);
        if me.chance.once_in(2) {
            let count = [1, 2, u32::MAX][me.chance.below(3)];
            me.call(|| condition.notify(token, count)).await?;
        } else if !me.ghost.is_closing.get() {
            me.ghost.leave("condition", me.who());
            let asked = if me.chance.once_in(2) {
                condition.within(me.patience())
            } else {
                condition.clone()
            };
            match me.ask(|| asked.wait(token)).await {
                // Given up or not: the lock is the caller's again.
                Ok(woken) => token = woken.grant.token,
                // Given up before it had begun: the lock is the caller's still.
                Err(error) => unless(&[ErrorKind::TimedOut], error)?,
            }
            me.ghost.enter("condition", 1, me.who(), 1, token);
        }
        me.pause().await;
        me.ghost.leave("condition", me.who());
        lock.one_way().release(token)?;
    }
    Ok(())
}

pub(super) async fn barrier(me: Thread) -> Result<(), Error> {
    let barrier = me.named(two_parties, "barrier").await?;
    for _ in 0..ROUNDS {
        let acts = me.chance.once_in(3);
        me.ghost.does(me.who(), Some("barrier"));
        let arrival = me.ask(|| barrier.wait(acts, true)).await;
        me.ghost.does(me.who(), None);
        match arrival {
            Ok(Arrival::Released(index)) => assert!(index < 2, "an index of two parties"),
            Ok(Arrival::Elected(token)) => {
                assert!(acts, "only who has an action is elected");
                me.pause().await;
                let finished = if me.chance.once_in(4) {
                    me.call(|| barrier.fail(token, "it failed".to_owned())).await
                } else {
                    me.call(|| barrier.finish(token)).await.map(drop)
                };
                finished.or_else(|error| unless(&[ErrorKind::Broken], error))?;
            }
            Err(error) => {
                unless(&[ErrorKind::TimedOut, ErrorKind::Broken], error)?;
                if me.ghost.is_closing.get() {
                    return Ok(());
                }
                if me.chance.once_in(2) {
                    me.call(|| barrier.reset()).await?;
                }
            }
        }
        me.pause().await;
    }
    Ok(())
}

pub(super) async fn event(me: Thread) -> Result<(), Error> {
    let event = me.named(event::Proxy::new, "event").await?;
    for _ in 0..ROUNDS {
        match me.chance.below(4) {
            0 => me.call(|| event.set()).await?,
            1 if !me.ghost.is_closing.get() => me.call(|| event.clear()).await?,
            2 => drop(me.call(|| event.is_set()).await?),
            _ => {
                let waited = me.ask(|| event.wait()).await;
                waited.or_else(|error| unless(&[ErrorKind::TimedOut], error))?;
            }
        }
        me.pause().await;
    }
    Ok(())
}
