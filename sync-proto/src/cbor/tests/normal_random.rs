//! The normal form of values at random: how they were written does not matter.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Serialize;

use super::{Distinct, encode};
use crate::cbor::normalize;

/// A value of any type, built at random.
#[derive(Clone, Debug)]
enum Any {
    Number(i64),
    Float(f64),
    Text(String),
    List(Vec<Self>),
    Set(Vec<Self>),
    Map(Vec<(u8, Self)>),
}

impl Serialize for Any {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => number.serialize(serializer),
            Self::Float(float) => float.serialize(serializer),
            Self::Text(text) => text.serialize(serializer),
            Self::List(list) => list.serialize(serializer),
            Self::Set(set) => Distinct(set.iter().collect()).serialize(serializer),
            Self::Map(map) => {
                let distinct: BTreeMap<_, _> = map.iter().map(|(k, v)| (k, v)).collect();
                serializer.collect_map(distinct)
            }
        }
    }
}

impl Any {
    /// Turns all around that has no order, and gives numbers another form.
    fn turned(&self) -> Turned<'_> {
        Turned(self)
    }
}

struct Turned<'a>(&'a Any);

impl Serialize for Turned<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Any::Number(number) if (*number as f64) as i128 == i128::from(*number) => {
                (*number as f64).serialize(serializer)
            }
            // An iterator without a known length makes the list an indefinite one.
            Any::List(list) => {
                serializer.collect_seq(list.iter().map(Any::turned).filter(|_| true))
            }
            Any::Set(set) => {
                let twice = set.iter().chain(set).rev().map(Any::turned).collect();
                Distinct(twice).serialize(serializer)
            }
            Any::Map(map) => {
                let distinct: BTreeMap<_, _> = map.iter().map(|(k, v)| (k, v)).collect();
                serializer.collect_map(distinct.into_iter().rev().map(|(k, v)| (k, v.turned())))
            }
            other => other.serialize(serializer),
        }
    }
}

fn any_value() -> impl Strategy<Value = Any> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Any::Number),
        (-9_i64..9).prop_map(Any::Number),
        (-9_i64..9).prop_map(|quarters| Any::Float(quarters as f64 / 4.0)),
        "[a-c]{0,2}".prop_map(Any::Text),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Any::List),
            prop::collection::vec(inner.clone(), 0..6).prop_map(Any::Set),
            prop::collection::vec((any::<u8>(), inner), 0..6).prop_map(Any::Map),
        ]
    })
}

proptest! {
    #[test]
    fn order_and_form_of_the_encoding_do_not_matter(value in any_value()) {
        let one = normalize(&encode(&value), &[]).unwrap();
        let other = normalize(&encode(value.turned()), &[]).unwrap();
        prop_assert_eq!(&one, &other);
        prop_assert_eq!(&normalize(one.as_bytes(), &[]).unwrap(), &one);
    }
}
