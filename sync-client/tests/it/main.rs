//! The client's proxies and guards, on a manager in this process; and the examples, as they are
//! run.

#![expect(clippy::unwrap_used, reason = "what helps tests unwraps as tests do")]

mod barrier;
mod condition;
mod examples;
mod rlock;
mod support;
mod wordcount;
//! The client's proxies and guards, on a manager in this process.

#![expect(clippy::unwrap_used, reason = "what helps tests unwraps as tests do")]

mod array;
mod local;
mod namespace;
mod set;
