//! What crosses a socket between a manager of shared objects and its clients. No I/O.
//!
//! * [`frame`] cuts messages out of a stream of bytes, [`message`] defines them, [`handshake`] how
//!   a connection begins, [`secure`] how it is encrypted with a key.
//! * [`Data`] is what a call carries: postcard-encoded arguments, and beside them the users'
//!   values ([`Payload`], written in [`cbor`]) and the [`Handle`]s on other objects.
//! * [`Interface`] names an object type; a [`Remote`] calls one through a [`Transport`].
//! * [`Error`] is the one vocabulary for everything that can go wrong.

pub mod address;
mod auth_key;
mod blob;
pub mod cbor;
mod data;
mod error;
pub mod frame;
mod handle;
pub mod handshake;
mod id;
mod interface;
mod introductions;
pub mod message;
mod meter;
mod payload;
mod pipeline;
mod remote;
pub mod secure;
mod small_bytes;
mod spin;
pub mod version;

pub use address::Address;
pub use auth_key::{AuthKey, KEY_FILE_MAX, KEY_MIN};
pub use blob::Blob;
pub use data::{Args, Data};
pub use error::{Error, ErrorKind, Refusal};
pub use handle::{Call, Handle, Keeper, Place, Transport, WeakHandle};
pub use id::{
    CallId, Epoch, ManagerId, MethodId, ObjectId, OneWayId, SessionId, SessionToken, ThreadId,
    Token,
};
pub use interface::{Fingerprint, Interface};
pub use introductions::Introductions;
pub use meter::{Charge, Meter};
pub use payload::{Encoding, Packed, Payload};
pub use pipeline::{Pending, Pipe, Pipeline};
pub use remote::{Remote, Shared};
pub use small_bytes::SmallBytes;
pub use spin::Spin;
