//! Arithmetic on elements, in one round trip.

use sync_objects::NumberOp;
use sync_proto::Error;

use super::{Array, Element};
use crate::list::ListIndex;
use crate::value::{Integer, Number};

/// Defines the arithmetic: each method combines and returns the number before.
macro_rules! fetch {
    ($bound:ident: $($(#[$doc:meta])* $method:ident = $op:ident;)*) => {
        impl<T: Element + $bound> Array<T> {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// Those of [`get`](Self::get); [`ErrorKind::Overflow`](crate::ErrorKind::Overflow)
            /// when the result does not fit into a `T`: then the element stays as it was.
            pub fn $method(&self, index: impl ListIndex, operand: T) -> Result<T, Error> {
                let (method, operation) = (stringify!($method), NumberOp::$op);
                let operand = self.pack(&operand, method)?;
                let index = index.to_i64();
                let before = self.proxy.fetch(T::TYPECODE, index, operation, operand)?;
                self.unpack(&before, method)
            }
        )*}
    };
}

fetch! {
    Number:
    /// Adds to the element at an index, and returns the number before.
    fetch_add = Add;
    /// Subtracts from the element at an index, and returns the number before.
    fetch_sub = Sub;
    /// Multiplies the element at an index, and returns the number before.
    fetch_mul = Mul;
    /// Keeps the smaller at an index, and returns the number before.
    fetch_min = Min;
    /// Keeps the greater at an index, and returns the number before.
    fetch_max = Max;
}

fetch! {
    Integer:
    /// Combines the bits at an index by "and", and returns the number before.
    fetch_and = And;
    /// Combines the bits at an index by "or", and returns the number before.
    fetch_or = Or;
    /// Combines the bits at an index by "exclusive or", and returns the number before.
    fetch_xor = Xor;
}
