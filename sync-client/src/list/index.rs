//! Indices and ranges of them: from the start, or from the end when negative.

use core::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

use sync_objects::Slice;

/// A number that is an index: from the start, or, when negative, from the end (-1 is the last).
pub trait ListIndex: Copy + private::Sealed {
    /// Returns the index as the manager takes it. One that is too large for that is beyond every
    /// list's end.
    fn to_i64(self) -> i64;
}

/// A range of indices, or a [`Slice`] with a step.
pub trait ListRange: private::Sealed {
    /// Returns the range as the manager takes it.
    fn to_slice(self) -> Slice;
}

mod private {
    pub trait Sealed {}
}

macro_rules! indices {
    ($($type:ty),*) => {$(
        impl private::Sealed for $type {}

        impl ListIndex for $type {
            fn to_i64(self) -> i64 {
                i64::try_from(self).unwrap_or(i64::MAX)
            }
        }
    )*};
}

indices!(i32, i64, isize, u32, u64, usize);

fn slice<I: ListIndex>(start: Option<I>, end: Option<I>) -> Slice {
    Slice { start: start.map(I::to_i64), end: end.map(I::to_i64), step: None }
}

/// An inclusive end is before the next index; the one after -1 is the list's end.
fn after(end: i64) -> Option<i64> {
    (end != -1).then(|| end.saturating_add(1))
}

macro_rules! ranges {
    ($($type:ident<I>, $range:ident => $slice:expr;)*) => {$(
        impl<I: ListIndex> private::Sealed for $type<I> {}

        impl<I: ListIndex> ListRange for $type<I> {
            fn to_slice(self) -> Slice {
                let $range = self;
                $slice
            }
        }
    )*};
}

ranges! {
    Range<I>, range => slice(Some(range.start), Some(range.end));
    RangeFrom<I>, range => slice(Some(range.start), None);
    RangeTo<I>, range => slice(None, Some(range.end));
    RangeInclusive<I>, range =>
        Slice { end: after(range.end().to_i64()), ..slice(Some(*range.start()), None) };
    RangeToInclusive<I>, range =>
        Slice { end: after(range.end.to_i64()), ..slice::<I>(None, None) };
}

impl private::Sealed for RangeFull {}

impl ListRange for RangeFull {
    fn to_slice(self) -> Slice {
        Slice::default()
    }
}

impl private::Sealed for Slice {}

impl ListRange for Slice {
    fn to_slice(self) -> Slice {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_slices_and_an_inclusive_end_of_minus_one_is_the_end() {
        let of = |start, end| Slice { start, end, step: None };
        assert_eq!((1usize..3).to_slice(), of(Some(1), Some(3)));
        assert_eq!((-3..-1).to_slice(), of(Some(-3), Some(-1)));
        assert_eq!((2..).to_slice(), of(Some(2), None));
        assert_eq!((..=4).to_slice(), of(None, Some(5)));
        assert_eq!((-3..=-1).to_slice(), of(Some(-3), None));
        assert_eq!((..).to_slice(), of(None, None));
        assert_eq!(usize::MAX.to_i64(), i64::MAX);
    }
}
