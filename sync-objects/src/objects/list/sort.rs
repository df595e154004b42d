//! A stable sort whose comparison may fail.
//!
//! The standard library's sort may panic when the comparison is not a total order, which users'
//! values do not promise: this one stops at the first two values that have none.

use std::cmp::Ordering;
use std::collections::VecDeque;

use sync_proto::cbor::{self, Incomparable, Normal, NormalizeError};
use sync_proto::{ErrorKind, Payload, Refusal};

use crate::objects::normals::with_normals;

/// Sorts items by value, as [`sort_order`] says.
///
/// # Errors
/// `WrongType` when two have no order, `InvalidInput` when one has no order with any, `TooLarge`
/// when their normal forms are too long together: then the items stay as they were.
pub(super) fn sort(items: &mut VecDeque<Payload>, descending: bool) -> Result<(), Refusal> {
    let order = sort_order(&*items, descending)?;
    *items = order.iter().map(|&index| items[index].clone()).collect();
    Ok(())
}

/// Returns the indices of values in the order in which a list sorts them: equal ones keep theirs,
/// even when descending.
///
/// # Errors
/// As `sort` of a list.
pub fn sort_order<'v>(
    values: impl IntoIterator<Item = &'v Payload, IntoIter: ExactSizeIterator>,
    descending: bool,
) -> Result<Vec<usize>, Refusal> {
    let values = values.into_iter();
    if values.len() < 2 {
        return Ok((0..values.len()).collect());
    }
    let keys = with_normals(values, |value| key(value))?;
    order(&keys, descending).map_err(|error| {
        let why = format!("{error}: the list cannot be sorted");
        Refusal::new(ErrorKind::WrongType, why)
    })
}

fn key(item: &Payload) -> Result<Normal, Refusal> {
    item.normalize().map_err(|error| {
        let why = match error {
            NormalizeError::NotANumber => "a NaN has no order: the list cannot be sorted".into(),
            error => format!("malformed value: {error}"),
        };
        Refusal::new(ErrorKind::InvalidInput, why)
    })
}

/// Merges ever longer sorted runs of indices.
fn order<T>(keys: &[(Normal, T)], descending: bool) -> Result<Vec<usize>, Incomparable> {
    let mut sorted: Vec<usize> = (0..keys.len()).collect();
    let mut width = 1;
    while width < sorted.len() {
        let mut merged = Vec::with_capacity(sorted.len());
        for runs in sorted.chunks(2 * width) {
            let (left, right) = runs.split_at(width.min(runs.len()));
            merge(keys, descending, left, right, &mut merged)?;
        }
        sorted = merged;
        width *= 2;
    }
    Ok(sorted)
}

fn merge<T>(
    keys: &[(Normal, T)],
    descending: bool,
    mut left: &[usize],
    mut right: &[usize],
    into: &mut Vec<usize>,
) -> Result<(), Incomparable> {
    let is_after = |left: usize, right: usize| {
        let ordering = cbor::compare(&keys[left].0, &keys[right].0)?;
        Ok(ordering == if descending { Ordering::Less } else { Ordering::Greater })
    };
    // Runs that are in order already, as those of equal items are, are not compared one by one.
    if let (Some(&last), Some(&first)) = (left.last(), right.first())
        && !is_after(last, first)?
    {
        into.extend(left);
        into.extend(right);
        return Ok(());
    }
    while let (Some((&l, left_rest)), Some((&r, right_rest))) =
        (left.split_first(), right.split_first())
    {
        if is_after(l, r)? {
            into.push(r);
            right = right_rest;
        } else {
            into.push(l);
            left = left_rest;
        }
    }
    into.extend(left);
    into.extend(right);
    Ok(())
}
