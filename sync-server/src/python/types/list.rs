//! list.

use sync_objects::list;
use sync_proto::{ErrorKind, Handle, ObjectId, Payload, Refusal};

use super::sort::{Key, by_key, unsortable};
use super::{bool, done, iterable, none, taken};
use crate::python::args::{Arg, Args};
use crate::python::desk::{Desk, Outcome, ask, ask_within};
use crate::python::exceptions::{INDEX_ERROR, Raise, TYPE_ERROR, VALUE_ERROR};
use crate::python::pickle::Node;
use crate::python::reply::{self, Reply};
use crate::python::shown::Shown;
use crate::python::value;

const INDICES: &str = "list indices must be integers or slices, not {}";
const TO_VEC: sync_proto::MethodId = list::method("to_vec");

pub(crate) fn create(desk: &mut Desk<'_>, args: Args<'_>) -> Result<Handle, Raise> {
    let [iterable] = args.optional("list", ["iterable"])?;
    let items = iterable.map(|from| iterable::items(desk, from)).transpose()?.unwrap_or_default();
    Ok(desk.create(&list::INTERFACE, &(items,))?)
}

pub(crate) fn call(
    desk: &mut Desk<'_>,
    list: ObjectId,
    method: &str,
    args: Args<'_>,
) -> Option<Outcome> {
    Some(match method {
        "__len__" => ask(list, const { list::method("len") }, &(), |_, len| done(Reply::Int(len))),
        "__getitem__" => get(list, args),
        "__setitem__" => set(desk, list, args),
        "__delitem__" => delete(list, args),
        "__contains__" => value_of(desk, method, args)
            .and_then(|value| ask(list, const { list::method("contains") }, &(value,), bool)),
        "append" => value_of(desk, method, args)
            .and_then(|value| ask(list, const { list::method("push") }, &(value,), none::<()>)),
        "extend" => args.all(method, ["iterable"]).and_then(|[from]| {
            let items = iterable::items(desk, from)?;
            ask(list, const { list::method("extend") }, &(items,), none::<()>)
        }),
        "insert" => args.all(method, ["index", "object"]).and_then(|[index, value]| {
            let args = (index.integer()?, value.payload(desk)?);
            ask(list, const { list::method("insert") }, &args, none::<()>)
        }),
        "pop" => pop(desk, list, args),
        "remove" => value_of(desk, method, args).and_then(|value| remove(list, value)),
        "count" => value_of(desk, method, args).and_then(|value| {
            ask(list, const { list::method("count") }, &(value,), |_, n| done(Reply::Int(n)))
        }),
        "index" => index(desk, list, args),
        "reverse" => ask(list, const { list::method("reverse") }, &(), none::<()>),
        "sort" => sort(list, args),
        "clear" => ask(list, const { list::method("clear") }, &(), none::<()>),
        "copy" | "#GETVALUE" => ask(list, TO_VEC, &(), |_, items| done(Reply::List(items))),
        "__reversed__" => ask(list, TO_VEC, &(), |_, items| done(Reply::Reversed(items))),
        "__add__" => concat(desk, list, args),
        "__mul__" | "__rmul__" => {
            args.all(method, ["value"]).and_then(|[times]| multiplied(list, times.integer()?))
        }
        "__imul__" => args.all(method, ["value"]).and_then(|[times]| {
            let times = times.integer()?;
            ask(list, const { list::method("repeat") }, &(times,), none::<()>)
        }),
        "__repr__" | "__str__" => {
            let method = const { list::method("slice") };
            ask(list, method, &(desk.extent.items(),), |desk, items: Vec<Payload>| {
                Shown::new(desk, "[").items(&items, Shown::value).end("]")
            })
        }
        _ => return None,
    })
}

fn value_of(desk: &Desk<'_>, method: &str, args: Args<'_>) -> Result<Payload, Raise> {
    let [value] = args.all(method, ["value"])?;
    value.payload(desk)
}

/// Says in the method's own words that there is no such index.
fn within<T>(answer: Result<T, Refusal>, why: &str) -> Result<T, Raise> {
    answer.map_err(|refusal| match refusal.kind {
        ErrorKind::OutOfRange => INDEX_ERROR.with(why),
        _ => refusal.into(),
    })
}

fn get(list: ObjectId, args: Args<'_>) -> Outcome {
    let [index] = args.all("__getitem__", ["index"])?;
    if let Some(slice) = index.slice() {
        let method = const { list::method("slice") };
        return ask(list, method, &(slice?,), |_, items| done(Reply::List(items)));
    }
    let get = const { list::method("get") };
    ask_within(None, list, get, &(index.index(INDICES)?,), |_, item| {
        done(Reply::Value(within(item, "list index out of range")?))
    })
}

fn set(desk: &mut Desk<'_>, list: ObjectId, args: Args<'_>) -> Outcome {
    let [index, value] = args.all("__setitem__", ["index", "value"])?;
    if let Some(slice) = index.slice() {
        let slice = slice?;
        if value.is_scalar() {
            return Err(TYPE_ERROR.with("must assign iterable to extended slice"));
        }
        let items = iterable::items(desk, value)?;
        let (count, set_slice) = (items.len(), const { list::method("set_slice") });
        return ask_within(None, list, set_slice, &(slice, items), move |desk, set| match set {
            Err(Refusal { kind: ErrorKind::InvalidInput, .. }) if slice.step.is_some() => {
                let method = const { list::method("slice") };
                let size = desk.ask::<Vec<Payload>>(list, method, &(slice,))?.len();
                Err(VALUE_ERROR.with(format!(
                    "attempt to assign sequence of size {count} to extended slice of size {size}"
                )))
            }
            set => none::<()>(desk, set?),
        });
    }
    let args = (index.index(INDICES)?, value.payload(desk)?);
    ask_within(None, list, const { list::method("set") }, &args, |desk, set| {
        none::<()>(desk, within(set, "list assignment index out of range")?)
    })
}

fn delete(list: ObjectId, args: Args<'_>) -> Outcome {
    let [index] = args.all("__delitem__", ["index"])?;
    if let Some(slice) = index.slice() {
        return ask(list, const { list::method("delete_slice") }, &(slice?,), none::<()>);
    }
    let remove = const { list::method("remove") };
    ask_within(None, list, remove, &(index.index(INDICES)?,), |desk, item| {
        none::<Payload>(desk, within(item, "list assignment index out of range")?)
    })
}

fn pop(desk: &mut Desk<'_>, list: ObjectId, args: Args<'_>) -> Outcome {
    let [index] = args.optional("pop", ["index"])?;
    let index = index.map_or(Ok(-1), Arg::integer)?;
    let is_empty: bool = desk.ask(list, const { list::method("is_empty") }, &())?;
    let why = if is_empty { "pop from empty list" } else { "pop index out of range" };
    ask_within(None, list, const { list::method("remove") }, &(index,), move |_, item| {
        let item: Payload = within(item, why)?;
        let reply = Reply::Value(item.clone());
        // What was counted from the end goes before what is there now.
        match index {
            -1 => taken(reply, list, const { list::method("push") }, &(item,)),
            0.. => taken(reply, list, const { list::method("insert") }, &(index, item)),
            _ => taken(reply, list, const { list::method("insert") }, &(index + 1, item)),
        }
    })
}

fn remove(list: ObjectId, value: Payload) -> Outcome {
    let remove = const { list::method("remove_item") };
    ask(list, remove, &(value,), |desk, found: bool| {
        if found { none(desk, ()) } else { Err(VALUE_ERROR.with("list.remove(x): x not in list")) }
    })
}

fn index(desk: &Desk<'_>, list: ObjectId, args: Args<'_>) -> Outcome {
    let ([value], [start, stop]) = args.bind("index", ["value"], ["start", "stop"])?;
    let wrong = "slice indices must be integers or have an __index__ method";
    let end = |end: Option<Arg<'_>>| {
        end.map(|end| end.clipped().ok_or_else(|| TYPE_ERROR.with(wrong))).transpose()
    };
    let value = value.payload(desk)?;
    let args = (value.clone(), end(start)?, end(stop)?);
    let index_of = const { list::method("index_of") };
    ask(list, index_of, &args, move |_, found: Option<u64>| match found {
        Some(index) => done(Reply::Int(index)),
        None => Err(VALUE_ERROR.with(format!("{} is not in list", reply::repr(&value)))),
    })
}

fn sort(list: ObjectId, args: Args<'_>) -> Outcome {
    if args.positional().len() > 0 {
        return Err(TYPE_ERROR.with("sort() takes no positional arguments"));
    }
    let [key, reverse] = args.optional("sort", ["key", "reverse"])?;
    let descending = reverse.is_some_and(Arg::truth);
    if let Some(key) = key.filter(|key| !key.is_none()) {
        return by_key(list, Key::of(key)?, descending);
    }
    let sort = const { list::method("sort") };
    ask_within(None, list, sort, &(descending,), move |desk, sorted| match sorted {
        Err(refusal) => {
            let items: Vec<Payload> = desk.ask(list, TO_VEC, &()).unwrap_or_default();
            Err(unsortable(items.iter().map(value::type_name_of), descending, refusal))
        }
        Ok(()) => none(desk, ()),
    })
}

fn concat(desk: &mut Desk<'_>, list: ObjectId, args: Args<'_>) -> Outcome {
    let [other] = args.all("__add__", ["value"])?;
    let Node::List(_) = other.node() else {
        let found = other.type_name();
        let why = format!("can only concatenate list (not \"{found}\") to list");
        return Err(TYPE_ERROR.with(why));
    };
    let items = iterable::items(desk, other)?;
    let concat = const { list::method("concat") };
    ask(list, concat, &(items,), |_, items| done(Reply::List(items)))
}

fn multiplied(list: ObjectId, times: i64) -> Outcome {
    ask(list, TO_VEC, &(), move |desk, items: Vec<Payload>| {
        let times = usize::try_from(times).unwrap_or(0);
        let count = items.len().saturating_mul(times);
        let bytes = items.iter().map(|item| item.bytes.len()).sum::<usize>();
        desk.check_answer(count, bytes.saturating_mul(times))?;
        // None of an empty one, however often it is taken.
        done(Reply::List(items.iter().cycle().take(count).cloned().collect()))
    })
}
