//! The manager process: hosts shared objects and serves them over sockets.
//!
//! As a library:
//!
//! ```
//! use sync_server::Server;
//!
//! # fn main() -> Result<(), sync_server::Error> {
//! let server = Server::builder().spawn()?;
//! println!("clients connect to {}", server.address());
//! # Ok(())
//! # }
//! ```
//!
//! The server runs on threads of its own, one for clients of this project and one for Python
//! programs if there is an address for them, and shuts down when it is dropped. The process that
//! hosts it uses the objects without a socket through [`Server::local`]. As a program, it is the
//! binary `sync-server`.

mod builder;
mod clock;
mod connection;
mod door;
mod event_loop;
mod hub;
mod journal;
mod key_file;
mod keys;
mod limits;
mod listener;
mod local;
mod loops;
mod presence;
#[doc(hidden)]
pub mod python;
mod ration;
mod sessions;
mod socket_file;
mod source;
mod strangers;
mod stream;

pub use builder::{Builder, Server};
pub use key_file::{read_key, write_new_key};
pub use limits::Limits;
pub use sync_objects::{Deadlocks, DebugInfo, Limits as KernelLimits, Registry, interface};
pub use sync_proto::{Address, AuthKey, Error, ErrorKind, Transport};
