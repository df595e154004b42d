//! What people see of values.

use std::collections::BTreeMap;

use super::{Distinct, Proxy, Shape, encode, hex};
use crate::cbor::{Kind, describe, kind, show};

#[test]
fn a_description_names_the_kind_and_what_tells_it_apart() {
    for (bytes, phrase) in [
        (encode(300), "integer 300"),
        (encode(u128::MAX), "integer 340282366920938463463374607431768211455"),
        (
            hex("c2 52 010000000000000000000000000000000000"),
            "integer 0x010000000000000000000000000000000000",
        ),
        (
            hex("c3 50 ffffffffffffffffffffffffffffffff"),
            "integer -0x0100000000000000000000000000000000",
        ),
        (encode(-(1_i128 << 100)), "integer -1267650600228229401496703205376"),
        (encode(2.5), "float 2.5"),
        (encode(1e300), "float 1e300"),
        (encode(f64::NAN), "float NaN"),
        (encode(false), "bool false"),
        (encode("abc"), "string \"abc\""),
        (encode("a\"\n"), "string \"a\\\"\\n\""),
        (encode("é".repeat(41)), &format!("string \"{}…\"", "é".repeat(40))),
        (hex("4c 000000000000000000000000"), "bytes of 12"),
        (encode(vec![1, 2, 3]), "list of 3"),
        (hex("9f 01 80 ff"), "list of 2"),
        (encode(((), ())), "tuple of 2"),
        (encode(Distinct(vec![1])), "set of 1"),
        (encode(BTreeMap::from([(1, 2), (2, 3)])), "map of 2"),
        (encode(()), "null"),
        (encode(Some(())), "nested option"),
        (encode(Proxy(1)), "handle"),
        (hex("d820 00"), "tagged value 32"),
        (hex("f7"), "undefined"),
        (hex("e0"), "simple value 0"),
        (hex(""), "malformed bytes"),
        (hex("ff"), "malformed bytes"),
        (hex("9b ffffffffffffffff"), "malformed bytes"),
    ] {
        assert_eq!(describe(&bytes), phrase);
    }
    assert_eq!(kind(&encode(1)), Kind::Integer);
    assert_eq!(kind(&[]), Kind::Malformed);
}

#[test]
fn a_value_is_shown_as_people_write_it() {
    for (bytes, text) in [
        (
            encode((vec![1], 2.5, "x", BTreeMap::from([("a", ())]))),
            "([1], 2.5, \"x\", {\"a\": null})",
        ),
        (encode((1,)), "(1,)"),
        (encode([(); 0]), "()"),
        (encode(Distinct(vec![1, 2])), "{1, 2}"),
        (encode(Distinct(Vec::<u8>::new())), "set()"),
        (hex("a0"), "{}"),
        (hex("9f ff"), "[]"),
        (encode(vec![Proxy(0), Proxy(5)]), "[<handle 0>, <handle 5>]"),
        (encode(Some(None::<u8>)), "Some(null)"),
        (hex("d820 6161"), "32(\"a\")"),
        (hex("43 0a0bff"), "h'0a0bff'"),
        (hex("83 f7 f8ff f5"), "[undefined, simple(255), true]"),
        (encode(Shape::Box(1, 2)), "{\"Box\": (1, 2)}"),
        (encode(f64::NEG_INFINITY), "-inf"),
        (hex("01 02"), "1<malformed>"),
        (hex("9f 01"), "[1<malformed>"),
    ] {
        assert_eq!(show(&bytes, 100), text);
    }
}

#[test]
fn what_is_too_long_is_cut_and_says_so() {
    let bytes = encode(vec!["äöü", "b"]);
    let whole = show(&bytes, 100);
    assert_eq!(whole, "[\"äöü\", \"b\"]");
    let length = whole.chars().count();
    assert_eq!(show(&bytes, length), whole);
    for limit in 0..length {
        let text = show(&bytes, limit);
        assert_eq!(text.chars().count(), limit);
        assert!(limit == 0 || text.ends_with('…'), "{text}");
    }
    assert_eq!(show(&encode(vec![0_u8; 1_000_000]), 8), "[0, 0, …");
}
