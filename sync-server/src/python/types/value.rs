//! Value: one value of any kind, as CPython's manager takes its typecode.

use sync_objects::value;
use sync_proto::{Handle, ObjectId, Payload};

use super::{done, none};
use crate::python::args::Args;
use crate::python::desk::{Desk, Outcome, ask};
use crate::python::exceptions::{Raise, VALUE_ERROR};
use crate::python::reply::{self, Reply};
use crate::python::shown::Shown;

/// The most bytes of a typecode: a letter, or the name of a ctype.
const TYPECODE_MAX: usize = 256;

pub(crate) fn create(desk: &mut Desk<'_>, args: Args<'_>) -> Result<Handle, Raise> {
    let ([typecode, value], [_lock]) = args.bind("Value", ["typecode", "value"], ["lock"])?;
    let (initial, typecode) = (value.payload(desk)?, typecode.payload(desk)?);
    // It is kept beside the objects, where nothing is counted.
    if typecode.bytes.len() > TYPECODE_MAX || !typecode.handles.is_empty() {
        let why = format!("a typecode has at most {TYPECODE_MAX} bytes, and no proxy in it");
        return Err(VALUE_ERROR.with(why));
    }
    let kind: Option<sync_objects::NumberKind> = None;
    let handle = desk.create(&value::INTERFACE, &(kind, initial))?;
    desk.note_typecode(handle.object(), typecode);
    Ok(handle)
}

pub(crate) fn call(
    desk: &mut Desk<'_>,
    value: ObjectId,
    method: &str,
    args: Args<'_>,
) -> Option<Outcome> {
    let get = const { value::method("get") };
    let typecode = || desk.typecode(value);
    Some(match method {
        "get" => ask(value, get, &(), |_, value| done(Reply::Value(value))),
        "set" => args.all("set", ["value"]).and_then(|[new]| {
            let new = new.payload(desk)?;
            ask(value, const { value::method("set") }, &(new,), none::<()>)
        }),
        "__repr__" | "__str__" => {
            let typecode = typecode().map_or_else(|| "None".to_owned(), |code| reply::repr(&code));
            ask(value, get, &(), move |desk, value: Payload| {
                let mut shown = Shown::new(desk, &format!("Value({typecode}, "));
                shown.value(&value);
                shown.end(")")
            })
        }
        "#GETVALUE" => {
            let typecode = typecode();
            ask(value, get, &(), move |_, value: Payload| {
                let mut state: Vec<_> =
                    typecode.map(|code| ("_typecode".to_owned(), code)).into_iter().collect();
                state.push(("_value".to_owned(), value));
                done(Reply::Local("Value", state))
            })
        }
        _ => return None,
    })
}
