//! What reading and writing a value can fail with.

use std::fmt::Display;

use serde::de::{Expected, Unexpected};
use serde::{de, ser};
use thiserror::Error;

use super::describe::{quoted, shortest_float};

/// Says why bytes are not the value that was wanted.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct DecodeError {
    message: String,
}

impl DecodeError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }

    /// Says that the bytes stop inside a value.
    pub(super) fn cut() -> Self {
        Self::new("the encoded value ends too early")
    }

    /// Says that the bytes at a position are not CBOR, or not a sound use of our tags.
    pub(super) fn malformed(position: usize, what: impl Display) -> Self {
        Self::new(format!("the encoded value is malformed at byte {position}: {what}"))
    }

    /// Says that one thing was found where another was wanted.
    pub(super) fn mismatch(found: impl Display, wanted: impl Display) -> Self {
        Self::new(format!("found {found} where {wanted} was expected"))
    }
}

impl de::Error for DecodeError {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::mismatch(phrase(found), wanted)
    }

    fn invalid_value(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::mismatch(phrase(found), wanted)
    }

    fn invalid_length(found: usize, wanted: &dyn Expected) -> Self {
        Self::mismatch(format_args!("{found} elements"), wanted)
    }

    fn unknown_variant(found: &str, known: &'static [&'static str]) -> Self {
        Self::mismatch(format_args!("variant {}", quoted(found)), one_of(known, "variant"))
    }

    fn unknown_field(found: &str, known: &'static [&'static str]) -> Self {
        Self::mismatch(format_args!("field {}", quoted(found)), one_of(known, "field"))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("found no field `{field}` in the map"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(format!("found field `{field}` twice in the map"))
    }
}

/// Says why a value cannot be written.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct EncodeError {
    message: String,
}

impl EncodeError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl ser::Error for EncodeError {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
}

/// Names what serde found in the words that [`super::describe()`] has for it.
fn phrase(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => format!("bool {value}"),
        Unexpected::Unsigned(value) => format!("integer {value}"),
        Unexpected::Signed(value) => format!("integer {value}"),
        Unexpected::Float(value) => format!("float {}", shortest_float(value)),
        Unexpected::Char(value) => format!("string {}", quoted(value.encode_utf8(&mut [0; 4]))),
        Unexpected::Str(value) => format!("string {}", quoted(value)),
        Unexpected::Bytes(value) => format!("bytes of {}", value.len()),
        Unexpected::Unit => "null".to_owned(),
        Unexpected::Option => "an option in an option".to_owned(),
        // Only a handle is shown to a visitor as a newtype struct when it asked for another thing.
        Unexpected::NewtypeStruct => FOUND_HANDLE.to_owned(),
        Unexpected::Seq => "list".to_owned(),
        Unexpected::Map => "map".to_owned(),
        other => other.to_string(),
    }
}

/// What an error calls a handle; its index would tell a user nothing.
pub(super) const FOUND_HANDLE: &str = "a shared object's handle";

fn one_of(known: &[&str], what: &str) -> String {
    match known {
        [] => format!("no {what}"),
        _ => format!("one of `{}`", known.join("`, `")),
    }
}
