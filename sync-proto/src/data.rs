//! What a call or an answer carries: postcard-encoded arguments, and beside them the payloads and
//! handles that they refer to.
//!
//! Arguments are encoded by postcard, since both ends know them at compile time. A [`Payload`] or
//! [`Handle`] among them is an index into the lists beside them: a blocked call is polled again
//! without a copy of anything large, and the manager sees every reference.

use core::convert::Infallible;
use std::sync::Arc;

use postcard::ser_flavors::Flavor;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smallvec::SmallVec;

use crate::message::WireHandle;
use crate::{ErrorKind, Handle, Keeper, ManagerId, Payload, Refusal};

pub(crate) mod scope;

/// Encoded arguments, or an answer: mostly few bytes, since values lie beside them.
pub type Args = SmallVec<[u8; 16]>;

/// What a call or an answer carries. It is passed on a dozen times on its way, so it is small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data<H = Handle> {
    /// The arguments, or the answer, in postcard.
    pub args: Args,
    /// The payloads among them.
    pub payloads: Vec<Payload<H>>,
    /// The handles among them.
    pub handles: Vec<H>,
}

impl<H> Default for Data<H> {
    fn default() -> Self {
        Self { args: Args::new(), payloads: Vec::new(), handles: Vec::new() }
    }
}

impl Data {
    /// Encodes arguments or an answer.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when a `Serialize` among them fails.
    pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Self, Refusal> {
        let (encoded, lists) = scope::collect(scope::Lists::default(), || {
            postcard::serialize_with_flavor(value, Gathered(Args::new()))
        });
        match encoded {
            Ok(args) => Ok(Self {
                args,
                payloads: lists.payloads.unwrap_or_default(),
                handles: lists.handles,
            }),
            Err(error) => {
                let why = format!("the arguments cannot be encoded: {error}");
                Err(Refusal::new(ErrorKind::InvalidInput, why))
            }
        }
    }

    /// Turns its handles into what a message carries.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when one is a handle of another manager than `manager`.
    pub fn into_wire(self, manager: ManagerId) -> Result<Data<WireHandle>, Refusal> {
        self.map_handles(|handle| {
            if handle.keeper().manager() == manager {
                return Ok((&handle).into());
            }
            let why = format!("{handle:?} is of another manager than the object that is called");
            Err(Refusal::new(ErrorKind::InvalidInput, why))
        })
    }

    /// Decodes arguments or an answer; nothing may be left over.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] when the bytes are not a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        self.clone().into_value()
    }

    /// Decodes arguments or an answer as [`decode`](Self::decode) does, when this is not needed any
    /// more.
    ///
    /// # Errors
    /// Those of [`decode`](Self::decode).
    pub fn into_value<T: DeserializeOwned>(mut self) -> Result<T, Refusal> {
        self.read(true)
    }

    /// Decodes arguments as [`decode`](Self::decode) does, of a call that may be polled again:
    /// nothing is missing afterwards, unless a `Deserialize` among them panics.
    ///
    /// # Errors
    /// Those of [`decode`](Self::decode).
    pub fn look<T: DeserializeOwned>(&mut self) -> Result<T, Refusal> {
        self.read(false)
    }

    fn read<T: DeserializeOwned>(&mut self, to_take: bool) -> Result<T, Refusal> {
        let payloads = core::mem::take(&mut self.payloads);
        let handles = core::mem::take(&mut self.handles);
        let lists = scope::Lists::new(payloads, handles, to_take);
        let (read, lists) = scope::provide(lists, || postcard::take_from_bytes::<T>(&self.args));
        (self.payloads, self.handles) = (lists.payloads.unwrap_or_default(), lists.handles);
        let malformed = |why: String| Refusal::new(ErrorKind::Malformed, why);
        match read {
            Ok((value, [])) => Ok(value),
            Ok((_, rest)) => Err(malformed(format!("{} bytes too many in a call", rest.len()))),
            Err(error) => {
                let wanted = core::any::type_name::<T>();
                Err(malformed(format!("the arguments or the answer are not {wanted}: {error}")))
            }
        }
    }
}

/// Gathers what postcard writes. Its own way to extend something takes the bytes one by one.
struct Gathered(Args);

impl Flavor for Gathered {
    type Output = Args;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        match bytes {
            // Most numbers are small: one byte, for which a copy would be a call.
            &[byte] => self.0.push(byte),
            _ => self.0.extend_from_slice(bytes),
        }
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Args> {
        Ok(self.0)
    }
}

impl Data<WireHandle> {
    /// Takes over the handles that a message brought: the keeper of each hears when it is gone.
    pub fn into_handles(self, keeper: impl Fn() -> Arc<dyn Keeper>) -> Data {
        let handle = |wire: WireHandle| Handle::new(wire.object, wire.interface, keeper());
        let Ok(data) = self.map_handles(|wire| Ok::<_, Infallible>(handle(wire)));
        data
    }
}

impl<H> Data<H> {
    /// Replaces the representation of the objects.
    ///
    /// # Errors
    /// What `f` refused with.
    pub fn map_handles<G, E>(self, mut f: impl FnMut(H) -> Result<G, E>) -> Result<Data<G>, E> {
        // Every call comes through here, most with a payload at most and without a handle.
        let payloads = match self.payloads {
            none if none.is_empty() => Vec::new(),
            some => some
                .into_iter()
                .map(|payload| payload.map_handles(&mut f))
                .collect::<Result<_, _>>()?,
        };
        let handles = match self.handles {
            none if none.is_empty() => Vec::new(),
            some => some.into_iter().map(f).collect::<Result<_, _>>()?,
        };
        Ok(Data { args: self.args, payloads, handles })
    }

    /// Returns the handles that it brings, its payloads' too.
    pub fn all_handles(&self) -> impl Iterator<Item = &H> {
        self.handles.iter().chain(self.payloads.iter().flat_map(|payload| &payload.handles))
    }

    /// Returns how many bytes it takes in a frame's body.
    pub fn len(&self) -> usize {
        self.args.len() + self.payloads.iter().map(|payload| payload.bytes.len()).sum::<usize>()
    }

    /// Returns whether it carries nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A call's data among the arguments of another call (a constructor's, in `create`): its payloads
/// and handles go into the outer lists.
impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&*self.args, &*self.payloads, &*self.handles).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (args, payloads, handles) = <(Vec<u8>, _, _)>::deserialize(deserializer)?;
        Ok(Self { args: args.into(), payloads, handles })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_along_once_is_read_once_however_often_it_is_named() {
        let value = || Payload::pack("a value").unwrap();
        let mut data = Data::encode(&[value(), value()]).unwrap();
        for _ in 0..2 {
            let both: [Payload; 2] = data.look().unwrap();
            assert_eq!(both, [value(), value()], "a call is looked at again and again");
        }
        for args in [[0, 0], [1, 0], [1, 1]] {
            data.args = args.into_iter().collect();
            let refused = data.look::<[Payload; 2]>().unwrap_err();
            assert_eq!(refused.kind, ErrorKind::Malformed);
            assert_eq!(data.decode::<[Payload; 2]>().unwrap_err().kind, ErrorKind::Malformed);
        }
    }
}
