//! Items that equal a value.

use std::collections::BTreeMap;

use sync_proto::cbor::{Kind, Normal, NormalizeError};
use sync_proto::{ErrorKind, Handle, ObjectId, Payload, Refusal};

use crate::objects::normals::{NORMALS_MAX, too_long};

/// A normal form of this many bytes or more is not made again of the same bytes.
const LONG: usize = 256;

/// Returns the place of the first item that equals a value.
///
/// # Errors
/// `InvalidInput` when the value is malformed; `TooLarge` when comparing would take too long.
pub(super) fn first<'l>(
    value: &Payload,
    items: impl IntoIterator<Item = &'l Payload>,
) -> Result<Option<usize>, Refusal> {
    let mut wanted = Wanted::new(value, NORMALS_MAX)?;
    for (at, item) in items.into_iter().enumerate() {
        if wanted.is(item)? {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// Returns how many items equal a value.
///
/// # Errors
/// As [`first`].
pub(super) fn count<'l>(
    value: &Payload,
    items: impl IntoIterator<Item = &'l Payload>,
) -> Result<u64, Refusal> {
    let (mut wanted, mut count) = (Wanted::new(value, NORMALS_MAX)?, 0);
    for item in items {
        count += u64::from(wanted.is(item)?);
    }
    Ok(count)
}

/// A value that is looked for.
struct Wanted<'l> {
    /// Nothing for a value with a NaN in it, which equals nothing.
    normal: Option<Normal>,
    class: Option<Kind>,
    /// Items of a long normal form by where their bytes are, and whether they equal the value: a
    /// list may have one of them a million times.
    met: BTreeMap<(usize, usize), (&'l Payload, bool)>,
    /// How much longer the normal forms were than their items, and may be: what an item shares is
    /// a few bytes, and in full in its normal form. Of items that share nothing there are no more
    /// than the manager keeps.
    longer: usize,
    longer_most: usize,
}

/// Returns a kind of which all values are that equal this one, if there is one: a whole float
/// equals an integer, and what has a tag around it may be of any kind.
fn class(value: &Payload) -> Option<Kind> {
    use Kind::{Handle, List, Map, Null, Opaque, Set, Text, Tuple, WideText};
    match value.kind() {
        Kind::Bool | Kind::Integer | Kind::Float => Some(Kind::Integer),
        kind @ (Null | Text | WideText | List | Tuple | Set | Map | Handle | Opaque) => Some(kind),
        _ => None,
    }
}

impl<'l> Wanted<'l> {
    fn new(value: &Payload, longer_most: usize) -> Result<Self, Refusal> {
        let normal = match value.normalize() {
            Ok(normal) => Some(normal),
            Err(NormalizeError::NotANumber) => None,
            Err(error) => {
                let why = format!("malformed value: {error}");
                return Err(Refusal::new(ErrorKind::InvalidInput, why));
            }
        };
        let class = class(value);
        Ok(Self { normal, class, met: BTreeMap::new(), longer: 0, longer_most })
    }

    /// Returns whether an item equals the value. What has no normal form equals nothing.
    fn is(&mut self, item: &'l Payload) -> Result<bool, Refusal> {
        let Some(wanted) = &self.normal else { return Ok(false) };
        // The normal form of another may be long, and there may be many.
        if let (Some(class), Some(other)) = (self.class, class(item))
            && class != other
        {
            return Ok(false);
        }
        let place = (item.bytes.as_ptr().addr(), item.bytes.len());
        if let Some(&(met, is_equal)) = self.met.get(&place)
            && met.encoding == item.encoding
            && objects(met).eq(objects(item))
        {
            return Ok(is_equal);
        }
        let Ok(normal) = item.normalize() else { return Ok(false) };
        let (is_equal, length) = (normal == *wanted, normal.as_bytes().len());
        self.longer += length.saturating_sub(item.bytes.len());
        if self.longer > self.longer_most {
            return Err(too_long(self.longer_most));
        }
        if length >= LONG {
            self.met.insert(place, (item, is_equal));
        }
        Ok(is_equal)
    }
}

fn objects(item: &Payload) -> impl Iterator<Item = ObjectId> + '_ {
    item.handles.iter().map(Handle::object)
}

#[cfg(test)]
mod tests {
    use sync_proto::Encoding;

    use super::*;
    use crate::objects::normals::tests::long;

    #[test]
    fn what_is_long_in_its_normal_form_is_compared_so_often_and_no_more() {
        let of_one = long();
        let few = 3 * of_one.normalize().unwrap().as_bytes().len();
        let is_found = |items: &[Payload], most| {
            let mut wanted = Wanted::new(&Payload::pack(&vec!["x"]).unwrap(), most).unwrap();
            items.iter().map(|item| wanted.is(item)).collect::<Result<Vec<bool>, Refusal>>()
        };
        let same = vec![of_one.clone(); 100];
        assert_eq!(is_found(&same, few), Ok(vec![false; 100]));
        let others = Vec::from_iter((0..4).map(|_| long()));
        assert_eq!(is_found(&others[..3], few), Ok(vec![false; 3]));
        assert_eq!(is_found(&others, few).unwrap_err().kind, ErrorKind::TooLarge);
        assert_eq!(first(&of_one, &others), Ok(Some(0)));
        assert_eq!(count(&of_one, &same), Ok(100));
        // They share nothing, and may be as long as they are.
        let plain = |number: u8| [vec![0x82, number, 0x79, 1, 44], vec![b'x'; 300]].concat();
        let plain = |number| Payload::new(Encoding::Cbor, plain(number).into(), Vec::new());
        assert_eq!(is_found(&[plain(1), plain(2)], 0), Ok(vec![false; 2]));
    }
}
