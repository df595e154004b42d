//! The client against real processes.

#[cfg(test)]
mod wordcount;
//! The client's proxies and guards, on a manager in this process.

mod barrier;
mod condition;
mod rlock;
mod support;
