//! What is written reads as what it was.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Distinct, Everything, Meters, Proxy, Shape, encode, everything, hex};
use crate::cbor::{from_slice, to_vec, validate};

fn survives<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T) {
    let bytes = to_vec(&value).unwrap();
    assert_eq!(from_slice::<T>(&bytes).as_ref(), Ok(&value), "{bytes:02x?}");
    assert_eq!(validate(&bytes, usize::MAX), Ok(()), "{bytes:02x?}");
}

#[test]
fn every_kind_of_value_survives() {
    survives(everything());
    survives(Everything { nested: Some(Box::new(everything())), ..everything() });
    survives(Proxy(70_000));
    survives(vec![Some(Proxy(0)), None]);
    survives(Distinct(vec!["b".to_owned(), "a".to_owned()]));
    survives(HashMap::from([(Some(1), 'x'), (None, 'y')]));
    survives(std::time::Duration::new(5, 7));
    survives(Ok::<u8, String>(5));
    survives((f32::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, -0.0_f32));
}

#[test]
fn integers_survive_at_the_edges_of_every_width() {
    for bits in 0..127 {
        let power = 1_i128 << bits;
        for number in [power - 1, power, power + 1, -power - 1, -power, 1 - power] {
            survives(number);
            let bytes = encode(number);
            assert_eq!(from_slice::<i64>(&bytes).ok(), i64::try_from(number).ok());
            assert_eq!(from_slice::<u64>(&bytes).ok(), u64::try_from(number).ok());
            assert_eq!(from_slice::<u128>(&bytes).ok(), u128::try_from(number).ok());
            assert_eq!(from_slice::<i16>(&bytes).ok(), i16::try_from(number).ok());
        }
    }
    survives((i128::MIN, i128::MAX, u128::MAX));
}

#[test]
fn nested_options_survive_at_any_depth() {
    survives(None::<Option<Option<u8>>>);
    survives(Some(None::<Option<u8>>));
    survives(Some(Some(None::<u8>)));
    survives(Some(Some(Some(3))));
    survives((Some(()), None::<()>, Some(Some(()))));
    survives(Some(vec![Some(None), Some(Some(1)), None]));
}

#[test]
fn text_and_bytes_are_borrowed_where_they_lie_in_one_piece() {
    let bytes = encode("borrowed");
    let text: &str = from_slice(&bytes).unwrap();
    assert_eq!(text.as_ptr(), bytes[1..].as_ptr());
    assert_eq!(from_slice::<&[u8]>(&hex("43 010203")), Ok(&[1, 2, 3][..]));
    let in_chunks = hex("7f 61 61 62 6263 ff");
    assert_eq!(from_slice::<String>(&in_chunks), Ok("abc".to_owned()));
    assert!(from_slice::<&str>(&in_chunks).is_err());
    assert_eq!(from_slice::<Cow<'_, str>>(&in_chunks), Ok("abc".into()));
}

#[test]
fn not_a_number_survives_in_both_widths() {
    assert!(from_slice::<f64>(&encode(f64::NAN)).unwrap().is_nan());
    assert!(from_slice::<f32>(&encode(f32::NAN)).unwrap().is_nan());
    assert!(from_slice::<f32>(&encode(f64::NAN)).unwrap().is_nan());
}

#[test]
fn what_serde_buffers_first_survives() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Any {
        Null(()),
        Flag(bool),
        Whole(i64),
        Number(f64),
        Text(String),
        Pair(Box<(Self, Self)>),
        Many(Vec<Self>),
        Proxied { proxy: Proxy },
        Table(BTreeMap<String, Self>),
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Job { proxy: Proxy, maybe: Option<Option<u8>> },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Flat {
        id: u64,
        #[serde(flatten)]
        shape: Shape,
        #[serde(flatten)]
        rest: BTreeMap<String, Any>,
    }

    let text = |text: &str| Any::Text(text.to_owned());
    survives(Any::Many(vec![Any::Null(()), Any::Flag(true), Any::Whole(-3), Any::Number(0.5)]));
    survives(Any::Pair(Box::new((Any::Many(vec![]), text("x")))));
    survives(Any::Proxied { proxy: Proxy(3) });
    survives(Tagged::Job { proxy: Proxy(9), maybe: Some(None) });
    let rest = BTreeMap::from([("a".to_owned(), text("b")), ("c".to_owned(), Any::Null(()))]);
    survives(Flat { id: 1, shape: Shape::Box(1, 2), rest });
}

#[test]
fn a_new_field_is_ignored_by_an_old_reader_whatever_it_holds() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Old {
        text: String,
    }

    let old: Old = from_slice(&encode(everything())).unwrap();
    assert_eq!(old.text, "some text");
    let unknown = hex("a2 61 78 d8 20 9f f7 e0 d99905 00 f9 7e00 ff 64 74657874 61 61");
    assert_eq!(from_slice(&unknown), Ok(Old { text: "a".to_owned() }));
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Empty),
        (-1e9..1e9).prop_map(Shape::Circle),
        any::<Option<u8>>().prop_map(Shape::Maybe),
        any::<(i32, i64)>().prop_map(|(a, b)| Shape::Box(a, b)),
        ("\\PC{0,8}", prop::collection::vec(any::<u8>(), 0..9))
            .prop_map(|(name, sides)| Shape::Named { name, sides }),
    ]
}

proptest! {
    #[test]
    fn integers_survive(number: i128, unsigned: u128, short: i64, long: u64) {
        survives((number, unsigned, short, long));
    }

    #[test]
    fn floats_survive_bit_by_bit(single: u32, double: u64) {
        let (single, double) = (f32::from_bits(single), f64::from_bits(double));
        prop_assume!(!single.is_nan() && !double.is_nan());
        let read: (f32, f64) = from_slice(&encode((single, double))).unwrap();
        prop_assert_eq!(read.0.to_bits(), single.to_bits());
        prop_assert_eq!(read.1.to_bits(), double.to_bits());
    }

    #[test]
    fn nested_values_survive(
        shapes in prop::collection::vec(shape(), 0..6),
        options in prop::collection::vec(any::<Option<Option<Option<bool>>>>(), 0..6),
        table in prop::collection::btree_map(any::<(i16, Option<char>)>(), "\\PC{0,8}", 0..6),
        units: [Option<Option<()>>; 2],
        length: u32,
    ) {
        survives((shapes, options, table, units, Some(Meters(length))));
    }
}
