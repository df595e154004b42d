//! The built-in types, said the slow way.

mod event;
mod lock;
mod queue;
mod semaphore;
mod value;

pub(crate) use event::Event;
pub(crate) use lock::Lock;
pub(crate) use queue::Queue;
pub(crate) use semaphore::Semaphore;
pub(crate) use value::Value;
