//! The order of values.

use std::cmp::Ordering::{self, Equal, Greater, Less};
use std::collections::BTreeMap;

use serde::Serialize;

use super::{Distinct, Proxy, encode};
use crate::cbor::{Incomparable, Kind, Normal, compare, normalize};

fn normal(value: impl Serialize) -> Normal {
    normalize(&encode(value), &[7, 8]).unwrap()
}

fn order(a: impl Serialize, b: impl Serialize) -> Result<Ordering, Incomparable> {
    let (a, b) = (normal(a), normal(b));
    let forth = compare(&a, &b);
    let back = compare(&b, &a);
    assert_eq!(forth.map(Ordering::reverse).ok(), back.ok());
    forth
}

#[test]
fn numbers_compare_exactly_whatever_their_form() {
    let ascending = [
        normal(f64::NEG_INFINITY),
        normal(f64::MIN),
        normal(-1e300),
        normal(-1.0e39),
        normal(i128::MIN),
        normal(i64::MIN),
        normal(-1.5),
        normal(-1),
        normal(-0.5),
        normal(0),
        normal(f64::MIN_POSITIVE),
        normal(0.1_f32 - 0.01),
        normal(0.1),
        normal(0.1_f32),
        normal(true),
        normal(1.000_000_000_000_000_2),
        normal(4_503_599_627_370_495_u64),
        normal(4_503_599_627_370_495.5),
        normal(4_503_599_627_370_496_u64),
        normal(9_007_199_254_740_992.0),
        normal((1_i64 << 53) + 1),
        normal(u64::MAX),
        normal(18_446_744_073_709_551_616.0),
        normal((1_u128 << 64) + 1),
        normal(i128::MAX),
        normal(1_u128 << 127),
        normal((1_u128 << 127) + 1),
        normal(u128::MAX),
        normal(1e39),
        normal(1e300),
        normal(f64::MAX),
        normal(f64::INFINITY),
    ];
    for (i, a) in ascending.iter().enumerate() {
        for (j, b) in ascending.iter().enumerate() {
            assert_eq!(compare(a, b), Ok(i.cmp(&j)), "{i} {j}");
        }
    }
}

#[test]
fn text_bytes_and_sequences_compare_by_their_first_difference() {
    assert_eq!(order("a", "b"), Ok(Less));
    assert_eq!(order("b", "aaa"), Ok(Greater));
    assert_eq!(order("z", "é"), Ok(Less));
    assert_eq!(order("\u{ffff}", "\u{10000}"), Ok(Less));
    assert_eq!(order(vec![1, 2], vec![1, 3]), Ok(Less));
    assert_eq!(order(vec![1], vec![1, 0]), Ok(Less));
    assert_eq!(order(vec![2], vec![1, 9]), Ok(Greater));
    assert_eq!(order((1, "b"), (1.0, "a")), Ok(Greater));
    assert_eq!(order((1, "b"), (1.0, "b")), Ok(Equal));
    assert_eq!(order(((1, 2), 3), ((1, 2, 0), 1)), Ok(Less));
    let bytes = |hex| normalize(&super::hex(hex), &[]).unwrap();
    assert_eq!(compare(&bytes("41 01"), &bytes("42 0100")), Ok(Less));
}

#[test]
fn elements_that_are_equal_need_no_order() {
    assert_eq!(order((None::<u8>, 1), (None::<u8>, 2)), Ok(Less));
    assert_eq!(
        order((Proxy(0), BTreeMap::from([(1, 1)])), (Proxy(0), BTreeMap::from([(1, 1)]))),
        Ok(Equal)
    );
    assert!(order((Proxy(0), 1), (Proxy(1), 1)).is_err());
}

#[test]
fn what_has_no_order_is_named() {
    let message = |a: &Normal, b: &Normal| compare(a, b).unwrap_err().to_string();
    assert_eq!(message(&normal("a"), &normal(1)), "string does not compare with integer");
    assert_eq!(message(&normal(()), &normal(())), "null does not compare with null");
    assert_eq!(message(&normal((1, "a")), &normal((1, 2))), "string does not compare with integer");
    let map = normal(BTreeMap::from([(1, 1)]));
    assert_eq!(message(&map, &map), "map does not compare with map");
    let set = normal(Distinct(vec![1]));
    assert_eq!(message(&set, &normal(vec![1])), "set does not compare with list");
    assert_eq!(message(&normal(vec![1]), &normal((1,))), "list does not compare with tuple");
    let error = order(Proxy(0), Proxy(1)).unwrap_err();
    assert_eq!(error, Incomparable { left: Kind::Handle, right: Kind::Handle });
    assert!(order(1.5, "a").is_err());
}

proptest::proptest! {
    #[test]
    fn integers_and_floats_compare_as_exact_fractions(
        number in -(1_i128 << 100)..1 << 100,
        bits in 0..1_u64 << 62,
        sign: bool,
    ) {
        let float = f64::from_bits(bits) * if sign { 1.0 } else { -1.0 };
        proptest::prop_assume!(float.abs() < 1e37);
        let whole = float.floor() as i128;
        let exact = number.cmp(&whole).then(if float.fract() == 0.0 { Equal } else { Less });
        proptest::prop_assert_eq!(order(number, float), Ok(exact));
        proptest::prop_assert!(order(whole, float) != Ok(Greater));
    }
}
