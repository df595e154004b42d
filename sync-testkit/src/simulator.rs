//! A whole manager with many clients in one thread, under a clock that jumps, in a storm of
//! faults.
//!
//! [`run`] takes a seed, which decides everything: who connects and what its threads do, in which
//! order bytes come through, when work that waited for a late message goes on, what breaks and
//! when. The clients talk to the kernel through frames, over connections in memory; the manager's
//! side of them does what `sync-server`'s event loop does. The same seed gives the same run, so a
//! failure is replayed by its number.
//!
//! What is checked, after every step:
//! * the kernel's tables agree with each other ([`Kernel::assert_settled`]);
//! * every request is answered once, and no session that is over is answered;
//! * one-way messages are carried out in turn, and a request that waited for one comes before what
//!   was sent after it on its connection;
//! * nobody is overtaken in a line, and no caller waits that could be served;
//! * objects of all types but the Condition answer as their models do: so no lock has two holders,
//!   a later grant has the greater token, and no item is lost or comes twice;
//! * what the programs see agrees with what they know of each other.
//!
//! At the end the storm is over, and every client must finish; then nothing is left.
//!
//! [`Kernel::assert_settled`]: sync_objects::Kernel::assert_settled

mod bomb;
mod campaign;
mod counts;
mod ghost;
mod inject;
mod lifeline;
mod link;
mod log;
mod oracle;
mod process;
mod programs;
mod resume;
mod rogue;
mod run;
mod server;
mod thread;
mod wire;
mod world;

pub use campaign::{Campaign, Outcome};
pub use counts::{Counts, Fault};
pub use run::{Failure, Run, run, run_with};
