//! What `operator.itemgetter` takes out of an item, as Python's subscripts do.

use sync_proto::Payload;

use crate::python::args::Arg;
use crate::python::exceptions::{INDEX_ERROR, KEY_ERROR, NOT_IMPLEMENTED_ERROR, Raise, TYPE_ERROR};
use crate::python::pickle::{Graph, Node, NodeId};
use crate::python::value;

/// The most subscripts: a dict is searched for each of them.
const SUBSCRIPTS_MAX: usize = 64;

/// An `operator.itemgetter`.
#[derive(Clone, Debug)]
pub(in crate::python::types) struct ItemGetter {
    /// Integers and texts.
    subscripts: Vec<Node>,
}

impl ItemGetter {
    /// Takes one that a program has sent, if the manager knows what to do with it.
    pub(super) fn of(arg: Arg<'_>) -> Option<Self> {
        let (("operator", "itemgetter"), ids) = arg.graph.call(arg.id)? else { return None };
        if !(1..=SUBSCRIPTS_MAX).contains(&ids.len()) {
            return None;
        }
        let subscript = |&id: &NodeId| match arg.graph.get(id) {
            known @ (Node::Bool(_) | Node::Int(_) | Node::BigInt(_) | Node::Str(_)) => {
                Some(known.clone())
            }
            _ => None,
        };
        Some(Self { subscripts: ids.iter().map(subscript).collect::<Option<_>>()? })
    }

    /// Returns what it takes out of an item, and whether that is in an order with others of its
    /// class.
    pub(super) fn key(&self, item: &Payload) -> Result<(Payload, bool), Raise> {
        let mut has_order = true;
        let key = value::picked(item, |graph, item| {
            let mut parts = Vec::with_capacity(self.subscripts.len());
            for subscript in &self.subscripts {
                parts.push(part(graph, item, subscript)?);
            }
            match parts[..] {
                [one] => {
                    has_order = is_ordered(graph.get(one));
                    Ok(one)
                }
                _ => Ok(graph.push(Node::Tuple(parts))),
            }
        });
        key.map(|key| (key, has_order))
    }
}

/// Returns whether values of its class have an order: two that are equal show it no other way.
fn is_ordered(node: &Node) -> bool {
    use Node::{BigInt, Bool, ByteArray, Bytes, Float, Int, List, Str, Tuple, WideStr};
    matches!(
        node,
        Bool(_)
            | Int(_)
            | BigInt(_)
            | Float(_)
            | Str(_)
            | WideStr(_)
            | Bytes(_)
            | ByteArray(_)
            | List(_)
            | Tuple(_)
    )
}

/// Returns `item[subscript]`.
fn part(graph: &mut Graph, item: NodeId, subscript: &Node) -> Result<NodeId, Raise> {
    let made = match graph.get(item) {
        Node::Tuple(items) => {
            let words = ("tuple index out of range", "tuple indices must be integers or slices");
            return at(subscript, items.len(), words).map(|at| items[at]);
        }
        Node::List(items) => {
            let words = ("list index out of range", "list indices must be integers or slices");
            return at(subscript, items.len(), words).map(|at| items[at]);
        }
        Node::Dict(entries) => {
            let found = entries.iter().find(|(key, _)| is_same_key(graph.get(*key), subscript));
            return match found {
                Some(&(_, value)) => Ok(value),
                None => Err(KEY_ERROR.of(value::alone(subscript.clone())?)),
            };
        }
        Node::Bytes(bytes) => {
            let words = ("index out of range", "byte indices must be integers or slices");
            Node::Int(bytes[at(subscript, bytes.len(), words)?].into())
        }
        Node::ByteArray(bytes) => {
            let words =
                ("bytearray index out of range", "bytearray indices must be integers or slices");
            Node::Int(bytes[at(subscript, bytes.len(), words)?].into())
        }
        Node::Str(text) => {
            if let Node::Str(_) = subscript {
                return Err(TYPE_ERROR.with("string indices must be integers, not 'str'"));
            }
            let words = ("string index out of range", "");
            let at = at(subscript, text.chars().count(), words)?;
            Node::Str(text.chars().skip(at).take(1).collect())
        }
        Node::WideStr(_) | Node::Object(_) | Node::Global(_) => {
            let found = value::type_name(graph, item);
            let why = format!("this manager runs no Python code and has no item of a '{found}'");
            return Err(NOT_IMPLEMENTED_ERROR.with(why));
        }
        _ => {
            let found = value::type_name(graph, item);
            return Err(TYPE_ERROR.with(format!("'{found}' object is not subscriptable")));
        }
    };
    Ok(graph.push(made))
}

/// Returns the place that a subscript names in a sequence of this length; the words are Python's
/// for one that is out of range, and for what is no index.
fn at(
    subscript: &Node,
    length: usize,
    (out_of_range, wrong): (&str, &str),
) -> Result<usize, Raise> {
    let index = match subscript {
        Node::Bool(truth) => i64::from(*truth),
        Node::Int(number) => *number,
        Node::BigInt(_) => {
            return Err(INDEX_ERROR.with("cannot fit 'int' into an index-sized integer"));
        }
        _ => return Err(TYPE_ERROR.with(format!("{wrong}, not str"))),
    };
    let from_start = if index < 0 { index.saturating_add_unsigned(length as u64) } else { index };
    let place = usize::try_from(from_start).ok().filter(|place| *place < length);
    place.ok_or_else(|| INDEX_ERROR.with(out_of_range))
}

/// Returns whether a dict has its value for a key where it is asked for a subscript.
fn is_same_key(key: &Node, subscript: &Node) -> bool {
    match (key, subscript) {
        (Node::Str(key), Node::Str(wanted)) => key == wanted,
        (Node::Int(key), Node::Int(wanted)) => key == wanted,
        (Node::Float(key), wanted) => {
            // A whole one is written as the integer that it equals.
            let whole = (key.fract() == 0.0).then(|| format!("{key:.0}").parse().ok()).flatten();
            whole.is_some() && value::whole(wanted.clone()) == whole
        }
        (Node::Bool(_) | Node::Int(_) | Node::BigInt(_), wanted) => {
            let wanted = value::whole(wanted.clone());
            wanted.is_some() && value::whole(key.clone()) == wanted
        }
        _ => false,
    }
}
