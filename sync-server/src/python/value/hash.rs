//! What Python has a hash for, and so can be a key or in a set.

use std::collections::HashSet;

use super::type_name;
use crate::python::pickle::{Graph, Node, NodeId};

/// Returns the class of the part for which a value has no hash, if there is one.
///
/// An object of a user's class counts as one that has a hash: its recipe does not tell.
pub fn unhashable(graph: &Graph, id: NodeId) -> Option<String> {
    unhashable_beside(graph, id, &mut HashSet::new())
}

/// As [`unhashable`], beside tuples that were looked at already: parts may be shared so often that
/// looking at each again would never end.
pub(crate) fn unhashable_beside(
    graph: &Graph,
    id: NodeId,
    seen: &mut HashSet<NodeId>,
) -> Option<String> {
    let mut left = vec![id];
    while let Some(id) = left.pop() {
        match graph.get(id) {
            Node::List(_) | Node::Dict(_) | Node::Set(_) | Node::ByteArray(_) => {
                return Some(type_name(graph, id));
            }
            Node::Object(_) if is_container(graph, id) => return Some(type_name(graph, id)),
            // What is in a frozenset was found to have a hash when it came there.
            Node::Tuple(items) if seen.insert(id) => left.extend(items),
            _ => {}
        }
    }
    None
}

/// Tells whether an object is one of the standard library's containers that can change.
fn is_container(graph: &Graph, id: NodeId) -> bool {
    matches!(
        graph.maker(id),
        Some(
            (
                "collections",
                "ChainMap"
                    | "Counter"
                    | "OrderedDict"
                    | "UserDict"
                    | "UserList"
                    | "defaultdict"
                    | "deque"
            ) | ("array", "array" | "_array_reconstructor")
        )
    )
}
