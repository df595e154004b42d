//! Python's values on their way to and from the native wire, and as Python shows them.
//!
//! | Python | on the wire | Rust |
//! |---|---|---|
//! | `None` | null | `()`, `None` |
//! | bool, int, float | bool, integer of any size, float | the same |
//! | str | text | `String` |
//! | str with lone surrogates | tag 39176 around bytes | none: an error |
//! | bytes; bytearray | bytes; tag 64 around bytes | a byte string |
//! | list; tuple | array; tag 39171 around one | `Vec`; tuple |
//! | set; frozenset | tag 258; tag 39175 around an array | a set |
//! | dict | map | map or struct |
//! | a proxy | a handle | a proxy |
//! | anything else | tag 39174 around its recipe | none: an error |
//!
//! A part that is in a value more than once goes once and is then referred to (tags 28 and 29), so
//! that it is one thing again where it comes out. Rust's enums come to Python as they are encoded:
//! a variant as its name, one with content as a dict of one entry.

use sync_proto::{ErrorKind, Handle, Payload, Refusal};

use super::pickle::{Graph, NodeId, Proxy, Token};

mod hash;
mod names;
mod pack;
mod parts;
mod recipe;
mod repr;
#[cfg(test)]
mod tests;
mod unpack;

pub use hash::unhashable;
pub(crate) use hash::unhashable_beside;
pub use names::{type_name, type_name_of};
pub use pack::{to_payload, to_payload_within};
pub use parts::{alone, is_plain, nearest_float, plain, two, unhashable_payload, whole};
pub(crate) use parts::{class_of, count, picked, tuple};
pub use repr::{ReprError, repr, repr_of_float, repr_of_str};
pub(crate) use unpack::Place;
pub use unpack::{from_payload, key_from_payload};

/// Finds the objects that proxies stand for.
pub trait Resolve {
    /// Returns the object that a proxy in a value stands for; nothing if it is another manager's,
    /// so that the proxy is kept as it came.
    ///
    /// # Errors
    ///
    /// There is no such object any more.
    fn resolve(&mut self, proxy: Proxy<'_>, token: Token<'_>) -> Result<Option<Handle>, Refusal>;
}

/// Makes proxies for objects.
pub trait Present {
    /// Adds the proxy that a client is to see for an object in a value.
    ///
    /// # Errors
    ///
    /// No such client has a proxy for it.
    fn present(&mut self, graph: &mut Graph, handle: &Handle) -> Result<NodeId, Refusal>;
}

/// Returns how Python shows a value that is on the wire.
///
/// # Errors
///
/// The value is none that Python could have, or it has an integer that is too long to be shown.
pub fn repr_payload(payload: &Payload, present: &mut impl Present) -> Result<String, Refusal> {
    let mut out = String::new();
    repr_payload_onto(payload, Place::Anywhere, present, &mut out, repr::MOST_BYTES)?;
    Ok(out)
}

/// Appends what Python shows of a value that is on the wire to a text, which has at most `most`
/// bytes then. In a key or a set, a list is the tuple that Python has there.
///
/// # Errors
///
/// As [`repr_payload`]; [`ErrorKind::TooLarge`] when the text is longer: its beginning is there.
pub(crate) fn repr_payload_onto(
    payload: &Payload,
    place: Place,
    present: &mut impl Present,
    out: &mut String,
    most: usize,
) -> Result<(), Refusal> {
    let mut graph = Graph::new();
    let root = unpack::read(payload, place, &mut graph, present)?;
    repr::append(&graph, root, out, most).map_err(|error| {
        let kind = match error {
            ReprError::LongInteger => ErrorKind::InvalidInput,
            ReprError::TooLong => ErrorKind::TooLarge,
        };
        Refusal::new(kind, error.to_string())
    })
}
