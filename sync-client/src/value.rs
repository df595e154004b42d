//! Value.

use core::any::TypeId;
use core::marker::PhantomData;
use std::borrow::Borrow;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sync_objects::{NumberKind, NumberOp, value};
use sync_proto::{Error, ErrorKind, Handle, Interface, Payload, Place, Shared};

use crate::proxy::read_or_restore;
use crate::update::update;

/// One value that processes share. A number also has arithmetic in one round trip.
///
/// ```
/// # let server = sync_server::Server::builder().spawn()?;
/// # let manager = sync_client::Manager::over(server.local()?);
/// let hits = manager.create_value(0u64)?;
/// hits.fetch_add(3)?;
/// let doubled = hits.update(|hits| {
///     *hits *= 2;
///     *hits
/// })?;
/// assert_eq!((doubled, hits.get()?), (6, 6));
/// # Ok::<(), sync_client::Error>(())
/// ```
#[derive(Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct Value<T> {
    pub(crate) proxy: value::Proxy,
    #[serde(skip)]
    marker: PhantomData<fn() -> T>,
}

crate::proxy::common!(Value<T>, value);

/// The result of [`Value::compare_exchange`] and similar methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "it was exchanged or it was not")]
pub enum Exchange<T> {
    /// The value was as expected, and has been replaced.
    Done,
    /// The value was this, and still is.
    Found(T),
}

impl<T> Value<T> {
    /// Creates a value at a place: a manager, or a name in it.
    ///
    /// # Errors
    /// Those of [`Place::create`]; [`ErrorKind::InvalidInput`]
    /// when the value can't be encoded.
    pub fn new<Q>(place: impl Place, initial: &Q) -> Result<Self, Error>
    where
        T: Borrow<Q> + 'static,
        Q: Serialize + ?Sized,
    {
        let initial =
            Payload::pack(initial).map_err(|no| no.during(value::INTERFACE.name, "new"))?;
        Ok(Self::of(value::Proxy::new(place, number_kind::<T>(), initial)?))
    }

    /// Replaces the value.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when it can't be encoded.
    pub fn set<Q>(&self, value: &Q) -> Result<(), Error>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.proxy.set(self.pack(value, "set")?)
    }
}

impl<T: DeserializeOwned> Value<T> {
    /// Returns the value.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`] when it is not a `T`.
    pub fn get(&self) -> Result<T, Error> {
        crate::proxy::into_value(self.proxy.get()?, &value::INTERFACE, "get")
    }

    /// Replaces the value and returns the one before.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`] when the one before is not a `T`: it is then put back, unless
    /// somebody has written meanwhile.
    pub fn swap<Q>(&self, value: &Q) -> Result<T, Error>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let value = self.pack(value, "swap")?;
        let before = self.proxy.swap(value.clone())?;
        let read = |before: &Payload| self.unpack(before, "swap");
        read_or_restore(&self.proxy, before, read, |proxy, before| {
            let begun = match proxy.begin_update() {
                // The caller is inside an update of its own.
                Err(error) if error.kind() == ErrorKind::InvalidInput => {
                    return proxy.compare_exchange(value, before).map(|outcome| outcome.is_ok());
                }
                begun => begun?,
            };
            let update = update!(proxy, begun.token);
            // Byte by byte: a value that equals nothing is its own still.
            if begun.value != value {
                return Ok(false);
            }
            update.commit(|token| proxy.commit_update(token, before)).map(|()| true)
        })
    }

    /// Replaces the value if it equals the expected one. Values are compared as in Python, whatever
    /// the width of their numbers.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`] when what was found is not a `T`.
    #[doc(alias = "compare_and_swap")]
    pub fn compare_exchange<Q>(&self, expected: &Q, value: &Q) -> Result<Exchange<T>, Error>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let method = "compare_exchange";
        let (expected, value) = (self.pack(expected, method)?, self.pack(value, method)?);
        match self.proxy.compare_exchange(expected, value)? {
            Ok(_) => Ok(Exchange::Done),
            Err(found) => self.unpack(&found, method).map(Exchange::Found),
        }
    }

    /// Changes the value in turn: `change` runs here, once, while other writers wait in line and
    /// readers don't. If it panics, or this process dies in it, nothing changes.
    ///
    /// What `change` returns is returned, and does not matter otherwise: to change nothing on an
    /// error, use [`try_update`](Self::try_update).
    ///
    /// # Errors
    /// [`ErrorKind::Changed`] when `change` itself wrote to this value
    /// through a proxy; [`ErrorKind::InvalidInput`] for an update
    /// inside an update of the same value; [`ErrorKind::WrongType`]
    /// when the value is not a `T`.
    pub fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> Result<R, Error>
    where
        T: Serialize,
    {
        self.try_update(|value| Ok(change(value)))
    }

    /// Does the same as [`update`](Self::update) if `change` returns `Ok`; if it returns an error,
    /// nothing changes, and that is returned.
    ///
    /// # Errors
    /// Those of `change`, and of [`update`](Self::update).
    pub fn try_update<R, E: From<Error>>(
        &self,
        change: impl FnOnce(&mut T) -> Result<R, E>,
    ) -> Result<R, E>
    where
        T: Serialize,
    {
        let begun = self.proxy.begin_update()?;
        let update = update!(self.proxy, begun.token);
        let mut value = self.unpack(&begun.value, "update")?;
        let result = change(&mut value)?;
        let value = self.pack(&value, "update")?;
        update.commit(|token| self.proxy.commit_update(token, value))?;
        Ok(result)
    }
}

/// Defines the arithmetic: each method combines and returns the number before.
macro_rules! fetch {
    ($bound:ident: $($(#[$doc:meta])* $method:ident = $op:ident;)*) => {
        impl<T: $bound> Value<T> {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// [`ErrorKind::Overflow`] when the result does not fit into a `T`;
            /// [`ErrorKind::WrongType`] when the value was not made as a `T`, or not as a number.
            /// Then it stays as it was.
            pub fn $method(&self, operand: T) -> Result<T, Error> {
                let operand = self.pack(&operand, stringify!($method))?;
                let before = self.proxy.fetch(T::KIND, NumberOp::$op, operand)?;
                self.unpack(&before, stringify!($method))
            }
        )*}
    };
}

fetch! {
    Number:
    /// Adds, and returns the number before.
    fetch_add = Add;
    /// Subtracts, and returns the number before.
    fetch_sub = Sub;
    /// Multiplies, and returns the number before.
    fetch_mul = Mul;
    /// Keeps the smaller, and returns the number before.
    fetch_min = Min;
    /// Keeps the greater, and returns the number before.
    fetch_max = Max;
}

fetch! {
    Integer:
    /// Combines the bits by "and", and returns the number before.
    fetch_and = And;
    /// Combines the bits by "or", and returns the number before.
    fetch_or = Or;
    /// Combines the bits by "exclusive or", and returns the number before.
    fetch_xor = Xor;
}

/// A number type that a manager can calculate with.
pub trait Number: Serialize + DeserializeOwned + private::Sealed {
    /// Which of Rust's types it is, for the manager.
    const KIND: NumberKind;
}

/// A number type whose bits can be combined.
pub trait Integer: Number {}

mod private {
    pub trait Sealed {}
}

macro_rules! integers {
    ($($type:ty)*) => {
        $(impl Integer for $type {})*
    };
}

integers!(i8 i16 i32 i64 isize i128 u8 u16 u32 u64 usize);

macro_rules! numbers {
    ($($type:ty = $kind:ident),*) => {
        $(
            impl private::Sealed for $type {}

            impl Number for $type {
                const KIND: NumberKind = NumberKind::$kind;
            }
        )*

        /// Returns which number type `T` is, if it is one.
        fn number_kind<T: 'static>() -> Option<NumberKind> {
            let kinds = [$((TypeId::of::<$type>(), NumberKind::$kind)),*];
            kinds.into_iter().find(|&(id, _)| id == TypeId::of::<T>()).map(|(_, kind)| kind)
        }
    };
}

numbers!(
    i8 = I8,
    i16 = I16,
    i32 = I32,
    i64 = I64,
    isize = I64,
    i128 = I128,
    u8 = U8,
    u16 = U16,
    u32 = U32,
    u64 = U64,
    usize = U64,
    f32 = F32,
    f64 = F64
);
