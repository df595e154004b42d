//! Bytes that cross a socket without being copied on either side.

use core::cell::Cell;
use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::Deref;

use bytes::Bytes;
use serde::ser::{Serialize, Serializer};

use crate::cbor;
use crate::payload::LARGE;

/// Bytes that are shared and not copied: by clones, and by whoever stores or sends them.
///
/// Each value that is put into a shared object is encoded, and that copies it. A large `Blob` that
/// is the whole value (or is in a `Some`, or in a struct of one unnamed field) is not copied: it is
/// written to the socket from where it lies, and the memory that it is read into becomes that of
/// the `Blob` that is read. As a part of something else, and below 16 KiB, it is copied as any
/// bytes are. On the wire it is what a `serde_bytes::ByteBuf` is, and `bytes` in Python: either
/// reads what the other has written.
///
/// ```
/// use sync_proto::{Blob, Payload};
///
/// let frame = Blob::from(vec![7; 1 << 20]);
/// let value = Payload::pack(&frame).unwrap();
/// assert_eq!(value.bytes.as_ptr(), frame.as_ptr());
/// assert_eq!(value.unpack::<Blob>().unwrap(), frame);
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(transparent)]
pub struct Blob(Bytes);

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Blob {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// The vector's memory becomes the blob's.
impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<Bytes> for Blob {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<Blob> for Bytes {
    fn from(blob: Blob) -> Self {
        blob.0
    }
}

/// The bytes are copied if others share them.
impl From<Blob> for Vec<u8> {
    fn from(blob: Blob) -> Self {
        blob.0.into()
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.len())
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let _offer = (self.len() >= LARGE).then(|| Offer::of(&self.0));
        serializer.serialize_newtype_struct(cbor::BLOB, &self.0)
    }
}

thread_local! {
    // As in `scope`, nothing is done to it when its thread ends; it is empty then.
    static OFFERED: ManuallyDrop<Cell<Option<Bytes>>> =
        const { ManuallyDrop::new(Cell::new(None)) };
}

/// A blob's bytes while it is being serialized, which serde gives no way to hand over: for a
/// serializer that knows of them.
struct Offer;

impl Offer {
    fn of(bytes: &Bytes) -> Self {
        OFFERED.with(|offered| offered.set(Some(bytes.clone())));
        Self
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        take_offered();
    }
}

/// Takes the bytes of the blob that is being serialized, if they are many.
pub(crate) fn take_offered() -> Option<Bytes> {
    OFFERED.with(|offered| offered.take())
}
