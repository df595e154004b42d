//! Real processes, schedules, and the judges: how cross-process semantics are checked.
//!
//! * [`sim`]: a manager with many clients in one thread, under a clock that jumps.

pub mod sim;
