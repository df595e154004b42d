//! What the typed proxies have in common.

use std::borrow::Borrow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sync_proto::{Error, Interface, Payload, Shared};

/// Encodes a user's value for a method.
pub(crate) fn pack<Q: Serialize + ?Sized>(
    value: &Q,
    interface: &'static Interface,
    method: &'static str,
) -> Result<Payload, Error> {
    Payload::pack(value).map_err(|refusal| refusal.during(interface.name, method))
}

/// Encodes a user's values for a method: some of their own, or references to them.
pub(crate) fn pack_all<T: Serialize + ?Sized>(
    values: impl IntoIterator<Item: Borrow<T>>,
    interface: &'static Interface,
    method: &'static str,
) -> Result<Vec<Payload>, Error> {
    values.into_iter().map(|value| pack(value.borrow(), interface, method)).collect()
}

/// Decodes a user's value that a method answered with.
pub(crate) fn unpack<T: DeserializeOwned>(
    payload: &Payload,
    interface: &'static Interface,
    method: &'static str,
) -> Result<T, Error> {
    payload.unpack().map_err(|refusal| refusal.during(interface.name, method))
}

/// Decodes a user's value that a method answered with, and that nobody needs again.
pub(crate) fn into_value<T: DeserializeOwned>(
    payload: Payload,
    interface: &'static Interface,
    method: &'static str,
) -> Result<T, Error> {
    payload.into_value().map_err(|refusal| refusal.during(interface.name, method))
}

/// Reads what was taken out, and gives it back where that fails, by a proxy without a deadline: if
/// its time were up, it would be lost. Where that cannot be done it is gone, and the error says so.
pub(crate) fn read_or_give_back<P: Shared, R, T>(
    proxy: &P,
    taken: R,
    read: impl FnOnce(&R) -> Result<T, Error>,
    give_back: impl FnOnce(P, R) -> Result<(), Error>,
) -> Result<T, Error> {
    read_or_restore(proxy, taken, read, |proxy, taken| give_back(proxy, taken).map(|()| true))
}

/// The same for what has one place, in which something else may stand by now: `restore` returns
/// whether it is back.
pub(crate) fn read_or_restore<P: Shared, R, T>(
    proxy: &P,
    taken: R,
    read: impl FnOnce(&R) -> Result<T, Error>,
    restore: impl FnOnce(P, R) -> Result<bool, Error>,
) -> Result<T, Error> {
    // The user's own `Deserialize` may panic: that goes on when nothing can be lost by it.
    let failed = match catch_unwind(AssertUnwindSafe(|| read(&taken))) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => Ok(error),
        Err(panic) => Err(panic),
    };
    let proxy = P::attach(proxy.handle().clone());
    let restored = proxy.and_then(|proxy| restore(proxy, taken));
    let error = failed.unwrap_or_else(|panic| resume_unwind(panic));
    Err(match restored {
        Ok(true) => error,
        Ok(false) => error.with_note("it is gone: something else is in its place now"),
        Err(why) => error.with_note(format_args!("it is gone: it could not be put back ({why})")),
    })
}

/// Implements what every proxy has: `within`, and its place among shared objects. A generic one
/// cannot derive the rest without bounds on what it holds: the same object in `Clone`, `Eq` and
/// `Hash`, and no I/O in `Debug`.
macro_rules! common {
    (@shared [$($param:ident),*] $type:ty, $module:ident) => {
        impl<$($param),*> $type {
            /// Returns the same object with a deadline for each call; one that waits longer fails
            /// with [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut).
            #[must_use]
            pub fn within(&self, timeout: Duration) -> Self {
                Self::of(self.proxy.within(timeout))
            }
        }

        impl<$($param),*> Shared for $type {
            const INTERFACE: &'static Interface = $module::Proxy::INTERFACE;

            fn attach(handle: Handle) -> Result<Self, Error> {
                $module::Proxy::attach(handle).map(Self::of)
            }

            fn handle(&self) -> &Handle {
                self.proxy.handle()
            }
        }
    };

    ($name:ident, $module:ident) => {
        impl $name {
            fn of(proxy: $module::Proxy) -> Self {
                Self { proxy }
            }
        }

        crate::proxy::common!(@shared [] $name, $module);
    };

    ($name:ident<$($param:ident),*>, $module:ident) => {
        crate::proxy::common!(@shared [$($param),*] $name<$($param),*>, $module);

        impl<$($param),*> $name<$($param),*> {
            fn of(proxy: $module::Proxy) -> Self {
                Self { proxy, marker: PhantomData }
            }

            pub(crate) fn pack<Packed: Serialize + ?Sized>(
                &self,
                value: &Packed,
                method: &'static str,
            ) -> Result<Payload, Error> {
                crate::proxy::pack(value, &$module::INTERFACE, method)
            }

            pub(crate) fn unpack<Unpacked: serde::de::DeserializeOwned>(
                &self,
                payload: &Payload,
                method: &'static str,
            ) -> Result<Unpacked, Error> {
                crate::proxy::unpack(payload, &$module::INTERFACE, method)
            }
        }

        impl<$($param),*> Clone for $name<$($param),*> {
            fn clone(&self) -> Self {
                Self::of(self.proxy.clone())
            }
        }

        impl<$($param),*> PartialEq for $name<$($param),*> {
            fn eq(&self, other: &Self) -> bool {
                self.proxy == other.proxy
            }
        }

        impl<$($param),*> Eq for $name<$($param),*> {}

        impl<$($param),*> core::hash::Hash for $name<$($param),*> {
            fn hash<Hasher: core::hash::Hasher>(&self, state: &mut Hasher) {
                self.proxy.hash(state);
            }
        }

        impl<$($param),*> core::fmt::Debug for $name<$($param),*> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.proxy.handle().object())
            }
        }
    };
}

pub(crate) use common;
