//! Values: an update is done in its turn, or not at all.

use sync_testkit::{Actor, Cast, Role, roles};

roles![updater, slow];

fn updater(role: &Role) {
    let value = role.manager().named("value").create_value(0u64).unwrap();
    role.say("ready");
    role.hear();
    for _ in 0..role.arg(0) {
        value.update(|value| *value += 1).unwrap();
    }
}

/// Is in the middle of its update until it is told.
fn slow(role: &Role) {
    let value = role.manager().named("value").create_value(0u64).unwrap();
    let seen = value.update(|value| {
        role.say("inside");
        role.hear();
        *value += 1000;
        *value
    });
    role.say(seen.unwrap());
}

#[test]
fn updates_of_four_processes_and_a_slow_one_are_all_there() {
    let cast = Cast::new();
    let value = cast.manager().named("value").create_value(0u64).unwrap();
    let mut updaters: Vec<Actor> = (0..4).map(|_| cast.start_with(updater, &[&200])).collect();
    updaters.iter_mut().for_each(|updater| updater.expect("ready"));
    updaters.iter_mut().for_each(|updater| updater.tell("go"));
    let mut slow = cast.start(slow);
    slow.expect("inside");
    // Whoever is not done yet waits for it; readers don't.
    let seen = value.get().unwrap();
    slow.tell("go on");
    slow.expect(&(seen + 1000).to_string());
    updaters.into_iter().for_each(Actor::wait);
    assert_eq!(value.get().unwrap(), 1800);
}

#[test]
fn writers_wait_in_line_for_an_update_and_readers_do_not() {
    let cast = Cast::new();
    let value = cast.manager().named("value").create_value(0u64).unwrap();
    let mut slow = cast.start(slow);
    slow.expect("inside");
    let mut updaters: Vec<Actor> = (0..2).map(|_| cast.start_with(updater, &[&1])).collect();
    updaters.iter_mut().for_each(|updater| updater.expect("ready"));
    updaters.iter_mut().for_each(|updater| updater.tell("go"));
    cast.until_blocked(&value, 2);
    assert_eq!(value.get().unwrap(), 0);
    slow.tell("go on");
    slow.expect("1000");
    updaters.into_iter().for_each(Actor::wait);
    assert_eq!(value.get().unwrap(), 1002);
}

#[test]
fn an_updater_killed_inside_its_closure_changes_nothing() {
    let cast = Cast::new();
    let value = cast.manager().named("value").create_value(5u64).unwrap();
    let mut doomed = cast.start(slow);
    doomed.expect("inside");
    let mut next = cast.start(slow);
    cast.until_blocked(&value, 1);
    doomed.kill();
    next.expect("inside");
    assert_eq!(value.get().unwrap(), 5);
    next.tell("go on");
    next.expect("1005");
    assert_eq!(value.get().unwrap(), 1005);
}
