//! Writes serde values as CBOR.

use bytes::Bytes;
use serde::{Serialize, Serializer};

mod compound;

use self::compound::Compound;
use super::depth::Depth;
use super::error::EncodeError;
use super::number::{put_i128, put_u128};
use super::{BLOB, Encoded, HANDLE, SET, head, tag};
use crate::blob::take_offered;

/// Enough for small values at one allocation.
const FIRST_CAPACITY: usize = 64;

/// Writes one value into a vector.
#[derive(Debug)]
pub(super) struct Writer {
    out: Vec<u8>,
    /// The whole value, if it is bytes that were offered.
    blob: Option<Bytes>,
    depth: Depth,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self { out: Vec::with_capacity(FIRST_CAPACITY), blob: None, depth: Depth::default() }
    }

    pub(super) fn finish(self) -> Encoded {
        match self.blob {
            None => Encoded::Cbor(self.out),
            Some(content) => Encoded::Bytes(content),
        }
    }

    /// Writes bytes that may have been offered: those that begin the value are all of it.
    fn blob<T: Serialize + ?Sized>(&mut self, bytes: &T) -> Result<(), EncodeError> {
        let offered = take_offered();
        if self.out.is_empty() && offered.is_some() {
            self.blob = offered;
            return Ok(());
        }
        self.inner(bytes).map(|_| ())
    }

    fn unsigned(&mut self, number: u64) -> Result<(), EncodeError> {
        head::put(&mut self.out, head::UNSIGNED, number);
        Ok(())
    }

    fn signed(&mut self, number: i64) -> Result<(), EncodeError> {
        match u64::try_from(number) {
            Ok(number) => head::put(&mut self.out, head::UNSIGNED, number),
            Err(_) => head::put(&mut self.out, head::NEGATIVE, !number as u64),
        }
        Ok(())
    }

    fn tag(&mut self, tag: u64) {
        head::put(&mut self.out, head::TAG, tag);
    }

    /// Writes a value that has no bytes around it, and gives the bytes it took.
    fn inner<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<usize, EncodeError> {
        let start = self.out.len();
        self.depth.step()?;
        value.serialize(&mut *self)?;
        self.depth.unstep();
        Ok(start)
    }

    /// Writes a tag and a value that must have the major type that the tag is for.
    fn marked<T: Serialize + ?Sized>(
        &mut self,
        name: &str,
        tag: u64,
        major: u8,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.tag(tag);
        let start = self.inner(value)?;
        match self.out.get(start) {
            Some(byte) if head::major(*byte) == major => Ok(()),
            _ => Err(EncodeError::new(format!("`{name}` was given what it cannot be around"))),
        }
    }

    /// Begins the one-entry map that a variant with content is.
    fn variant(&mut self, name: &str) -> Result<(), EncodeError> {
        self.depth.enter()?;
        head::put(&mut self.out, head::MAP, 1);
        head::put_text(&mut self.out, name);
        Ok(())
    }
}

impl<'w> Serializer for &'w mut Writer {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Compound<'w>;
    type SerializeTuple = Compound<'w>;
    type SerializeTupleStruct = Compound<'w>;
    type SerializeTupleVariant = Compound<'w>;
    type SerializeMap = Compound<'w>;
    type SerializeStruct = Compound<'w>;
    type SerializeStructVariant = Compound<'w>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, value: bool) -> Result<(), EncodeError> {
        self.out.push(if value { head::TRUE } else { head::FALSE });
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), EncodeError> {
        self.signed(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), EncodeError> {
        self.signed(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), EncodeError> {
        self.signed(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), EncodeError> {
        self.signed(value)
    }

    fn serialize_i128(self, value: i128) -> Result<(), EncodeError> {
        put_i128(&mut self.out, value);
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Result<(), EncodeError> {
        self.unsigned(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), EncodeError> {
        self.unsigned(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), EncodeError> {
        self.unsigned(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), EncodeError> {
        self.unsigned(value)
    }

    fn serialize_u128(self, value: u128) -> Result<(), EncodeError> {
        put_u128(&mut self.out, value);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), EncodeError> {
        self.out.push(head::F32);
        self.out.extend(value.to_be_bytes());
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), EncodeError> {
        head::put_f64(&mut self.out, value);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), EncodeError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), EncodeError> {
        head::put_text(&mut self.out, value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), EncodeError> {
        head::put_bytes(&mut self.out, value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), EncodeError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        let start = self.inner(value)?;
        if head::is_ambiguous_in_some(&self.out[start..]) {
            self.out.splice(start..start, head::SOME);
            // What is ambiguous is null in nested `Some`s, and their tags are levels to a reader.
            let tags = (self.out.len() - start) / head::SOME.len();
            self.depth.check(tags)?;
        }
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), EncodeError> {
        self.out.push(head::NULL);
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), EncodeError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), EncodeError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        match name {
            HANDLE => self.marked(name, tag::HANDLE, head::UNSIGNED, value),
            SET => self.marked(name, tag::SET, head::ARRAY, value),
            BLOB => self.blob(value),
            _ => self.inner(value).map(|_| ()),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.variant(variant)?;
        value.serialize(&mut *self)?;
        self.depth.leave();
        Ok(())
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Compound<'w>, EncodeError> {
        Compound::begin(self, head::ARRAY, length)
    }

    fn serialize_tuple(self, length: usize) -> Result<Compound<'w>, EncodeError> {
        self.tag(tag::TUPLE);
        Compound::begin(self, head::ARRAY, Some(length))
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        length: usize,
    ) -> Result<Compound<'w>, EncodeError> {
        self.serialize_tuple(length)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Compound<'w>, EncodeError> {
        self.variant(variant)?;
        self.serialize_tuple(length).map(Compound::of_variant)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Compound<'w>, EncodeError> {
        Compound::begin(self, head::MAP, length)
    }

    fn serialize_struct(
        self,
        _name: &'static str,
        length: usize,
    ) -> Result<Compound<'w>, EncodeError> {
        Compound::begin(self, head::MAP, Some(length))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Compound<'w>, EncodeError> {
        self.variant(variant)?;
        Compound::begin(self, head::MAP, Some(length)).map(Compound::of_variant)
    }
}
