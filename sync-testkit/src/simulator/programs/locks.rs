//! Programs that hold locks.

use sync_objects::{lock, rlock, semaphore};
use sync_proto::{Error, ErrorKind};

use super::super::counts::Fault;
use super::super::thread::Thread;
use super::{ROUNDS, unless};

pub(super) const PERMITS: u32 = 3;

const LOCKS: [&str; 2] = ["lock a", "lock b"];

pub(super) async fn critical_sections(me: Thread) -> Result<(), Error> {
    let name = LOCKS[me.chance.below(LOCKS.len())];
    let lock = me.named(lock::Proxy::new, name).await?;
    for _ in 0..ROUNDS {
        let asked = if me.chance.once_in(3) { lock.within(me.patience()) } else { lock.clone() };
        let grant = match me.ask(|| asked.acquire()).await {
            Ok(grant) => grant,
            Err(error) => {
                unless(&[ErrorKind::TimedOut], error)?;
                continue;
            }
        };
        me.ghost.enter(name, 1, me.who(), 1, grant.token);
        me.pause().await;
        me.ghost.leave(name, me.who());
        match me.chance.below(4) {
            0 => me.call(|| lock.abandon(grant.token)).await?,
            1 => me.call(|| lock.release(grant.token)).await?,
            _ => {
                lock.one_way().release(grant.token)?;
                if me.chance.once_in(2) {
                    // Not overtaken by a call of the same thread, on whichever connection.
                    let holds = me.call(|| lock.holds(grant.token)).await?;
                    assert!(!holds, "{} is held after its release", grant.token);
                }
            }
        }
        me.pause().await;
    }
    Ok(())
}

pub(super) async fn reentrant_sections(me: Thread) -> Result<(), Error> {
    let lock = me.named(rlock::Proxy::new, "rlock").await?;
    for _ in 0..ROUNDS {
        let depth = 1 + me.chance.below(3);
        let mut token = None;
        for _ in 0..depth {
            // Only the first may have to wait, and is given up.
            let grant = match token {
                None => me.ask(|| lock.acquire()).await,
                Some(_) => me.call(|| lock.acquire()).await,
            };
            match grant {
                Ok(grant) => {
                    assert!(token.is_none_or(|token| token == grant.token), "one grant for all");
                    if token.replace(grant.token).is_none() {
                        me.ghost.enter("rlock", 1, me.who(), 1, grant.token);
                    }
                }
                Err(error) if token.is_none() => {
                    unless(&[ErrorKind::TimedOut], error)?;
                    break;
                }
                Err(error) => return Err(error),
            }
            me.pause().await;
        }
        if token.is_none() {
            continue;
        }
        for left in (0..depth).rev() {
            if left == 0 {
                me.ghost.leave("rlock", me.who());
            }
            if me.chance.once_in(2) {
                me.call(|| lock.release()).await?;
            } else {
                lock.one_way().release()?;
            }
        }
    }
    Ok(())
}

pub(super) async fn permits(me: Thread) -> Result<(), Error> {
    let semaphore = |place| semaphore::Proxy::new(place, PERMITS, true);
    let semaphore = me.named(semaphore, "semaphore").await?;
    for _ in 0..ROUNDS {
        let count = 1 + u32::from(me.chance.once_in(3));
        let asked = semaphore.within(me.patience() * 100);
        let token = match me.ask(|| asked.acquire(count)).await {
            Ok(token) => token,
            Err(error) => {
                unless(&[ErrorKind::TimedOut], error)?;
                continue;
            }
        };
        me.ghost.enter("semaphore", PERMITS, me.who(), count, token);
        me.pause().await;
        me.ghost.leave("semaphore", me.who());
        if me.chance.once_in(2) {
            me.call(|| semaphore.release(token)).await?;
            // It was given back: not once more.
            let again = me.call(|| semaphore.release(token)).await;
            unless(&[ErrorKind::NotOwner], again.expect_err("given back twice"))?;
            me.ghost.fired(Fault::ForgedToken);
        } else {
            semaphore.one_way().release(token)?;
        }
    }
    Ok(())
}
