//! Reads serde values from CBOR, strictly: what a type cannot hold exactly is an error.

use serde::Deserializer;
use serde::de::{Expected, Visitor};

mod access;
mod visit;

use self::access::Variant;
use self::visit::{visit_bytes, visit_text};
use super::error::{DecodeError, FOUND_HANDLE};
use super::number::Integer;
use super::reader::{Form, Item, Reader};
use super::{HANDLE, SET};

/// Lets methods that differ in their hints alone go on to another.
macro_rules! read_as {
    ($through:ident: $($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            self.$through(visitor)
        })*
    };
}

/// Implements methods that read one item and know one form of it.
macro_rules! read_leaf {
    ($($method:ident: $pattern:pat => |$visitor:ident| $visit:expr;)*) => {
        $(fn $method<V: Visitor<'de>>(self, $visitor: V) -> Result<V::Value, DecodeError> {
            let start = self.position();
            match self.leaf()? {
                $pattern => $visit,
                _ => Err(self.mismatch(start, &$visitor)),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = DecodeError;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.followed(|reader| {
            let start = reader.position();
            match reader.item()? {
                Item::Null => visitor.visit_unit(),
                Item::Bool(value) => visitor.visit_bool(value),
                Item::Integer(Integer::Small(number)) => {
                    match (number.try_into(), number.try_into()) {
                        (Ok(number), _) => visitor.visit_u64(number),
                        (_, Ok(number)) => visitor.visit_i64(number),
                        _ => visitor.visit_i128(number),
                    }
                }
                Item::Integer(number) => match number.exact_u128() {
                    Some(number) => visitor.visit_u128(number),
                    None => Err(reader.mismatch(start, &visitor)),
                },
                Item::Float(value) => visitor.visit_f64(value),
                Item::Bytes(bytes) => visit_bytes(bytes, visitor),
                Item::Text(text) => visit_text(text, visitor),
                Item::Array(Form::Opaque, _) => Err(reader.mismatch(start, &visitor)),
                Item::Array(_, left) => reader.visit_array(start, left, visitor),
                Item::Map(left) => reader.visit_entries(start, left, visitor),
                // So that handles survive in what serde buffers first (flatten, untagged enums).
                // Any other visitor refuses a newtype struct.
                Item::Handle(index) => reader.visit_handle(index, visitor),
                Item::Some => reader.visit_nested_some(visitor),
                Item::Undefined
                | Item::Simple(_)
                | Item::Tag(_)
                | Item::Reference(_)
                | Item::WideText(_) => Err(reader.mismatch(start, &visitor)),
            }
        })
    }

    read_as! { integer:
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }
    read_as! { deserialize_str: deserialize_string deserialize_identifier }
    read_as! { deserialize_bytes: deserialize_byte_buf }

    read_leaf! {
        deserialize_bool: Item::Bool(value) => |visitor| visitor.visit_bool(value);
        deserialize_i128: Item::Integer(Integer::Small(number)) => |visitor| {
            visitor.visit_i128(number)
        };
        deserialize_str: Item::Text(text) => |visitor| visit_text(text, visitor);
        deserialize_bytes: Item::Bytes(bytes) => |visitor| visit_bytes(bytes, visitor);
        deserialize_unit: Item::Null => |visitor| visitor.visit_unit();
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let start = self.position();
        match self.leaf()? {
            Item::Integer(number) => match number.exact_u128() {
                Some(number) => visitor.visit_u128(number),
                None => Err(self.mismatch(start, &visitor)),
            },
            _ => Err(self.mismatch(start, &visitor)),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let start = self.position();
        match self.float()? {
            Some(wide) if wide.is_nan() || f64::from(wide as f32) == wide => {
                visitor.visit_f32(wide as f32)
            }
            _ => Err(self.mismatch(start, &visitor)),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let start = self.position();
        match self.float()? {
            Some(value) => visitor.visit_f64(value),
            None => Err(self.mismatch(start, &visitor)),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let start = self.position();
        if let Item::Text(text) = self.leaf()? {
            let mut characters = text.chars();
            if let (Some(character), None) = (characters.next(), characters.next()) {
                return visitor.visit_char(character);
            }
        }
        Err(self.mismatch(start, &visitor))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.take_null() {
            return visitor.visit_none();
        }
        if self.take_some() {
            return self.visit_nested_some(visitor);
        }
        self.depth.step()?;
        let value = visitor.visit_some(&mut *self)?;
        self.depth.unstep();
        Ok(value)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let start = self.position();
        match name {
            HANDLE => match self.item()? {
                Item::Handle(index) => self.visit_handle(index, visitor),
                _ => Err(self.mismatch(start, &FOUND_HANDLE)),
            },
            SET => self.followed(|reader| match reader.is_set_next() {
                true => reader.visit_newtype(visitor),
                false => Err(reader.mismatch(start, &"a set")),
            }),
            _ => self.visit_newtype(visitor),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.followed(|reader| {
            let start = reader.position();
            match reader.item()? {
                Item::Array(form, left) if form != Form::Opaque => {
                    reader.visit_array(start, left, visitor)
                }
                _ => Err(reader.mismatch(start, &visitor)),
            }
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.followed(|reader| {
            let start = reader.position();
            match reader.item()? {
                Item::Array(Form::List | Form::Tuple, left) => match left.0 {
                    Some(found) if found != length as u64 => Err(DecodeError::mismatch(
                        reader.found(start),
                        format_args!("{} ({length} elements)", &visitor as &dyn Expected),
                    )),
                    _ => reader.visit_array(start, left, visitor),
                },
                _ => Err(reader.mismatch(start, &visitor)),
            }
        })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.followed(|reader| {
            let start = reader.position();
            match reader.item()? {
                Item::Map(left) => reader.visit_entries(start, left, visitor),
                _ => Err(reader.mismatch(start, &visitor)),
            }
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.followed(|reader| {
            if reader.is_text_next() {
                return visitor.visit_enum(Variant::bare(reader));
            }
            reader.visit_variant_map(reader.position(), visitor)
        })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.skip(None)?;
        visitor.visit_unit()
    }
}
