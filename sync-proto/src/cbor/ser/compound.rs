//! Writes what has elements or entries, and holds the value's `Serialize` to what it announced.

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::Writer;
use crate::cbor::error::EncodeError;
use crate::cbor::head;

/// An array or map that is being written.
#[derive(Debug)]
pub(in crate::cbor) struct Compound<'w> {
    writer: &'w mut Writer,
    announced: Option<usize>,
    /// How many elements, or keys, were written.
    written: usize,
    /// Whether a key waits for its value.
    key_is_open: bool,
    is_in_variant: bool,
}

impl<'w> Compound<'w> {
    pub(super) fn begin(
        writer: &'w mut Writer,
        major: u8,
        announced: Option<usize>,
    ) -> Result<Self, EncodeError> {
        writer.depth.enter()?;
        match announced {
            Some(length) => head::put(&mut writer.out, major, length as u64),
            None => head::put_indefinite(&mut writer.out, major),
        }
        Ok(Self { writer, announced, written: 0, key_is_open: false, is_in_variant: false })
    }

    /// Makes the end of this the end of a variant's map, too.
    pub(super) fn of_variant(self) -> Self {
        Self { is_in_variant: true, ..self }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.written += 1;
        value.serialize(&mut *self.writer)
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), EncodeError> {
        head::put_text(&mut self.writer.out, name);
        self.element(value)
    }

    fn finish(self) -> Result<(), EncodeError> {
        match self.announced {
            None => self.writer.out.push(head::BREAK),
            Some(announced) if announced != self.written => {
                return Err(EncodeError::new(format!(
                    "a `Serialize` announced {announced} elements and wrote {}",
                    self.written
                )));
            }
            Some(_) => {}
        }
        self.writer.depth.leave();
        if self.is_in_variant {
            self.writer.depth.leave();
        }
        Ok(())
    }
}

/// Implements the traits that differ in names alone.
macro_rules! compounds {
    (elements: $($elements:ident $element:ident),*; fields: $($fields:ident),*) => {
        $(impl $elements for Compound<'_> {
            type Ok = ();
            type Error = EncodeError;

            fn $element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
                self.element(value)
            }

            fn end(self) -> Result<(), EncodeError> {
                self.finish()
            }
        })*
        $(impl $fields for Compound<'_> {
            type Ok = ();
            type Error = EncodeError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), EncodeError> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), EncodeError> {
                self.finish()
            }
        })*
    };
}

compounds! {
    elements: SerializeSeq serialize_element, SerializeTuple serialize_element,
        SerializeTupleStruct serialize_field, SerializeTupleVariant serialize_field;
    fields: SerializeStruct, SerializeStructVariant
}

impl SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        if self.key_is_open {
            return Err(EncodeError::new("a `Serialize` wrote a map's key without a value"));
        }
        self.key_is_open = true;
        self.element(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        if !self.key_is_open {
            return Err(EncodeError::new("a `Serialize` wrote a map's value without a key"));
        }
        self.key_is_open = false;
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), EncodeError> {
        if self.key_is_open {
            return Err(EncodeError::new("a `Serialize` wrote a map's key without a value"));
        }
        self.finish()
    }
}
