//! What must hold whatever bytes come: the bodies of the fuzz targets.
//!
//! The targets under `fuzz/` call them with what a fuzzer makes up; an ordinary test replays the
//! inputs that are kept there, on stable. Each panics when something does not hold.

mod frames;
mod payload;

pub use frames::frames;
pub use payload::payload;

/// A target: what must hold of any bytes.
pub type Target = fn(&[u8]);

/// All targets, by the names of their files under `fuzz/`.
pub const TARGETS: [(&str, Target); 2] = [("frames", frames), ("payload", payload)];
