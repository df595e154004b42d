//! Namespace.

use sync_client::{ErrorKind, Namespace};
use sync_testkit::{Role, roles};

use super::{SHORT, Stage, behaviours, refused};

roles![writer, adder, slow];

behaviours![
    attributes_of_any_type_are_seen_by_both_parties,
    updates_of_both_parties_are_all_there,
    an_update_holds_up_its_own_attribute_only,
    names_and_types_that_make_no_sense_are_refused,
];

fn settings(role: &Role) -> Namespace {
    role.manager().named("settings").create_namespace().unwrap()
}

fn writer(role: &Role) {
    let settings = settings(role);
    settings.set("name", "dolphin").unwrap();
    settings.set("depth", &[1.5, 2.5]).unwrap();
}

fn adder(role: &Role) {
    let settings = settings(role);
    for _ in 0..role.arg(0) {
        let add = |count: &mut Option<u64>| *count = Some(count.unwrap_or(0) + 1);
        settings.update("count", add).unwrap();
    }
}

/// Is in the middle of an update until it is told.
fn slow(role: &Role) {
    let change = |count: &mut Option<u64>| {
        role.say("inside");
        role.hear();
        *count = Some(1000);
    };
    settings(role).update("count", change).unwrap();
    role.say("done");
}

fn attributes_of_any_type_are_seen_by_both_parties(stage: &Stage) {
    let settings = stage.manager().named("settings").create_namespace().unwrap();
    stage.start(writer).wait();
    assert_eq!(settings.get::<String>("name").unwrap().as_deref(), Some("dolphin"));
    assert_eq!(settings.get::<[f64; 2]>("depth").unwrap(), Some([1.5, 2.5]));
    assert_eq!(settings.get::<u8>("speed").unwrap(), None);
    let mut names = settings.names().unwrap();
    names.sort();
    assert_eq!(names, ["depth", "name"]);
    assert_eq!(settings.remove::<String>("name").unwrap().as_deref(), Some("dolphin"));
    assert!(!settings.contains_key("name").unwrap());
    assert!(settings.delete("depth").unwrap() && !settings.delete("depth").unwrap());
}

fn updates_of_both_parties_are_all_there(stage: &Stage) {
    let settings = stage.manager().named("settings").create_namespace().unwrap();
    let adder = stage.start_with(adder, &[&50]);
    for _ in 0..50 {
        let add = |count: &mut Option<u64>| *count = Some(count.unwrap_or(0) + 1);
        settings.update("count", add).unwrap();
    }
    adder.wait();
    assert_eq!(settings.get::<u64>("count").unwrap(), Some(100));
}

fn an_update_holds_up_its_own_attribute_only(stage: &Stage) {
    let settings = stage.manager().named("settings").create_namespace().unwrap();
    let mut slow = stage.start(slow);
    slow.expect("inside");
    settings.set("other", &1u8).unwrap();
    assert_eq!(settings.get::<u64>("count").unwrap(), None);
    refused(settings.within(SHORT).set("count", &1u64), ErrorKind::TimedOut);
    let adder = stage.start_with(adder, &[&1]);
    stage.until_blocked(&settings, 1);
    slow.tell("go on");
    slow.expect("done");
    adder.wait();
    assert_eq!(settings.get::<u64>("count").unwrap(), Some(1001));
    slow.wait();
}

fn names_and_types_that_make_no_sense_are_refused(stage: &Stage) {
    let settings = stage.manager().named("settings").create_namespace().unwrap();
    refused(settings.set("", &1), ErrorKind::InvalidInput);
    stage.start(writer).wait();
    refused(settings.get::<u64>("name"), ErrorKind::WrongType);
    refused(settings.remove::<u64>("name"), ErrorKind::WrongType);
    assert!(settings.contains_key("name").unwrap());
}
