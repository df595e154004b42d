//! Whatever the bytes are, nothing panics and nothing allocates what they do not justify.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::de::IgnoredAny;

use super::{Distinct, Everything, Proxy, Shape, encode, everything, hex};
use crate::cbor::{compare, describe, from_slice, kind, normalize, normalize_key, show, validate};

/// Runs everything that reads on some bytes; they may be anything.
fn read_all_ways(bytes: &[u8]) {
    let is_valid = validate(bytes, usize::MAX).is_ok();
    assert_eq!(from_slice::<IgnoredAny>(bytes).is_ok(), is_valid);
    let _ = from_slice::<Everything>(bytes);
    let _ = from_slice::<Vec<Shape>>(bytes);
    let _ = from_slice::<BTreeMap<String, f32>>(bytes);
    let _ = from_slice::<Option<(i128, u128)>>(bytes);
    let _ = from_slice::<Distinct<Proxy>>(bytes);
    let _ = from_slice::<&str>(bytes);
    for form in [normalize(bytes, &[1]), normalize_key(bytes, &[1])].into_iter().flatten() {
        assert!(is_valid);
        let _ = compare(&form, &form);
    }
    let _ = (describe(bytes), kind(bytes), show(bytes, 50));
}

fn sample() -> Vec<u8> {
    encode(vec![(everything(), Distinct(vec![Proxy(0)]), Shape::Box(1, 2))])
}

#[test]
fn no_prefix_of_a_value_is_one() {
    let bytes = sample();
    for end in 0..bytes.len() {
        let prefix = &bytes[..end];
        read_all_ways(prefix);
        assert!(validate(prefix, 1).is_err());
        assert!(normalize(prefix, &[0]).is_err());
    }
    read_all_ways(&bytes);
}

#[test]
fn no_single_byte_changed_makes_a_reader_panic() {
    let bytes = sample();
    for position in 0..bytes.len() {
        for value in [0, 0x1b, 0x5f, 0x7f, 0x9b, 0x9f, 0xbf, 0xc2, 0xd9, 0xf6, 0xff] {
            let mut bytes = bytes.clone();
            bytes[position] = value;
            read_all_ways(&bytes);
        }
    }
}

#[test]
fn a_claimed_length_allocates_nothing() {
    for head in ["9b", "bb", "5b", "7b", "d99903 9b", "d90102 9b", "c2 5b", "9f 9b", "a1 00 bb"] {
        for length in ["1000000000000000", "7fffffffffffffff", "ffffffffffffffff"] {
            let bytes = hex(&format!("{head} {length} 00 00"));
            read_all_ways(&bytes);
            assert!(validate(&bytes, 0).is_err());
            assert!(from_slice::<Vec<u64>>(&bytes).is_err());
        }
    }
}

proptest! {
    #[test]
    fn random_bytes_do_no_harm(bytes: Vec<u8>) {
        read_all_ways(&bytes);
    }

    #[test]
    fn bytes_that_are_nearly_cbor_do_no_harm(
        bytes in prop::collection::vec(
            prop::sample::select(hex("00 01 18 20 41 5f 61 6161 7f 81 82 9f a1 bf c2 c3 d99903
                d99904 d99905 d90102 d820 f4 f6 f7 f8 f9 7c00 7e00 fa fb ff")),
            0..40,
        ),
    ) {
        read_all_ways(&bytes);
    }
}
