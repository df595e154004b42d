//! Gives visitors the parts of what contains others.

use serde::de::{
    DeserializeSeed, EnumAccess, IgnoredAny, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::{Deserialize, Deserializer};

use crate::cbor::error::DecodeError;
use crate::cbor::reader::{Left, Reader};

/// The elements of an array.
#[derive(Debug)]
pub(super) struct Elements<'r, 'de> {
    reader: &'r mut Reader<'de>,
    left: Left,
    taken: usize,
}

impl<'r, 'de> Elements<'r, 'de> {
    pub(super) fn new(reader: &'r mut Reader<'de>, left: Left) -> Self {
        Self { reader, left, taken: 0 }
    }

    /// Demands that the visitor wanted all elements of the array that stands at `start`.
    pub(super) fn finish(mut self, start: usize) -> Result<(), DecodeError> {
        if self.reader.more(&mut self.left)? {
            let wanted = format!("what has {} elements", self.taken);
            return Err(DecodeError::mismatch(self.reader.found(start), wanted));
        }
        Ok(())
    }
}

impl<'de> SeqAccess<'de> for &mut Elements<'_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        if !self.reader.more(&mut self.left)? {
            return Ok(None);
        }
        self.taken += 1;
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        self.left.0.and_then(|left| usize::try_from(left).ok())
    }
}

/// The entries of a map.
#[derive(Debug)]
pub(super) struct Entries<'r, 'de> {
    reader: &'r mut Reader<'de>,
    left: Left,
    taken: usize,
}

impl<'r, 'de> Entries<'r, 'de> {
    pub(super) fn new(reader: &'r mut Reader<'de>, left: Left) -> Self {
        Self { reader, left, taken: 0 }
    }

    /// Demands that the visitor wanted all entries of the map that stands at `start`.
    pub(super) fn finish(mut self, start: usize) -> Result<(), DecodeError> {
        if self.reader.more(&mut self.left)? {
            let wanted = format!("what has {} entries", self.taken);
            return Err(DecodeError::mismatch(self.reader.found(start), wanted));
        }
        Ok(())
    }
}

impl<'de> MapAccess<'de> for &mut Entries<'_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        if !self.reader.more(&mut self.left)? {
            return Ok(None);
        }
        self.taken += 1;
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        seed.deserialize(&mut *self.reader)
    }

    fn size_hint(&self) -> Option<usize> {
        self.left.0.and_then(|left| usize::try_from(left).ok())
    }
}

/// A variant: its name, and its content if there is one.
#[derive(Debug)]
pub(super) struct Variant<'r, 'de> {
    reader: &'r mut Reader<'de>,
    has_content: bool,
}

impl<'r, 'de> Variant<'r, 'de> {
    pub(super) fn bare(reader: &'r mut Reader<'de>) -> Self {
        Self { reader, has_content: false }
    }

    pub(super) fn with_content(reader: &'r mut Reader<'de>) -> Self {
        Self { reader, has_content: true }
    }

    fn content(self) -> Result<&'r mut Reader<'de>, DecodeError> {
        if self.has_content {
            return Ok(self.reader);
        }
        Err(DecodeError::mismatch("a variant's name alone", "a variant with content"))
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self), DecodeError> {
        let name = seed.deserialize(&mut *self.reader)?;
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        if !self.has_content {
            return Ok(());
        }
        let start = self.reader.position();
        IgnoredAny::deserialize(&mut *self.reader)?;
        let found = format!("a variant with {}", self.reader.found(start));
        Err(DecodeError::mismatch(found, "a variant without content"))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, DecodeError> {
        seed.deserialize(self.content()?)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.content()?.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.content()?.deserialize_map(visitor)
    }
}
