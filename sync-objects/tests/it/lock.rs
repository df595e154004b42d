//! Lock: one holder, first come first served, and what death does.

use std::time::Duration;

use sync_objects::{ErrorKind, lock};
use sync_testkit::sim::Sim;

#[test]
fn a_lock_passes_to_the_next_in_line() {
    let sim = Sim::new();
    let clients: Vec<_> = (0..4).map(|_| sim.client()).collect();
    let locks: Vec<_> =
        clients.iter().map(|client| lock::Proxy::new(client.named("l")).unwrap()).collect();
    let mut grant = locks[0].acquire().unwrap();
    let waiting: Vec<_> = (1..4)
        .map(|i| {
            let lock = locks[i].clone();
            clients[i].start(move || lock.acquire())
        })
        .collect();
    assert_eq!(sim.blocked_count(), 3);
    for (i, next) in waiting.into_iter().enumerate() {
        assert!(next.is_waiting());
        locks[i].release(grant.token).unwrap();
        let granted = next.answer().unwrap();
        assert!(granted.token > grant.token && !granted.abandoned);
        grant = granted;
    }
    locks[3].release_held().unwrap();
    assert!(!locks[0].is_locked().unwrap());
}

#[test]
fn a_dead_holder_passes_the_lock_to_the_next_in_line_who_is_told() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let held = lock::Proxy::new(a.named("l")).unwrap();
    held.acquire().unwrap();
    let wanted = lock::Proxy::new(b.named("l")).unwrap();
    let waiting = b.start({
        let lock = wanted.clone();
        move || lock.acquire()
    });
    a.kill();
    let grant = waiting.answer().unwrap();
    assert!(grant.abandoned);
    wanted.release(grant.token).unwrap();
    assert!(!wanted.acquire().unwrap().abandoned, "it is told once");
}

#[test]
fn a_caller_whose_time_is_up_leaves_the_line() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let held = lock::Proxy::new(a.named("l")).unwrap();
    let grant = held.acquire().unwrap();
    let wanted = lock::Proxy::new(b.named("l")).unwrap();
    let timed = wanted.within(Duration::from_millis(10));
    let waiting = b.start(move || timed.acquire());
    sim.advance(Duration::from_millis(9));
    assert!(waiting.is_waiting());
    sim.advance(Duration::from_millis(1));
    assert_eq!(waiting.answer().unwrap_err().kind(), ErrorKind::TimedOut);
    held.release(grant.token).unwrap();
    assert!(!held.is_locked().unwrap());
    let error = held.release(grant.token).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotOwner);
    assert!(error.to_string().starts_with("sync.lock.release: "), "{error}");
}

#[test]
fn anybody_may_release_a_lock_that_is_held_and_once_one_whose_holder_died() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let [held, other] = [&a, &b].map(|client| lock::Proxy::new(client.named("l")).unwrap());
    let kind = |result: Result<(), sync_objects::Error>| result.unwrap_err().kind();
    let grant = held.acquire().unwrap();
    assert_eq!((held.holding().unwrap(), other.holding().unwrap()), (Some(grant.token), None));
    other.release_any().unwrap();
    assert!(!held.is_locked().unwrap() && !held.holds(grant.token).unwrap());
    assert_eq!(kind(other.release_any()), ErrorKind::NotOwner);
    held.acquire().unwrap();
    a.kill();
    other.release_any().unwrap();
    assert_eq!(kind(other.release_any()), ErrorKind::NotOwner);
    assert!(other.acquire().unwrap().abandoned, "a release in a dead holder's place hides nothing");
    other.release_any().unwrap();
    assert_eq!(kind(other.release_any()), ErrorKind::NotOwner);
}
