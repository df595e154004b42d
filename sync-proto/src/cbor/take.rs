//! A byte string that its reader takes over instead of copying it.
//!
//! A copy of a large one costs more than the bytes: memory that is fresh from the system is paid
//! for page by page. To move it by the few bytes of its head costs as much as a copy.

use bytes::{Buf, Bytes};
use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::error::DecodeError;
use super::{HANDLE, SET, head};

/// Decodes a byte string, whose content begins at `start`, for a type that wants bytes; for any
/// other it is given back, to be decoded the usual way. No copy is made where nobody else shares
/// the bytes, and nothing is moved if they begin at the beginning of their memory.
pub(crate) fn take_bytes<T: DeserializeOwned>(
    whole: Bytes,
    start: usize,
) -> Result<Result<T, DecodeError>, Bytes> {
    let mut whole = Some(whole);
    let read = T::deserialize(Taking { whole: &mut whole, start });
    match whole {
        Some(whole) => Err(whole),
        None => Ok(read),
    }
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

/// Gives the bytes to a visitor that wants bytes, and nothing to others.
struct Taking<'t> {
    whole: &'t mut Option<Bytes>,
    start: usize,
}

impl Taking<'_> {
    fn give<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let mut bytes = self.whole.take().ok_or_else(not_taken)?;
        bytes.advance(self.start);
        visitor.visit_byte_buf(bytes.into())
    }
}

/// This error is not reported: the value is decoded the usual way then.
fn not_taken() -> DecodeError {
    DecodeError::new("something other than bytes was expected")
}

impl<'de> Deserializer<'de> for Taking<'_> {
    type Error = DecodeError;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, DecodeError> {
        Err(not_taken())
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.give(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.give(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if [HANDLE, SET].contains(&name) {
            return Err(not_taken());
        }
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string unit unit_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde_bytes::ByteBuf;

    use super::super::to_vec;
    use super::*;

    fn encoded(length: usize) -> Bytes {
        to_vec(&ByteBuf::from(vec![7; length])).unwrap().into()
    }

    fn take<T: DeserializeOwned>(encoded: Bytes) -> Result<Result<T, DecodeError>, Bytes> {
        let start = content_of_bytes(&encoded).unwrap();
        take_bytes(encoded, start)
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Photo(Option<ByteBuf>);

    #[test]
    fn bytes_that_nobody_shares_stay_where_they_are() {
        let encoded = encoded(100_000);
        let range = encoded.as_ptr_range();
        let taken = take::<ByteBuf>(encoded).unwrap().unwrap();
        assert!(range.contains(&taken.as_ptr()), "they were copied");
        assert_eq!(taken, vec![7; 100_000]);
    }

    #[test]
    fn bytes_that_others_share_are_theirs_still() {
        let encoded = encoded(1_000);
        let shared = encoded.clone();
        assert_eq!(take::<Photo>(encoded).unwrap(), Ok(Photo(Some(vec![7; 1_000].into()))));
        assert_eq!(super::super::from_slice::<ByteBuf>(&shared).unwrap(), vec![7; 1_000]);
    }

    #[test]
    fn what_is_not_wanted_as_bytes_is_given_back() {
        let bytes = encoded(10);
        assert_eq!(take::<u64>(bytes.clone()), Err(bytes.clone()));
        assert_eq!(take::<String>(bytes.clone()), Err(bytes.clone()));
        assert_eq!(take::<serde::de::IgnoredAny>(bytes.clone()).unwrap_err(), bytes);
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
