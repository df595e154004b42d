//! Barrier.

use sync_client::{Barrier, Error, ErrorKind};
use sync_testkit::{Role, roles};

use super::{SHORT, Stage, behaviours, refused};

roles![party, actor, aborter];

behaviours![
    all_go_on_when_the_last_has_come,
    the_action_is_over_before_anyone_goes_on,
    an_action_that_fails_breaks_it_for_all,
    a_time_that_is_up_breaks_it_for_all,
    abort_breaks_it_and_reset_mends_it,
    parties_that_make_no_sense_are_refused,
];

fn barrier(role: &Role) -> Barrier {
    role.manager().named("barrier").create_barrier(3).unwrap()
}

/// Waits once, and tells how it went.
fn party(role: &Role) {
    role.say(match barrier(role).wait() {
        Ok(_) => "on".to_owned(),
        Err(error) => format!("{:?}", error.kind()),
    });
}

/// Waits with an action that counts.
fn actor(role: &Role) {
    let runs = role.manager().named("runs").create_value(0u32).unwrap();
    barrier(role).wait_with(|| runs.fetch_add(1).map(drop)).unwrap();
    assert_eq!(runs.get().unwrap(), 1);
    role.say("on");
}

fn aborter(role: &Role) {
    barrier(role).abort().unwrap();
}

fn all_go_on_when_the_last_has_come(stage: &Stage) {
    let barrier = stage.manager().named("barrier").create_barrier(3).unwrap();
    for _ in 0..2 {
        let parties = [(); 2].map(|()| stage.start(party));
        stage.until_blocked(&barrier, 2);
        assert_eq!((barrier.parties().unwrap(), barrier.n_waiting().unwrap()), (3, 2));
        assert!(barrier.wait().unwrap().index() < 3);
        for mut party in parties {
            party.expect("on");
            party.wait();
        }
        assert!(!barrier.is_broken().unwrap());
    }
}

fn the_action_is_over_before_anyone_goes_on(stage: &Stage) {
    let barrier = stage.manager().named("barrier").create_barrier(3).unwrap();
    let runs = stage.manager().named("runs").create_value(0u32).unwrap();
    let parties = [(); 2].map(|()| stage.start(actor));
    stage.until_blocked(&barrier, 2);
    barrier.wait_with(|| runs.fetch_add(1).map(drop)).unwrap();
    assert_eq!(runs.get().unwrap(), 1);
    for mut party in parties {
        party.expect("on");
        party.wait();
    }
}

fn an_action_that_fails_breaks_it_for_all(stage: &Stage) {
    let barrier = stage.manager().named("barrier").create_barrier(3).unwrap();
    let parties = [(); 2].map(|()| stage.start(party));
    stage.until_blocked(&barrier, 2);
    let failed = barrier.wait_with(|| Err(Error::new(ErrorKind::NotFound, "no bread")));
    refused(failed, ErrorKind::NotFound);
    for mut party in parties {
        party.expect("Broken");
        party.wait();
    }
    assert!(barrier.is_broken().unwrap());
}

fn a_time_that_is_up_breaks_it_for_all(stage: &Stage) {
    let barrier = stage.manager().named("barrier").create_barrier(3).unwrap();
    let mut party = stage.start(party);
    stage.until_blocked(&barrier, 1);
    refused(barrier.within(SHORT).wait(), ErrorKind::TimedOut);
    party.expect("Broken");
    refused(barrier.wait(), ErrorKind::Broken);
    assert_eq!(barrier.n_waiting().unwrap(), 0);
    party.wait();
}

fn abort_breaks_it_and_reset_mends_it(stage: &Stage) {
    let barrier = stage.manager().named("barrier").create_barrier(3).unwrap();
    let mut waiting = stage.start(party);
    stage.until_blocked(&barrier, 1);
    stage.start(aborter).wait();
    waiting.expect("Broken");
    waiting.wait();
    barrier.reset().unwrap();
    assert!(!barrier.is_broken().unwrap());
    let mut waiting = stage.start(party);
    stage.until_blocked(&barrier, 1);
    barrier.reset().unwrap();
    waiting.expect("Broken");
    assert!(!barrier.is_broken().unwrap());
    waiting.wait();
}

fn parties_that_make_no_sense_are_refused(stage: &Stage) {
    refused(stage.manager().create_barrier(0), ErrorKind::InvalidInput);
    let alone = stage.manager().create_barrier(1).unwrap();
    assert!(alone.wait().unwrap().is_leader());
    stage.manager().publish("barrier", &alone).unwrap();
    refused(stage.manager().named("barrier").create_barrier(2), ErrorKind::Mismatch);
}
