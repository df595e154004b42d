//! The normal form: what is equal, and what is not.

use std::collections::BTreeMap;

use super::{Distinct, Everything, Proxy, encode, everything, hex, to_hex};
use crate::cbor::{Normal, NormalizeError, normalize, normalize_key};

fn normal(bytes: &[u8]) -> String {
    to_hex(normalize(bytes, &[7, 1 << 40]).unwrap().as_bytes())
}

#[test]
fn encodings_of_equal_values_have_one_normal_form() {
    for (normal_form, others) in [
        (
            "00",
            &["1800", "1b 0000000000000000", "f4", "f9 8000", "fb 8000000000000000", "c2 40"][..],
        ),
        ("01", &["f5", "fa 3f800000", "fb 3ff0000000000000", "c2 42 0001", "c2 5f 4100 4101 ff"]),
        ("20", &["3800", "f9 bc00", "c3 40", "c3 4100"]),
        ("1b ffffffffffffffff", &["c2 49 00ffffffffffffffff"]),
        ("3b ffffffffffffffff", &["c3 48 ffffffffffffffff", "fb c3f0000000000000"]),
        ("c2 49 010000000000000000", &["fb 43f0000000000000", "c2 4a 00010000000000000000"]),
        ("c3 49 ffffffffffffffffff", &["fb c470000000000000", "c3 4a 00ffffffffffffffffff"]),
        ("fb 3ff8000000000000", &["f9 3e00", "fa 3fc00000"]),
        ("fb 7ff0000000000000", &["f9 7c00", "fa 7f800000"]),
        ("fb fff0000000000000", &["f9 fc00", "fa ff800000"]),
        ("63 616263", &["7803 616263", "7f 6161 626263 ff"]),
        ("42 0102", &["5f 4101 4102 ff"]),
        ("82 01 02", &["9f 01 02 ff", "9802 01 fa40000000"]),
        ("d99903 82 01 02", &["d99903 9f 01 02 ff", "da 00009903 82 01 02"]),
        ("a2 01 02 6161 02", &["a2 6161 02 01 02", "bf 6161 02 f5 1802 ff"]),
        ("d90102 82 01 02", &["d90102 83 02 01 f5", "d90102 9f 02 fa3f800000 ff"]),
        ("d90102 80", &["d90102 9f ff"]),
        ("05", &["d99904 05"]),
        ("d99904 f6", &["da 00009904 f6"]),
        ("d99905 07", &["d99905 00", "d99905 1800"]),
        ("d820 01", &["d90020 f5"]),
        ("f8ff", &[]),
        ("f7", &[]),
        ("f6", &[]),
    ] {
        let expected = normal_form.replace(' ', "");
        for other in others {
            assert_eq!(normal(&hex(other)), expected, "{other}");
        }
        if !expected.starts_with("d99905") {
            assert_eq!(normal(&hex(normal_form)), expected, "the form itself");
        }
    }
}

#[test]
fn a_short_text_is_its_own_normal_form_and_nothing_else_is_taken_for_one() {
    let text = |bytes: &[u8]| Normal::of_text(&crate::SmallBytes::copy_from_slice(bytes));
    for value in ["", "a", "äöü", "twenty-three bytes long"] {
        let bytes = encode(value);
        assert_eq!(text(&bytes), Some(normalize_key(&bytes, &[]).unwrap()), "{value}");
    }
    for other in ["", "7803 616263", "7f 6161 ff", "62 61", "61 6161", "61 ff", "41 61", "01"] {
        assert_eq!(text(&hex(other)), None, "{other}");
    }
    assert_eq!(text(&encode("twenty-four bytes long.")[1..]), None);
    assert_eq!(text(&encode("four and twenty bytes ..")), None);
}

#[test]
fn values_that_differ_have_normal_forms_that_differ() {
    let different = [
        encode(0),
        encode(1),
        encode(-1),
        encode(0.5),
        encode("1"),
        hex("41 31"),
        encode(()),
        encode(Some(())),
        encode(Some(Some(()))),
        encode(vec![1, 2]),
        encode((1, 2)),
        encode(Distinct(vec![1, 2])),
        encode(vec![2, 1]),
        encode(vec![1]),
        encode(vec![vec![1]]),
        encode(BTreeMap::from([(1, 2)])),
        encode(BTreeMap::from([("1", 2)])),
        encode(Proxy(0)),
        encode(Proxy(1)),
        hex("f7"),
        hex("d820 01"),
        encode((1_i64 << 53) + 1),
        encode((1_i64 << 53) as f64),
        encode(0.1_f32),
        encode(0.1_f64),
    ];
    let mut forms: Vec<_> = different.iter().map(|bytes| normal(bytes)).collect();
    forms.sort();
    forms.dedup();
    assert_eq!(forms.len(), different.len());
}

#[test]
fn a_whole_float_is_its_integer_exactly() {
    assert_eq!(normal(&encode(1e15)), normal(&encode(1_000_000_000_000_000_u64)));
    assert_eq!(normal(&encode(2.0_f64.powi(126))), normal(&encode(1_i128 << 126)));
    assert_eq!(normal(&encode(2.0_f64.powi(127))), normal(&encode(1_u128 << 127)));
    assert_eq!(normal(&encode(-(2.0_f64.powi(127)))), normal(&encode(i128::MIN)));
    assert_eq!(normal(&encode(-(2.0_f64.powi(80)))), normal(&encode(-(1_i128 << 80))));
    // Python: hex(int(1e300)), and the same of -1 - int(-1e300).
    let bytes = normal(&encode(1e300));
    assert!(bytes.starts_with("c2587d17e43c8800759c"), "{bytes}");
    assert!(bytes.ends_with("00") && bytes.len() == 2 * (3 + 125), "{bytes}");
    let bytes = normal(&encode(-1e300));
    assert!(bytes.starts_with("c3587d17e43c8800759b"), "{bytes}");
    assert!(bytes.ends_with("ff") && bytes.len() == 2 * (3 + 125), "{bytes}");
}

#[test]
fn a_list_in_a_key_counts_as_a_tuple_at_every_depth() {
    let key = |value: Vec<u8>| normalize_key(&value, &[]).unwrap();
    assert_eq!(key(encode(vec![vec![1], vec![]])), key(encode(((1,), [(); 0]))));
    assert_eq!(
        key(encode(BTreeMap::from([(1, vec![2])]))),
        key(encode(BTreeMap::from([(1, (2,))])))
    );
    assert_ne!(key(encode(vec![1])), key(encode(Distinct(vec![1]))));
    assert_eq!(key(encode((1, 2))), normalize(&encode((1, 2)), &[]).unwrap());
}

#[test]
fn what_has_no_normal_form_is_named() {
    let error = |bytes: &[u8]| normalize(bytes, &[7]).unwrap_err();
    assert_eq!(error(&encode(f64::NAN)), NormalizeError::NotANumber);
    assert_eq!(error(&hex("81 a1 f97e00 01")), NormalizeError::NotANumber);
    assert_eq!(error(&encode(Proxy(1))), NormalizeError::NoSuchHandle { index: 1, handles: 1 });
    let twice = error(&hex("a3 01 02 02 02 f5 03"));
    assert_eq!(twice.to_string(), "a map has the key integer 1 twice");
    assert!(matches!(error(&hex("01 01")), NormalizeError::Malformed(_)));
    assert!(matches!(error(&hex("82 01")), NormalizeError::Malformed(_)));
}

#[test]
fn large_sets_and_maps_are_sorted_in_good_time() {
    let numbers: Vec<u32> = (0..100_000_u32).map(|n| n.wrapping_mul(2_654_435_761) >> 4).collect();
    let mut reversed = numbers.clone();
    reversed.reverse();
    assert_eq!(normal(&encode(Distinct(numbers))), normal(&encode(Distinct(reversed))));
    // Each level is moved once for its head.
    let mut nested = hex("9f").repeat(127);
    nested.extend(encode(vec![0_u8; 100_000]));
    nested.extend([0xff; 127]);
    assert!(normalize(&nested, &[]).is_ok());
}

#[test]
fn the_normal_form_reads_as_the_value() {
    let value = Everything { huge: (1 << 70, 3), ..everything() };
    let normal = normalize(&encode(&value), &[]).unwrap();
    assert_eq!(normalize(normal.as_bytes(), &[]).as_ref(), Ok(&normal));
    assert_ne!(normal, normalize(&encode(everything()), &[]).unwrap());
}
