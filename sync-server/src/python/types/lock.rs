//! Lock, which anybody may release, and what it has in common with RLock.

use sync_objects::{Grant, lock};
use sync_proto::{ErrorKind, Handle, Interface, MethodId, ObjectId};

use super::{at, bool, none, text, unserializable, waiting};
use crate::python::args::Args;
use crate::python::desk::{Desk, Outcome, ask, ask_within};
use crate::python::exceptions::{RUNTIME_ERROR, Raise};

/// What tells the two kinds of lock apart.
pub(super) struct Kind {
    pub(super) typeid: &'static str,
    /// Python's class of it, as `repr` and exceptions name it.
    pub(super) class: &'static str,
    /// What Python says of one that is released without being held.
    pub(super) not_held: &'static str,
    pub(super) interface: &'static Interface,
    pub(super) acquire: MethodId,
    pub(super) release: MethodId,
    pub(super) is_locked: MethodId,
}

static LOCK: Kind = Kind {
    typeid: "Lock",
    class: "_thread.lock",
    not_held: "release unlocked lock",
    interface: &lock::INTERFACE,
    acquire: lock::method("acquire"),
    release: lock::method("release_any"),
    is_locked: lock::method("is_locked"),
};

pub(crate) fn create(desk: &mut Desk<'_>, args: Args<'_>) -> Result<Handle, Raise> {
    LOCK.create(desk, args)
}

pub(crate) fn call(
    _: &mut Desk<'_>,
    lock: ObjectId,
    method: &str,
    args: Args<'_>,
) -> Option<Outcome> {
    LOCK.call(lock, method, args)
}

impl Kind {
    pub(super) fn create(&self, desk: &mut Desk<'_>, args: Args<'_>) -> Result<Handle, Raise> {
        args.all::<0>(self.typeid, [])?;
        Ok(desk.create(self.interface, &())?)
    }

    pub(super) fn call(
        &'static self,
        lock: ObjectId,
        method: &str,
        args: Args<'_>,
    ) -> Option<Outcome> {
        Some(match method {
            "acquire" => self.acquire(lock, args),
            "release" => self.release(lock, args),
            "locked" => ask(lock, self.is_locked, &(), bool),
            "__repr__" | "__str__" => ask(lock, self.is_locked, &(), move |_, locked: bool| {
                let state = if locked { "locked" } else { "unlocked" };
                text(format!("<{state} {} object at {}>", self.class, at(lock)))
            }),
            "#GETVALUE" => unserializable(self.class),
            _ => return None,
        })
    }

    fn acquire(&self, lock: ObjectId, args: Args<'_>) -> Outcome {
        let timeout = waiting::of_lock(args)?;
        ask_within::<Grant>(timeout, lock, self.acquire, &(), |desk, grant| match grant {
            Ok(_) => bool(desk, true),
            Err(refusal) if refusal.kind == ErrorKind::TimedOut => bool(desk, false),
            Err(refusal) => Err(refusal.into()),
        })
    }

    fn release(&'static self, lock: ObjectId, args: Args<'_>) -> Outcome {
        args.all::<0>("release", [])?;
        ask_within(None, lock, self.release, &(), |desk, released| match released {
            Err(refusal) if refusal.kind == ErrorKind::NotOwner => {
                Err(RUNTIME_ERROR.with(self.not_held))
            }
            released => none::<()>(desk, released?),
        })
    }
}
