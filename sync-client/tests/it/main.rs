//! The client's proxies and guards, on a manager in this process; and the examples, as they are
//! run.

#![expect(clippy::unwrap_used, reason = "what helps tests unwraps as tests do")]

mod array;
mod barrier;
mod blobs;
mod condition;
mod examples;
mod given;
mod lock;
mod manager;
mod namespace;
mod numbers;
mod parity;
mod rlock;
mod set;
mod support;
mod updates;
mod wordcount;
