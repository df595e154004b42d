//! RLock: the thread that holds it takes it again; it alone gives it back.

use std::time::Duration;

use sync_objects::{ErrorKind, rlock};
use sync_testkit::sim::Sim;

#[test]
fn the_holder_takes_the_lock_again_and_frees_it_by_the_last_release() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let ours = rlock::Proxy::new(a.named("l")).unwrap();
    let theirs = rlock::Proxy::new(b.named("l")).unwrap();
    let first = ours.acquire().unwrap();
    assert_eq!(ours.acquire().unwrap(), first, "the grant is the outermost one");
    let waiting = b.start(move || theirs.acquire());
    assert_eq!(ours.acquire().unwrap(), first, "the line is no hindrance to the holder");
    for _ in 0..3 {
        assert!(waiting.is_waiting());
        ours.release().unwrap();
    }
    let next = waiting.answer().unwrap();
    assert!(next.token > first.token && !next.abandoned);
    assert!(ours.is_locked().unwrap());
}

#[test]
fn another_thread_of_the_holders_process_waits_and_cannot_release() {
    let sim = Sim::new();
    let a = sim.client();
    let lock = rlock::Proxy::new(&a).unwrap();
    let token = lock.acquire().unwrap().token;
    let error = a.on_thread(2, || lock.release()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotOwner);
    assert!(!a.on_thread(2, || lock.holds(token)).unwrap());
    assert!(lock.holds(token).unwrap());
    let waiting = a.on_thread(2, || {
        let lock = lock.clone();
        a.start(move || lock.acquire())
    });
    assert!(waiting.is_waiting());
    lock.release().unwrap();
    assert!(waiting.answer().unwrap().token > token);
    assert_eq!(lock.release().unwrap_err().kind(), ErrorKind::NotOwner);
}

#[test]
fn a_release_without_a_lock_is_refused_and_changes_nothing() {
    let sim = Sim::new();
    let a = sim.client();
    let lock = rlock::Proxy::new(&a).unwrap();
    for error in [lock.release().unwrap_err(), lock.abandon().unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::NotOwner);
    }
    assert!(!lock.acquire().unwrap().abandoned);
}

#[test]
fn a_holder_dead_at_depth_two_passes_the_lock_to_the_next_in_line_who_is_told() {
    let sim = Sim::new();
    let (a, b, c) = (sim.client(), sim.client(), sim.client());
    let held = rlock::Proxy::new(a.named("l")).unwrap();
    held.acquire().unwrap();
    held.acquire().unwrap();
    let [dead, next] = [&b, &c].map(|client| {
        let lock = rlock::Proxy::new(client.named("l")).unwrap();
        client.start(move || lock.acquire())
    });
    b.kill();
    a.kill();
    assert!(dead.is_waiting(), "a blocked caller that dies takes nothing with it");
    assert!(next.answer().unwrap().abandoned);
    let lock = rlock::Proxy::new(c.named("l")).unwrap();
    lock.release().unwrap();
    assert!(!lock.acquire().unwrap().abandoned, "it is told once");
}

#[test]
fn a_taking_that_is_abandoned_is_told_to_the_next_holder_once_the_lock_is_free() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let ours = rlock::Proxy::new(a.named("l")).unwrap();
    let theirs = rlock::Proxy::new(b.named("l")).unwrap();
    ours.acquire().unwrap();
    ours.acquire().unwrap();
    ours.abandon().unwrap();
    assert!(!ours.acquire().unwrap().abandoned, "its holder knows");
    ours.release().unwrap();
    ours.release().unwrap();
    assert!(theirs.acquire().unwrap().abandoned);
}

#[test]
fn a_caller_whose_time_is_up_leaves_the_line_and_the_order_holds() {
    let sim = Sim::new();
    let (a, b, c) = (sim.client(), sim.client(), sim.client());
    let ours = rlock::Proxy::new(a.named("l")).unwrap();
    ours.acquire().unwrap();
    let timed = rlock::Proxy::new(b.named("l")).unwrap().within(Duration::from_millis(10));
    let timed = b.start(move || timed.acquire());
    let patient = rlock::Proxy::new(c.named("l")).unwrap();
    let patient = c.start(move || patient.acquire());
    sim.advance(Duration::from_millis(10));
    assert_eq!(timed.answer().unwrap_err().kind(), ErrorKind::TimedOut);
    ours.release().unwrap();
    assert!(patient.answer().is_ok());
}

#[test]
fn a_suspended_lock_is_resumed_at_its_depth() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let ours = rlock::Proxy::new(a.named("l")).unwrap();
    let theirs = rlock::Proxy::new(b.named("l")).unwrap();
    ours.acquire().unwrap();
    let token = ours.acquire().unwrap().token;
    assert_eq!(theirs.suspend(token).unwrap_err().kind(), ErrorKind::NotOwner);
    assert_eq!(ours.suspend(token).unwrap(), 2);
    let between = theirs.acquire().unwrap();
    assert_eq!(ours.release().unwrap_err().kind(), ErrorKind::NotOwner);
    theirs.release().unwrap();
    assert!(ours.resume(2).unwrap().token > between.token);
    ours.release().unwrap();
    assert!(ours.is_locked().unwrap());
    ours.release().unwrap();
    assert!(!ours.is_locked().unwrap());
    assert_eq!(ours.resume(0).unwrap_err().kind(), ErrorKind::InvalidInput);
}
