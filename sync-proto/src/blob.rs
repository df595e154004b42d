//! Bytes that cross a socket without being copied on either side.

use bytes::Bytes;
use core::cell::Cell;
use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::Deref;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::cbor;
use crate::payload::LARGE;

/// So many bytes are shown in full.
const FEW: usize = 32;

/// Bytes that are shared and not copied: by clones, and by whoever stores or sends them.
///
/// Each value that is put into a shared object is encoded, and that copies it. A `Blob` of 16 KiB
/// or more that is the whole value (or is in a `Some`, or in a struct of one unnamed field) is not
/// copied: it is written to the socket from where it lies. If it is most of its message, and that
/// has 64 KiB or more, the memory that it is received into becomes that of the `Blob` that is read.
/// As a part of something else, and where it is smaller, it is copied as any bytes are, and
/// encryption copies all that it encrypts. On the wire it is what a `serde_bytes::ByteBuf` is, and
/// `bytes` in Python: either reads what the other has written.
///
/// Since a large one is not copied, a serializer or deserializer of yours around it that changes
/// bytes, to encrypt them say, is not asked for them: change them before they become a `Blob`.
///
/// It is made of a `Vec<u8>`, or of the `Bytes` of the crate `bytes`, version 1, and turns into
/// either. It does not lend itself as a `[u8]` (`Borrow`), which serde takes for a list of numbers.
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

impl From<&[u8]> for Blob {
    fn from(bytes: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(bytes))
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
        match self.len() {
            0..=FEW => write!(f, "Blob({:?})", self.0),
            many => write!(f, "Blob({many} bytes)"),
        }
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let offer = (self.len() >= LARGE).then(|| self.0.clone());
        // A small one offers nothing, even where another one, around it, has offered its own: that
        // one is copied then.
        let _held = Held::put(|hands| &hands.offered, offer);
        serializer.serialize_newtype_struct(cbor::BLOB, &self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(cbor::BLOB, Content)
    }
}

/// Takes what is handed over, or what any deserializer has for bytes.
struct Content;

impl<'de> Visitor<'de> for Content {
    type Value = Blob;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("byte array")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Blob, D::Error> {
        let given = HANDS.with(|hands| hands.given.take());
        given.map_or_else(|| Bytes::deserialize(inner), Ok).map(Blob)
    }

    // For a deserializer to which a newtype is nothing of its own.

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Blob, E> {
        Ok(bytes.into())
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Blob, E> {
        Ok(bytes.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Blob, E> {
        Ok(text.as_bytes().into())
    }

    fn visit_string<E>(self, text: String) -> Result<Blob, E> {
        Ok(text.into_bytes().into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Blob, A::Error> {
        Bytes::deserialize(SeqAccessDeserializer::new(items)).map(Blob)
    }
}

/// Bytes on their way between a blob and a serializer or deserializer that knows of them: serde
/// gives no way to hand over what is shared.
struct Hands {
    /// The bytes of the blob that is being serialized, if they are many.
    offered: Cell<Option<Bytes>>,
    /// The bytes of the one that is about to be read.
    given: Cell<Option<Bytes>>,
}

type Hand = fn(&Hands) -> &Cell<Option<Bytes>>;

thread_local! {
    // As in `scope`, nothing is done to it when its thread ends; it is empty then.
    static HANDS: ManuallyDrop<Hands> = const {
        ManuallyDrop::new(Hands { offered: Cell::new(None), given: Cell::new(None) })
    };
}

/// Keeps bytes in a hand until it is dropped; the hand is empty then, also after a panic.
struct Held(Hand);

impl Held {
    fn put(hand: Hand, bytes: Option<Bytes>) -> Self {
        HANDS.with(|hands| hand(hands).set(bytes));
        Self(hand)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        HANDS.with(|hands| self.0(hands).set(None));
    }
}

/// Takes the bytes of the blob that is being serialized, if they are many.
pub(crate) fn take_offered() -> Option<Bytes> {
    HANDS.with(|hands| hands.offered.take())
}

/// Has a blob's visitor take these bytes.
pub(crate) fn hand_over<R>(bytes: Bytes, visit: impl FnOnce() -> R) -> R {
    let _held = Held::put(|hands| &hands.given, Some(bytes));
    visit()
}
