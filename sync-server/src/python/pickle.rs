//! Pickles read and written as data: nothing is imported, looked up or called.
//!
//! [`read`] turns any pickle of protocols 0 to 5 into a [`Graph`] of plain values. What is not
//! plain (an instance of a class, a function) is kept as the recipe that the pickle gave for it,
//! and [`write()`] gives the recipe back. Shared references and cycles survive, because a value's
//! parts are indices into the graph; nothing here recurses, however deep the values nest.
//!
//! A pickle that was made under protocol 2 or less names things as Python 2 did; the names are
//! read as those of Python 3, since a pickle of protocol 4 is what goes out.

use thiserror::Error;

mod build;
mod graph;
mod known;
mod opcode;
mod reader;
mod renames;
#[cfg(test)]
mod tests;
mod text;
mod writer;

pub use build::Proxy;
pub use graph::{Global, Graph, Make, Node, NodeId, Object, Step};
pub use known::{Contents, Iteration, Token};
pub use num_bigint::BigInt;
pub use reader::read;
pub use text::Wide;
pub use writer::write;

/// How much a pickle may make of itself.
///
/// Its bytes are bounded by whoever received them; these bound what a byte can grow to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most values that are kept; each takes some 40 bytes beside its content.
    pub values: usize,
    /// The most bytes that a reference to a value may stand for in a container; four bytes each.
    pub references: usize,
    /// The most bytes that calls and names may copy out of other values, which are recalled in a
    /// few bytes; as many as the pickle has itself in any case.
    pub copied: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { values: 1 << 23, references: 1 << 25, copied: 1 << 26 }
    }
}

/// Returns the protocol that a pickle begins with; 0 where it names none.
pub fn protocol(bytes: &[u8]) -> u8 {
    match bytes {
        [opcode::PROTO, protocol, ..] => *protocol,
        _ => 0,
    }
}

/// Says why bytes are not a pickle that can be kept as data, or a graph not one to be written.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PickleError {
    /// The bytes are no sound pickle.
    #[error("the pickle is malformed at byte {offset}: {what}")]
    Malformed {
        /// Where.
        offset: usize,
        /// What is wrong with it.
        what: String,
    },
    /// The pickle asks for what a manager that only keeps data cannot do.
    #[error("the pickle cannot be kept as data: {what}")]
    Refused {
        /// What it asks for.
        what: &'static str,
    },
    /// The pickle is larger than the limits allow.
    #[error("the pickle has too many {what}: at most {limit} are accepted")]
    TooLarge {
        /// What there are too many of.
        what: &'static str,
        /// How many are taken.
        limit: usize,
    },
    /// A tuple or the arguments of an object contain themselves over and over.
    #[error("the value contains itself in a way that no pickle of reasonable size can express")]
    Entangled,
}
