//! Namespace.

use sync_objects::namespace;
use sync_proto::{Handle, ObjectId, Payload};

use super::{done, none};
use crate::python::args::{Arg, Args};
use crate::python::desk::{Desk, Outcome, ask};
use crate::python::exceptions::{ATTRIBUTE_ERROR, Raise, TYPE_ERROR, VALUE_ERROR};
use crate::python::reply::Reply;
use crate::python::shown::Shown;

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
        "__repr__" | "__str__" => {
            let few = desk.extent.few().unwrap_or(usize::MAX);
            attributes(desk, namespace, |name| !name.starts_with('_'), few).and_then(|mut shown| {
                // As whole texts, by which "x1=2" comes before "x=1".
                shown.sort_by(|(a, _), (b, _)| a.bytes().chain(*b"=").cmp(b.bytes().chain(*b"=")));
                let shown = Shown::new(desk, "Namespace(").items(shown, |shown, (name, value)| {
                    shown.text(&name);
                    shown.text("=");
                    shown.value(&value);
                });
                shown.end(")")
            })
        }
        "#GETVALUE" => attributes(desk, namespace, |_| true, usize::MAX)
            .and_then(|attributes| done(Reply::Local("Namespace", attributes))),
        _ => return None,
    })
}

/// Returns attributes, by name: at most `most` of those that are wanted.
fn attributes(
    desk: &mut Desk<'_>,
    of: ObjectId,
    is_wanted: impl Fn(&str) -> bool,
    most: usize,
) -> Result<Vec<(String, Payload)>, Raise> {
    let names: Vec<String> = desk.ask(of, const { namespace::method("names") }, &())?;
    let mut attributes = Vec::new();
    for name in names.into_iter().filter(|name| is_wanted(name)).take(most) {
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
    let delete = const { namespace::method("delete") };
    ask(namespace, delete, &(name.clone(),), move |desk, was_there: bool| {
        if was_there { none(desk, ()) } else { Err(missing(&name)) }
    })
}
