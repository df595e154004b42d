//! What must hold for any input bytes: the bodies of the fuzz targets.
//!
//! The targets under `fuzz/` call them with a fuzzer's input; an ordinary test replays the inputs
//! that are kept there, on stable. Each panics when something does not hold.

mod calls;
mod frames;
mod handshake;
mod kernel;
mod payload;
mod pickle;

pub use calls::calls;
pub use frames::frames;
pub use handshake::handshake;
pub use kernel::kernel;
pub use payload::payload;
pub use pickle::pickle;

/// A target: what must hold for any bytes.
pub type Target = fn(&[u8]);

/// All targets, by the names of their files under `fuzz/`.
pub const TARGETS: [(&str, Target); 6] = [
    ("calls", calls),
    ("frames", frames),
    ("handshake", handshake),
    ("kernel", kernel),
    ("payload", payload),
    ("pickle", pickle),
];

/// A fuzzer's input, as a source of choices: zero after its end.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }
}
