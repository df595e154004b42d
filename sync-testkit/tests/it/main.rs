//! What holds between real processes.

#![expect(clippy::unwrap_used, reason = "what helps tests, and a role, unwraps as tests do")]

mod array;
mod bad_input;
mod barrier;
mod bench;
mod condition;
mod corpora;
mod cut_off;
mod deadlock;
mod dict;
mod event;
mod forked;
mod handles;
mod heartbeat;
mod keys;
mod kit;
mod limits;
mod list;
mod lock;
mod loop_ends;
mod namespace;
mod one_way;
mod played;
mod python;
mod queue;
mod resume;
mod rlock;
mod sealed;
mod semaphore;
mod server_gone;
mod set;
mod signals;
mod simulator;
mod spawned;
mod suite;
mod tcp;
mod timeouts;
mod torture;
mod unresponsive;
mod value;
mod witness;
mod wrong_type;
