//! Arithmetic in the number type that the user's program has.

use serde::Serialize;
use sync_objects::NumberKind::{F32, F64, I8, I16, I32, I64, I128, U8, U16, U32, U64};
use sync_objects::NumberOp::{Add, And, Max, Min, Mul, Or, Sub, Xor};
use sync_objects::{ErrorKind, NumberKind, value};
use sync_testkit::sim::Sim;

use crate::support::{kind, pack};

fn number(kind: NumberKind, initial: &impl Serialize) -> value::Proxy {
    let client = Sim::new().client();
    value::Proxy::new(&client, Some(kind), pack(initial)).unwrap()
}

#[test]
fn every_integer_kind_ends_where_its_type_ends_and_an_overflow_changes_nothing() {
    let ends: [(NumberKind, i128, i128); 9] = [
        (I8, i8::MIN.into(), i8::MAX.into()),
        (I16, i16::MIN.into(), i16::MAX.into()),
        (I32, i32::MIN.into(), i32::MAX.into()),
        (I64, i64::MIN.into(), i64::MAX.into()),
        (I128, i128::MIN, i128::MAX),
        (U8, 0, u8::MAX.into()),
        (U16, 0, u16::MAX.into()),
        (U32, 0, u32::MAX.into()),
        (U64, 0, u64::MAX.into()),
    ];
    for (kind_, min, max) in ends {
        let read = |value: &value::Proxy| value.get().unwrap().unpack::<i128>().unwrap();
        let top = number(kind_, &max);
        for (op, operand) in [(Add, 1), (Mul, 2)] {
            let refused = kind(top.fetch(kind_, op, pack(&operand)));
            assert_eq!(refused, ErrorKind::Overflow, "{kind_:?} {op:?}");
        }
        assert_eq!(read(&top), max, "{kind_:?}");
        let bottom = number(kind_, &min);
        assert_eq!(kind(bottom.fetch(kind_, Sub, pack(&1))), ErrorKind::Overflow);
        assert_eq!(read(&bottom), min, "{kind_:?}");
        bottom.fetch(kind_, Max, pack(&max)).unwrap();
        assert_eq!(read(&bottom), max, "{kind_:?}");
        bottom.fetch(kind_, Min, pack(&min)).unwrap();
        assert_eq!(read(&bottom), min, "{kind_:?}");
    }
}

#[test]
fn bits_of_integers_are_combined_and_those_of_floats_are_not() {
    let bits = number(U8, &0b1100u8);
    for (op, expected) in [(And, 0b1000u8), (Or, 0b1010), (Xor, 0)] {
        bits.fetch(U8, op, pack(&0b1010u8)).unwrap();
        assert_eq!(bits.get().unwrap().unpack::<u8>().unwrap(), expected);
    }
    for op in [And, Or, Xor] {
        let refused = kind(number(F64, &1.5).fetch(F64, op, pack(&1.0)));
        assert_eq!(refused, ErrorKind::InvalidInput);
    }
}

#[test]
fn floats_are_added_as_their_type_adds() {
    let single = number(F32, &0.1f32);
    for _ in 0..9 {
        single.fetch(F32, Add, pack(&0.1f32)).unwrap();
    }
    let expected = (1..10).fold(0.1f32, |sum, _| sum + 0.1f32);
    assert_eq!(single.get().unwrap().unpack::<f32>().unwrap(), expected);
    let double = number(F64, &f64::MAX);
    double.fetch(F64, Add, pack(&f64::MAX)).unwrap();
    assert_eq!(double.get().unwrap().unpack::<f64>().unwrap(), f64::INFINITY);
}

#[test]
fn a_single_precision_number_refuses_what_its_readers_could_not_read() {
    let single = number(F32, &0.5f32);
    for wide in [0.1f64, 1e300] {
        assert_eq!(kind(single.set(pack(&wide))), ErrorKind::WrongType, "{wide}");
        let added: Result<_, _> = single.fetch(F32, Add, pack(&wide));
        assert_eq!(kind(added), ErrorKind::WrongType, "{wide}");
    }
    assert_eq!(single.get().unwrap().unpack::<f32>().unwrap(), 0.5);
}
