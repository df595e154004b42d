//! The kit itself: whatever goes wrong fails the test, and says why.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use rustix::process::{Pid, test_kill_process};
use sync_server::Server;
use sync_testkit::{Actor, Cast, Role, roles};

roles![echo, clumsy, deaf];

/// Says what it is told.
fn echo(role: &Role) {
    let name: String = role.arg(0);
    for _ in 0..role.arg(1) {
        let heard = role.hear();
        role.say(format!("{name}: {heard}"));
    }
}

fn clumsy(_: &Role) {
    panic!("it slipped out of my hands");
}

fn deaf(role: &Role) {
    role.say("what?");
    role.hear();
    role.hear();
}

/// Not in the list.
fn stranger(_: &Role) {}

/// Enough for an actor to begin.
fn hurried() -> Cast {
    Cast::within(Duration::from_secs(2), Server::builder())
}

#[test]
fn an_actor_hears_and_says_whole_lines() {
    let cast = Cast::new();
    let mut actor = cast.start_with(echo, &[&"an echo", &3]);
    for line in ["one", "", "two words ü"] {
        actor.tell(line);
        actor.expect(&format!("an echo: {line}"));
    }
    actor.wait();
}

#[test]
#[should_panic(expected = "it slipped out of my hands")]
fn the_words_of_a_role_that_panics_are_told() {
    let cast = Cast::new();
    cast.start(clumsy).wait();
}

#[test]
#[should_panic(expected = "it slipped out of my hands")]
fn who_ends_instead_of_speaking_fails_the_test() {
    let cast = Cast::new();
    cast.start(clumsy).hear();
}

#[test]
#[should_panic(expected = "said \"what?\" instead of \"hello\"")]
fn who_says_something_else_fails_the_test() {
    let cast = Cast::new();
    cast.start(deaf).expect("hello");
}

#[test]
#[should_panic(expected = "is not in the list of `roles!`")]
fn a_role_that_was_not_listed_is_named() {
    let cast = Cast::new();
    cast.start(stranger).wait();
}

#[test]
fn an_actor_that_hangs_is_ended_and_its_last_words_are_told() {
    let cast = hurried();
    let mut actor = cast.start(deaf);
    actor.expect("what?");
    let failure = catch_unwind(AssertUnwindSafe(|| actor.hear())).unwrap_err();
    let why = failure.downcast::<String>().unwrap();
    assert!(why.starts_with("the test took too long") && why.contains("what?"), "{why}");
}

#[test]
#[should_panic(expected = "the test took too long")]
fn a_frozen_actor_that_is_waited_for_is_ended() {
    let cast = hurried();
    let mut actor = cast.start(deaf);
    actor.expect("what?");
    actor.stop();
    actor.wait();
}

#[test]
#[should_panic(expected = "in vain: pigs fly")]
fn what_never_comes_about_is_not_waited_for_for_ever() {
    hurried().until("pigs fly", || false);
}

#[test]
fn a_call_of_the_test_itself_that_hangs_is_ended() {
    let cast = hurried();
    let event = cast.manager().create_event().unwrap();
    assert!(event.wait().unwrap_err().is_disconnected());
}

#[test]
fn nothing_is_left_of_an_actor_that_was_dropped() {
    let cast = Cast::new();
    let mut actors: Vec<Actor> = (0..3).map(|_| cast.start(deaf)).collect();
    actors.iter_mut().for_each(|actor| actor.expect("what?"));
    let pids: Vec<u32> = actors.iter().map(Actor::pid).collect();
    actors[1].stop();
    drop(actors);
    for pid in pids {
        let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        assert!(test_kill_process(pid).is_err());
    }
    cast.until("their sessions are over", || {
        cast.manager().debug_info().unwrap().sessions.len() == 1
    });
}
