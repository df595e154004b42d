//! Event.

use std::time::Duration;

use sync_client::{ErrorKind, Event};
use sync_testkit::{Role, roles};

use super::{SHORT, Stage, behaviours, refused};

roles![waiter, setter];

behaviours![
    it_is_set_for_all_until_it_is_cleared,
    all_who_wait_go_on_when_it_is_set,
    a_time_that_is_up_is_told,
    who_waits_is_woken_by_the_other_party,
];

fn event(role: &Role) -> Event {
    role.manager().named("event").create_event().unwrap()
}

fn waiter(role: &Role) {
    event(role).wait().unwrap();
    role.say("on");
}

/// Sets the event, once somebody waits for it.
fn setter(role: &Role) {
    let event = event(role);
    while role.manager().blocked_on(&event).unwrap() == 0 {
        std::thread::yield_now();
    }
    event.set().unwrap();
}

fn it_is_set_for_all_until_it_is_cleared(stage: &Stage) {
    let event = stage.manager().named("event").create_event().unwrap();
    assert!(!event.is_set().unwrap());
    event.set().unwrap();
    event.set().unwrap();
    let mut party = stage.start(waiter);
    party.expect("on");
    event.wait().unwrap();
    event.clear().unwrap();
    assert!(!event.is_set().unwrap());
    party.wait();
}

fn all_who_wait_go_on_when_it_is_set(stage: &Stage) {
    let event = stage.manager().named("event").create_event().unwrap();
    let waiters = [(); 3].map(|()| stage.start(waiter));
    stage.until_blocked(&event, 3);
    event.set().unwrap();
    event.clear().unwrap();
    for mut waiter in waiters {
        waiter.expect("on");
        waiter.wait();
    }
}

fn a_time_that_is_up_is_told(stage: &Stage) {
    let event = stage.manager().named("event").create_event().unwrap();
    for time in [Duration::ZERO, SHORT] {
        assert!(event.wait_for(time).unwrap().timed_out());
    }
    refused(event.within(SHORT).wait(), ErrorKind::TimedOut);
    event.set().unwrap();
    for time in [Duration::ZERO, SHORT] {
        assert!(!event.wait_for(time).unwrap().timed_out());
    }
}

fn who_waits_is_woken_by_the_other_party(stage: &Stage) {
    let event = stage.manager().named("event").create_event().unwrap();
    let setter = stage.start(setter);
    event.wait().unwrap();
    assert!(event.is_set().unwrap());
    setter.wait();
}
