//! Array.

use sync_client::{Array, ErrorKind, Exchange, Typecode};
use sync_testkit::{Role, roles};

use super::{SHORT, Stage, behaviours, refused};

roles![writer, adder, slow];

behaviours![
    elements_and_slices_are_seen_by_both_parties,
    many_elements_go_at_once,
    arithmetic_and_updates_of_both_parties_are_all_there,
    writers_wait_for_an_update_and_readers_do_not,
    what_does_not_fit_is_refused,
];

fn numbers(role: &Role) -> Array<i32> {
    role.manager().named("numbers").create_array_zeroed(6).unwrap()
}

fn writer(role: &Role) {
    let numbers = numbers(role);
    numbers.set(0, 1).unwrap();
    numbers.set(-1, 6).unwrap();
    numbers.set_slice(2..4, &[3, 4]).unwrap();
}

fn adder(role: &Role) {
    let numbers = numbers(role);
    for _ in 0..role.arg(0) {
        numbers.fetch_add(0, 1).unwrap();
        numbers.update(.., |all| all[1] += 1).unwrap();
    }
}

/// Is in the middle of an update until it is told.
fn slow(role: &Role) {
    let change = |two: &mut [i32]| {
        role.say("inside");
        role.hear();
        two.fill(1000);
    };
    numbers(role).update(..2, change).unwrap();
    role.say("done");
}

fn elements_and_slices_are_seen_by_both_parties(stage: &Stage) {
    let numbers = stage.manager().named("numbers").create_array_zeroed::<i32>(6).unwrap();
    stage.start(writer).wait();
    assert_eq!(numbers.to_vec().unwrap(), [1, 0, 3, 4, 0, 6]);
    assert_eq!(numbers.slice(-3..).unwrap(), [4, 0, 6]);
    numbers.fill(1..3, 9).unwrap();
    numbers.swap(0, -1).unwrap();
    assert_eq!(numbers.compare_exchange(4, 1, 5).unwrap(), Exchange::Found(0));
    assert_eq!(numbers.compare_exchange(4, 0, 5).unwrap(), Exchange::Done);
    assert!(numbers.iter().map(Result::unwrap).eq([6, 9, 9, 4, 5, 1]));
    assert_eq!((numbers.len().unwrap(), numbers.get(-2).unwrap()), (6, 5));
    assert_eq!(numbers.typecode().unwrap(), Typecode::Int);
}

fn many_elements_go_at_once(stage: &Stage) {
    let many = stage.manager().create_array(0..100_000u64).unwrap();
    assert_eq!(many.get(99_999).unwrap(), 99_999);
    many.set_slice(.., &vec![7; 100_000]).unwrap();
    assert_eq!(many.to_vec().unwrap(), vec![7; 100_000]);
}

fn arithmetic_and_updates_of_both_parties_are_all_there(stage: &Stage) {
    let numbers = stage.manager().named("numbers").create_array_zeroed::<i32>(6).unwrap();
    let adder = stage.start_with(adder, &[&50]);
    for _ in 0..50 {
        numbers.update(..1, |first| first[0] += 1).unwrap();
        numbers.fetch_add(1, 1).unwrap();
    }
    adder.wait();
    assert_eq!(numbers.slice(..3).unwrap(), [100, 100, 0]);
}

fn writers_wait_for_an_update_and_readers_do_not(stage: &Stage) {
    let numbers = stage.manager().named("numbers").create_array_zeroed::<i32>(6).unwrap();
    let mut slow = stage.start(slow);
    slow.expect("inside");
    let adder = stage.start_with(adder, &[&1]);
    stage.until_blocked(&numbers, 1);
    assert_eq!(numbers.to_vec().unwrap(), [0; 6]);
    refused(numbers.within(SHORT).set(5, 1), ErrorKind::TimedOut);
    slow.tell("go on");
    slow.expect("done");
    adder.wait();
    assert_eq!(numbers.to_vec().unwrap(), [1001, 1001, 0, 0, 0, 0]);
    slow.wait();
}

fn what_does_not_fit_is_refused(stage: &Stage) {
    let numbers = stage.manager().named("numbers").create_array_zeroed::<i32>(6).unwrap();
    refused(numbers.get(6), ErrorKind::OutOfRange);
    refused(numbers.set(-7, 1), ErrorKind::OutOfRange);
    refused(numbers.set_slice(..2, &[1]), ErrorKind::InvalidInput);
    numbers.set(0, i32::MAX).unwrap();
    refused(numbers.fetch_add(0, 1), ErrorKind::Overflow);
    assert_eq!(numbers.to_vec().unwrap(), [i32::MAX, 0, 0, 0, 0, 0]);
    let wrong: Array<u8> = stage.manager().named("numbers").open().unwrap();
    refused(wrong.get(0), ErrorKind::WrongType);
    refused(stage.manager().named("numbers").create_array_zeroed::<i32>(7), ErrorKind::Mismatch);
}
