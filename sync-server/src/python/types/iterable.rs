//! What Python iterates over in the manager: a plain value's items, or a shared object's.

use sync_objects::{DictPage, DictPart, SetPage, array, dict, list, set};
use sync_proto::{Handle, Payload, Refusal};

use crate::python::args::Arg;
use crate::python::desk::Desk;
use crate::python::exceptions::{Raise, TYPE_ERROR, VALUE_ERROR};
use crate::python::pickle::{Contents, Node, NodeId};
use crate::python::value;

mod lazy;

/// Returns what iterating over a value gives.
pub(super) fn items(desk: &mut Desk<'_>, arg: Arg<'_>) -> Result<Vec<Payload>, Raise> {
    if let Some(proxy) = arg.proxy(desk) {
        return shared(desk, &proxy?);
    }
    let each = |ids: &[NodeId]| ids.iter().map(|&id| arg.part(id).payload(desk)).collect();
    if let text @ (Node::Str(_) | Node::WideStr(_) | Node::Bytes(_) | Node::ByteArray(_)) =
        arg.node()
    {
        desk.charge(text.length().unwrap_or(0), 0)?;
    }
    match arg.node() {
        Node::Tuple(items) | Node::List(items) | Node::Set(items) | Node::FrozenSet(items) => {
            each(items)
        }
        Node::Dict(entries) => each(&entries.iter().map(|&(key, _)| key).collect::<Vec<_>>()),
        Node::Str(text) => text.chars().map(|c| Ok(Payload::pack(&c)?)).collect(),
        Node::WideStr(text) => {
            text.characters().map(|character| Ok(value::alone(character)?)).collect()
        }
        Node::Bytes(bytes) | Node::ByteArray(bytes) => {
            bytes.iter().map(|byte| Ok(Payload::pack(byte)?)).collect()
        }
        _ if arg.is_scalar() => {
            let found = arg.type_name();
            Err(TYPE_ERROR.with(format!("'{found}' object is not iterable")))
        }
        _ => match (arg.graph.contents(arg.id), arg.graph.call(arg.id)) {
            (Some(Contents::Items(items)), _) => each(&items),
            (Some(Contents::Entries(entries)), _) => {
                each(&entries.iter().map(|&(key, _)| key).collect::<Vec<_>>())
            }
            (Some(Contents::Numbers(typecode, bytes)), _) => {
                elements(desk, typecode, bytes).unwrap_or_else(|| Err(unknown(arg)))
            }
            (None, Some((("builtins", "range"), &[start, stop, step]))) => {
                let [start, stop, step] = [start, stop, step].map(|id| arg.part(id).integer());
                range(desk, start?, stop?, step?)
            }
            (None, _) => lazy::rest(desk, arg),
        },
    }
}

/// Returns the elements of an `array.array`, which come in the byte order and sizes of the client's
/// machine: it is taken for a 64-bit one with the least byte first, as shared arrays are kept.
pub(super) fn elements(
    desk: &Desk<'_>,
    typecode: &str,
    bytes: &[u8],
) -> Option<Result<Vec<Payload>, Raise>> {
    macro_rules! read {
        ($number:ty) => {
            read!($number, $number)
        };
        ($number:ty, $python:ty) => {{
            let (chunks, rest) = bytes.as_chunks::<{ size_of::<$number>() }>();
            let pack =
                |chunk: &_| Ok(Payload::pack(&<$python>::from(<$number>::from_le_bytes(*chunk)))?);
            rest.is_empty().then(|| {
                desk.charge(chunks.len(), 0)?;
                chunks.iter().map(pack).collect()
            })
        }};
    }
    match typecode {
        "b" => read!(i8),
        "B" => read!(u8),
        "h" => read!(i16),
        "H" => read!(u16),
        "i" => read!(i32),
        "I" => read!(u32),
        "l" | "q" => read!(i64),
        "L" | "Q" => read!(u64),
        "f" => read!(f32, f64),
        "d" => read!(f64),
        "u" | "w" => {
            let (chunks, rest) = bytes.as_chunks();
            let character = |chunk: &_| char::from_u32(u32::from_le_bytes(*chunk));
            let characters: Option<Vec<char>> = chunks.iter().map(character).collect();
            let characters = characters.filter(|_| rest.is_empty())?;
            Some(desk.charge(characters.len(), 0).map_err(Raise::from).and_then(|()| {
                characters.iter().map(|character| Ok(Payload::pack(character)?)).collect()
            }))
        }
        _ => None,
    }
}

/// Returns the items of something that is iterated over as keys are: each must have a hash.
pub(super) fn hashable_items(desk: &mut Desk<'_>, arg: Arg<'_>) -> Result<Vec<Payload>, Raise> {
    let contents = arg.graph.contents(arg.id);
    let ids = match (arg.node(), &contents) {
        (Node::List(ids) | Node::Tuple(ids), _) | (_, Some(Contents::Items(ids))) => &ids[..],
        _ => &[],
    };
    for &item in ids {
        arg.part(item).hashable(desk)?;
    }
    let items = items(desk, arg)?;
    // Those of a shared list, or of an iterator, are seen only now.
    if matches!((arg.node(), contents), (Node::Object(_), None)) {
        desk.charge_parts(&items)?;
        items.iter().try_for_each(hashable)?;
    }
    Ok(items)
}

/// Refuses a value that Python has no hash for.
fn hashable(value: &Payload) -> Result<(), Raise> {
    match value::unhashable_payload(value) {
        Some(found) => Err(TYPE_ERROR.with(format!("unhashable type: '{found}'"))),
        None => Ok(()),
    }
}

fn unknown(arg: Arg<'_>) -> Raise {
    let found = arg.type_name();
    TYPE_ERROR.with(format!(
        "this manager runs no Python code and cannot iterate over a '{found}': make a list of it \
         first"
    ))
}

fn range(desk: &Desk<'_>, start: i64, stop: i64, step: i64) -> Result<Vec<Payload>, Raise> {
    let mut items = Vec::new();
    let mut at = start;
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        desk.charge(1, 0)?;
        items.push(Payload::pack(&at)?);
        let Some(next) = at.checked_add(step) else { break };
        at = next;
    }
    Ok(items)
}

/// Returns what iterating over a shared object gives.
fn shared(desk: &mut Desk<'_>, proxy: &Handle) -> Result<Vec<Payload>, Raise> {
    let (object, interface) = (proxy.object(), proxy.interface());
    let items = if interface == list::INTERFACE.fingerprint {
        desk.ask(object, const { list::method("to_vec") }, &())?
    } else if interface == dict::INTERFACE.fingerprint {
        page(desk, proxy, DictPart::Keys)?.keys
    } else if interface == set::INTERFACE.fingerprint {
        let (none, page): (Option<u64>, _) = (None, const { set::method("page") });
        desk.ask::<SetPage>(object, page, &(none, none, u64::MAX))?.members
    } else if interface == array::INTERFACE.fingerprint {
        return super::array::items(desk, object);
    } else {
        return Err(TYPE_ERROR.with("the shared object is not iterable"));
    };
    charge(desk, &items)?;
    Ok(items)
}

/// Counts what came of a shared object.
fn charge(desk: &Desk<'_>, items: &[Payload]) -> Result<(), Refusal> {
    desk.charge(items.len(), items.iter().map(|item| item.bytes.len()).sum())
}

/// Returns all of a shared dict.
fn page(desk: &mut Desk<'_>, dict: &Handle, part: DictPart) -> Result<DictPage, Raise> {
    let none: Option<u64> = None;
    let args = (part, false, none, none, u64::MAX);
    Ok(desk.ask(dict.object(), const { dict::method("page") }, &args)?)
}

/// Returns the entries of a mapping, or of an iterable of pairs, as `dict` takes them.
pub(super) fn entries(desk: &mut Desk<'_>, arg: Arg<'_>) -> Result<Vec<(Payload, Payload)>, Raise> {
    if let Some(proxy) = arg.proxy(desk) {
        let proxy = proxy?;
        if proxy.interface() == dict::INTERFACE.fingerprint {
            let page = page(desk, &proxy, DictPart::Items)?;
            charge(desk, &page.keys)?;
            charge(desk, &page.values)?;
            return Ok(page.keys.into_iter().zip(page.values).collect());
        }
        let elements = shared(desk, &proxy)?;
        return pairs_of(desk, &elements);
    }
    let mut pairs = |elements: &[NodeId]| {
        elements.iter().enumerate().map(|(at, &id)| element(desk, at, arg.part(id))).collect()
    };
    match arg.node() {
        Node::Dict(entries) => entries
            .iter()
            .map(|&(key, value)| key_and_value(desk, arg.part(key), arg.part(value)))
            .collect(),
        Node::List(elements)
        | Node::Tuple(elements)
        | Node::Set(elements)
        | Node::FrozenSet(elements) => pairs(elements),
        Node::Object(_) => match arg.graph.contents(arg.id) {
            Some(Contents::Entries(entries)) => entries
                .iter()
                .map(|&(key, value)| key_and_value(desk, arg.part(key), arg.part(value)))
                .collect(),
            Some(Contents::Items(elements)) => pairs(&elements),
            _ => pairs_of_items(desk, arg),
        },
        _ => pairs_of_items(desk, arg),
    }
}

fn pairs_of_items(desk: &mut Desk<'_>, arg: Arg<'_>) -> Result<Vec<(Payload, Payload)>, Raise> {
    let elements = items(desk, arg)?;
    pairs_of(desk, &elements)
}

fn pairs_of(desk: &Desk<'_>, elements: &[Payload]) -> Result<Vec<(Payload, Payload)>, Raise> {
    desk.charge_parts(elements)?;
    elements.iter().enumerate().map(|(at, of)| pair(at, value::two(of))).collect()
}

fn key_and_value(
    desk: &Desk<'_>,
    key: Arg<'_>,
    value: Arg<'_>,
) -> Result<(Payload, Payload), Raise> {
    Ok((key.hashable(desk)?.payload(desk)?, value.payload(desk)?))
}

/// Takes an element of what a dict is updated with apart: whatever gives two items.
fn element(desk: &mut Desk<'_>, at: usize, arg: Arg<'_>) -> Result<(Payload, Payload), Raise> {
    match arg.node() {
        Node::Tuple(pair) | Node::List(pair) if pair.len() == 2 => {
            key_and_value(desk, arg.part(pair[0]), arg.part(pair[1]))
        }
        _ if arg.is_scalar() => pair(at, None),
        node => match node.length() {
            Some(length) if length != 2 => pair(at, Some(Err(length))),
            _ => {
                let items = <[Payload; 2]>::try_from(items(desk, arg)?);
                pair(at, Some(items.map_err(|items| items.len())))
            }
        },
    }
}

/// Returns an element's key and value out of its two items, with the errors of `dict`.
fn pair(
    at: usize,
    items: Option<Result<[Payload; 2], usize>>,
) -> Result<(Payload, Payload), Raise> {
    let what = "dictionary update sequence element";
    let items = items
        .ok_or_else(|| TYPE_ERROR.with(format!("cannot convert {what} #{at} to a sequence")))?;
    let [key, value] = items.map_err(|length| {
        VALUE_ERROR.with(format!("{what} #{at} has length {length}; 2 is required"))
    })?;
    hashable(&key)?;
    Ok((key, value))
}
