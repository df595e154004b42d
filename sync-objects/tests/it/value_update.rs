//! An update takes its turn: first come first served, and nothing is lost.

use sync_objects::{ErrorKind, NumberKind, NumberOp, Payload, value};
use sync_testkit::sim::Sim;

use crate::support::{kind, millis, pack, start};
use crate::value::{number, read};

#[test]
fn writers_wait_while_an_update_is_open_and_readers_do_not() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let (va, vb) = (number(&a, 1), number(&b, 1));
    let update = va.begin_update().unwrap();
    assert_eq!(update.value.unpack::<i64>().unwrap(), 1);
    let adding = start(&b, &vb, |v| v.fetch(NumberKind::I64, NumberOp::Add, pack(&10)));
    let updating = start(&b, &vb, value::Proxy::begin_update);
    let setting = b.on_thread(2, || start(&b, &vb, |v| v.set(pack(&0))));
    assert_eq!(kind(vb.within(millis(0)).set(pack(&9))), ErrorKind::TimedOut);
    assert_eq!(read(&vb), 1, "readers don't wait");
    va.commit_update(update.token, pack(&2)).unwrap();
    assert_eq!(adding.answer().unwrap().unpack::<i64>().unwrap(), 2);
    let update = updating.answer().unwrap();
    assert_eq!(update.value.unpack::<i64>().unwrap(), 12);
    assert!(setting.is_waiting());
    vb.cancel_update(update.token).unwrap();
    setting.answer().unwrap();
    assert_eq!(read(&va), 0);
}

#[test]
fn the_updaters_own_write_makes_the_commit_fail_and_stays() {
    let sim = Sim::new();
    let client = sim.client();
    let value = number(&client, 1);
    let update = value.begin_update().unwrap();
    value.set(pack(&7)).unwrap();
    let committed = value.commit_update(update.token, pack(&2));
    assert_eq!(kind(committed), ErrorKind::Changed);
    assert_eq!(read(&value), 7);
    let update = value.begin_update().expect("the turn ended all the same");
    value.set(pack(&8)).unwrap();
    value.cancel_update(update.token).unwrap();
    assert_eq!(kind(value.cancel_update(update.token)), ErrorKind::NotOwner);
}

#[test]
fn another_thread_of_the_updaters_process_waits_and_the_same_one_is_refused_a_second_update() {
    let sim = Sim::new();
    let client = sim.client();
    let value = number(&client, 1);
    let update = value.begin_update().unwrap();
    assert_eq!(kind(value.begin_update()), ErrorKind::InvalidInput);
    let setting = client.on_thread(2, || start(&client, &value, |v| v.set(pack(&5))));
    let updating = client.on_thread(3, || start(&client, &value, value::Proxy::begin_update));
    assert!(setting.is_waiting() && updating.is_waiting());
    value.commit_update(update.token, pack(&2)).unwrap();
    setting.answer().unwrap();
    let last = updating.answer().unwrap();
    assert_eq!(last.value.unpack::<i64>().unwrap(), 5);
}

#[test]
fn an_updater_that_dies_changes_nothing_and_the_next_has_its_turn() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let (va, vb) = (number(&a, 1), number(&b, 1));
    let update = va.begin_update().unwrap();
    assert_eq!(kind(vb.commit_update(update.token, pack(&9))), ErrorKind::NotOwner);
    let next = start(&b, &vb, value::Proxy::begin_update);
    a.kill();
    let next = next.answer().unwrap();
    assert_eq!(next.value.unpack::<i64>().unwrap(), 1);
    vb.commit_update(next.token, pack(&3)).unwrap();
    assert_eq!(kind(vb.commit_update(next.token, pack(&4))), ErrorKind::NotOwner);
    assert_eq!(read(&vb), 3);
}

#[test]
fn a_commit_of_the_wrong_type_ends_the_turn_and_changes_nothing() {
    let sim = Sim::new();
    let client = sim.client();
    let value = number(&client, 1);
    let update = value.begin_update().unwrap();
    let committed = value.commit_update(update.token, pack("two"));
    assert_eq!(kind(committed), ErrorKind::WrongType);
    assert_eq!(read(&value), 1);
    value.set(pack(&2)).unwrap();
}

#[test]
fn a_writer_that_gives_up_lets_the_next_one_write() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let (va, vb) = (number(&a, 1), number(&b, 1));
    let update = va.begin_update().unwrap();
    let impatient = vb.within(millis(1));
    let gone = start(&b, &impatient, value::Proxy::begin_update);
    let writing = start(&b, &vb, |v| v.set(pack(&4)));
    sim.advance(millis(1));
    assert_eq!(kind(gone.answer()), ErrorKind::TimedOut);
    va.cancel_update(update.token).unwrap();
    writing.answer().unwrap();
    assert_eq!(sim.blocked_count(), 0);
}

#[test]
fn a_refused_write_does_not_spoil_the_callers_own_update() {
    let sim = Sim::new();
    let one = Payload::pack(&1u8).unwrap();
    let v = value::Proxy::new(&sim.client(), Some(NumberKind::U8), one.clone()).unwrap();
    let update = v.begin_update().unwrap();
    let error = v.fetch(NumberKind::U8, NumberOp::Sub, Payload::pack(&2u8).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overflow);
    v.commit_update(update.token, Payload::pack(&5u8).unwrap()).unwrap();
    let update = v.begin_update().unwrap();
    v.set(one.clone()).unwrap();
    let error = v.commit_update(update.token, update.value).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed);
    assert_eq!(v.get().unwrap(), one);
}
