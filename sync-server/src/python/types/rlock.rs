//! RLock: its owner is a Python thread, which is one connection.

use sync_objects::{Grant, rlock};
use sync_proto::{ErrorKind, Handle, ObjectId};

use super::{at, bool, none, text, unserializable, waiting};
use crate::python::args::Args;
use crate::python::desk::{Desk, Outcome, ask, ask_within};
use crate::python::exceptions::{RUNTIME_ERROR, Raise};

pub(crate) fn create(desk: &mut Desk<'_>, args: Args<'_>) -> Result<Handle, Raise> {
    args.all::<0>("RLock", [])?;
    Ok(desk.create(&rlock::INTERFACE, &())?)
}

pub(crate) fn call(
    _: &mut Desk<'_>,
    lock: ObjectId,
    method: &str,
    args: Args<'_>,
) -> Option<Outcome> {
    Some(match method {
        "acquire" => acquire(lock, args),
        "release" => release(lock, args),
        "locked" => ask(lock, const { rlock::method("is_locked") }, &(), bool),
        "__repr__" | "__str__" => {
            ask(lock, const { rlock::method("is_locked") }, &(), move |_, locked: bool| {
                let state = if locked { "locked" } else { "unlocked" };
                text(format!("<{state} _thread.RLock object at {}>", at(lock)))
            })
        }
        "#GETVALUE" => unserializable("_thread.RLock"),
        _ => return None,
    })
}

pub(super) fn acquire(lock: ObjectId, args: Args<'_>) -> Outcome {
    let timeout = waiting::of_lock(args)?;
    let acquire = const { rlock::method("acquire") };
    ask_within::<Grant>(timeout, lock, acquire, &(), |desk, grant| match grant {
        Ok(_) => bool(desk, true),
        Err(refusal) if refusal.kind == ErrorKind::TimedOut => bool(desk, false),
        Err(refusal) => Err(refusal.into()),
    })
}

pub(super) fn release(lock: ObjectId, args: Args<'_>) -> Outcome {
    args.all::<0>("release", [])?;
    let release = const { rlock::method("release") };
    ask_within(None, lock, release, &(), |desk, released| match released {
        Err(refusal) if refusal.kind == ErrorKind::NotOwner => {
            Err(RUNTIME_ERROR.with("cannot release un-acquired lock"))
        }
        released => none::<()>(desk, released?),
    })
}
