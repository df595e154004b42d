//! Bytes that cross a socket without being copied on either side.

use core::cell::Cell;
use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::Deref;

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::cbor;
use crate::payload::LARGE;

/// Bytes that are shared and not copied: by clones, and by whoever stores or sends them.
///
/// Each value that is put into a shared object is encoded, and that copies it. A large `Blob` that
/// is the whole value (or is in a `Some`, or in a struct of one unnamed field) is not copied: it is
/// written to the socket from where it lies, and the memory that it is read into becomes that of
/// the `Blob` that is read. As a part of something else, and below 16 KiB, it is copied as any
/// bytes are, and encryption copies all that it encrypts. On the wire it is what a
/// `serde_bytes::ByteBuf` is, and `bytes` in Python: either reads what the other has written.
///
/// ```
/// use sync_proto::{Blob, Payload};
///
/// let frame = Blob::from(vec![7; 1 << 20]);
/// let value = Payload::pack(&frame).unwrap();
/// assert_eq!(value.bytes.as_ptr(), frame.as_ptr());
/// assert_eq!(value.unpack::<Blob>().unwrap(), frame);
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// Of a slice of longer bytes, all are kept in memory as long as the blob is, also by a manager in
/// this process, which counts what it was given.
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
        let offer = (self.len() >= LARGE).then(|| self.0.clone());
        // A small one offers nothing: it may be part of how another one, around it, is written.
        let _around = Restore(OFFERED.with(|offered| offered.replace(offer)));
        serializer.serialize_newtype_struct(cbor::BLOB, &self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Content;

        impl<'de> Visitor<'de> for Content {
            type Value = Blob;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, of: D) -> Result<Blob, D::Error> {
                let given = GIVEN.with(|given| given.take());
                given.map_or_else(|| Bytes::deserialize(of), Ok).map(Blob)
            }
        }

        deserializer.deserialize_newtype_struct(cbor::BLOB, Content)
    }
}

// serde gives no way to hand bytes over that are shared. As in `scope`, nothing is done to these
// when their thread ends; they are empty then.
thread_local! {
    /// The bytes of the blob that is being serialized, if they are many, for a serializer that
    /// knows of them.
    static OFFERED: ManuallyDrop<Cell<Option<Bytes>>> =
        const { ManuallyDrop::new(Cell::new(None)) };
    /// Those of the one that is about to be read.
    static GIVEN: ManuallyDrop<Cell<Option<Bytes>>> =
        const { ManuallyDrop::new(Cell::new(None)) };
}

/// What was offered before, to be so again.
struct Restore(Option<Bytes>);

impl Drop for Restore {
    fn drop(&mut self) {
        OFFERED.with(|offered| offered.set(self.0.take()));
    }
}

/// Takes the bytes of the blob that is being serialized, if they are many.
pub(crate) fn take_offered() -> Option<Bytes> {
    OFFERED.with(|offered| offered.take())
}

/// Has a blob's visitor take these bytes.
pub(crate) fn hand_over<R>(bytes: Bytes, visit: impl FnOnce() -> R) -> R {
    GIVEN.with(|given| given.set(Some(bytes)));
    let result = visit();
    // Whoever else has that newtype's name did not take them.
    GIVEN.with(|given| given.set(None));
    result
}
