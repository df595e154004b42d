//! What a visitor sees that asks for nothing in particular.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Distinct, Proxy, Shape, encode, hex};
use crate::cbor::from_slice;

/// Notes the visits that it gets.
#[derive(Debug)]
struct Seen(String);

impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        assert!(!deserializer.is_human_readable());
        deserializer.deserialize_any(Watcher)
    }
}

struct Watcher;

/// Implements visits whose values say it all.
macro_rules! watch {
    ($($method:ident $value:ty),*) => {
        $(fn $method<E>(self, value: $value) -> Result<Seen, E> {
            Ok(Seen(format!("{} {value:?}", stringify!($value))))
        })*
    };
}

impl<'de> Visitor<'de> for Watcher {
    type Value = Seen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    watch! {
        visit_bool bool, visit_u64 u64, visit_i64 i64, visit_u128 u128, visit_i128 i128,
        visit_f64 f64, visit_borrowed_str &'de str, visit_str &str,
        visit_borrowed_bytes &'de [u8], visit_byte_buf Vec<u8>
    }

    fn visit_unit<E>(self) -> Result<Seen, E> {
        Ok(Seen("unit".to_owned()))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Seen, D::Error> {
        Seen::deserialize(deserializer).map(|seen| Seen(format!("some {}", seen.0)))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Seen, D::Error> {
        u32::deserialize(inner).map(|index| Seen(format!("handle {index}")))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Seen, A::Error> {
        let mut seen = format!("seq {:?}", sequence.size_hint());
        while let Some(element) = sequence.next_element::<Seen>()? {
            seen += &format!(" [{}]", element.0);
        }
        Ok(Seen(seen))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Seen, A::Error> {
        let mut seen = format!("map {:?}", map.size_hint());
        while let Some((key, value)) = map.next_entry::<Seen, Seen>()? {
            seen += &format!(" [{}: {}]", key.0, value.0);
        }
        Ok(Seen(seen))
    }
}

#[test]
fn every_value_describes_itself_to_a_visitor() {
    for (bytes, seen) in [
        (encode(()), "unit"),
        (encode(true), "bool true"),
        (encode(7_i8), "u64 7"),
        (encode(-7), "i64 -7"),
        (hex("c2 41 05"), "u64 5"),
        (encode(1_i128 << 64), "i128 18446744073709551616"),
        (encode(i64::MIN as i128 - 1), "i128 -9223372036854775809"),
        (encode(u128::MAX), "u128 340282366920938463463374607431768211455"),
        (encode(0.5_f32), "f64 0.5"),
        (encode('x'), "&'de str \"x\""),
        (hex("7f 6161 ff"), "&str \"a\""),
        (hex("41 01"), "&'de [u8] [1]"),
        (hex("5f 41 01 ff"), "Vec<u8> [1]"),
        (encode(Some(None::<u8>)), "some unit"),
        (encode(Proxy(3)), "handle 3"),
        (encode((1, vec![(); 1])), "seq Some(2) [u64 1] [seq Some(1) [unit]]"),
        (encode(Distinct(vec![2])), "seq Some(1) [u64 2]"),
        (hex("bf 01 f6 ff"), "map None [u64 1: unit]"),
        (encode(Shape::Maybe(None)), "map Some(1) [&'de str \"Maybe\": unit]"),
    ] {
        assert_eq!(from_slice::<Seen>(&bytes).unwrap().0, seen);
    }
}

#[test]
fn what_serde_has_no_words_for_is_refused() {
    for (bytes, message) in [
        ("f7", "found undefined where anything was expected"),
        ("f820", "found simple value 32 where anything was expected"),
        ("d820 6161", "found tagged value 32 where anything was expected"),
        (
            "c2 51 0100000000000000000000000000000000",
            "found integer 0x0100000000000000000000000000000000 where anything was expected",
        ),
    ] {
        assert_eq!(from_slice::<Seen>(&hex(bytes)).unwrap_err().to_string(), message);
    }
}
