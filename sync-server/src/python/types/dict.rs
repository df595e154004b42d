//! dict.

use sync_objects::{DictPage, DictPart, Removed, dict};
use sync_proto::{Handle, MethodId, ObjectId, Payload};

use super::{bool, done, if_key, iterable, none, taken};
use crate::python::args::{Arg, Args};
use crate::python::desk::{Desk, Next, Outcome, ask, ask_within};
use crate::python::exceptions::{KEY_ERROR, Raise, TYPE_ERROR};
use crate::python::pickle::Node;
use crate::python::reply::Reply;
use crate::python::shown::Shown;

type Entries = Vec<(Payload, Payload)>;

const RESTORE: MethodId = dict::method("restore");

pub(crate) fn create(desk: &mut Desk<'_>, args: Args<'_>) -> Result<Handle, Raise> {
    let entries = gathered(desk, "dict", args)?;
    Ok(desk.create(&dict::INTERFACE, &(entries,))?)
}

pub(crate) fn call(
    desk: &mut Desk<'_>,
    dict: ObjectId,
    method: &str,
    args: Args<'_>,
) -> Option<Outcome> {
    Some(match method {
        "__len__" => ask(dict, const { dict::method("len") }, &(), |_, len| done(Reply::Int(len))),
        "__getitem__" => key_of(desk, method, args).and_then(|key| get_item(dict, key)),
        "__setitem__" => set_item(desk, dict, args),
        "__delitem__" => key_of(desk, method, args).and_then(|key| delete_item(dict, key)),
        "__contains__" => key_of(desk, method, args).and_then(|key| {
            let contains = const { dict::method("contains_key") };
            ask_within(None, dict, contains, &(key,), |desk, found| bool(desk, if_key(found)?))
        }),
        "get" => get(desk, dict, args),
        "pop" => pop(desk, dict, args),
        "popitem" => pop_item(dict),
        "setdefault" => set_default(desk, dict, args),
        "update" => gathered(desk, method, args)
            .and_then(|all| ask(dict, const { dict::method("extend") }, &(all,), none::<()>)),
        "clear" => ask(dict, const { dict::method("clear") }, &(), none::<()>),
        "keys" => part(dict, DictPart::Keys, false, |page| Reply::Keys(page.keys)),
        "values" => part(dict, DictPart::Values, false, |page| Reply::List(page.values)),
        "items" => part(dict, DictPart::Items, false, |page| {
            Reply::Pairs(page.keys.into_iter().zip(page.values).collect())
        }),
        "copy" | "#GETVALUE" => {
            part(dict, DictPart::Items, false, |page| Reply::Dict(entries(page)))
        }
        "__reversed__" => part(dict, DictPart::Keys, true, |page| Reply::Iterator(page.keys)),
        "__iter__" => iterate(desk, dict),
        "__or__" => args.all(method, ["value"]).and_then(|[with]| merged(desk, dict, with, false)),
        "__ror__" => args.all(method, ["value"]).and_then(|[with]| merged(desk, dict, with, true)),
        "__ior__" => args.all(method, ["value"]).and_then(|[with]| {
            let all = iterable::entries(desk, with)?;
            ask(dict, const { dict::method("extend") }, &(all,), none::<()>)
        }),
        "fromkeys" => from_keys(desk, args),
        "__repr__" | "__str__" => {
            let none: Option<u64> = None;
            let args = (DictPart::Items, false, none, none, desk.extent.bytes());
            ask(dict, const { dict::method("page") }, &args, |desk, page| {
                let shown = Shown::new(desk, "{").items(entries(page), |shown, (key, value)| {
                    shown.key(&key);
                    shown.text(": ");
                    shown.value(&value);
                });
                shown.end("}")
            })
        }
        _ => return None,
    })
}

/// Takes a dict's arguments: a mapping or pairs, and keywords.
fn gathered(desk: &mut Desk<'_>, method: &str, args: Args<'_>) -> Result<Entries, Raise> {
    let given = args.positional().len();
    if given > 1 {
        let why = format!("{method} expected at most 1 argument, got {given}");
        return Err(TYPE_ERROR.with(why));
    }
    let first = args.positional().next();
    let mut all = first.map(|from| iterable::entries(desk, from)).transpose()?.unwrap_or_default();
    for (name, value) in args.named() {
        all.push((Payload::pack(name)?, value.payload(desk)?));
    }
    Ok(all)
}

fn key_of(desk: &Desk<'_>, method: &str, args: Args<'_>) -> Result<Payload, Raise> {
    let [key] = args.all(method, ["key"])?;
    key.hashable(desk)?.payload(desk)
}

fn entries(page: DictPage) -> Entries {
    page.keys.into_iter().zip(page.values).collect()
}

/// Goes on with a part of all entries.
fn page(
    dict: ObjectId,
    part: DictPart,
    reversed: bool,
    then: impl FnOnce(&mut Desk<'_>, DictPage) -> Outcome + Send + 'static,
) -> Outcome {
    let none: Option<u64> = None;
    let args = (part, reversed, none, none, u64::MAX);
    ask(dict, const { dict::method("page") }, &args, then)
}

fn part(
    dict: ObjectId,
    part: DictPart,
    reversed: bool,
    then: impl FnOnce(DictPage) -> Reply + Send + 'static,
) -> Outcome {
    page(dict, part, reversed, |_, page| done(then(page)))
}

fn get_item(dict: ObjectId, key: Payload) -> Outcome {
    let get = const { dict::method("get") };
    ask_within(None, dict, get, &(key.clone(),), move |_, value| {
        let value: Option<Payload> = if_key(value)?;
        value.map_or_else(|| Err(KEY_ERROR.of(key)), |value| done(Reply::Value(value)))
    })
}

fn set_item(desk: &Desk<'_>, dict: ObjectId, args: Args<'_>) -> Outcome {
    let [key, value] = args.all("__setitem__", ["key", "value"])?;
    let args = (key.hashable(desk)?.payload(desk)?, value.payload(desk)?);
    ask(dict, const { dict::method("set") }, &args, none::<()>)
}

fn delete_item(dict: ObjectId, key: Payload) -> Outcome {
    let delete = const { dict::method("delete") };
    ask_within(None, dict, delete, &(key.clone(),), move |desk, was_there| {
        if if_key(was_there)? { none(desk, ()) } else { Err(KEY_ERROR.of(key)) }
    })
}

fn get(desk: &Desk<'_>, dict: ObjectId, args: Args<'_>) -> Outcome {
    let ([key], [default]) = args.bind("get", ["key"], ["default"])?;
    let key = key.hashable(desk)?.payload(desk)?;
    let default = default.map(|default| default.payload(desk)).transpose()?;
    let get = const { dict::method("get") };
    ask_within(None, dict, get, &(key,), move |_, value| {
        let value: Option<Payload> = if_key(value)?;
        done(value.or(default).map_or(Reply::None, Reply::Value))
    })
}

fn pop(desk: &Desk<'_>, dict: ObjectId, args: Args<'_>) -> Outcome {
    let ([key], [default]) = args.bind("pop", ["key"], ["default"])?;
    let key = key.hashable(desk)?.payload(desk)?;
    let default = default.map(|default| default.payload(desk)).transpose()?;
    let remove = const { dict::method("remove") };
    ask_within(None, dict, remove, &(key.clone(),), move |_, removed| {
        let removed: Option<Removed> = if_key(removed)?;
        if let Some(removed) = removed {
            return taken(Reply::Value(removed.value.clone()), dict, RESTORE, &(removed,));
        }
        default.map_or_else(|| Err(KEY_ERROR.of(key)), |default| done(Reply::Value(default)))
    })
}

fn pop_item(dict: ObjectId) -> Outcome {
    let pop_last = const { dict::method("pop_last") };
    ask(dict, pop_last, &(), move |_, removed: Option<Removed>| match removed {
        Some(removed) => {
            let reply = Reply::Pair(removed.key.clone(), removed.value.clone());
            taken(reply, dict, RESTORE, &(removed,))
        }
        None => Err(KEY_ERROR.with("popitem(): dictionary is empty")),
    })
}

fn set_default(desk: &Desk<'_>, dict: ObjectId, args: Args<'_>) -> Outcome {
    let ([key], [default]) = args.bind("setdefault", ["key"], ["default"])?;
    let default = match default {
        Some(default) => default.payload(desk)?,
        None => Payload::pack(&())?,
    };
    let args = (key.hashable(desk)?.payload(desk)?, default);
    let method = const { dict::method("get_or_insert") };
    ask(dict, method, &args, |_, value| done(Reply::Value(value)))
}

/// Makes an iterator over the keys, which the client has as a proxy.
fn iterate(desk: &mut Desk<'_>, dict: ObjectId) -> Outcome {
    use super::iterator::iterator::INTERFACE;
    let dict = desk.name(dict)?;
    // From now on its size may not change, also before the first key is asked for.
    let none: Option<u64> = None;
    let first = (DictPart::Keys, false, none, none, 0u64);
    let page: DictPage = desk.ask(dict.object(), const { dict::method("page") }, &first)?;
    let iterator = desk.create(&INTERFACE, &(dict, page.changes))?;
    let Some(face) = crate::python::face::Face::of(INTERFACE.fingerprint) else {
        return Err(TYPE_ERROR.with("an iterator has no form in Python"));
    };
    Ok(Next::Return(Reply::Proxy(face, iterator)))
}

/// Returns this dict and another as one; which of them overwrites the other's values depends on
/// which stands on the left.
fn merged(desk: &mut Desk<'_>, dict: ObjectId, with: Arg<'_>, is_left: bool) -> Outcome {
    let Node::Dict(_) = with.node() else { return done(Reply::NotImplemented) };
    let theirs = iterable::entries(desk, with)?;
    part(dict, DictPart::Items, false, move |page| {
        let ours = entries(page);
        let (left, right) = if is_left { (theirs, ours) } else { (ours, theirs) };
        // Of a key that is in both, the client keeps the right one's value where the left one was.
        Reply::Dict(left.into_iter().chain(right).collect())
    })
}

fn from_keys(desk: &mut Desk<'_>, args: Args<'_>) -> Outcome {
    let ([keys], [value]) = args.bind("fromkeys", ["iterable"], ["value"])?;
    let value = match value {
        Some(value) => value.payload(desk)?,
        None => Payload::pack(&())?,
    };
    let keys = iterable::hashable_items(desk, keys)?;
    done(Reply::Dict(keys.into_iter().map(|key| (key, value.clone())).collect()))
}
