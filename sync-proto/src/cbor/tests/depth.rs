//! The depth of values is bounded, and the bound fits on a test's stack.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::hex;
use crate::cbor::{
    MAX_DEPTH, check_depth, describe, from_slice, normalize, show, to_vec, validate,
};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Tree {
    Leaf,
    Branch { children: Vec<Self>, names: BTreeMap<String, Self>, next: Option<Box<Self>> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Chain(Option<Box<Self>>);

fn tree(depth: usize) -> Tree {
    (0..depth).fold(Tree::Leaf, |child, level| {
        let mut children = vec![];
        let mut names = BTreeMap::new();
        let mut next = None;
        match level % 3 {
            0 => children.push(child),
            1 => drop(names.insert(String::new(), child)),
            _ => next = Some(Box::new(child)),
        }
        Tree::Branch { children, names, next }
    })
}

fn chain(depth: usize) -> Chain {
    (0..depth).fold(Chain(None), |inner, _| Chain(Some(Box::new(inner))))
}

#[test]
fn values_up_to_the_bound_survive_and_deeper_ones_are_refused_on_both_sides() {
    // Three of these trees are eight levels of maps and lists.
    let deep = tree(45);
    assert_eq!(from_slice(&to_vec(&deep).unwrap()), Ok(deep));
    let message = "the value is nested deeper than 128 levels";
    assert_eq!(to_vec(&tree(50)).unwrap_err().to_string(), message);
}

#[test]
fn the_deepest_value_fits_on_the_stack_of_a_type_that_buffers() {
    #[derive(Debug, Deserialize)]
    #[serde(untagged)]
    enum Any {
        Leaf(u8),
        Map(BTreeMap<String, Self>),
        List(Vec<Self>),
    }

    fn depth(value: &Any) -> usize {
        match value {
            Any::Leaf(leaf) => usize::from(*leaf),
            Any::List(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
            Any::Map(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        }
    }

    for opening in ["81", "a1 60"] {
        let mut bytes = hex(opening).repeat(MAX_DEPTH);
        bytes.push(0);
        assert_eq!(depth(&from_slice(&bytes).unwrap()), MAX_DEPTH);
    }
}

#[test]
fn nested_options_count_as_levels() {
    let deep = chain(MAX_DEPTH);
    assert_eq!(from_slice(&to_vec(&deep).unwrap()), Ok(deep));
    assert!(to_vec(&chain(MAX_DEPTH + 1)).is_err());
    assert!(to_vec(&vec![chain(MAX_DEPTH)]).is_err());
    assert!(to_vec(&chain(1000)).is_err());
}

#[test]
fn every_reader_keeps_the_same_bound() {
    for opening in ["81", "9f", "d99903 81", "d90102 81", "d99904", "d820", "a1 00", "bf 00"] {
        for depth in [MAX_DEPTH, MAX_DEPTH + 1, 100_000] {
            let mut bytes = hex(opening).repeat(depth);
            bytes.push(0);
            if opening.contains("9f") || opening.contains("bf") {
                bytes.extend(std::iter::repeat_n(0xff, depth));
            }
            let fits = depth <= MAX_DEPTH;
            assert_eq!(validate(&bytes, 0).is_ok(), fits, "{opening} {depth}");
            assert_eq!(from_slice::<IgnoredAny>(&bytes).is_ok(), fits, "{opening} {depth}");
            assert_eq!(normalize(&bytes, &[]).is_ok(), fits, "{opening} {depth}");
            assert_eq!(show(&bytes, usize::MAX).ends_with("<malformed>"), !fits);
            describe(&bytes);
        }
    }
}

#[test]
fn who_takes_less_than_the_bound_says_how_much() {
    let bytes = to_vec(&chain(5)).unwrap();
    assert!(check_depth(&bytes, 5).is_ok());
    let error = check_depth(&bytes, 4).unwrap_err().to_string();
    assert_eq!(error, "found a value nested deeper than 4 levels");
    assert!(check_depth(&to_vec(&7).unwrap(), 0).is_ok(), "what contains nothing has no level");
    let mut deep = hex("81").repeat(MAX_DEPTH + 1);
    deep.push(0);
    assert!(check_depth(&deep, usize::MAX).is_err(), "the bound can only be lowered");
}

#[test]
fn a_type_without_end_does_not_read_for_ever() {
    assert!(from_slice::<Chain>(&[5]).is_err());
}
