//! Barrier, without an action: that would be Python code.

use sync_objects::{Arrival, barrier};
use sync_proto::{ErrorKind, Handle, ObjectId};

use super::{at, bool, done, none, text, unserializable, waiting};
use crate::python::args::Args;
use crate::python::desk::{Desk, Outcome, ask, ask_within};
use crate::python::exceptions::{
    ATTRIBUTE_ERROR, BROKEN_BARRIER, NOT_IMPLEMENTED_ERROR, Raise, TYPE_ERROR, VALUE_ERROR,
};
use crate::python::reply::Reply;

pub(crate) fn create(desk: &mut Desk<'_>, args: Args<'_>) -> Result<Handle, Raise> {
    let ([parties], [action, timeout]) =
        args.bind("Barrier", ["parties"], ["action", "timeout"])?;
    if action.is_some_and(|action| !action.is_none()) {
        let why = "this manager runs no Python code, so a Barrier has no action: let the party \
                   whose wait() returns 0 act, and wait once more";
        return Err(NOT_IMPLEMENTED_ERROR.with(why));
    }
    let parties = u32::try_from(parties.count()?).ok().filter(|&parties| parties > 0);
    let parties = parties.ok_or_else(|| VALUE_ERROR.with("parties must be > 0"))?;
    let timeout = waiting::timeout(timeout)?;
    Ok(desk.create(&barrier::INTERFACE, &(parties, timeout))?)
}

pub(crate) fn call(
    desk: &mut Desk<'_>,
    barrier: ObjectId,
    method: &str,
    args: Args<'_>,
) -> Option<Outcome> {
    Some(match method {
        "wait" => wait(barrier, args),
        "abort" => ask(barrier, const { barrier::method("abort") }, &(), none::<()>),
        "reset" => ask(barrier, const { barrier::method("reset") }, &(), none::<()>),
        "__getattribute__" => attribute(barrier, args),
        "__repr__" | "__str__" => shown(desk, barrier),
        "#GETVALUE" => unserializable("_thread.lock"),
        _ => return None,
    })
}

fn wait(barrier: ObjectId, args: Args<'_>) -> Outcome {
    let [timeout] = args.optional("wait", ["timeout"])?;
    let timeout = waiting::timeout(timeout)?;
    let wait = const { barrier::method("wait") };
    let args = (false, timeout.is_some());
    ask_within(timeout, barrier, wait, &args, |_, arrival| match arrival {
        Ok(Arrival::Released(index)) => done(Reply::Int(index.into())),
        Ok(Arrival::Elected(_)) => Err(TYPE_ERROR.with("a party without an action was elected")),
        Err(refusal) if matches!(refusal.kind, ErrorKind::Broken | ErrorKind::TimedOut) => {
            Err(BROKEN_BARRIER.bare())
        }
        Err(refusal) => Err(refusal.into()),
    })
}

fn shown(desk: &mut Desk<'_>, barrier: ObjectId) -> Outcome {
    let at = at(barrier);
    if desk.ask(barrier, const { barrier::method("is_broken") }, &())? {
        return text(format!("<threading.Barrier at {at}: broken>"));
    }
    let waiting: u32 = desk.ask(barrier, const { barrier::method("n_waiting") }, &())?;
    let parties: u32 = desk.ask(barrier, const { barrier::method("parties") }, &())?;
    text(format!("<threading.Barrier at {at}: waiters={waiting}/{parties}>"))
}

fn attribute(barrier: ObjectId, args: Args<'_>) -> Outcome {
    let [name] = args.all("__getattribute__", ["name"])?;
    let number = |_: &mut Desk<'_>, number: u32| done(Reply::Int(number.into()));
    match name.text() {
        Some("parties") => ask(barrier, const { barrier::method("parties") }, &(), number),
        Some("n_waiting") => ask(barrier, const { barrier::method("n_waiting") }, &(), number),
        Some("broken") => ask(barrier, const { barrier::method("is_broken") }, &(), bool),
        Some(name) => {
            Err(ATTRIBUTE_ERROR.with(format!("'Barrier' object has no attribute '{name}'")))
        }
        None => Err(TYPE_ERROR.with("attribute name must be string")),
    }
}
