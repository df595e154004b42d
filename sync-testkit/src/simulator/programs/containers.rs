//! Programs that keep values, and objects inside objects.

use std::time::Duration;

use sync_objects::{NumberKind, dict, event, list};
use sync_proto::{Error, ErrorKind, Payload, Shared};

use super::super::server::MESSAGE_MAX;
use super::super::thread::Thread;
use super::{ROUNDS, unless};

pub(super) fn pack(value: impl serde::Serialize) -> Payload {
    Payload::pack(&value).expect("plain data, or a proxy of this session")
}

pub(super) fn empty_dict(place: crate::Spot) -> Result<dict::Proxy, Error> {
    dict::Proxy::new(place, Vec::new())
}

pub(super) async fn counters(me: Thread) -> Result<(), Error> {
    let dict = me.named(empty_dict, "counters").await?;
    let mut least = 0;
    for _ in 0..ROUNDS {
        let sum = me.call(|| dict.add(pack(0), NumberKind::I64, pack(1))).await?;
        let sum: i64 = sum.unpack().expect("a number");
        assert!(sum > least, "a counter that is only added to goes from {least} to {sum}");
        least = sum;
        me.pause().await;
    }
    Ok(())
}

/// Changes a value between two calls, which nobody else may do meanwhile.
pub(super) async fn updates(me: Thread) -> Result<(), Error> {
    let dict = me.named(empty_dict, "updated").await?;
    for _ in 0..ROUNDS {
        let (key, place) = [(1, "update 1"), (2, "update 2")][me.chance.below(2)];
        let update = match me.ask(|| dict.begin_update(pack(key))).await {
            Ok(update) => update,
            Err(error) => {
                unless(&[ErrorKind::TimedOut], error)?;
                continue;
            }
        };
        me.ghost.enter(place, 1, me.who(), 1, update.token);
        let before = update.value.map_or(0, |value| value.unpack::<i64>().expect("a number"));
        me.pause().await;
        me.ghost.leave(place, me.who());
        if me.chance.once_in(4) {
            dict.one_way().cancel_update(update.token)?;
        } else {
            me.call(|| dict.commit_update(update.token, Some(pack(before + 1)))).await?;
        }
    }
    Ok(())
}

/// Puts lists into a dict, in each other and in themselves, and reads them out again.
pub(super) async fn nested(me: Thread) -> Result<(), Error> {
    let dict = me.named(empty_dict, "tree").await?;
    for _ in 0..ROUNDS {
        let made = me.call(|| list::Proxy::new(me.link.anonymous(), Vec::new())).await;
        let list = match made {
            Ok(list) => list,
            Err(error) => {
                unless(&[ErrorKind::LimitReached], error)?;
                continue;
            }
        };
        if me.chance.once_in(2) {
            // It holds itself: only a search finds that nobody else does.
            me.call(|| list.push(pack(&list))).await?;
        }
        let key = u8::from(me.chance.once_in(2));
        me.call(|| dict.set(pack(key), pack(&list))).await?;
        drop(list);
        me.pause().await;
        if let Some(found) = me.call(|| dict.get(pack(key))).await? {
            let found: list::Proxy = found.unpack().expect("a list");
            me.call(|| found.push(pack(1))).await?;
            assert!(me.call(|| found.len()).await? > 0, "what was pushed is in");
        }
        if me.chance.once_in(2) {
            me.call(|| dict.delete(pack(key))).await?;
        }
        too_large(&me).await?;
    }
    Ok(())
}

/// Now and then asks for more than an answer may hold.
async fn too_large(me: &Thread) -> Result<(), Error> {
    if !me.chance.once_in(8) {
        return Ok(());
    }
    let made = me.call(|| list::Proxy::new(me.link.anonymous(), Vec::new())).await;
    let list = match made {
        Ok(list) => list,
        Err(error) => return unless(&[ErrorKind::LimitReached], error),
    };
    let inside = me.call(|| event::Proxy::new(me.link.anonymous())).await?;
    me.call(|| list.push(pack(&inside))).await?;
    let large = "x".repeat(MESSAGE_MAX / 2);
    me.call(|| list.push(pack(&large))).await?;
    me.call(|| list.repeat(64)).await?;
    let answer = me.call(|| list.within(Duration::from_secs(1)).to_vec()).await;
    // Its time may pass before a message has come that it waits for.
    let refusals = [ErrorKind::TooLarge, ErrorKind::TimedOut];
    unless(&refusals, answer.expect_err("more than an answer holds"))?;
    assert_eq!(me.call(|| list.len()).await?, 128, "the list is as it was");
    // The handles in the answer came to nobody: they keep nothing.
    let object = inside.handle().object();
    drop(inside);
    me.call(|| list.clear()).await?;
    let info = me.call(|| me.link.manager_proxy().debug_info(1000)).await?;
    assert!(info.objects.iter().all(|of| of.object != object), "{object} is kept by nobody");
    Ok(())
}
