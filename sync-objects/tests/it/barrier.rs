//! Barrier: all of a round go on together, or none does.

use std::time::Duration;

use sync_objects::{Arrival, ErrorKind, Token, barrier};
use sync_testkit::sim::{Pending, Sim, SimClient};

mod action;
mod random;

const TIME: Duration = Duration::from_millis(10);

/// A process with a barrier that it shares with others.
struct Party {
    client: SimClient,
    barrier: barrier::Proxy,
}

impl Party {
    fn all<const N: usize>(sim: &Sim, parties: u32, timeout: Option<Duration>) -> [Self; N] {
        std::array::from_fn(|_| Self::new(sim, parties, timeout))
    }

    fn new(sim: &Sim, parties: u32, timeout: Option<Duration>) -> Self {
        let client = sim.client();
        let barrier = barrier::Proxy::new(client.named("b"), parties, timeout).unwrap();
        Self { client, barrier }
    }

    fn wait(&self) -> Pending<Arrival> {
        self.arrive(false)
    }

    /// Waits with an action, or without.
    fn arrive(&self, acts: bool) -> Pending<Arrival> {
        let barrier = self.barrier.clone();
        self.client.start(move || barrier.wait(acts, false))
    }

    fn wait_for(&self, time: Duration) -> Pending<Arrival> {
        let barrier = self.barrier.within(time);
        self.client.start(move || barrier.wait(false, true))
    }
}

fn index(waited: Pending<Arrival>) -> u32 {
    match waited.answer().unwrap() {
        Arrival::Released(index) => index,
        Arrival::Elected(_) => panic!("nobody has an action"),
    }
}

fn kind(waited: Pending<Arrival>) -> ErrorKind {
    waited.answer().unwrap_err().kind()
}

#[test]
fn all_go_on_when_the_last_one_is_here_each_with_its_index() {
    let sim = Sim::new();
    let [a, b, c] = Party::all(&sim, 3, None);
    for _round in 0..3 {
        let (first, second) = (a.wait(), b.wait());
        assert!(first.is_waiting() && second.is_waiting());
        assert_eq!(c.barrier.n_waiting().unwrap(), 2);
        let third = c.wait();
        assert_eq!([first, second, third].map(index), [0, 1, 2]);
        assert_eq!(c.barrier.n_waiting().unwrap(), 0);
    }
    assert_eq!(a.barrier.parties().unwrap(), 3);
}

#[test]
fn a_barrier_of_one_never_waits_and_one_of_none_is_refused() {
    let sim = Sim::new();
    let [a] = Party::all(&sim, 1, None);
    assert_eq!(index(a.wait()), 0);
    let error = barrier::Proxy::new(&a.client, 0, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let error = barrier::Proxy::new(a.client.named("b"), 2, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
}

#[test]
fn who_comes_again_at_once_belongs_to_the_next_round() {
    let sim = Sim::new();
    let [a, b] = Party::all(&sim, 2, None);
    let first = a.wait();
    assert_eq!(index(b.wait()), 1);
    let fast = b.wait();
    assert_eq!(index(first), 0);
    assert!(fast.is_waiting());
    assert_eq!(index(a.wait()), 1);
    assert_eq!(index(fast), 0);
}

#[test]
fn a_party_whose_time_is_up_breaks_the_barrier_for_all() {
    let sim = Sim::new();
    let [a, b, c] = Party::all(&sim, 3, None);
    let (patient, timed) = (a.wait(), b.wait_for(TIME));
    sim.advance(TIME);
    assert_eq!(kind(timed), ErrorKind::TimedOut);
    assert_eq!(kind(patient), ErrorKind::Broken);
    assert!(c.barrier.is_broken().unwrap());
    assert_eq!(kind(c.wait()), ErrorKind::Broken);
    assert_eq!(kind(c.wait_for(Duration::ZERO)), ErrorKind::Broken);
}

#[test]
fn a_wait_for_no_time_breaks_a_barrier_that_is_not_full() {
    let sim = Sim::new();
    let [a, b] = Party::all(&sim, 2, None);
    let first = a.wait();
    assert_eq!(index(b.wait_for(Duration::ZERO)), 1);
    assert_eq!(index(first), 0);
    assert_eq!(kind(a.wait_for(Duration::ZERO)), ErrorKind::TimedOut);
    assert!(a.barrier.is_broken().unwrap());
}

#[test]
fn the_barriers_timeout_binds_who_has_no_time_of_its_own() {
    let sim = Sim::new();
    let [a, b, c] = Party::all(&sim, 3, Some(TIME));
    let long = a.wait_for(TIME * 10);
    sim.advance(TIME * 5);
    let bound = b.wait();
    sim.advance(TIME / 2);
    assert!(long.is_waiting() && bound.is_waiting());
    sim.advance(TIME / 2);
    assert_eq!([long, bound].map(kind), [ErrorKind::Broken; 2]);
    c.barrier.reset().unwrap();
    let waits = [&a, &b, &c].map(Party::wait);
    assert_eq!(waits.map(index), [0, 1, 2]);
    let next = a.wait();
    sim.advance(TIME - Duration::from_nanos(1));
    assert!(next.is_waiting(), "a round has its own time");
    sim.advance(Duration::from_nanos(1));
    assert_eq!(kind(next), ErrorKind::Broken);
}

#[test]
fn a_party_that_dies_while_it_waits_breaks_the_barrier() {
    let sim = Sim::new();
    let [a, b, c] = Party::all(&sim, 3, None);
    let (_dead, waiting) = (a.wait(), b.wait());
    a.client.kill();
    let error = waiting.answer().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Broken);
    assert!(error.message().contains("died"), "{error}");
    assert!(c.barrier.is_broken().unwrap());
}

#[test]
fn a_party_that_dies_after_its_round_breaks_nothing() {
    let sim = Sim::new();
    let [a, b] = Party::all(&sim, 2, None);
    let (first, second) = (a.wait(), b.wait());
    a.client.kill();
    assert_eq!(index(second), 1);
    drop(first);
    assert!(!b.barrier.is_broken().unwrap());
}

#[test]
fn an_aborted_barrier_is_broken_until_it_is_reset() {
    let sim = Sim::new();
    let [a, b] = Party::all(&sim, 2, None);
    let waiting = a.wait();
    b.barrier.abort().unwrap();
    let error = waiting.answer().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Broken);
    assert!(error.message().contains("aborted"), "{error}");
    assert_eq!(kind(a.wait()), ErrorKind::Broken);
    b.barrier.reset().unwrap();
    assert!(!b.barrier.is_broken().unwrap());
    assert_eq!([a.wait(), b.wait()].map(index), [0, 1]);
}

#[test]
fn a_reset_tells_who_waits_and_makes_the_barrier_as_new() {
    let sim = Sim::new();
    let [a, b] = Party::all(&sim, 2, None);
    let waiting = a.wait();
    b.barrier.reset().unwrap();
    assert_eq!(kind(waiting), ErrorKind::Broken);
    assert!(!b.barrier.is_broken().unwrap());
    assert_eq!([a.wait(), b.wait()].map(index), [0, 1]);
}

#[test]
fn a_wait_that_is_given_up_breaks_the_barrier() {
    let sim = Sim::new();
    let [a, b] = Party::all(&sim, 2, None);
    let waiting = a.wait();
    waiting.cancel();
    assert_eq!(kind(waiting), ErrorKind::TimedOut);
    assert!(b.barrier.is_broken().unwrap());
}
