//! What must hold whatever bytes come: the bodies of the fuzz targets.
//!
//! The targets under `fuzz/` call them with what a fuzzer makes up; an ordinary test replays the
//! inputs that are kept there, on stable. Each panics when something does not hold.

mod frames;
mod payload;
mod pickle;

pub use frames::frames;
pub use payload::payload;
pub use pickle::pickle;

/// A target: what must hold of any bytes.
pub type Target = fn(&[u8]);

/// All targets, by the names of their files under `fuzz/`.
pub const TARGETS: [(&str, Target); 3] =
    [("frames", frames), ("payload", payload), ("pickle", pickle)];
