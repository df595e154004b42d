//! Items that equal a value.

use sync_proto::cbor::{Normal, NormalizeError};
use sync_proto::{ErrorKind, Payload, Refusal};

/// A value that is looked for.
pub(super) struct Wanted {
    /// Nothing for a value with a NaN in it, which equals nothing.
    normal: Option<Normal>,
}

impl Wanted {
    /// Takes the value.
    ///
    /// # Errors
    /// `InvalidInput` when it is malformed.
    pub(super) fn new(value: &Payload) -> Result<Self, Refusal> {
        match value.normalize() {
            Ok(normal) => Ok(Self { normal: Some(normal) }),
            Err(NormalizeError::NotANumber) => Ok(Self { normal: None }),
            Err(error) => {
                let why = format!("malformed value: {error}");
                Err(Refusal::new(ErrorKind::InvalidInput, why))
            }
        }
    }

    /// Returns whether an item equals the value. What has no normal form equals nothing.
    pub(super) fn is(&self, item: &Payload) -> bool {
        self.normal
            .as_ref()
            .is_some_and(|wanted| item.normalize().is_ok_and(|item| item == *wanted))
    }
}
