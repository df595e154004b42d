//! The second set of two: a shared one, or values.

use std::borrow::Borrow;
use std::collections::{BTreeSet, HashSet};

use serde::Serialize;
use sync_objects::{OtherSet, set};
use sync_proto::{Error, Shared};

use super::Set;
use crate::proxy::pack_all;

/// The other set of an operation on two: a shared [`Set`], which the manager reads in the same
/// step, or values of this process in a `Vec`, an array, a slice, a `HashSet` or a `BTreeSet`.
pub trait SetOperand<T>: private::Sealed {
    /// Returns it as the manager takes it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when a value can't be encoded.
    #[doc(hidden)]
    fn to_other(self, method: &'static str) -> Result<OtherSet, Error>;
}

mod private {
    pub trait Sealed {}
}

impl<T> private::Sealed for &Set<T> {}

impl<T> SetOperand<T> for &Set<T> {
    fn to_other(self, _: &'static str) -> Result<OtherSet, Error> {
        Ok(OtherSet::Shared(self.handle().clone()))
    }
}

macro_rules! values {
    ($([$type:ty] [$($param:tt)*];)*) => {$(
        impl<Q, $($param)*> private::Sealed for $type {}

        impl<T, Q, $($param)*> SetOperand<T> for $type
        where
            Self: IntoIterator<Item: Borrow<T>>,
            T: Serialize,
        {
            fn to_other(self, method: &'static str) -> Result<OtherSet, Error> {
                pack_all::<T>(self, &set::INTERFACE, method).map(OtherSet::Values)
            }
        }
    )*};
}

values! {
    [Vec<Q>] [];
    [&Vec<Q>] [];
    [&[Q]] [];
    [[Q; N]] [const N: usize];
    [&[Q; N]] [const N: usize];
    [HashSet<Q, S>] [S];
    [&HashSet<Q, S>] [S];
    [BTreeSet<Q>] [];
    [&BTreeSet<Q>] [];
}
