//! A single element: a value in messages, bytes in the array.

use smallvec::SmallVec;
use sync_proto::{Payload, Refusal};

use super::Typecode;

/// The bytes of one element.
pub(super) type Element = SmallVec<[u8; 8]>;

/// Defines the two ways, for each typecode by its type in Rust.
macro_rules! numbers {
    ($($($typecode:ident)|+ => $type:ty,)*) => {
        /// Returns an element's bytes as a value.
        pub(super) fn pack(typecode: Typecode, bytes: &[u8]) -> Result<Payload, Refusal> {
            match typecode {
                $($(Typecode::$typecode)|+ => {
                    Payload::pack(&<$type>::from_le_bytes(fixed(bytes)))
                })*
                Typecode::Char | Typecode::WideChar => {
                    let number = u32::from_le_bytes(fixed(bytes));
                    // What came in was checked: it is one.
                    Payload::pack(&char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER))
                }
            }
        }

        /// Returns a value as an element's bytes.
        ///
        /// # Errors
        /// `WrongType` when it is of another type or does not fit.
        pub(super) fn unpack(typecode: Typecode, value: &Payload) -> Result<Element, Refusal> {
            Ok(match typecode {
                $($(Typecode::$typecode)|+ => {
                    Element::from_slice(&value.unpack::<$type>()?.to_le_bytes())
                })*
                Typecode::Char | Typecode::WideChar => {
                    Element::from_slice(&u32::from(value.unpack::<char>()?).to_le_bytes())
                }
            })
        }
    };
}

numbers! {
    SignedChar => i8,
    UnsignedChar => u8,
    Short => i16,
    UnsignedShort => u16,
    Int => i32,
    UnsignedInt => u32,
    Long | LongLong => i64,
    UnsignedLong | UnsignedLongLong => u64,
    Float => f32,
    Double => f64,
}

/// Returns the bytes of an element of a known size.
pub(super) fn fixed<const SIZE: usize>(bytes: &[u8]) -> [u8; SIZE] {
    let mut element = [0; SIZE];
    element.copy_from_slice(bytes);
    element
}
