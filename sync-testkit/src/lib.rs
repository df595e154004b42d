//! Real processes, schedules, and the judges: how cross-process semantics are checked.
//!
//! * [`sim`]: a manager with many clients in one thread, under a clock that jumps;
//! * [`every`]: all combinations of a test's choices, one after the other.

pub mod every;
pub mod sim;
