//! Sorts encoded items that were appended to a buffer one after the other.

use std::ops::Range;

/// An item in a buffer.
#[derive(Clone, Debug)]
pub(super) struct Span {
    /// The bytes that it is sorted by.
    pub(super) key: Range<usize>,
    /// Where it ends; it starts with its key.
    pub(super) end: usize,
}

/// Sorts the items at the end of a buffer, of which each begins where the last one ended.
pub(super) fn sort(out: &mut Vec<u8>, spans: &mut [Span]) {
    let Some(start) = spans.first().map(|span| span.key.start) else {
        return;
    };
    if spans.is_sorted_by(|left, right| out[left.key.clone()] <= out[right.key.clone()]) {
        return;
    }
    spans.sort_by(|left, right| out[left.key.clone()].cmp(&out[right.key.clone()]));
    let mut sorted = Vec::with_capacity(out.len() - start);
    for span in spans {
        let moved = start + sorted.len();
        sorted.extend_from_slice(&out[span.key.start..span.end]);
        *span = Span { key: moved..moved + span.key.len(), end: start + sorted.len() };
    }
    out.truncate(start);
    out.append(&mut sorted);
}

/// Finds an item with the same key as the one before it, among sorted ones.
pub(super) fn duplicate<'s>(out: &[u8], spans: &'s [Span]) -> Option<&'s Span> {
    let twins = spans.windows(2).find(|two| out[two[0].key.clone()] == out[two[1].key.clone()]);
    twins.map(|two| &two[1])
}
