//! Namespaces: each attribute has its own turn to write.

use sync_client::Namespace;
use sync_testkit::{Cast, Role, roles};

roles![slow];

fn settings(role: &Role) -> Namespace {
    role.manager().named("settings").create_namespace().unwrap()
}

/// Is in the middle of an update of one attribute until it is told.
fn slow(role: &Role) {
    let change = |depth: &mut Option<u32>| {
        role.say("inside");
        role.hear();
        *depth = Some(depth.unwrap_or(0) + 1000);
    };
    settings(role).update("depth", change).unwrap();
    role.say("done");
}

#[test]
fn an_updater_killed_inside_its_closure_changes_nothing_and_holds_up_only_its_attribute() {
    let cast = Cast::new();
    let settings = cast.manager().named("settings").create_namespace().unwrap();
    settings.set("depth", &5).unwrap();
    let mut doomed = cast.start(slow);
    doomed.expect("inside");
    settings.set("name", "dolphin").unwrap();
    let mut next = cast.start(slow);
    cast.until_blocked(&settings, 1);
    doomed.kill();
    next.expect("inside");
    assert_eq!(settings.get("depth").unwrap(), Some(5));
    next.tell("go on");
    next.expect("done");
    assert_eq!(settings.get("depth").unwrap(), Some(1005));
}
