//! The kinds that encoded values come in.

use std::fmt;

use super::reader::{Form, Item, Reader};

/// Tells what kind of value some bytes hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// `None` or `()`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A whole number of any size.
    Integer,
    /// A number with a fraction, an infinity or not a number.
    Float,
    /// A string or character.
    Text,
    /// A string with lone surrogates, which Rust has no type for.
    WideText,
    /// A byte string.
    Bytes,
    /// A sequence.
    List,
    /// A tuple, array or tuple struct.
    Tuple,
    /// A sequence without an order.
    Set,
    /// A map, a struct or a variant with content.
    Map,
    /// A shared object's handle.
    Handle,
    /// The recipe of a value that only the language it came from can make.
    Opaque,
    /// A `Some` whose content is `None` or such a `Some`.
    Nested,
    /// A value with a tag that is not ours.
    Tagged,
    /// CBOR's undefined or an unassigned simple value; serde writes none.
    Simple,
    /// Bytes that begin no value.
    Malformed,
}

/// Tells the kind of an encoded value from its beginning.
pub fn kind(bytes: &[u8]) -> Kind {
    Reader::new(bytes).item().map_or(Kind::Malformed, |item| item.kind())
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Text => "string",
            Self::WideText => "string with lone surrogates",
            Self::Bytes => "bytes",
            Self::List => "list",
            Self::Tuple => "tuple",
            Self::Set => "set",
            Self::Map => "map",
            Self::Handle => "handle",
            Self::Opaque => "opaque value",
            Self::Nested => "nested option",
            Self::Tagged => "tagged value",
            Self::Simple => "simple value",
            Self::Malformed => "malformed bytes",
        })
    }
}

impl Item<'_> {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Item::Null => Kind::Null,
            Item::Bool(_) => Kind::Bool,
            Item::Integer(_) => Kind::Integer,
            Item::Float(_) => Kind::Float,
            Item::Text(_) => Kind::Text,
            Item::WideText(_) => Kind::WideText,
            Item::Bytes(_) => Kind::Bytes,
            Item::Array(Form::List, _) => Kind::List,
            Item::Array(Form::Tuple, _) => Kind::Tuple,
            Item::Array(Form::Set | Form::FrozenSet, _) => Kind::Set,
            Item::Array(Form::Opaque, _) => Kind::Opaque,
            Item::Map(_) => Kind::Map,
            Item::Handle(_) => Kind::Handle,
            Item::Some => Kind::Nested,
            Item::Tag(_) | Item::Reference(_) => Kind::Tagged,
            Item::Undefined | Item::Simple(_) => Kind::Simple,
        }
    }
}
