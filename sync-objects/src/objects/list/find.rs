//! Items that equal a value.

use sync_proto::cbor::{self, Kind, Normal, NormalizeError};
use sync_proto::{ErrorKind, Payload, Refusal};

/// A value that is looked for.
pub(super) struct Wanted {
    /// Nothing for a value with a NaN in it, which equals nothing.
    normal: Option<Normal>,
    class: Option<Class>,
}

/// Values of two classes are never equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Null,
    Number,
    Text,
    WideText,
    List,
    Tuple,
    Set,
    Map,
    Handle,
    Opaque,
}

impl Class {
    /// Returns the class of a value, if it is of one: what has a tag around it may be of any.
    fn of(value: &Payload) -> Option<Self> {
        Some(match cbor::kind(&value.bytes) {
            Kind::Null => Self::Null,
            Kind::Bool | Kind::Integer | Kind::Float => Self::Number,
            Kind::Text => Self::Text,
            Kind::WideText => Self::WideText,
            Kind::List => Self::List,
            Kind::Tuple => Self::Tuple,
            Kind::Set => Self::Set,
            Kind::Map => Self::Map,
            Kind::Handle => Self::Handle,
            Kind::Opaque => Self::Opaque,
            _ => return None,
        })
    }
}

impl Wanted {
    /// Takes the value.
    ///
    /// # Errors
    /// `InvalidInput` when it is malformed.
    pub(super) fn new(value: &Payload) -> Result<Self, Refusal> {
        let class = Class::of(value);
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
        if let (Some(class), Some(other)) = (self.class, Class::of(item))
            && class != other
        {
            return false;
        }
        item.normalize().is_ok_and(|item| item == *wanted)
    }
}
