//! The client against real processes.

#[cfg(test)]
mod wordcount;
