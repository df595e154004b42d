//! Event.

use sync_objects::event;
use sync_proto::{ErrorKind, Handle, ObjectId};

use super::{at, bool, none, text, unserializable, waiting};
use crate::python::args::Args;
use crate::python::desk::{Desk, Outcome, ask, ask_within};
use crate::python::exceptions::Raise;

pub(crate) fn create(desk: &mut Desk<'_>, args: Args<'_>) -> Result<Handle, Raise> {
    args.all::<0>("Event", [])?;
    Ok(desk.create(&event::INTERFACE, &())?)
}

pub(crate) fn call(
    _: &mut Desk<'_>,
    event: ObjectId,
    method: &str,
    args: Args<'_>,
) -> Option<Outcome> {
    Some(match method {
        "set" => ask(event, const { event::method("set") }, &(), none::<()>),
        "clear" => ask(event, const { event::method("clear") }, &(), none::<()>),
        "is_set" => ask(event, const { event::method("is_set") }, &(), bool),
        "wait" => wait(event, args),
        "__repr__" | "__str__" => {
            ask(event, const { event::method("is_set") }, &(), move |_, set: bool| {
                let state = if set { "set" } else { "unset" };
                text(format!("<threading.Event at {}: {state}>", at(event)))
            })
        }
        "#GETVALUE" => unserializable("_thread.lock"),
        _ => return None,
    })
}

fn wait(event: ObjectId, args: Args<'_>) -> Outcome {
    let [timeout] = args.optional("wait", ["timeout"])?;
    let timeout = waiting::timeout(timeout)?;
    ask_within(timeout, event, const { event::method("wait") }, &(), |desk, set| match set {
        Err(refusal) if refusal.kind == ErrorKind::TimedOut => bool(desk, false),
        set => {
            let () = set?;
            bool(desk, true)
        }
    })
}
