//! Objects shared between processes: the client of a manager of shared objects.

pub mod dict;
mod event;
mod grant;
pub mod list;
mod lock;
mod manager;
mod proxy;
pub mod queue;
mod semaphore;
mod session;
mod ticket;
mod update;
mod value;

pub use dict::Dict;
pub use event::{Event, WaitTimeoutResult};
pub use list::{List, ListIndex, ListRange};
pub use lock::{Lock, LockGuard};
pub use manager::{Manager, Named};
pub use queue::{Delivery, Queue, QueueOptions, Received, Sent};
pub use semaphore::{Permit, Semaphore};
pub use sync_objects::{DebugInfo, Grant, Slice, interface};
pub use sync_proto::{Address, AuthKey, Error, ErrorKind, Place, Shared, Token};
pub use ticket::Ticket;
pub use value::{Exchange, Number, Value};
