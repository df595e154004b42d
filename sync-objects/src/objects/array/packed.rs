//! Elements in messages.

use core::fmt;

use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use sync_proto::{Payload, Refusal};

/// Many elements of an array in a message: their bytes, little-endian, one after another. The
/// payload is one byte string, whatever the elements are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PackedElements(Payload);

impl PackedElements {
    /// Takes the elements' bytes.
    ///
    /// # Errors
    /// Never, as far as is known: every byte string can be encoded.
    pub fn new(bytes: &[u8]) -> Result<Self, Refusal> {
        Payload::pack(&Raw(bytes)).map(Self)
    }

    /// Returns the elements' bytes.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`](sync_proto::ErrorKind::WrongType) when the payload is not a byte
    /// string.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Refusal> {
        self.0.unpack::<Bytes>().map(|bytes| bytes.0)
    }
}

impl From<Payload> for PackedElements {
    fn from(payload: Payload) -> Self {
        Self(payload)
    }
}

/// Bytes that serde does not take one by one.
struct Raw<'a>(&'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Content;

        impl Visitor<'_> for Content {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the bytes of an array's elements")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
        }

        deserializer.deserialize_byte_buf(Content).map(Self)
    }
}
