//! The objects and the kernel's rules, on a simulated manager.

#![expect(clippy::unwrap_used, reason = "what helps tests unwraps as tests do")]

mod support;

mod array;
mod barrier;
mod condition_type;
mod cycles;
mod dict;
mod event;
mod handles;
mod list;
mod lock;
mod names;
mod namespace;
mod number;
mod queue;
mod queue_close;
mod queue_lease;
mod rlock;
mod semaphore;
mod set;
mod tickets;
mod value;
mod value_update;

mod alarm;
mod broken;
mod cancel;
mod deadlock;
mod death;
mod endless;
mod fencing;
mod growth;
mod limits;
mod lines;
mod one_way;
mod overtaking;
mod peer;
mod report;
mod resume;
mod shutdown;
mod waits;

mod every_schedule;
mod models;
mod random_schedule;
mod reference;
mod world;
