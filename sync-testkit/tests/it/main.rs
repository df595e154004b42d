//! What holds between real processes.

mod bad_input;
mod event;
mod forked;
mod handles;
mod kit;
mod lock;
mod one_way;
mod queue;
mod semaphore;
mod server_gone;
mod tcp;
mod timeouts;
mod value;
mod wrong_type;
