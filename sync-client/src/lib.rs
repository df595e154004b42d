//! Objects shared between processes: the client of a manager of shared objects.
//!
//! A manager hosts the objects; a [`Manager`] is the client's handle on it. It creates objects and
//! finds them by name. Each object is used through a typed proxy that reads like `std::sync` and
//! `std::collections`:
//!
//! | proxy | what |
//! |---|---|
//! | [`Lock`], [`RLock`] | one holder at a time; the second may take it again |
//! | [`Condition`] | to wait, with a lock, until something is true |
//! | [`Semaphore`] | a number of permits |
//! | [`Event`] | a flag to wait for |
//! | [`Barrier`] | a number of parties that wait for each other |
//! | [`Queue`] | items, each for one consumer; leased ones come back if their consumer dies |
//! | [`Value`] | one value; numbers have arithmetic |
//! | [`Dict`], [`List`], [`Set`] | collections, with updates in line |
//! | [`Array`] | numbers or characters of one type, packed, a fixed length |
//! | [`Namespace`] | named values, each of its own type |
//! | [`custom_types`] | how to make one of your own |
//!
//! If you know Python's `SyncManager`, [`coming_from_python`] shows where everything in it is here.
//!
//! ```
//! use sync_client::Manager;
//! # use sync_server::Server;
//!
//! # fn main() -> Result<(), sync_client::Error> {
//! # let server = Server::builder().spawn()?;
//! # let address = server.address();
//! let manager = Manager::connect(address)?; // or Manager::from_env(), or Manager::over(…)
//! let stock = manager.named("stock").create_dict::<String, u64>()?; // get or create
//! stock.add("apples", 3)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Conventions
//!
//! * **One `Result`.** `Err` means that the call could not be carried out; [`Error::kind`] says why
//!   in a word and its text in a sentence. `# Errors` lists what a call fails with for reasons of
//!   its own. Every call can also fail with [`ErrorKind::Disconnected`] when the manager is gone or
//!   the session is over, likewise [`ErrorKind::ShuttingDown`] and [`ErrorKind::Unresponsive`];
//!   [`ErrorKind::Io`] when no further connection can be opened; [`ErrorKind::TimedOut`] where a
//!   deadline was set with `within`; [`ErrorKind::InvalidInput`] when a value can't be encoded or
//!   holds a proxy of another manager; [`ErrorKind::TooLarge`] when a request or its answer does
//!   not fit into one message; [`ErrorKind::OutOfMemory`] and [`ErrorKind::LimitReached`] at the
//!   manager's limits; and [`ErrorKind::Broken`] when the object's own code panicked.
//! * **Two kinds of timeout.** `try_lock_for(d)` and similar methods *return normally* when the
//!   time is up. `proxy.within(d)` gives every call of that clone a deadline and *fails* with
//!   [`ErrorKind::TimedOut`]. The manager's clock measures both.
//! * **Guards, permits and deliveries own their proxy**: they have no lifetime and can be stored.
//!   Dropping one gives back what it holds by a message, without waiting; `unlock`, `release` and
//!   `ack` wait and report errors.
//! * **Values go in by reference and come out as copies.** Reading a value as another type than it
//!   has is an error, and the value stays where it was. Where a `&Q` is taken for a `T: Borrow<Q>`,
//!   both must also be *encoded* alike, as `str` and `String` are, which the compiler cannot check:
//!   a `bytes::Bytes` is encoded as bytes, the `[u8]` that it borrows as a list of numbers, and is
//!   not found by it.
//! * **Large bytes are [`Blob`]s**: one that is a whole value is written without a copy from 16 KiB
//!   on, and read without one from 64 KiB on. A `Vec<u8>` is a list of numbers to serde, each of
//!   them encoded for itself.
//! * **A clone of a proxy is the same object.** So is a proxy that was put into a dict, a list, a
//!   queue or a value and taken out in another process.
//! * **After `fork`** a child's first call opens a session of its own; its copies of the parent's
//!   guards do nothing, and its copies of proxies keep no object: pass one by name or as a ticket,
//!   or have the parent keep its own. Over `server.local()` its calls fail: it must connect to the
//!   server's address. A child that was made without the C library's `fork`, by a bare `clone`,
//!   may drop what it inherited and must make no call on it.

pub mod array;
mod barrier;
mod condition;
pub mod custom_types;
pub mod dict;
mod event;
mod held;
mod later;
pub mod list;
mod lock;
mod manager;
mod namespace;
mod options;
mod pages;
mod pause;
mod process;
mod proxy;
pub mod queue;
mod rlock;
mod semaphore;
mod session;
pub mod set;
mod spawn;
mod ticket;
mod update;
mod value;

pub use array::{Array, Element};
pub use barrier::{Barrier, BarrierOptions, BarrierWaitResult};
pub use condition::{Condition, ConditionLock};
pub use dict::Dict;
pub use event::{Event, WaitTimeoutResult};
pub use later::Later;
pub use list::{List, ListIndex, ListRange};
pub use lock::{Lock, LockGuard};
pub use manager::{Manager, Named};
pub use namespace::Namespace;
pub use options::ConnectOptions;
pub use queue::{Delivery, Queue, QueueOptions, Received, Sent};
pub use rlock::{RLock, RLockGuard};
pub use semaphore::{Permit, Semaphore};
pub use set::{Set, SetOperand};
pub use spawn::ManagerProcess;
pub use sync_objects::{
    CallerInfo, DeadlockInfo, DeadlockWait, DebugInfo, Grant, HolderInfo, NumberKind, ObjectInfo,
    SessionInfo, Slice, Typecode, WaiterInfo, interface,
};
pub use sync_proto::{
    Address, AuthKey, Blob, Error, ErrorKind, Handle, Interface, ObjectId, Pending, Pipeline,
    Place, Refusal, SessionId, Shared, ThreadId, Token, Transport,
};
pub use ticket::Ticket;
pub use value::{Exchange, Integer, Number, Value};

#[doc = include_str!("coming_from_python.md")]
pub mod coming_from_python {}

/// The README's examples are tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
