//! Semaphore: permits in the order of asking, and who gives them back.

use sync_objects::{ErrorKind, semaphore};
use sync_testkit::sim::{Sim, SimClient};

use crate::support::{kind, millis, start};

fn attach(client: &SimClient, permits: u32, bounded: bool) -> semaphore::Proxy {
    semaphore::Proxy::new(client.named("s"), permits, bounded).unwrap()
}

#[test]
fn permits_are_given_out_in_the_order_of_asking_also_when_a_later_caller_wants_fewer() {
    let sim = Sim::new();
    let (a, b, c) = (sim.client(), sim.client(), sim.client());
    let [sa, sb, sc] = [&a, &b, &c].map(|client| attach(client, 3, true));
    let first = sa.acquire(2).unwrap();
    let many = start(&b, &sb, |s| s.acquire(3));
    let one = start(&c, &sc, |s| s.acquire(1));
    assert!(one.is_waiting(), "one permit is free, but many stands ahead");
    assert_eq!(kind(sa.within(millis(0)).acquire(1)), ErrorKind::TimedOut);
    sa.release(first).unwrap();
    let token = many.answer().unwrap();
    assert!(one.is_waiting());
    sb.release(token).unwrap();
    one.answer().unwrap();
    assert_eq!(sa.available().unwrap(), 2);
}

#[test]
fn who_stands_behind_a_greedy_caller_is_served_when_that_one_gives_up() {
    let sim = Sim::new();
    let (a, b, c) = (sim.client(), sim.client(), sim.client());
    let [sa, sb, sc] = [&a, &b, &c].map(|client| attach(client, 3, false));
    sa.acquire(1).unwrap();
    let timed = sb.within(millis(5));
    let greedy = start(&b, &timed, |s| s.acquire(3));
    let modest = [1, 1].map(|count| start(&c, &sc, move |s| s.acquire(count)));
    sim.advance(millis(5));
    assert_eq!(kind(greedy.answer()), ErrorKind::TimedOut);
    for one in modest {
        one.answer().unwrap();
    }
    assert_eq!(sa.available().unwrap(), 0);
}

#[test]
fn the_permits_of_a_dead_process_come_back_but_not_the_forgotten_ones() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let (sa, sb) = (attach(&a, 4, true), attach(&b, 4, true));
    sa.acquire(2).unwrap();
    let forgotten = sa.acquire(1).unwrap();
    sa.forget(forgotten).unwrap();
    assert_eq!(kind(sa.release(forgotten)), ErrorKind::NotOwner);
    let waiting = start(&b, &sb, |s| s.acquire(3));
    assert!(waiting.is_waiting());
    a.kill();
    waiting.answer().unwrap();
    assert_eq!(sb.available().unwrap(), 0);
    sb.add(1).unwrap();
    assert_eq!(sb.available().unwrap(), 1);
}

#[test]
fn a_bounded_semaphore_refuses_what_it_did_not_begin_with() {
    let sim = Sim::new();
    let client = sim.client();
    let bounded = semaphore::Proxy::new(&client, 2, true).unwrap();
    assert_eq!(kind(bounded.add(1)), ErrorKind::InvalidInput);
    let token = bounded.acquire(1).unwrap();
    assert_eq!(kind(bounded.add(1)), ErrorKind::InvalidInput, "it has an owner");
    assert_eq!(kind(bounded.acquire(3)), ErrorKind::InvalidInput, "would wait for ever");
    assert_eq!(kind(bounded.acquire(0)), ErrorKind::InvalidInput);
    assert_eq!(bounded.available().unwrap(), 1);
    bounded.release(token).unwrap();
    assert_eq!(kind(bounded.release(token)), ErrorKind::NotOwner);
    assert_eq!(bounded.available().unwrap(), 2);
}

#[test]
fn a_semaphore_holds_as_many_permits_as_a_u32_and_no_more() {
    let sim = Sim::new();
    let client = sim.client();
    let full = semaphore::Proxy::new(&client, u32::MAX, false).unwrap();
    assert_eq!(kind(full.add(1)), ErrorKind::Overflow);
    let token = full.acquire(7).unwrap();
    assert_eq!(kind(full.add(1)), ErrorKind::Overflow, "seven are only lent");
    full.release(token).unwrap();
    assert_eq!(full.available().unwrap(), u32::MAX);
}

#[test]
fn a_permit_of_another_process_cannot_be_given_back() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let (sa, sb) = (attach(&a, 1, true), attach(&b, 1, true));
    let token = sa.acquire(1).unwrap();
    assert_eq!(kind(sb.release(token)), ErrorKind::NotOwner);
    assert_eq!(kind(sb.forget(token)), ErrorKind::NotOwner);
    a.on_thread(9, || sa.release(token)).unwrap();
}

#[test]
fn anybody_may_give_a_permit_back_and_once_that_of_a_dead_holder() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let [sa, sb] = [&a, &b].map(|client| attach(client, 2, true));
    assert_eq!(sb.bound().unwrap(), Some(2));
    sa.acquire(1).unwrap();
    let own = sb.acquire(1).unwrap();
    sb.release_any(1).unwrap();
    assert_eq!(kind(sb.release(own)), ErrorKind::NotOwner, "its own goes first");
    sb.release_any(1).unwrap();
    assert_eq!(sb.available().unwrap(), 2);
    assert_eq!(kind(sb.release_any(1)), ErrorKind::InvalidInput);
    sa.acquire(1).unwrap();
    a.kill();
    assert_eq!(sb.available().unwrap(), 2);
    sb.release_any(1).unwrap();
    assert_eq!(kind(sb.release_any(1)), ErrorKind::InvalidInput);
}

#[test]
fn a_dead_holders_permit_that_is_acquired_again_is_given_back_by_whoever_has_it() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let [sa, sb] = [&a, &b].map(|client| attach(client, 1, true));
    sa.acquire(1).unwrap();
    a.kill();
    sb.acquire(1).unwrap();
    sb.release_any(1).unwrap();
    assert_eq!(kind(sb.release_any(1)), ErrorKind::InvalidInput);
}

#[test]
fn more_than_may_be_given_back_at_once_changes_nothing() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let [sa, sb] = [&a, &b].map(|client| attach(client, 5, true));
    let forgotten = sb.acquire(1).unwrap();
    sb.forget(forgotten).unwrap();
    for _ in 0..2 {
        sb.acquire(1).unwrap();
    }
    sa.acquire(1).unwrap();
    a.kill();
    // Two are held, one was forgotten, one is a dead holder's.
    for count in [0, 5, u32::MAX] {
        assert_eq!(kind(sb.release_any(count)), ErrorKind::InvalidInput, "{count}");
    }
    assert_eq!(sb.available().unwrap(), 2);
    sb.release_any(4).unwrap();
    assert_eq!(sb.available().unwrap(), 5);
    assert_eq!(kind(sb.release_any(1)), ErrorKind::InvalidInput);
}

#[test]
fn a_semaphore_without_a_bound_only_grows() {
    let sim = Sim::new();
    let a = sim.client();
    let s = attach(&a, 1, false);
    s.release_any(1).unwrap();
    assert_eq!((s.available().unwrap(), s.bound().unwrap()), (2, None));
}
