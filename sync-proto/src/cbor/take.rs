//! A byte string that its reader takes over instead of copying it.
//!
//! A copy of a large one costs more than the bytes: memory that is fresh from the system is paid
//! for page by page. To move it by the few bytes of its head costs as much as a copy.

use bytes::Bytes;
use serde::de::{DeserializeOwned, Deserializer, Expected, Visitor};

use super::depth::Depth;
use super::error::DecodeError;
use super::{BLOB, HANDLE, Kind, SET, head};
use crate::blob;

/// Decodes a byte string that has this content. No copy is made for a blob, nor for another type
/// that wants a buffer if nobody else shares the bytes; nothing is moved if they begin at the
/// beginning of their memory.
pub(crate) fn take_bytes<T: DeserializeOwned>(mut content: Bytes) -> Result<T, DecodeError> {
    T::deserialize(ByteString { content: &mut content, depth: Depth::default() })
}

/// Returns where the content of an encoded byte string begins, if it goes on to the end.
pub(crate) fn content_of_bytes(encoded: &[u8]) -> Option<usize> {
    let first = *encoded.first()?;
    if head::major(first) != head::BYTES || head::is_indefinite(first) {
        return None;
    }
    let mut decoder = minicbor::Decoder::new(encoded);
    let length = decoder.bytes().ok()?.len();
    (decoder.position() == encoded.len()).then_some(encoded.len() - length)
}

/// A byte string, read as strictly as CBOR is.
struct ByteString<'b> {
    content: &'b mut Bytes,
    depth: Depth,
}

impl ByteString<'_> {
    fn mismatch(&self, wanted: &dyn Expected) -> DecodeError {
        DecodeError::mismatch(format_args!("{} of {}", Kind::Bytes, self.content.len()), wanted)
    }
}

/// Refuses what is not bytes.
macro_rules! refuse {
    ($($method:ident($($unused:ty),*))*) => {
        $(fn $method<V: Visitor<'de>>(
            self, $(_: $unused,)* visitor: V
        ) -> Result<V::Value, DecodeError> {
            Err(self.mismatch(&visitor))
        })*
    };
}

impl<'de> Deserializer<'de> for ByteString<'de> {
    type Error = DecodeError;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_borrowed_bytes(self.content)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_byte_buf(core::mem::take(self.content).into())
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, DecodeError> {
        self.depth.step()?;
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.depth.step()?;
        match name {
            HANDLE => Err(self.mismatch(&visitor)),
            SET => Err(self.mismatch(&"a set")),
            BLOB => blob::hand_over(self.content.clone(), || visitor.visit_newtype_struct(self)),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    refuse! {
        deserialize_bool()
        deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64()
        deserialize_char() deserialize_str() deserialize_string() deserialize_identifier()
        deserialize_unit() deserialize_unit_struct(&'static str)
        deserialize_seq() deserialize_tuple(usize) deserialize_tuple_struct(&'static str, usize)
        deserialize_map() deserialize_struct(&'static str, &'static [&'static str])
        deserialize_enum(&'static str, &'static [&'static str])
    }
}

#[cfg(test)]
mod tests {
    use bytes::Buf;
    use serde_bytes::ByteBuf;

    use super::super::to_vec;
    use super::*;

    fn encoded(length: usize) -> Bytes {
        to_vec(&ByteBuf::from(vec![7; length])).unwrap().into()
    }

    fn take<T: DeserializeOwned>(mut encoded: Bytes) -> Result<T, DecodeError> {
        encoded.advance(content_of_bytes(&encoded).unwrap());
        take_bytes(encoded)
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Photo(Option<ByteBuf>);

    #[test]
    fn bytes_that_nobody_shares_stay_where_they_are() {
        let encoded = encoded(100_000);
        let range = encoded.as_ptr_range();
        let taken = take::<ByteBuf>(encoded).unwrap();
        assert!(range.contains(&taken.as_ptr()), "they were copied");
        assert_eq!(taken, vec![7; 100_000]);
    }

    #[test]
    fn bytes_that_others_share_are_theirs_still() {
        let encoded = encoded(1_000);
        let shared = encoded.clone();
        assert_eq!(take::<Photo>(encoded), Ok(Photo(Some(vec![7; 1_000].into()))));
        assert_eq!(super::super::from_slice::<ByteBuf>(&shared).unwrap(), vec![7; 1_000]);
    }

    #[test]
    fn only_what_is_one_byte_string_in_one_piece_has_its_content() {
        let bytes = encoded(10);
        assert_eq!(content_of_bytes(&bytes), Some(1));
        assert_eq!(content_of_bytes(&to_vec("text").unwrap()), None);
        let more = [&bytes[..], &[0]].concat();
        assert_eq!(content_of_bytes(&more), None, "something follows");
        assert_eq!(content_of_bytes(&bytes[..5]), None, "something is missing");
        assert_eq!(content_of_bytes(&[0x5f, 0x41, 7, 0xff]), None, "it comes in pieces");
        assert_eq!(content_of_bytes(&[]), None);
    }
}
