//! Barriers: a party that dies is not waited for.

use sync_client::{Barrier, ErrorKind};
use sync_testkit::{Actor, Cast, Role, roles};

roles![party, actor];

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

/// Is in the middle of the action until it is told.
fn actor(role: &Role) {
    let acted = barrier(role).wait_with(|| {
        role.say("acting");
        role.hear();
        Ok(())
    });
    acted.unwrap();
    role.say("on");
}

fn expect_all(parties: impl IntoIterator<Item = Actor>, line: &str) {
    for mut party in parties {
        party.expect(line);
        party.wait();
    }
}

#[test]
fn a_party_killed_while_it_waits_breaks_the_barrier_for_all() {
    let cast = Cast::new();
    let barrier = cast.manager().named("barrier").create_barrier(3).unwrap();
    let (doomed, other) = (cast.start(party), cast.start(party));
    cast.until_blocked(&barrier, 2);
    doomed.kill();
    expect_all([other], "Broken");
    let error = barrier.wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Broken, "{error}");
    barrier.reset().unwrap();
    let others = [cast.start(party), cast.start(party)];
    barrier.wait().unwrap();
    expect_all(others, "on");
}

#[test]
fn the_elected_party_killed_in_its_action_breaks_the_barrier_for_all() {
    let cast = Cast::new();
    let barrier = cast.manager().named("barrier").create_barrier(3).unwrap();
    let others = [cast.start(party), cast.start(party)];
    cast.until_blocked(&barrier, 2);
    let mut elected = cast.start(actor);
    elected.expect("acting");
    // All are here, and nobody goes on before the action is over.
    assert_eq!(cast.manager().blocked_on(&barrier).unwrap(), 2);
    elected.kill();
    expect_all(others, "Broken");
    assert!(barrier.is_broken().unwrap());
}

#[test]
fn nobody_goes_on_before_the_action_of_another_process_is_over() {
    let cast = Cast::new();
    let barrier = cast.manager().named("barrier").create_barrier(3).unwrap();
    let others = [cast.start(party), cast.start(party)];
    cast.until_blocked(&barrier, 2);
    let mut elected = cast.start(actor);
    elected.expect("acting");
    assert_eq!(cast.manager().blocked_on(&barrier).unwrap(), 2);
    elected.tell("go on");
    elected.expect("on");
    expect_all(others, "on");
    assert!(!barrier.is_broken().unwrap());
}

#[test]
fn a_process_that_has_passed_the_barrier_can_die() {
    let cast = Cast::new();
    let barrier = cast.manager().named("barrier").create_barrier(3).unwrap();
    for _ in 0..2 {
        let mut others = [cast.start(party), cast.start(party)];
        barrier.wait().unwrap();
        others.iter_mut().for_each(|party| party.expect("on"));
        others.into_iter().for_each(Actor::kill);
    }
    assert!(!barrier.is_broken().unwrap());
}
