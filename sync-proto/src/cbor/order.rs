//! The order of values, as Python has it.

use std::cmp::Ordering;

use thiserror::Error;

use super::kind::{Kind, kind};
use super::normal::Normal;
use super::reader::{Form, Item, Reader};

/// Says that two values have no order.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{left} does not compare with {right}")]
pub struct Incomparable {
    /// The kind of the left value.
    pub left: Kind,
    /// The kind of the right value.
    pub right: Kind,
}

/// Compares two values.
///
/// Numbers compare exactly, whatever their size and form. Strings compare by code points, lists
/// with lists and tuples with tuples by the first elements that differ; a prefix is less.
///
/// # Errors
///
/// The values, or the first elements in which they differ, are of kinds that have no order
/// between them: mixed kinds, maps, sets, nulls, handles.
pub fn compare(a: &Normal, b: &Normal) -> Result<Ordering, Incomparable> {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    // Whatever is in them: only elements that differ are asked for their order.
    if a == b && matches!(kind(a), Kind::List | Kind::Tuple) {
        return Ok(Ordering::Equal);
    }
    order(&mut Reader::new(a), &mut Reader::new(b), false)
}

/// Compares the next items of two readers, and takes them if they are equal: each byte is looked at
/// once, however deep it lies. Elements that have no order are equal if they are the same.
fn order(
    left: &mut Reader<'_>,
    right: &mut Reader<'_>,
    are_elements: bool,
) -> Result<Ordering, Incomparable> {
    let (a, b) = (left.rest(), right.rest());
    let ordering = match (left.item(), right.item()) {
        (Ok(Item::Integer(x)), Ok(Item::Integer(y))) => x.cmp(&y),
        (Ok(Item::Integer(x)), Ok(Item::Float(y))) => x.cmp_fraction(y),
        (Ok(Item::Float(x)), Ok(Item::Integer(y))) => y.cmp_fraction(x).reverse(),
        (Ok(Item::Float(x)), Ok(Item::Float(y))) => x.total_cmp(&y),
        (Ok(Item::Text(x)), Ok(Item::Text(y))) => x.cmp(&y),
        (Ok(Item::Bytes(x)), Ok(Item::Bytes(y)))
        // UTF-8 has the order of code points, surrogates included.
        | (Ok(Item::WideText(x)), Ok(Item::WideText(y))) => x.cmp(&y),
        (Ok(Item::Text(x)), Ok(Item::WideText(y))) => x.as_bytes().cmp(&y),
        (Ok(Item::WideText(x)), Ok(Item::Text(y))) => (*x).cmp(y.as_bytes()),
        (Ok(Item::Array(Form::List, mut x)), Ok(Item::Array(Form::List, mut y)))
        | (Ok(Item::Array(Form::Tuple, mut x)), Ok(Item::Array(Form::Tuple, mut y))) => loop {
            match (left.more(&mut x), right.more(&mut y)) {
                (Ok(true), Ok(true)) => match order(left, right, true)? {
                    Ordering::Equal => {}
                    other => break other,
                },
                (Ok(x), Ok(y)) => break x.cmp(&y),
                // A normal form is well-formed.
                _ => return Err(incomparable(a, b)),
            }
        },
        (Ok(x), Ok(y)) if are_elements && x.kind() == y.kind() => {
            let are_whole = left.skip_rest(&x, None).is_ok() && right.skip_rest(&y, None).is_ok();
            let taken = |bytes: &[u8], of: &Reader<'_>| bytes.len() - of.rest().len();
            if !are_whole || a[..taken(a, left)] != b[..taken(b, right)] {
                return Err(incomparable(a, b));
            }
            Ordering::Equal
        }
        _ => return Err(incomparable(a, b)),
    };
    Ok(ordering)
}

fn incomparable(a: &[u8], b: &[u8]) -> Incomparable {
    Incomparable { left: kind(a), right: kind(b) }
}
