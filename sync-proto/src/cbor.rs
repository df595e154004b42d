//! Users' values as CBOR (RFC 8949), written and read by serde.
//!
//! A value in transit is self-describing: a server that has never heard of a user's types can
//! [`normalize`], [`compare`] and [`show`] it, and any language with a CBOR library can read it.
//! Reading is strict: what a type cannot hold exactly is refused, never rounded, cut or guessed.
//!
//! What has no form of its own in CBOR has a tag ([`tag`]): a tuple is not a list, `Some(None)` is
//! not `None`, a set is not a list, and a proxy inside a value is a handle.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

mod de;
mod depth;
mod describe;
mod error;
mod head;
mod kind;
mod normal;
mod number;
mod order;
mod reader;
mod ser;
mod show;
mod sort;
pub mod tag;
mod take;
#[cfg(test)]
mod tests;

pub use depth::MAX_DEPTH;
pub use describe::{describe, opaque_name};
pub use error::{DecodeError, EncodeError};
pub use kind::{Kind, kind};
pub use normal::{Normal, NormalizeError, normalize, normalize_key};
pub use order::{Incomparable, compare};
pub use show::show;
pub(crate) use take::{content_of_bytes, take_bytes};

/// Names the newtype struct that a shared object's handle is written and read as.
///
/// `serialize_newtype_struct(HANDLE, &index)` writes the handle with that index into the payload's
/// list of handles; `deserialize_newtype_struct(HANDLE, visitor)` requires one and gives its index
/// to `visit_newtype_struct`.
pub const HANDLE: &str = "$sync::handle";

/// Names the newtype struct around a sequence that makes it a set.
///
/// A set is equal to another with the same elements in any order. It reads as any sequence does;
/// `deserialize_newtype_struct(SET, visitor)` requires that it is a set.
pub const SET: &str = "$sync::set";

/// Names the newtype struct around bytes that may have been offered to be taken as they are.
pub(crate) const BLOB: &str = "$sync::blob";

/// An encoded value.
#[derive(Debug)]
pub(crate) enum Encoded {
    Cbor(Vec<u8>),
    /// It is a byte string, of which these are the content.
    Bytes(Bytes),
}

/// Encodes a value.
///
/// # Errors
///
/// The value's `Serialize` broke a rule (it announced another number of elements than it gave,
/// or refused by itself), or the value is nested deeper than [`MAX_DEPTH`].
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    Ok(match encode(value)? {
        Encoded::Cbor(bytes) => bytes,
        Encoded::Bytes(content) => of_bytes(&content),
    })
}

/// Encodes a value as [`to_vec`] does; bytes that are all of it, and were offered, are taken as
/// they are.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Encoded, EncodeError> {
    let mut writer = ser::Writer::new();
    value.serialize(&mut writer)?;
    Ok(writer.finish())
}

/// Encodes a byte string.
pub(crate) fn of_bytes(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(head::LONGEST + content.len());
    head::put_bytes(&mut out, content);
    out
}

/// Decodes a value, which must take up all of `bytes`.
///
/// # Errors
///
/// The bytes are not one well-formed value, or the value is not exactly a `T`; the error names what
/// was found and what was expected.
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, DecodeError> {
    let mut reader = reader::Reader::new(bytes);
    let value = T::deserialize(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

/// Checks that `bytes` are one well-formed value that refers to at most `handles` handles.
///
/// # Errors
///
/// The bytes are malformed, go on after the value, nest deeper than [`MAX_DEPTH`], or refer to a
/// handle whose index is `handles` or more.
pub fn validate(bytes: &[u8], handles: usize) -> Result<(), DecodeError> {
    let mut reader = reader::Reader::new(bytes);
    reader.skip(Some(handles))?;
    reader.finish()
}

/// Checks that `bytes` are one well-formed value that nests no deeper than `max` levels, as it is
/// written: references are not followed. A `max` over [`MAX_DEPTH`] counts as [`MAX_DEPTH`].
///
/// # Errors
///
/// The bytes are malformed, go on after the value, or nest deeper.
pub fn check_depth(bytes: &[u8], max: usize) -> Result<(), DecodeError> {
    let mut reader = reader::Reader::new(bytes);
    reader.depth = depth::Depth::of(max);
    reader.skip(None)?;
    reader.finish()
}
