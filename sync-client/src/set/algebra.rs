//! Operations on two sets.

use serde::de::DeserializeOwned;
use sync_objects::SetOp;
use sync_proto::Error;

use super::{Set, SetOperand};

/// Defines the algebra: each operation once with an answer, once in place.
macro_rules! algebra {
    ($(
        $(#[$doc:meta])* $method:ident,
        $(#[$in_place_doc:meta])* $in_place:ident = $op:ident;
    )*) => {
        impl<T: DeserializeOwned> Set<T> {$(
            $(#[$doc])*
            ///
            /// Both stay as they are. This set's members come first, in their order.
            ///
            /// # Errors
            /// Those of [`is_subset`](Self::is_subset) and [`to_vec`](Self::to_vec).
            pub fn $method(&self, other: impl SetOperand<T>) -> Result<Vec<T>, Error> {
                let method = stringify!($method);
                let members = self.proxy.combined(SetOp::$op, other.to_other(method)?)?;
                members.iter().map(|member| self.unpack(member, method)).collect()
            }
        )*}

        impl<T> Set<T> {$(
            $(#[$in_place_doc])*
            ///
            /// # Errors
            /// Those of [`is_subset`](Self::is_subset); then this set stays as it was.
            pub fn $in_place(&self, other: impl SetOperand<T>) -> Result<(), Error> {
                self.proxy.combine(SetOp::$op, other.to_other(stringify!($in_place))?)
            }
        )*}
    };
}

algebra! {
    /// Returns what is in this set or in another.
    #[doc(alias = "__or__")]
    union,
    /// Adds what is in another set.
    #[doc(alias("update", "__ior__"))]
    union_with = Union;

    /// Returns what is in this set and in another.
    #[doc(alias = "__and__")]
    intersection,
    /// Keeps what is in another set too.
    #[doc(alias("intersection_update", "__iand__"))]
    intersect_with = Intersection;

    /// Returns what is in this set and not in another.
    #[doc(alias = "__sub__")]
    difference,
    /// Deletes what is in another set.
    #[doc(alias("difference_update", "__isub__"))]
    difference_with = Difference;

    /// Returns what is in this set or in another and not in both.
    #[doc(alias = "__xor__")]
    symmetric_difference,
    /// Adds what is in another set, and deletes what is in both.
    #[doc(alias("symmetric_difference_update", "__ixor__"))]
    symmetric_difference_with = SymmetricDifference;
}
