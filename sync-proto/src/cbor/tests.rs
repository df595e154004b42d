//! Tests of the codec as a whole, by theme.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

mod compare;
mod depth;
mod dynamic;
mod garbage;
mod golden;
mod normal;
mod normal_random;
mod round_trip;
mod share;
mod show;
mod strict;

/// Has a variant of every kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Empty,
    Circle(f64),
    Maybe(Option<u8>),
    Box(i32, i64),
    Named { name: String, sides: Vec<u8> },
}

/// Has a field of every kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    flag: bool,
    small: (i8, u8, i16, u16),
    large: (i32, u32, i64, u64),
    huge: (i128, u128),
    single: f32,
    double: f64,
    letter: char,
    text: String,
    nothing: (),
    maybe: Option<Option<Option<u16>>>,
    unit: Option<()>,
    shapes: Vec<Shape>,
    by_number: BTreeMap<i32, String>,
    by_pair: BTreeMap<(u8, String), Option<bool>>,
    array: [u16; 3],
    wrapped: Meters,
    nested: Option<Box<Self>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Meters(u32);

fn everything() -> Everything {
    Everything {
        flag: true,
        small: (i8::MIN, u8::MAX, i16::MIN, u16::MAX),
        large: (i32::MIN, u32::MAX, i64::MIN, u64::MAX),
        huge: (i128::MIN, u128::MAX),
        single: 0.1,
        double: 0.1,
        letter: 'ß',
        text: "some text".to_owned(),
        nothing: (),
        maybe: Some(Some(None)),
        unit: Some(()),
        shapes: vec![
            Shape::Empty,
            Shape::Circle(1.5),
            Shape::Maybe(None),
            Shape::Box(1, -2),
            Shape::Named { name: "x".to_owned(), sides: vec![1, 2, 3] },
        ],
        by_number: BTreeMap::from([(-1, "a".to_owned()), (300, "b".to_owned())]),
        by_pair: BTreeMap::from([((1, "k".to_owned()), Some(false))]),
        array: [1, 2, 3],
        wrapped: Meters(7),
        nested: None,
    }
}

/// A shared object's handle, as a proxy writes and reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Proxy(u32);

impl Serialize for Proxy {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(super::HANDLE, &self.0)
    }
}

impl<'de> Deserialize<'de> for Proxy {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Index;

        impl<'de> serde::de::Visitor<'de> for Index {
            type Value = Proxy;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a proxy")
            }

            fn visit_newtype_struct<D: serde::Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Proxy, D::Error> {
                u32::deserialize(deserializer).map(Proxy)
            }
        }

        deserializer.deserialize_newtype_struct(super::HANDLE, Index)
    }
}

/// A set, as a user's set type would write and read it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Distinct<T>(Vec<T>);

impl<T: Serialize> Serialize for Distinct<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(super::SET, &self.0)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Distinct<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> serde::de::Visitor<'de> for Elements<T> {
            type Value = Distinct<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a set")
            }

            fn visit_newtype_struct<D: serde::Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Distinct<T>, D::Error> {
                Vec::deserialize(deserializer).map(Distinct)
            }
        }

        deserializer.deserialize_newtype_struct(super::SET, Elements(std::marker::PhantomData))
    }
}

/// Reads hexadecimal bytes; spaces are for the eye.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    assert_eq!(digits.len() % 2, 0, "{text}");
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Writes bytes as hexadecimal.
fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Encodes a value that can be.
fn encode<T: Serialize>(value: T) -> Vec<u8> {
    super::to_vec(&value).unwrap()
}
