//! The client against real processes.

#[cfg(test)]
mod wordcount;
//! The client's proxies and guards, on a manager in this process.

#![expect(clippy::unwrap_used, reason = "what helps tests unwraps as tests do")]

mod barrier;
mod condition;
mod rlock;
mod support;
