//! The types that an array's elements may have.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sync_objects::{PackedElements, Typecode, array};
use sync_proto::{Error, ErrorKind, Refusal};

/// A machine type that the elements of an [`Array`](crate::Array) can have: `i8` to `i64`, `u8` to
/// `u64`, `isize` and `usize` (64 bits in the manager), `f32`, `f64`, `char`.
pub trait Element: Copy + Serialize + DeserializeOwned + private::Packed {
    /// Which machine type it is, for the manager.
    const TYPECODE: Typecode;
}

mod private {
    /// How an element becomes bytes, and bytes an element.
    pub trait Packed: Sized {
        fn put(self, into: &mut Vec<u8>);

        fn take(bytes: &[u8]) -> Option<Self>;
    }
}

macro_rules! elements {
    ($($type:ty as $packed:ty = $typecode:ident;)*) => {$(
        impl private::Packed for $type {
            fn put(self, into: &mut Vec<u8>) {
                // Each is as wide as its type here, or, a word, no wider.
                into.extend_from_slice(&(self as $packed).to_le_bytes());
            }

            fn take(bytes: &[u8]) -> Option<Self> {
                <$packed>::from_le_bytes(bytes.try_into().ok()?).try_into().ok()
            }
        }

        impl Element for $type {
            const TYPECODE: Typecode = Typecode::$typecode;
        }
    )*};
}

elements! {
    i8 as i8 = SignedChar;
    u8 as u8 = UnsignedChar;
    i16 as i16 = Short;
    u16 as u16 = UnsignedShort;
    i32 as i32 = Int;
    u32 as u32 = UnsignedInt;
    i64 as i64 = LongLong;
    u64 as u64 = UnsignedLongLong;
    f32 as f32 = Float;
    f64 as f64 = Double;
    char as u32 = Char;
    isize as i64 = LongLong;
    usize as u64 = UnsignedLongLong;
}

/// Encodes elements for a method.
pub(super) fn pack<T: Element>(
    elements: &[T],
    method: &'static str,
) -> Result<PackedElements, Error> {
    let mut bytes = Vec::with_capacity(elements.len() * T::TYPECODE.size());
    elements.iter().for_each(|element| element.put(&mut bytes));
    PackedElements::new(&bytes).map_err(|refusal| refusal.during(array::INTERFACE.name, method))
}

/// Decodes elements that a method answered with.
pub(super) fn unpack<T: Element>(
    packed: &PackedElements,
    method: &'static str,
) -> Result<Vec<T>, Error> {
    let elements = packed.to_bytes().and_then(|bytes| {
        let elements = bytes.chunks(T::TYPECODE.size()).map(T::take);
        elements.collect::<Option<Vec<T>>>().ok_or_else(|| {
            let wanted = core::any::type_name::<T>();
            Refusal::new(ErrorKind::WrongType, format!("the elements are not {wanted}"))
        })
    });
    elements.map_err(|refusal| refusal.during(array::INTERFACE.name, method))
}
