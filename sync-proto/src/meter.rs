//! Memory that is counted while it is alive.

use core::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts bytes that are kept for others. Its clones share one count.
///
/// Code that keeps bytes holds a [`Charge`]; wherever that is dropped, the bytes are no longer
/// counted. Nothing has to be given back explicitly.
#[derive(Clone, Default)]
pub struct Meter(Arc<AtomicUsize>);

/// Bytes that count as long as one of its clones lives.
pub struct Charge {
    shared: Arc<Charged>,
}

struct Charged {
    meter: Meter,
    bytes: usize,
    /// What each clone has of its own.
    each: usize,
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
        self.charge_each(bytes, 0)
    }

    /// Counts bytes until the charge and all its clones are dropped, and further ones for each of
    /// them: what is copied with it and not shared.
    #[must_use]
    pub fn charge_each(&self, bytes: usize, each: usize) -> Charge {
        self.add(bytes + each);
        Charge { shared: Arc::new(Charged { meter: self.clone(), bytes, each }) }
    }

    /// Counts bytes until they are [subtracted](Self::subtract).
    pub fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Stops counting bytes that were [added](Self::add).
    pub fn subtract(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Clone for Charge {
    fn clone(&self) -> Self {
        // Most have nothing of their own, and the meter's word is every thread's.
        if self.shared.each > 0 {
            self.shared.meter.add(self.shared.each);
        }
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if self.shared.each > 0 {
            self.shared.meter.subtract(self.shared.each);
        }
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

    #[test]
    fn what_each_clone_has_of_its_own_counts_as_often_as_there_are_clones() {
        let meter = Meter::new();
        let first = meter.charge_each(10, 3);
        let second = first.clone();
        assert_eq!(meter.used(), 16);
        drop(first);
        assert_eq!(meter.used(), 13);
        drop(second);
        assert_eq!(meter.used(), 0);
    }
}
