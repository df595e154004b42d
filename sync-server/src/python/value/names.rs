//! What Python calls the classes of values.

use sync_proto::Payload;
use sync_proto::cbor::{self, Kind};

use crate::python::pickle::{Graph, Node, NodeId};

/// Returns the name of a value's class, as error messages have it.
pub fn type_name(graph: &Graph, id: NodeId) -> String {
    let name = match graph.get(id) {
        Node::None => "NoneType",
        Node::Bool(_) => "bool",
        Node::Int(_) | Node::BigInt(_) => "int",
        Node::Float(_) => "float",
        Node::Str(_) | Node::WideStr(_) => "str",
        Node::Bytes(_) => "bytes",
        Node::ByteArray(_) => "bytearray",
        Node::Tuple(_) => "tuple",
        Node::List(_) => "list",
        Node::Dict(_) => "dict",
        Node::Set(_) => "set",
        Node::FrozenSet(_) => "frozenset",
        Node::Global(global) => match (&*global.module, &*global.name) {
            ("builtins", "Ellipsis") => "ellipsis",
            ("builtins", "NotImplemented") => "NotImplementedType",
            // A class or a function: the recipe does not say which.
            _ => "type",
        },
        Node::Object(_) => match (graph.proxy(id), graph.maker(id)) {
            (Some(proxy), _) => {
                graph.global(proxy.func).map_or("object", |(_, name)| last_of(name))
            }
            // Of the classes that are written in C, the name has the module in it.
            (None, Some(("collections", "OrderedDict"))) => "collections.OrderedDict",
            (None, Some(("collections", "defaultdict"))) => "collections.defaultdict",
            (None, Some(("collections", "deque"))) => "collections.deque",
            (None, Some(("array", _))) => "array.array",
            (None, Some((_, name))) => last_of(name),
            (None, None) => "object",
        },
    };
    name.to_owned()
}

/// Returns the name of the class that a value on the wire has in Python.
pub fn type_name_of(payload: &Payload) -> String {
    let name = match payload.kind() {
        Kind::Null => "NoneType",
        Kind::Bool => "bool",
        Kind::Integer => "int",
        Kind::Float => "float",
        Kind::Text | Kind::WideText => "str",
        Kind::Bytes => "bytes",
        Kind::List => "list",
        Kind::Tuple => "tuple",
        Kind::Set => "set",
        Kind::Map => "dict",
        Kind::Opaque => match cbor::opaque_name(&payload.bytes) {
            Some(name) => return last_of(&name).to_owned(),
            None => "object",
        },
        _ => "object",
    };
    name.to_owned()
}

/// The name of a nested class without those around it.
fn last_of(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
