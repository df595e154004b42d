//! The action of a barrier: one party runs it before anyone goes on.

use super::*;

fn elected(waited: Pending<Arrival>) -> Token {
    match waited.answer().unwrap() {
        Arrival::Elected(token) => token,
        Arrival::Released(_) => panic!("the party was to run its action"),
    }
}

/// Two parties of which the second runs the action, and a third that waits with them.
fn with_an_action_under_way(sim: &Sim) -> ([Party; 3], [Pending<Arrival>; 2], Token) {
    let parties: [Party; 3] = Party::all(sim, 3, None);
    let [a, b, c] = &parties;
    let waits = [a.arrive(true), b.arrive(false)];
    let token = elected(c.arrive(true));
    (parties, waits, token)
}

#[test]
fn nobody_goes_on_before_the_elected_party_has_run_its_action() {
    let sim = Sim::new();
    let ([_, _, c], waits, token) = with_an_action_under_way(&sim);
    assert!(waits.iter().all(Pending::is_waiting));
    assert_eq!(c.barrier.n_waiting().unwrap(), 3);
    assert_eq!(c.barrier.finish(token).unwrap(), 2);
    assert_eq!(waits.map(index), [0, 1]);
    assert_eq!(c.barrier.finish(token).unwrap_err().kind(), ErrorKind::Broken);
    assert!(!c.barrier.is_broken().unwrap());
}

#[test]
fn a_party_that_waits_already_is_elected_if_the_last_one_has_no_action() {
    let sim = Sim::new();
    let [a, b, c] = Party::all(&sim, 3, None);
    let (first, second, third) = (a.arrive(true), b.arrive(false), c.arrive(false));
    let token = elected(first);
    assert!(second.is_waiting() && third.is_waiting());
    assert_eq!(a.barrier.finish(token).unwrap(), 0);
    assert_eq!([second, third].map(index), [1, 2]);
}

#[test]
fn an_action_that_fails_breaks_the_barrier() {
    let sim = Sim::new();
    let ([a, _, c], waits, token) = with_an_action_under_way(&sim);
    c.barrier.fail(token, "no bread".to_owned()).unwrap();
    for wait in waits {
        let error = wait.answer().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Broken);
        assert!(error.message().contains("no bread"), "{error}");
    }
    assert!(a.barrier.is_broken().unwrap());
}

#[test]
fn a_party_that_dies_in_its_action_breaks_the_barrier() {
    let sim = Sim::new();
    let ([a, _, c], waits, _) = with_an_action_under_way(&sim);
    c.client.kill();
    assert_eq!(waits.map(kind), [ErrorKind::Broken; 2]);
    assert!(a.barrier.is_broken().unwrap());
}

#[test]
fn a_party_that_dies_during_the_action_breaks_the_barrier() {
    let sim = Sim::new();
    let ([a, _, c], [_dead, other], token) = with_an_action_under_way(&sim);
    a.client.kill();
    assert_eq!(kind(other), ErrorKind::Broken);
    assert_eq!(c.barrier.finish(token).unwrap_err().kind(), ErrorKind::Broken);
}

#[test]
fn a_reset_during_the_action_leaves_the_barrier_usable() {
    let sim = Sim::new();
    let ([a, b, c], waits, token) = with_an_action_under_way(&sim);
    a.barrier.reset().unwrap();
    assert_eq!(waits.map(kind), [ErrorKind::Broken; 2]);
    let first = a.wait();
    assert_eq!(c.barrier.finish(token).unwrap_err().kind(), ErrorKind::Broken);
    c.barrier.fail(token, "late".to_owned()).unwrap_err();
    assert!(!a.barrier.is_broken().unwrap());
    assert_eq!([first, b.wait(), c.wait()].map(index), [0, 1, 2]);
}

#[test]
fn nobody_else_ends_the_action() {
    let sim = Sim::new();
    let ([a, _, c], waits, token) = with_an_action_under_way(&sim);
    a.barrier.finish(token).unwrap_err();
    a.barrier.fail(token, "mischief".to_owned()).unwrap_err();
    assert!(waits.iter().all(Pending::is_waiting));
    c.barrier.finish(token).unwrap();
    assert_eq!(waits.map(index), [0, 1]);
}

#[test]
fn who_comes_during_the_action_waits_for_the_next_round_and_is_not_counted_yet() {
    let sim = Sim::new();
    let ([a, b, c], waits, token) = with_an_action_under_way(&sim);
    let others: [Party; 3] = Party::all(&sim, 3, None);
    let early = others[0].wait();
    let impatient = others[1].wait_for(TIME);
    sim.advance(TIME);
    assert_eq!(kind(impatient), ErrorKind::TimedOut);
    assert!(early.is_waiting() && !a.barrier.is_broken().unwrap());
    c.barrier.finish(token).unwrap();
    assert_eq!(waits.map(index), [0, 1]);
    assert_eq!(c.barrier.n_waiting().unwrap(), 1);
    assert_eq!([early, a.wait(), b.wait()].map(index), [0, 1, 2]);
}

#[test]
fn whole_rounds_that_come_during_the_action_are_served_one_after_the_other() {
    let sim = Sim::new();
    let ([a, _, c], _waits, token) = with_an_action_under_way(&sim);
    let others: [Party; 6] = Party::all(&sim, 3, None);
    let mut waits = others.each_ref().map(|party| party.arrive(true)).into_iter();
    c.barrier.finish(token).unwrap();
    for round in 0..2 {
        let [first, second, last] = std::array::from_fn(|_| waits.next().unwrap());
        assert!(first.is_waiting());
        others[round * 3 + 2].barrier.finish(elected(last)).unwrap();
        assert_eq!([first, second].map(index), [0, 1]);
    }
    assert_eq!(a.barrier.n_waiting().unwrap(), 0);
}

#[test]
fn a_time_that_is_up_during_the_action_breaks_the_barrier() {
    let sim = Sim::new();
    let [a, b] = Party::all(&sim, 2, None);
    let timed = a.wait_for(TIME);
    let token = elected(b.arrive(true));
    sim.advance(TIME);
    assert_eq!(kind(timed), ErrorKind::TimedOut);
    assert_eq!(b.barrier.finish(token).unwrap_err().kind(), ErrorKind::Broken);
    assert!(a.barrier.is_broken().unwrap());
}
