//! Value.

use sync_client::{ErrorKind, Exchange, Value};
use sync_testkit::{Role, roles};

use super::{SHORT, Stage, behaviours, refused};

roles![adder, slow];

behaviours![
    both_parties_see_what_was_set,
    arithmetic_and_updates_of_both_parties_are_all_there,
    writers_wait_for_an_update_and_readers_do_not,
    a_time_that_is_up_changes_nothing,
    what_does_not_fit_is_refused,
];

fn value(role: &Role) -> Value<u64> {
    role.manager().named("value").create_value(0u64).unwrap()
}

fn adder(role: &Role) {
    let value = value(role);
    for _ in 0..role.arg(0) {
        value.fetch_add(1).unwrap();
        value.update(|value| *value += 1).unwrap();
    }
}

/// Is in the middle of its update until it is told.
fn slow(role: &Role) {
    let change = |value: &mut u64| {
        role.say("inside");
        role.hear();
        *value += 1000;
    };
    value(role).update(change).unwrap();
    role.say("done");
}

fn both_parties_see_what_was_set(stage: &Stage) {
    let value = stage.manager().named("value").create_value(0u64).unwrap();
    value.set(&5).unwrap();
    stage.start_with(adder, &[&1]).wait();
    assert_eq!(value.get().unwrap(), 7);
    assert_eq!(value.swap(&1).unwrap(), 7);
    assert_eq!(value.compare_exchange(&7, &8).unwrap(), Exchange::Found(1));
    assert_eq!(value.compare_exchange(&1, &8).unwrap(), Exchange::Done);
    assert_eq!(value.get().unwrap(), 8);
}

fn arithmetic_and_updates_of_both_parties_are_all_there(stage: &Stage) {
    let value = stage.manager().named("value").create_value(0u64).unwrap();
    let adder = stage.start_with(adder, &[&50]);
    for _ in 0..50 {
        value.update(|value| *value += 1).unwrap();
        value.fetch_add(1).unwrap();
    }
    adder.wait();
    assert_eq!(value.get().unwrap(), 200);
}

fn writers_wait_for_an_update_and_readers_do_not(stage: &Stage) {
    let value = stage.manager().named("value").create_value(0u64).unwrap();
    let mut slow = stage.start(slow);
    slow.expect("inside");
    let adder = stage.start_with(adder, &[&1]);
    stage.until_blocked(&value, 1);
    assert_eq!(value.get().unwrap(), 0);
    slow.tell("go on");
    slow.expect("done");
    adder.wait();
    assert_eq!(value.get().unwrap(), 1002);
    slow.wait();
}

fn a_time_that_is_up_changes_nothing(stage: &Stage) {
    let value = stage.manager().named("value").create_value(0u64).unwrap();
    let mut slow = stage.start(slow);
    slow.expect("inside");
    let hurried = value.within(SHORT);
    refused(hurried.set(&1), ErrorKind::TimedOut);
    refused(hurried.update(|value| *value = 1), ErrorKind::TimedOut);
    slow.tell("go on");
    slow.expect("done");
    assert_eq!(value.get().unwrap(), 1000);
    slow.wait();
}

fn what_does_not_fit_is_refused(stage: &Stage) {
    let value = stage.manager().named("value").create_value(u64::MAX).unwrap();
    refused(value.fetch_add(1), ErrorKind::Overflow);
    assert_eq!(value.get().unwrap(), u64::MAX);
    let text: Value<String> = stage.manager().named("value").open().unwrap();
    refused(text.get(), ErrorKind::WrongType);
}
