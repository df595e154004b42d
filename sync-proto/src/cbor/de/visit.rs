//! Shows visitors what was found, and says what else they wanted.

use std::borrow::Cow;

use serde::de::value::U64Deserializer;
use serde::de::{Expected, IntoDeserializer, Visitor};

use super::access::{Elements, Entries, Variant};
use crate::cbor::describe::describe;
use crate::cbor::error::{DecodeError, FOUND_HANDLE};
use crate::cbor::kind::{Kind, kind};
use crate::cbor::number::Integer;
use crate::cbor::reader::{Item, Left, Reader};

impl<'de> Reader<'de> {
    /// Says that what stands at `start` is not what was wanted.
    pub(super) fn mismatch(&self, start: usize, wanted: &dyn Expected) -> DecodeError {
        DecodeError::mismatch(self.found(start), wanted)
    }

    pub(super) fn found(&self, start: usize) -> String {
        let bytes = self.bytes_at(start);
        match kind(bytes) {
            Kind::Handle => FOUND_HANDLE.to_owned(),
            _ => describe(bytes),
        }
    }

    pub(super) fn integer<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, DecodeError> {
        let start = self.position();
        if let Item::Integer(Integer::Small(number)) = self.leaf()? {
            if let Ok(number) = u64::try_from(number) {
                return visitor.visit_u64(number);
            }
            if let Ok(number) = i64::try_from(number) {
                return visitor.visit_i64(number);
            }
        }
        Err(self.mismatch(start, &visitor))
    }

    /// Reads a float, or an integer that a float holds exactly.
    pub(super) fn float(&mut self) -> Result<Option<f64>, DecodeError> {
        Ok(match self.leaf()? {
            Item::Float(value) => Some(value),
            Item::Integer(number) => number.exact_f64(),
            _ => None,
        })
    }

    pub(super) fn visit_array<V: Visitor<'de>>(
        &mut self,
        start: usize,
        left: Left,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.depth.enter()?;
        let mut elements = Elements::new(self, left);
        let value = visitor.visit_seq(&mut elements)?;
        elements.finish(start)?;
        self.depth.leave();
        Ok(value)
    }

    pub(super) fn visit_entries<V: Visitor<'de>>(
        &mut self,
        start: usize,
        left: Left,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.depth.enter()?;
        let mut entries = Entries::new(self, left);
        let value = visitor.visit_map(&mut entries)?;
        entries.finish(start)?;
        self.depth.leave();
        Ok(value)
    }

    /// Visits what a tag is around as the content of a `Some`.
    pub(super) fn visit_nested_some<V: Visitor<'de>>(
        &mut self,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.depth.enter()?;
        let value = visitor.visit_some(&mut *self)?;
        self.depth.leave();
        Ok(value)
    }

    pub(super) fn visit_newtype<V: Visitor<'de>>(
        &mut self,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.depth.step()?;
        let value = visitor.visit_newtype_struct(&mut *self)?;
        self.depth.unstep();
        Ok(value)
    }

    pub(super) fn visit_handle<V: Visitor<'de>>(
        &mut self,
        index: u64,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let index: U64Deserializer<DecodeError> = index.into_deserializer();
        visitor.visit_newtype_struct(index)
    }

    pub(super) fn visit_variant_map<V: Visitor<'de>>(
        &mut self,
        start: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        const WANTED: &str = "a variant's name or a map of one";
        let Item::Map(mut left) = self.item()? else {
            return Err(self.mismatch(start, &visitor));
        };
        if left.0.is_some_and(|length| length != 1) {
            return Err(DecodeError::mismatch(self.found(start), WANTED));
        }
        self.depth.enter()?;
        if !self.more(&mut left)? {
            return Err(DecodeError::mismatch(self.found(start), WANTED));
        }
        let value = visitor.visit_enum(Variant::with_content(self))?;
        if self.more(&mut left)? {
            return Err(DecodeError::mismatch(self.found(start), WANTED));
        }
        self.depth.leave();
        Ok(value)
    }
}

pub(super) fn visit_text<'de, V: Visitor<'de>>(
    text: Cow<'de, str>,
    visitor: V,
) -> Result<V::Value, DecodeError> {
    match text {
        Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
        Cow::Owned(text) => visitor.visit_string(text),
    }
}

pub(super) fn visit_bytes<'de, V: Visitor<'de>>(
    bytes: Cow<'de, [u8]>,
    visitor: V,
) -> Result<V::Value, DecodeError> {
    match bytes {
        Cow::Borrowed(bytes) => visitor.visit_borrowed_bytes(bytes),
        Cow::Owned(bytes) => visitor.visit_byte_buf(bytes),
    }
}
