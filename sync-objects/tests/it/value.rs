//! Value: read, write, and compare, without a lost write.

use sync_objects::{ErrorKind, NumberKind, NumberOp, Payload, lock, value};
use sync_testkit::sim::{Sim, SimClient};

use crate::support::{kind, pack};

pub(crate) fn number(client: &SimClient, initial: i64) -> value::Proxy {
    value::Proxy::new(client.named("v"), Some(NumberKind::I64), pack(&initial)).unwrap()
}

pub(crate) fn read(value: &value::Proxy) -> i64 {
    value.get().unwrap().unpack().unwrap()
}

#[test]
fn writes_answer_with_the_value_before() {
    let sim = Sim::new();
    let value = number(&sim.client(), 1);
    value.set(pack(&2)).unwrap();
    let before: i64 = value.swap(pack(&3)).unwrap().unpack().unwrap();
    assert_eq!(before, 2);
    let before = value.fetch(NumberKind::I64, NumberOp::Add, pack(&4)).unwrap();
    assert_eq!((before.unpack::<i64>().unwrap(), read(&value)), (3, 7));
}

#[test]
fn compare_exchange_compares_by_normal_form_and_tells_what_it_found() {
    let sim = Sim::new();
    let client = sim.client();
    let value = value::Proxy::new(&client, None, pack(&1u8)).unwrap();
    let swapped = value.compare_exchange(pack(&1.0f64), pack("one")).unwrap();
    assert_eq!(swapped.unwrap().unpack::<u8>().unwrap(), 1);
    let found = value.compare_exchange(pack(&1), pack("two")).unwrap();
    assert_eq!(found.unwrap_err().unpack::<String>().unwrap(), "one");
    value.set(pack(&f64::NAN)).unwrap();
    let same = value.compare_exchange(pack(&f64::NAN), pack(&0)).unwrap();
    assert!(same.is_err(), "not a number equals nothing");
}

#[test]
fn equal_values_name_the_same_object_whoever_packed_them() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let one = lock::Proxy::new(a.named("one")).unwrap();
    let other = lock::Proxy::new(b.named("other")).unwrap();
    let same = lock::Proxy::new(b.named("one")).unwrap();
    let va = value::Proxy::new(a.named("x"), None, pack(&one)).unwrap();
    let vb = value::Proxy::new(b.named("x"), None, pack(&0)).unwrap();
    assert!(vb.compare_exchange(pack(&other), pack(&1)).unwrap().is_err());
    assert!(vb.compare_exchange(pack(&same), pack(&1)).unwrap().is_ok());
    assert_eq!(va.get().unwrap().unpack::<i32>().unwrap(), 1);
}

#[test]
fn a_number_refuses_what_is_none_of_its_kind_and_stays() {
    let sim = Sim::new();
    let value = number(&sim.client(), 5);
    for wrong in [pack("5"), pack(&5.5), pack(&u64::MAX), pack(&())] {
        assert_eq!(kind(value.set(wrong.clone())), ErrorKind::WrongType);
        assert_eq!(kind(value.swap(wrong.clone())), ErrorKind::WrongType);
        let exchanged = value.compare_exchange(pack(&5), wrong.clone());
        assert_eq!(kind(exchanged), ErrorKind::WrongType);
        assert_eq!(kind(value.fetch(NumberKind::I64, NumberOp::Add, wrong)), ErrorKind::WrongType);
    }
    assert_eq!(read(&value), 5);
}

#[test]
fn who_takes_a_number_for_one_of_another_type_changes_nothing() {
    let sim = Sim::new();
    let value = number(&sim.client(), 5);
    for other in [NumberKind::I32, NumberKind::U64, NumberKind::F64] {
        let error = value.fetch(other, NumberOp::Add, pack(&1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongType, "{error}");
        assert!(error.to_string().contains(&format!("i64, not {}", other.name())), "{error}");
    }
    assert_eq!(read(&value), 5);
}

#[test]
fn a_value_that_is_no_number_has_no_arithmetic() {
    let sim = Sim::new();
    let client = sim.client();
    let value = value::Proxy::new(&client, None, pack(&1)).unwrap();
    let added: Result<Payload, _> = value.fetch(NumberKind::I64, NumberOp::Add, pack(&1));
    assert_eq!(kind(added), ErrorKind::WrongType);
    let created = value::Proxy::new(&client, Some(NumberKind::U8), pack(&256));
    assert_eq!(kind(created), ErrorKind::WrongType);
}
