//! The order of values, as Python has it.

use std::cmp::Ordering;

use thiserror::Error;

use super::error::DecodeError;
use super::kind::{Kind, kind};
use super::normal::Normal;
use super::reader::{Form, Item, Left, Reader};

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
    order(a.as_bytes(), b.as_bytes())
}

fn order(a: &[u8], b: &[u8]) -> Result<Ordering, Incomparable> {
    let (mut left, mut right) = (Reader::new(a), Reader::new(b));
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
        (Ok(Item::Array(Form::List, x)), Ok(Item::Array(Form::List, y)))
        | (Ok(Item::Array(Form::Tuple, x)), Ok(Item::Array(Form::Tuple, y))) => {
            match first_difference(&mut left, x, &mut right, y) {
                Ok(Difference::Elements(x, y)) => order(x, y)?,
                Ok(Difference::Lengths(ordering)) => ordering,
                // A normal form is well-formed.
                Err(_) => {
                    return Err(Incomparable { left: kind(a), right: kind(b) });
                }
            }
        }
        _ => {
            return Err(Incomparable { left: kind(a), right: kind(b) });
        }
    };
    Ok(ordering)
}

/// Where two sequences part.
enum Difference<'a, 'b> {
    Elements(&'a [u8], &'b [u8]),
    Lengths(Ordering),
}

fn first_difference<'a, 'b>(
    left: &mut Reader<'a>,
    mut left_elements: Left,
    right: &mut Reader<'b>,
    mut right_elements: Left,
) -> Result<Difference<'a, 'b>, DecodeError> {
    loop {
        match (left.more(&mut left_elements)?, right.more(&mut right_elements)?) {
            (true, true) => {
                let (x, y) = (left.span()?, right.span()?);
                if x != y {
                    return Ok(Difference::Elements(x, y));
                }
            }
            (x, y) => return Ok(Difference::Lengths(x.cmp(&y))),
        }
    }
}
