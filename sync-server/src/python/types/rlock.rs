//! RLock: its owner is a Python thread, which is one connection.

use sync_objects::rlock;
use sync_proto::{Handle, ObjectId};

use super::lock::Kind;
use crate::python::args::Args;
use crate::python::desk::{Desk, Outcome};
use crate::python::exceptions::Raise;

static RLOCK: Kind = Kind {
    typeid: "RLock",
    class: "_thread.RLock",
    not_held: "cannot release un-acquired lock",
    interface: &rlock::INTERFACE,
    acquire: rlock::method("acquire"),
    release: rlock::method("release"),
    is_locked: rlock::method("is_locked"),
};

pub(crate) fn create(desk: &mut Desk<'_>, args: Args<'_>) -> Result<Handle, Raise> {
    RLOCK.create(desk, args)
}

pub(crate) fn call(
    _: &mut Desk<'_>,
    lock: ObjectId,
    method: &str,
    args: Args<'_>,
) -> Option<Outcome> {
    RLOCK.call(lock, method, args)
}
