//! Indices and slices, as Python has them.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use sync_proto::{ErrorKind, Payload, Refusal};

/// Some items of a list: from `start` to before `end` by `step`, each as in Python's
/// `items[start:end:step]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    /// Where it starts; when `None`, at the first item, or at the last with a negative step.
    pub start: Option<i64>,
    /// Where it ends, exclusively; when `None`, behind the last item, or before the first with a
    /// negative step.
    pub end: Option<i64>,
    /// How far apart the items are, 1 when `None`; a negative step goes backwards.
    pub step: Option<i64>,
}

/// Where a slice's items are in a list of a known length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// The index of the first; where items go in when there are none.
    first: usize,
    step: i64,
    count: usize,
}

impl Slice {
    /// Selects the items from an index to before another, `items[start:end]`. The range `1..-1`
    /// means the same, but lints take it for empty.
    pub const fn between(start: i64, end: i64) -> Self {
        Self { start: Some(start), end: Some(end), step: None }
    }

    /// Selects every `step`-th item, `items[::step]`: by -1 all of them, the last first.
    pub const fn every(step: i64) -> Self {
        Self { start: None, end: None, step: Some(step) }
    }

    /// Finds where the slice's items are among `len`.
    pub(crate) fn of(self, len: usize) -> Result<Span, Refusal> {
        let step = self.step.unwrap_or(1);
        let length = len as i128;
        // The indices beyond the two ends, by the direction.
        let (lowest, highest) = match step {
            0 => return Err(zero_step()),
            1.. => (0, length),
            _ => (-1, length - 1),
        };
        let at = |index: Option<i64>, default: i128| {
            let index = index.map_or(default, |index| from_end(index, length));
            index.clamp(lowest, highest)
        };
        let (first, end, stride) = if step > 0 {
            (at(self.start, 0), at(self.end, length), i128::from(step))
        } else {
            let (start, end) = (at(self.start, length - 1), at(self.end, -1));
            (start, end, i128::from(step))
        };
        let distance = if step > 0 { end - first } else { first - end };
        let stride = stride.abs();
        Ok(Span {
            first: first.max(0) as usize,
            step,
            count: (distance.max(0) + stride - 1).div_euclid(stride) as usize,
        })
    }
}

impl Span {
    /// Returns the indices, in the slice's order.
    pub(crate) fn indices(self) -> impl Iterator<Item = usize> {
        let first = self.first as i128;
        (0..self.count as i128).map(move |at| (first + at * i128::from(self.step)) as usize)
    }

    pub(super) fn get(self, items: &VecDeque<Payload>) -> Vec<Payload> {
        let item = |index| items.get(index).cloned();
        self.indices().filter_map(item).collect()
    }

    /// Replaces the items; their number may change only where the step is 1.
    pub(super) fn set(
        self,
        items: &mut VecDeque<Payload>,
        new: Vec<Payload>,
    ) -> Result<(), Refusal> {
        if self.step == 1 {
            let rest = items.split_off(self.first + self.count);
            items.truncate(self.first);
            items.extend(new);
            items.extend(rest);
            return Ok(());
        }
        if new.len() != self.count {
            let (step, count, given) = (self.step, self.count, new.len());
            let why = format!("a slice of step {step} has {count} items, it cannot take {given}");
            return Err(Refusal::new(ErrorKind::InvalidInput, why));
        }
        for (index, value) in self.indices().zip(new) {
            items[index] = value;
        }
        Ok(())
    }

    /// Deletes the items, each of the others moved at most once.
    pub(super) fn delete(self, items: &mut VecDeque<Payload>) {
        if self.step == 1 {
            items.drain(self.first..self.first + self.count);
            return;
        }
        let stride = self.step.unsigned_abs() as u128;
        let lowest = self.indices().min().unwrap_or(usize::MAX) as u128;
        let (mut index, mut left) = (0, self.count);
        items.retain(|_| {
            let hit = left > 0 && index >= lowest && (index - lowest).is_multiple_of(stride);
            index += 1;
            left -= usize::from(hit);
            !hit
        });
    }

    /// Returns how many items there are.
    pub(crate) fn count(self) -> usize {
        self.count
    }

    /// Returns the indices as a range, where the items lie one after the other.
    pub(crate) fn contiguous(self) -> Option<std::ops::Range<usize>> {
        (self.step == 1).then(|| self.range())
    }

    /// Returns the range of a slice of step 1.
    pub(super) fn range(self) -> std::ops::Range<usize> {
        self.first..self.first + self.count
    }
}

/// Finds an item.
///
/// # Errors
/// `OutOfRange`, naming index and length.
pub(super) fn position(index: i64, len: usize) -> Result<usize, Refusal> {
    find(index, len).ok_or_else(|| {
        let why = format!("index {index} is out of range: the list has {len} items");
        Refusal::new(ErrorKind::OutOfRange, why)
    })
}

/// Finds what an index stands for among `len`, if it is there.
pub(crate) fn find(index: i64, len: usize) -> Option<usize> {
    let at = from_end(index, len as i128);
    (0..len as i128).contains(&at).then_some(at as usize)
}

/// Finds where to insert: at an end when the index lies beyond it.
pub(super) fn gap(index: i64, len: usize) -> usize {
    from_end(index, len as i128).clamp(0, len as i128) as usize
}

fn from_end(index: i64, len: i128) -> i128 {
    let index = i128::from(index);
    if index < 0 { index + len } else { index }
}

fn zero_step() -> Refusal {
    Refusal::new(ErrorKind::InvalidInput, "a slice's step cannot be 0")
}
