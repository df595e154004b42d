//! The client against real processes.

mod wordcount;
