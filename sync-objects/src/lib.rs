//! What is shared: objects, and the kernel that hosts them, as deterministic state machines.
//! No I/O, no clock, no threads.

mod cx;
mod flow;
mod interface;
mod kernel;
mod object;
mod objects;
mod time;

pub use cx::{Caller, Cx, Owner};
pub use flow::{Channel, Flow};
pub use interface::private;
pub use kernel::{
    CallerInfo, DeadlockInfo, DeadlockWait, Deadlocks, DebugInfo, DisconnectReason, HolderInfo,
    Kernel, Limits, Naming, Note, OBJECTS_SHOWN_MAX, ObjectInfo, Outgoing, Released, SessionInfo,
    VALUE_COST, Via, WaiterInfo,
};
pub use object::{Constructor, Gone, Object, Registry};
pub use objects::array::{ArrayStart, ArrayUpdate, PackedElements, Typecode, array};
pub use objects::barrier::{Arrival, barrier};
pub use objects::condition::{Woken, condition};
pub use objects::dict::{DictPage, DictPart, DictUpdate, Removed, dict};
pub use objects::event::event;
pub use objects::list::{ListPage, ListUpdate, Slice, list, sort_order};
pub use objects::lock::{Grant, lock};
pub use objects::manager::{manager, name_thread_call, release_call};
pub use objects::namespace::namespace;
pub use objects::number::{NumberKind, NumberOp};
pub use objects::queue::{Item, Leased, Order, queue};
pub use objects::registry;
pub use objects::rlock::rlock;
pub use objects::semaphore::semaphore;
pub use objects::set::{OtherSet, SetMember, SetOp, SetPage, set};
pub use objects::value::{ValueUpdate, value};
pub use sync_proto::{Error, ErrorKind, Handle, Packed, Payload, Place, Refusal, Shared, Token};
pub use time::Time;
