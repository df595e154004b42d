//! Namespace.

use sync_objects::namespace;
use sync_proto::{Handle, ObjectId, Payload};

use super::{done, none, text};
use crate::python::args::{Arg, Args};
use crate::python::desk::{Desk, Outcome, ask};
use crate::python::exceptions::{ATTRIBUTE_ERROR, Raise, TYPE_ERROR, VALUE_ERROR};
use crate::python::reply::{self, Reply};

pub(crate) fn create(desk: &mut Desk<'_>, args: Args<'_>) -> Result<Handle, Raise> {
    if args.positional().len() > 0 {
        let given = args.positional().len() + 1;
        let why =
            format!("Namespace.__init__() takes 1 positional argument but {given} were given");
        return Err(TYPE_ERROR.with(why));
    }
    let attribute = |(name, value): (&str, Arg<'_>)| Ok((name.to_owned(), value.payload(desk)?));
    let attributes: Vec<(String, Payload)> =
        args.named().map(attribute).collect::<Result<_, Raise>>()?;
    Ok(desk.create(&namespace::INTERFACE, &(attributes,))?)
}

pub(crate) fn call(
    desk: &mut Desk<'_>,
    namespace: ObjectId,
    method: &str,
    args: Args<'_>,
) -> Option<Outcome> {
    Some(match method {
        "__getattribute__" => get(namespace, args),
        "__setattr__" => set(desk, namespace, args),
        "__delattr__" => delete(namespace, args),
        "__repr__" | "__str__" => attributes(desk, namespace).and_then(|attributes| {
            let shown = attributes.iter().filter(|(name, _)| !name.starts_with('_'));
            let shown = shown.map(|(name, value)| format!("{name}={}", reply::repr(value)));
            let mut shown: Vec<_> = shown.collect();
            // As whole texts, by which "x1=2" comes before "x=1".
            shown.sort_unstable();
            text(format!("Namespace({})", shown.join(", ")))
        }),
        "#GETVALUE" => attributes(desk, namespace)
            .and_then(|attributes| done(Reply::Local("Namespace", attributes))),
        _ => return None,
    })
}

/// Returns all attributes, by name.
fn attributes(desk: &mut Desk<'_>, of: ObjectId) -> Result<Vec<(String, Payload)>, Raise> {
    let names: Vec<String> = desk.ask(of, const { namespace::method("names") }, &())?;
    let mut attributes = Vec::with_capacity(names.len());
    for name in names {
        let value: Option<Payload> = desk.ask(of, const { namespace::method("get") }, &(&name,))?;
        attributes.extend(value.map(|value| (name, value)));
    }
    Ok(attributes)
}

fn name_of(name: Arg<'_>) -> Result<String, Raise> {
    match name.text() {
        Some("") => Err(VALUE_ERROR.with("an attribute's name cannot be empty")),
        Some(name) => Ok(name.to_owned()),
        None => {
            let found = name.type_name();
            Err(TYPE_ERROR.with(format!("attribute name must be string, not '{found}'")))
        }
    }
}

fn missing(name: &str) -> Raise {
    ATTRIBUTE_ERROR.with(format!("'Namespace' object has no attribute '{name}'"))
}

fn get(namespace: ObjectId, args: Args<'_>) -> Outcome {
    let [name] = args.all("__getattribute__", ["name"])?;
    let name = name_of(name)?;
    let get = const { namespace::method("get") };
    ask(namespace, get, &(name.clone(),), move |_, value: Option<Payload>| {
        value.map_or_else(|| Err(missing(&name)), |value| done(Reply::Value(value)))
    })
}

fn set(desk: &Desk<'_>, namespace: ObjectId, args: Args<'_>) -> Outcome {
    let [name, value] = args.all("__setattr__", ["name", "value"])?;
    let args = (name_of(name)?, value.payload(desk)?);
    ask(namespace, const { namespace::method("set") }, &args, none::<()>)
}

fn delete(namespace: ObjectId, args: Args<'_>) -> Outcome {
    let [name] = args.all("__delattr__", ["name"])?;
    let name = name_of(name)?;
    let remove = const { namespace::method("remove") };
    ask(namespace, remove, &(name.clone(),), move |desk, was_there: bool| {
        if was_there { none(desk, ()) } else { Err(missing(&name)) }
    })
}
