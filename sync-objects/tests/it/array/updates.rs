//! An update has the whole array to itself.

use sync_objects::Typecode::{Double, Int};
use sync_objects::{ArrayStart, ErrorKind, NumberOp, array};
use sync_testkit::sim::Sim;

use super::{ALL, elements, new, p, packed, part, unpacked};

#[test]
fn other_writers_wait_for_an_update_and_readers_do_not() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let start = || ArrayStart::Elements(packed(&[1, 2, 3]));
    let ours = array::Proxy::new(a.named("a"), Int, start()).unwrap();
    let theirs = array::Proxy::new(b.named("a"), Int, start()).unwrap();
    let begun = ours.begin_update(Int, part(1, 3, 1)).unwrap();
    assert_eq!(unpacked(&begun.elements), [2, 3]);
    let waiting = {
        let theirs = theirs.clone();
        b.start(move || theirs.fetch(Int, 1, NumberOp::Add, p(&100)))
    };
    assert!(waiting.is_waiting());
    assert_eq!(b.on_thread(2, || elements(&theirs)), [1, 2, 3]);
    let swapping = {
        let theirs = theirs.clone();
        b.start(move || theirs.swap(0, 1))
    };
    ours.commit_update(Int, begun.token, part(1, 3, 1), packed(&[20, 30])).unwrap();
    assert_eq!(waiting.answer().unwrap(), p(&20));
    swapping.answer().unwrap();
    assert_eq!(elements(&theirs), [120, 1, 30]);
}

#[test]
fn an_update_that_is_refused_or_given_up_changes_nothing_and_ends_the_turn() {
    let sim = Sim::new();
    let client = sim.client();
    let a = new(&client, &[1, 2]);
    let begun = a.begin_update(Int, ALL).unwrap();
    let error = a.begin_update(Int, ALL).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "inside its own update");
    let error = a.commit_update(Int, begun.token, ALL, packed(&[1, 2, 3])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "another length");
    let begun = a.begin_update(Int, ALL).unwrap();
    let error = a.commit_update(Double, begun.token, ALL, packed(&[8, 9])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongType);
    let begun = a.begin_update(Int, ALL).unwrap();
    a.cancel_update(begun.token).unwrap();
    let error = a.commit_update(Int, begun.token, ALL, packed(&[8, 9])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotOwner);
    assert_eq!(elements(&a), [1, 2]);
}

#[test]
fn who_writes_inside_the_own_update_is_told_at_its_end() {
    let sim = Sim::new();
    let a = new(&sim.client(), &[1, 2]);
    let begun = a.begin_update(Int, ALL).unwrap();
    assert_eq!(a.set(Int, 5, p(&7)).unwrap_err().kind(), ErrorKind::OutOfRange);
    a.commit_update(Int, begun.token, ALL, packed(&[3, 4])).unwrap();
    let begun = a.begin_update(Int, ALL).unwrap();
    a.set(Int, 0, p(&7)).unwrap();
    let error = a.commit_update(Int, begun.token, ALL, packed(&[8, 9])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed);
    assert_eq!(elements(&a), [7, 4]);
}

#[test]
fn an_updater_that_dies_changes_nothing_and_passes_the_turn_on() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let start = || ArrayStart::Zeros(2);
    let ours = array::Proxy::new(a.named("a"), Int, start()).unwrap();
    let theirs = array::Proxy::new(b.named("a"), Int, start()).unwrap();
    ours.begin_update(Int, ALL).unwrap();
    let waiting = {
        let theirs = theirs.clone();
        b.start(move || theirs.fill(Int, ALL, p(&5)))
    };
    a.kill();
    waiting.answer().unwrap();
    assert_eq!(elements(&theirs), [5, 5]);
}

#[test]
fn a_turn_is_abandoned_by_its_own_caller_alone() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let start = || ArrayStart::Zeros(2);
    let ours = array::Proxy::new(a.named("a"), Int, start()).unwrap();
    let theirs = array::Proxy::new(b.named("a"), Int, start()).unwrap();
    ours.abandon_update().unwrap();
    let begun = ours.begin_update(Int, ALL).unwrap();
    theirs.abandon_update().unwrap();
    a.on_thread(2, || ours.abandon_update()).unwrap();
    let waiting = b.start(move || theirs.set(Int, 0, p(&5)));
    assert!(waiting.is_waiting());
    ours.abandon_update().unwrap();
    waiting.answer().unwrap();
    let error = ours.commit_update(Int, begun.token, ALL, packed(&[8, 9])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotOwner);
    assert_eq!(elements(&ours), [5, 0]);
}
