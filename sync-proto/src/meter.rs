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

/// Bytes that count as long as one of its clones lives.
#[derive(Clone)]
pub struct Charge {
    _shared: Arc<Charged>,
}

struct Charged {
    meter: Meter,
    bytes: usize,
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

    /// Counts bytes until the charge and all its clones are dropped.
    #[must_use]
    pub fn charge(&self, bytes: usize) -> Charge {
        self.add(bytes);
        Charge { _shared: Arc::new(Charged { meter: self.clone(), bytes }) }
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

impl Drop for Charged {
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
    fn bytes_count_until_the_last_clone_of_their_charge_is_gone() {
        let meter = Meter::new();
        let first = meter.charge(10);
        let second = first.clone();
        let other = meter.charge(5);
        assert_eq!(meter.used(), 15);
        drop(first);
        assert_eq!(meter.used(), 15);
        drop(second);
        assert_eq!(meter.used(), 5);
        drop(other);
        assert_eq!(meter.used(), 0);
    }
}
