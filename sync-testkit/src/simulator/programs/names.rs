//! Programs that make, name and break objects.

use sync_objects::{event, lock};
use sync_proto::{Error, ErrorKind, Refusal, Shared};

use super::super::bomb::bomb;
use super::super::counts::Fault;
use super::super::thread::Thread;
use super::{ROUNDS, unless};

/// What may go wrong with names that others take and give as they like.
const NAMING: [ErrorKind; 4] =
    [ErrorKind::NotFound, ErrorKind::Exists, ErrorKind::Mismatch, ErrorKind::LimitReached];

pub(super) async fn names_and_tickets(me: Thread) -> Result<(), Error> {
    let manager = me.link.manager_proxy();
    let (kind, print) = (event::INTERFACE.name, event::INTERFACE.fingerprint);
    for _ in 0..ROUNDS {
        let made = me.call(|| event::Proxy::new(me.link.named("passing"))).await;
        let event = match made {
            Ok(event) => event,
            Err(error) => {
                unless(&NAMING, error)?;
                continue;
            }
        };
        let secret = u128::from(me.chance.next());
        me.call(|| manager.issue(event.handle().clone(), secret)).await?;
        if me.chance.once_in(2) {
            me.call(|| manager.unpublish("passing".to_owned())).await?;
        }
        drop(event);
        me.pause().await;
        if me.chance.once_in(2) {
            let redeemed = me.call(|| manager.redeem(secret, kind.to_owned(), print)).await?;
            let event = event::Proxy::attach(redeemed)?;
            me.call(|| event.set()).await?;
            let publish = || manager.publish("passing".to_owned(), event.handle().clone());
            me.call(publish).await.or_else(|error| unless(&NAMING, error))?;
        }
        let found = me.call(|| manager.open("passing".to_owned(), kind.to_owned(), print)).await;
        found.map(drop).or_else(|error| unless(&NAMING, error))?;
    }
    me.call(|| manager.unpublish("passing".to_owned())).await?;
    Ok(())
}

/// Makes objects until there may be no more.
pub(super) async fn hoarder(me: Thread) -> Result<(), Error> {
    if !me.chance.once_in(4) {
        return Ok(());
    }
    let mut hoard = Vec::new();
    loop {
        match me.call(|| lock::Proxy::new(me.link.anonymous())).await {
            Ok(lock) => hoard.push(lock),
            Err(error) => {
                unless(&[ErrorKind::LimitReached], error)?;
                me.ghost.fired(Fault::ObjectLimit);
                return Ok(());
            }
        }
    }
}

/// Works with an object whose code panics.
pub(super) async fn bombs(me: Thread) -> Result<(), Error> {
    let manager = me.link.manager_proxy();
    for _ in 0..ROUNDS {
        let bomb = match me.call(|| new_bomb(&me)).await {
            Ok(bomb) => bomb,
            Err(error) => {
                // One that is broken keeps its name until somebody takes it away.
                unless(&[ErrorKind::Broken, ErrorKind::LimitReached], error)?;
                me.call(|| manager.unpublish("bomb".to_owned())).await?;
                continue;
            }
        };
        let outcome = match me.chance.below(4) {
            0 => {
                me.ghost.fired(Fault::Panic);
                me.call(|| bomb.explode()).await
            }
            1 => {
                let armed = me.call(|| bomb.arm()).await;
                me.ghost.does(me.who(), armed.is_ok().then_some("bomb"));
                armed
            }
            _ => me.ask(|| bomb.within(me.patience()).wait()).await,
        };
        if let Err(error) = outcome {
            unless(&[ErrorKind::Broken, ErrorKind::TimedOut], error)?;
            me.call(|| manager.unpublish("bomb".to_owned())).await?;
        }
        me.pause().await;
    }
    Ok(())
}

fn new_bomb(me: &Thread) -> Result<bomb::Proxy, Error> {
    bomb::Proxy::new(me.link.named("bomb"))
}

/// Lets objects go while a call of its own waits for them: what is waited for stays. The word that
/// it was let go of may come before the call, on another connection.
pub(super) async fn orphans(me: Thread) -> Result<(), Error> {
    for _ in 0..ROUNDS {
        let event = match me.call(|| event::Proxy::new(me.link.anonymous())).await {
            Ok(event) => event,
            Err(error) => {
                unless(&NAMING, error)?;
                continue;
            }
        };
        let waits = event.within(me.patience());
        drop(event);
        let refused = me.let_go_of(waits, event::Proxy::wait).await?;
        match refused {
            Some(ErrorKind::TimedOut) => me.ghost.fired(Fault::DropUnderWaiters),
            Some(ErrorKind::NotFound | ErrorKind::ShuttingDown | ErrorKind::Disconnected) => {}
            // Somebody fills the memory, or the word that answers have arrived was lost with its
            // connections: it exits, as whoever is told so.
            Some(full @ (ErrorKind::LimitReached | ErrorKind::OutOfMemory)) => {
                return Err(Refusal::from(full).into());
            }
            other => panic!("nobody can set the event any more, and its wait ends with {other:?}"),
        }
    }
    Ok(())
}
