//! Pins the bytes of values: they outlive the program that wrote them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Distinct, Meters, Proxy, Shape, encode, to_hex};

#[test]
fn the_bytes_of_values_stay_what_they_are() {
    fn check(value: impl Serialize, golden: &str) {
        assert_eq!(to_hex(&encode(value)), golden.replace(' ', ""));
    }

    check(true, "f5");
    check(0_u8, "00");
    check(23_i64, "17");
    check(24_u64, "18 18");
    check(-1_i8, "20");
    check(-500_i32, "39 01f3");
    check(1_000_000_u32, "1a 000f4240");
    check(u64::MAX, "1b ffffffffffffffff");
    check(i64::MIN, "3b 7fffffffffffffff");
    check(-(1_i128 << 64), "3b ffffffffffffffff");
    check(1_i128 << 64, "c2 49 010000000000000000");
    check(-(1_i128 << 64) - 1, "c3 49 010000000000000000");
    check(5_u128, "05");
    check(u128::MAX, "c2 50 ffffffffffffffffffffffffffffffff");
    check(1.5_f32, "fa 3fc00000");
    check(1.5_f64, "fb 3ff8000000000000");
    check('ü', "62 c3bc");
    check("abc", "63 616263");
    check((), "f6");
    check(None::<u8>, "f6");
    check(Some(1), "01");
    check(Some(()), "d99904 f6");
    check(Some(None::<u8>), "d99904 f6");
    check(Some(Some(None::<u8>)), "d99904 d99904 f6");
    check(vec![1, 2], "82 01 02");
    check((1, "a"), "d99903 82 01 6161");
    check([1, 2], "d99903 82 01 02");
    check(BTreeMap::from([(1, 2), (3, 4)]), "a2 01 02 03 04");
    check(Meters(5), "05");
    check(Proxy(300), "d99905 19 012c");
    check(Distinct(vec![2, 1]), "d90102 82 02 01");
    check(Shape::Empty, "65 456d707479");
    check(Shape::Maybe(Some(1)), "a1 65 4d61796265 01");
    check(Shape::Box(1, 2), "a1 63 426f78 d99903 82 01 02");
    let named = Shape::Named { name: "n".to_owned(), sides: vec![] };
    check(named, "a1 65 4e616d6564 a2 64 6e616d65 61 6e 65 7369646573 80");
}

#[test]
fn bytes_are_a_byte_string_and_a_sequence_of_unknown_length_is_indefinite() {
    struct Raw;

    impl Serialize for Raw {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&[1, 2, 3])
        }
    }

    struct Endless;

    impl Serialize for Endless {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq((1..10).filter(|number| number % 4 == 0))
        }
    }

    assert_eq!(to_hex(&encode(Raw)), "43010203");
    assert_eq!(to_hex(&encode(Endless)), "9f0408ff");
    assert_eq!(crate::cbor::from_slice::<Vec<u8>>(&encode(Endless)), Ok(vec![4, 8]));
}
