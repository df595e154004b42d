//! Items that equal a value.

use sync_proto::cbor::{self, Kind, Normal, NormalizeError};
use sync_proto::{ErrorKind, Payload, Refusal};

/// A value that is looked for.
pub(super) struct Wanted {
    /// Nothing for a value with a NaN in it, which equals nothing.
    normal: Option<Normal>,
    class: Option<Kind>,
}

/// Returns a kind of which all values are that equal this one, if there is one: a whole float
/// equals an integer, and what has a tag around it may be of any kind.
fn class(value: &Payload) -> Option<Kind> {
    use Kind::{Handle, List, Map, Null, Opaque, Set, Text, Tuple, WideText};
    match cbor::kind(&value.bytes) {
        Kind::Bool | Kind::Integer | Kind::Float => Some(Kind::Integer),
        kind @ (Null | Text | WideText | List | Tuple | Set | Map | Handle | Opaque) => Some(kind),
        _ => None,
    }
}

impl Wanted {
    /// Takes the value.
    ///
    /// # Errors
    /// `InvalidInput` when it is malformed.
    pub(super) fn new(value: &Payload) -> Result<Self, Refusal> {
        let class = class(value);
        match value.normalize() {
            Ok(normal) => Ok(Self { normal: Some(normal), class }),
            Err(NormalizeError::NotANumber) => Ok(Self { normal: None, class }),
            Err(error) => {
                let why = format!("malformed value: {error}");
                Err(Refusal::new(ErrorKind::InvalidInput, why))
            }
        }
    }

    /// Returns whether an item equals the value. What has no normal form equals nothing.
    pub(super) fn is(&self, item: &Payload) -> bool {
        let Some(wanted) = &self.normal else { return false };
        // The normal form of another may be long, and there may be many.
        if let (Some(class), Some(other)) = (self.class, class(item))
            && class != other
        {
            return false;
        }
        item.normalize().is_ok_and(|item| item == *wanted)
    }
}
