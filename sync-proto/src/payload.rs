//! A user's value in transit: encoded bytes and the handles inside it.

use core::fmt;

use bytes::Bytes;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _};
use serde::ser::{Error as _, Serialize, Serializer};

use crate::cbor::Encoded;
use crate::data::scope;
use crate::{Charge, ErrorKind, Handle, Refusal, SmallBytes, cbor};

/// From this many bytes on, a copy costs more than what it takes to need none: a value is written
/// from where it lies, and read where it was received if that was done in one piece.
pub(crate) const LARGE: usize = 16 * 1024;

/// How a payload's bytes are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Encoding {
    /// CBOR (RFC 8949) as [`cbor`] writes it.
    Cbor,
    /// A byte string as it is, without the head that it has in CBOR: to put that before a large
    /// one, or to take it off, would be to move all of it. It is never empty.
    Bytes,
}

/// A user's value, encoded: what containers keep. Shared, not copied, by its clones.
///
/// `H` is the representation of an object: a counted [`Handle`] in a process, a
/// [`WireHandle`](crate::message::WireHandle) in a message.
pub struct Payload<H = Handle> {
    /// How `bytes` is to be read.
    pub encoding: Encoding,
    /// The encoded value.
    pub bytes: SmallBytes,
    /// The objects inside the value, in the order of their places in it.
    pub handles: Box<[H]>,
    /// The meter's charge for it, where one counts; it does not cross a socket.
    charge: Option<Charge>,
}

impl Payload {
    /// Encodes a value, proxies inside it included.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the value's `Serialize` fails.
    pub fn pack<T: Serialize + ?Sized>(value: &T) -> Result<Self, Refusal> {
        let (encoded, lists) =
            scope::collect(scope::Lists::of_handles(Vec::new()), || cbor::encode(value));
        match encoded {
            Ok(Encoded::Cbor(bytes)) => Ok(Self::of_cbor(bytes, lists.handles)),
            Ok(Encoded::Bytes(content)) => {
                Ok(Self::new(Encoding::Bytes, content.into(), Vec::new()))
            }
            Err(error) => {
                let why = format!("the value cannot be encoded: {error}");
                Err(Refusal::new(ErrorKind::InvalidInput, why))
            }
        }
    }

    /// Decodes the value as a `T`; a proxy inside it comes out usable.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`], naming what was found and what was expected, when the value is not
    /// a `T`.
    pub fn unpack<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let value = match self.encoding {
            Encoding::Bytes => cbor::take_bytes(self.bytes.clone().into_shared()),
            Encoding::Cbor => {
                let lists = scope::Lists::of_handles(self.handles.to_vec());
                scope::provide(lists, || cbor::from_slice(&self.bytes)).0
            }
        };
        value.map_err(wrong_type::<T>)
    }

    /// Decodes the value as [`unpack`](Self::unpack) does; a large byte string that nobody else
    /// shares is taken over and not copied.
    ///
    /// # Errors
    /// Those of [`unpack`](Self::unpack).
    pub fn into_value<T: DeserializeOwned>(self) -> Result<T, Refusal> {
        let start = match self.encoding {
            Encoding::Bytes => Some(0),
            Encoding::Cbor if self.bytes.len() < LARGE => None,
            Encoding::Cbor => cbor::content_of_bytes(&self.bytes),
        };
        let Some(start) = start else { return self.unpack() };
        let content = self.bytes.into_shared().split_off(start);
        cbor::take_bytes(content).map_err(wrong_type::<T>)
    }

    /// Returns the value's normal form, by which values are equal.
    ///
    /// # Errors
    /// `NotANumber` for a value that equals nothing; otherwise the bytes are malformed.
    pub fn normalize(&self) -> Result<cbor::Normal, cbor::NormalizeError> {
        match self.encoding {
            Encoding::Cbor => cbor::normalize(&self.bytes, &self.object_numbers()),
            Encoding::Bytes => Ok(cbor::Normal::of_bytes(&self.bytes)),
        }
    }

    /// Returns the normal form of a key, in which a list counts as a tuple.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the value can't be a key.
    pub fn normalize_key(&self) -> Result<cbor::Normal, Refusal> {
        match self.encoding {
            Encoding::Bytes => return Ok(cbor::Normal::of_bytes(&self.bytes)),
            Encoding::Cbor => {
                if let Some(normal) = cbor::Normal::of_text(&self.bytes) {
                    return Ok(normal);
                }
            }
        }
        cbor::normalize_key(&self.bytes, &self.object_numbers()).map_err(|error| {
            let found = cbor::describe(&self.bytes);
            Refusal::new(ErrorKind::InvalidInput, format!("{found} can't be a key: {error}"))
        })
    }

    fn object_numbers(&self) -> Vec<u64> {
        self.handles.iter().map(|handle| handle.object().0).collect()
    }
}

fn wrong_type<T>(error: cbor::DecodeError) -> Refusal {
    let wanted = core::any::type_name::<T>();
    Refusal::new(ErrorKind::WrongType, format!("the value is not of type {wanted}: {error}"))
}

impl<H> Payload<H> {
    /// Takes encoded bytes as a value.
    #[inline]
    pub fn new(encoding: Encoding, bytes: SmallBytes, handles: Vec<H>) -> Self {
        // Most values have none, and nothing is to be done for them.
        let handles = if handles.is_empty() { Box::default() } else { handles.into() };
        Self { encoding, bytes, handles, charge: None }
    }

    /// Takes a value that is encoded in CBOR. A large byte string goes on without its head.
    pub fn of_cbor(bytes: Vec<u8>, handles: Vec<H>) -> Self {
        let content = if bytes.len() < LARGE { None } else { cbor::content_of_bytes(&bytes) };
        let Some(start) = content else { return Self::new(Encoding::Cbor, bytes.into(), handles) };
        let content = Bytes::from(bytes).split_off(start);
        Self::new(Encoding::Bytes, content.into(), handles)
    }

    /// Checks that the value nests no deeper than `max` levels.
    ///
    /// # Errors
    /// Those of [`cbor::check_depth`].
    pub fn check_depth(&self, max: usize) -> Result<(), cbor::DecodeError> {
        match self.encoding {
            Encoding::Cbor => cbor::check_depth(&self.bytes, max),
            Encoding::Bytes => Ok(()),
        }
    }

    /// Tells what kind of value it is.
    pub fn kind(&self) -> cbor::Kind {
        match self.encoding {
            Encoding::Cbor => cbor::kind(&self.bytes),
            Encoding::Bytes => cbor::Kind::Bytes,
        }
    }

    /// Has the value's bytes counted for as long as a clone of it lives.
    pub fn count_by(&mut self, charge: Charge) {
        self.charge = Some(charge);
    }

    /// Replaces the representation of the objects. The result is not counted by any meter.
    ///
    /// # Errors
    /// What `f` refused with.
    pub fn map_handles<G, E>(self, f: &mut impl FnMut(H) -> Result<G, E>) -> Result<Payload<G>, E> {
        let handles = match self.handles {
            none if none.is_empty() => Vec::new(),
            some => some.into_iter().map(f).collect::<Result<_, _>>()?,
        };
        Ok(Payload::new(self.encoding, self.bytes, handles))
    }
}

impl<H: Clone> Clone for Payload<H> {
    fn clone(&self) -> Self {
        // Not derived: most values have no handles, and the clone of an empty box is a call.
        let handles = if self.handles.is_empty() { Box::default() } else { self.handles.clone() };
        let (bytes, charge) = (self.bytes.clone(), self.charge.clone());
        Self { encoding: self.encoding, bytes, handles, charge }
    }
}

/// Compares the bytes as they are encoded, and not the charge. Equal values may differ in their
/// encoding; they have the same [normal form](Payload::normalize).
impl<H: PartialEq> PartialEq for Payload<H> {
    fn eq(&self, other: &Self) -> bool {
        let ours = (self.encoding, &self.bytes, &self.handles);
        ours == (other.encoding, &other.bytes, &other.handles)
    }
}

impl<H: Eq> Eq for Payload<H> {}

impl<H> fmt::Debug for Payload<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 80;
        let shown = match self.encoding {
            Encoding::Cbor => cbor::show(&self.bytes, SHOWN),
            // Of each byte there is a character at least.
            Encoding::Bytes => {
                cbor::show(&cbor::of_bytes(&self.bytes[..SHOWN.min(self.bytes.len())]), SHOWN)
            }
        };
        write!(f, "Payload({shown})")
    }
}

/// A payload among a method's arguments is serialized as its place in the list beside them.
impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match scope::put_payload(self) {
            Some(index) => serializer.serialize_u32(index),
            None => Err(S::Error::custom("a payload can be encoded only among a call's arguments")),
        }
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let index = u32::deserialize(deserializer)?;
        scope::payload(index).ok_or_else(|| D::Error::custom("a payload that was not sent along"))
    }
}

/// A user's value of a known type among the arguments of a method: packed by the sender, unpacked
/// by the reader, and carried and kept in between without being looked at.
#[derive(Clone)]
pub struct Packed<T> {
    payload: Payload,
    marker: core::marker::PhantomData<fn() -> T>,
}

impl<T: Serialize> Packed<T> {
    /// Encodes a value.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the value's `Serialize` fails.
    pub fn new(value: &T) -> Result<Self, Refusal> {
        Ok(Payload::pack(value)?.into())
    }
}

impl<T: DeserializeOwned> Packed<T> {
    /// Decodes the value.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`] when it is not a `T`.
    pub fn get(&self) -> Result<T, Refusal> {
        self.payload.unpack()
    }
}

impl<T> Packed<T> {
    /// Returns the encoded value.
    pub fn payload(&self) -> &Payload {
        &self.payload
    }
}

impl<T> From<Payload> for Packed<T> {
    fn from(payload: Payload) -> Self {
        Self { payload, marker: core::marker::PhantomData }
    }
}

impl<T> fmt::Debug for Packed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.payload.fmt(f)
    }
}

impl<T> Serialize for Packed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.payload.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Packed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Payload::deserialize(deserializer).map(Into::into)
    }
}

#[cfg(test)]
mod tests;
