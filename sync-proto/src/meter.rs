//! Memory that is counted while it is alive.

use core::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts bytes that are kept for others. Its clones count together.
///
/// Whoever keeps bytes holds a [`Charge`]; wherever that is dropped, the bytes are no longer
/// counted. Nobody has to remember to give anything back.
#[derive(Clone, Default)]
pub struct Meter(Arc<AtomicUsize>);

/// Bytes that count until it is dropped. A clone counts as many again.
pub struct Charge {
    meter: Meter,
    bytes: usize,
}

impl Clone for Charge {
    fn clone(&self) -> Self {
        self.meter.charge(self.bytes)
    }
}

impl Meter {
    /// Makes a meter that has counted nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns how many bytes are alive.
    pub fn used(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts bytes until the charge is dropped.
    #[must_use]
    pub fn charge(&self, bytes: usize) -> Charge {
        self.add(bytes);
        Charge { meter: self.clone(), bytes }
    }

    /// Counts bytes until they are [subtracted](Self::subtract).
    pub fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts bytes no longer that were [added](Self::add).
    pub fn subtract(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.meter.subtract(self.bytes);
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Meter({})", self.used())
    }
}

impl fmt::Debug for Charge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Charge")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_count_until_their_charge_is_dropped() {
        let meter = Meter::new();
        let first = meter.charge(10);
        let other = meter.charge(5);
        assert_eq!(meter.used(), 15);
        drop(first.clone());
        let again = other.clone();
        assert_eq!(meter.used(), 20);
        drop(first);
        drop(other);
        assert_eq!(meter.used(), 5);
        drop(again);
        assert_eq!(meter.used(), 0);
    }
}
