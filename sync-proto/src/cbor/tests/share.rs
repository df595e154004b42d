//! Values that are in one value more than once, or in themselves, and what has no form in Rust.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Distinct, encode, hex};
use crate::cbor::{
    Incomparable, Kind, compare, describe, from_slice, normalize, normalize_key, show, tag,
    validate,
};

#[test]
fn the_tags_stay_what_they_are() {
    let tags = [tag::SHARED, tag::REFERENCE, tag::BYTE_ARRAY, tag::SET];
    assert_eq!(tags, [28, 29, 64, 258]);
    assert_eq!([tag::OPAQUE, tag::FROZEN_SET, tag::WIDE_TEXT], [39174, 39175, 39176]);
}

fn same(left: &str, right: &[u8]) {
    assert_eq!(normalize(&hex(left), &[]), normalize(right, &[]), "{left}");
}

#[test]
fn a_reference_reads_as_what_it_stands_for() {
    let lists: Vec<Vec<u8>> = from_slice(&hex("83 d81c 81 01 d81d 00 d81d 00")).unwrap();
    assert_eq!(lists, [[1], [1], [1]]);
    let texts: Vec<String> = from_slice(&hex("82 d81c 61 61 d81d 00")).unwrap();
    assert_eq!(texts, ["a", "a"]);
    let maps: (BTreeMap<String, u8>, Option<BTreeMap<String, u8>>) =
        from_slice(&hex("d99903 82 d81c a1 6161 01 d81d 00")).unwrap();
    assert_eq!(Some(maps.0), maps.1);
    let numbers: Vec<f64> = from_slice(&hex("82 d81c fb 3ff8000000000000 d81d 00")).unwrap();
    assert_eq!(numbers, [1.5, 1.5]);
    // Numbers count the marks, also those inside.
    let nested: Vec<Vec<Vec<u8>>> =
        from_slice(&hex("84 d81c 81 d81c 81 05 d81d 00 81 d81d 01 d81d 00")).unwrap();
    assert_eq!(nested, vec![vec![vec![5]]; 4]);
    // A mark that is read again counts once.
    let nested: Vec<Vec<Vec<u8>>> =
        from_slice(&hex("84 d81c 81 d81c 81 01 d81d 00 d81c 81 81 02 d81d 02")).unwrap();
    assert_eq!(nested, [[[1]], [[1]], [[2]], [[2]]]);
}

#[test]
fn enums_and_untagged_values_are_found_behind_references() {
    #[derive(Debug, PartialEq, Deserialize)]
    enum Size {
        Small,
        Sides(u8, u8),
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Any {
        Numbers(Vec<u8>),
        Text(String),
    }
    let sizes: Vec<Size> = from_slice(&hex("82 d81c 65 536d616c6c d81d 00")).unwrap();
    assert_eq!(sizes, [Size::Small, Size::Small]);
    let sizes: Vec<Size> =
        from_slice(&hex("82 d81c a1 65 5369646573 d99903 82 01 02 d81d 00")).unwrap();
    assert_eq!(sizes, [Size::Sides(1, 2), Size::Sides(1, 2)]);
    let any: Vec<Any> = from_slice(&hex("82 d81c 81 07 d81d 00")).unwrap();
    assert_eq!(any, [Any::Numbers(vec![7]), Any::Numbers(vec![7])]);
    let sets: Vec<Distinct<u8>> = from_slice(&hex("82 d81c d90102 81 07 d81d 00")).unwrap();
    assert_eq!(sets[0], sets[1]);
}

#[test]
fn what_is_shared_equals_what_is_written_out() {
    same("82 d81c 81 01 d81d 00", &encode(vec![vec![1], vec![1]]));
    same("a1 01 d81c 81 01", &encode(BTreeMap::from([(1, vec![1])])));
    same("82 d81c 82 d81c 80 d81d 01 d81d 00", &encode(vec![vec![[0_u8; 0].to_vec(); 2]; 2]));
}

#[test]
fn what_contains_itself_ends() {
    let own = hex("d81c 81 d81d 00");
    assert!(validate(&own, 0).is_ok());
    let error = normalize(&own, &[]).unwrap_err().to_string();
    assert!(error.contains("nested deeper"), "{error}");
    #[derive(Debug, Deserialize)]
    struct Nested(#[expect(dead_code, reason = "only read")] Vec<Self>);
    let error = from_slice::<Nested>(&own).unwrap_err().to_string();
    assert!(error.contains("nested deeper"), "{error}");
    assert_eq!(show(&own, 80), "[<shared 0>]");
}

#[test]
fn a_part_of_what_contains_itself_is_read() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        me: Inner,
        last: Vec<u8>,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Inner {
        last: Vec<u8>,
    }
    // What is shared comes to be known while its surroundings are read the second time.
    let own = hex("d81c a3 62 6d65 d81d 00 63 6d6964 d81c 81 01 64 6c617374 d81d 01");
    let outer: Outer = from_slice(&own).unwrap();
    assert_eq!(outer, Outer { me: Inner { last: vec![1] }, last: vec![1] });
}

#[test]
fn few_bytes_do_not_become_many() {
    // Each list is twice the one before it.
    let mut doubled = hex("98 40 d81c 81 01");
    for number in 0..63_u8 {
        let two = [&[0xd8, 0x1d, 0x18, number][..]; 2].concat();
        doubled.extend([&hex("d81c 82")[..], &two].concat());
    }
    assert!(validate(&doubled, 0).is_ok());
    let error = normalize(&doubled, &[]).unwrap_err().to_string();
    assert!(error.contains("stand for more than"), "{error}");
}

#[test]
fn unsound_sharing_is_malformed() {
    for bytes in ["d81d 00", "82 d81d 00 d81c 80", "d81c d81c 80", "82 d81c 80 d81c d81d 00"] {
        assert!(validate(&hex(bytes), 0).is_err(), "{bytes}");
    }
    for bytes in
        ["d81d 6161", "d9 9906 01", "d9 9907 a0", "d9 9908 6161", "d840 80", "d99908 41 61"]
    {
        assert!(validate(&hex(bytes), 0).is_err(), "{bytes}");
    }
}

#[test]
fn kinds_that_cannot_change_equal_those_that_can() {
    same("d99907 82 02 01", &encode(Distinct(vec![1, 2])));
    same("d840 42 0102", &hex("42 0102"));
    let set: Distinct<u8> = from_slice(&hex("d99907 81 01")).unwrap();
    assert_eq!(set, Distinct(vec![1]));
    assert_eq!(describe(&hex("d99907 81 01")), "set of 1");
}

#[test]
fn recipes_are_equal_part_by_part_and_have_no_order() {
    let one = hex("d99906 83 61 44 00 81 01");
    same("d99906 83 61 44 f4 81 fb 3ff0000000000000", &one);
    let normal = |bytes: &[u8]| normalize(bytes, &[]).unwrap();
    assert_ne!(normal(&one), normal(&hex("d99906 83 61 44 00 81 02")));
    assert_ne!(normal(&one), normal(&hex("83 61 44 00 81 01")));
    assert_eq!(
        compare(&normal(&one), &normal(&one)),
        Err(Incomparable { left: Kind::Opaque, right: Kind::Opaque })
    );
    // A list in a recipe stays one in a key.
    let tuple = hex("d99906 83 61 44 00 d99903 81 01");
    assert_ne!(normalize_key(&one, &[]), normalize_key(&tuple, &[]));
    assert_eq!(normalize_key(&one, &[]).unwrap(), normal(&one));
}

#[test]
fn a_recipe_is_named_to_who_wants_a_rust_type() {
    let recipe = hex("d99906 82 6f 646563696d616c2e446563696d616c 00");
    let error = from_slice::<f64>(&recipe).unwrap_err().to_string();
    assert_eq!(error, "found opaque value \"decimal.Decimal\" where f64 was expected");
    let error = from_slice::<Vec<u8>>(&recipe).unwrap_err().to_string();
    assert!(error.starts_with("found opaque value \"decimal.Decimal\""), "{error}");
    let shared = [hex("82 d81c"), recipe, hex("d81d 00")].concat();
    let error = from_slice::<Vec<Option<u8>>>(&shared).unwrap_err().to_string();
    assert!(error.starts_with("found opaque value"), "{error}");
}

#[test]
fn a_text_with_surrogates_is_no_string_and_has_its_place_among_them() {
    let wide = hex("d99908 43 eda080");
    let error = from_slice::<String>(&wide).unwrap_err().to_string();
    assert!(error.starts_with("found string with lone surrogates"), "{error}");
    let normal = |bytes: &[u8]| normalize(bytes, &[]).unwrap();
    let less = |left: &[u8], right: &[u8]| compare(&normal(left), &normal(right)).unwrap().is_lt();
    // U+D7FF < U+D800 < U+E000.
    assert!(less(&encode("\u{d7ff}"), &wide));
    assert!(less(&wide, &encode("\u{e000}")));
    assert!(less(&wide, &hex("d99908 43 eda081")));
}
