//! What encoded values are made of.

use std::borrow::Cow;

use crate::cbor::number::Integer;

/// What stands next in the bytes: a whole leaf, or the head of what contains further items.
#[derive(Debug)]
pub(in crate::cbor) enum Item<'b> {
    Null,
    Undefined,
    Bool(bool),
    /// One of CBOR's unassigned simple values.
    Simple(u8),
    Integer(Integer<'b>),
    Float(f64),
    Bytes(Cow<'b, [u8]>),
    Text(Cow<'b, str>),
    /// A text with lone surrogates, in generalized UTF-8.
    WideText(Cow<'b, [u8]>),
    Array(Form, Left),
    Map(Left),
    /// A handle and its index.
    Handle(u64),
    /// The number of a shared value, which is here once more; see [`super::Reader::follow`].
    Reference(u64),
    /// The tag of a nested `Some`; its content follows.
    Some,
    /// Any other tag; its content follows.
    Tag(u64),
}

/// What kind of sequence an array is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cbor) enum Form {
    List,
    Tuple,
    Set,
    FrozenSet,
    /// The recipe of a value that has no form here.
    Opaque,
}

/// How many elements or entries are still to come; without a number, all up to a break.
#[derive(Clone, Copy, Debug)]
pub(in crate::cbor) struct Left(pub(in crate::cbor) Option<u64>);
