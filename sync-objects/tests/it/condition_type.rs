//! Condition: who waits gives up the lock, and has it again when the wait is over.

use std::time::Duration;

use sync_objects::{ErrorKind, Handle, Token, Woken, condition, lock, rlock};
use sync_proto::Shared;
use sync_testkit::sim::{Pending, Sim, SimClient};

mod death;
mod on_an_rlock;
mod random;

const TIME: Duration = Duration::from_millis(10);

/// A process with a lock and a condition on it that it shares with others.
struct Party {
    client: SimClient,
    lock: lock::Proxy,
    condition: condition::Proxy,
}

impl Party {
    fn new(sim: &Sim) -> Self {
        let client = sim.client();
        let lock = lock::Proxy::new(client.named("l")).unwrap();
        let condition = on(&client, "c", lock.remote().handle());
        Self { client, lock, condition }
    }

    fn all<const N: usize>(sim: &Sim) -> [Self; N] {
        std::array::from_fn(|_| Self::new(sim))
    }

    /// Takes the lock and waits.
    fn wait(&self) -> Pending<Woken> {
        self.wait_on(&self.condition)
    }

    fn wait_for(&self, time: Duration) -> Pending<Woken> {
        self.wait_on(&self.condition.within(time))
    }

    fn wait_on(&self, condition: &condition::Proxy) -> Pending<Woken> {
        let (token, condition) = (self.take(), condition.clone());
        self.client.start(move || condition.wait(token))
    }

    fn take(&self) -> Token {
        self.lock.acquire().unwrap().token
    }

    /// Takes the lock, notifies, gives it back.
    fn notify(&self, count: u32) {
        let token = self.take();
        self.condition.notify(token, count).unwrap();
        self.lock.release(token).unwrap();
    }

    /// Gives back the lock that a wait ended with; returns whether its time was up.
    fn finish(&self, waited: Pending<Woken>) -> bool {
        let woken = waited.answer().unwrap();
        self.lock.release(woken.grant.token).unwrap();
        woken.timed_out
    }
}

fn on(client: &SimClient, name: &str, lock: &Handle) -> condition::Proxy {
    condition::Proxy::new(client.named(name), Some(lock.clone())).unwrap()
}

#[test]
fn a_notified_waiter_has_the_lock_again_under_a_new_grant() {
    let sim = Sim::new();
    let [a, b] = Party::all(&sim);
    let waiting = a.wait();
    let token = b.take();
    b.condition.notify(token, 1).unwrap();
    assert!(waiting.is_waiting(), "the notifier still has the lock");
    b.lock.release(token).unwrap();
    let woken = waiting.answer().unwrap();
    assert!(woken.grant.token > token && !woken.grant.abandoned && !woken.timed_out);
    a.lock.release(woken.grant.token).unwrap();
    assert!(!a.lock.is_locked().unwrap());
}

#[test]
fn notify_wakes_the_first_so_many_and_nobody_else() {
    let sim = Sim::new();
    let [a, b, c, d] = Party::all(&sim);
    let [first, second, third] = [&a, &b, &c].map(Party::wait);
    d.notify(0);
    assert!(first.is_waiting());
    d.notify(2);
    a.finish(first);
    b.finish(second);
    assert!(third.is_waiting());
    d.notify(u32::MAX);
    c.finish(third);
    d.notify(1);
    let late = a.wait();
    assert!(late.is_waiting(), "a notification without a waiter is nobody's");
}

#[test]
fn a_spurious_look_is_no_notification() {
    let sim = Sim::new();
    let [a, b, c] = Party::all(&sim);
    let timed = a.wait_for(TIME);
    let waiting = b.wait();
    sim.advance(TIME);
    assert!(a.finish(timed), "who leaves the line gives the next one a look");
    assert!(waiting.is_waiting());
    c.notify(1);
    assert!(!b.finish(waiting));
}

#[test]
fn a_notified_waiter_stands_in_the_locks_line_behind_who_asked_before() {
    let sim = Sim::new();
    let [a, b, c] = Party::all(&sim);
    let waiting = a.wait();
    let token = b.take();
    let asked = c.client.start({
        let lock = c.lock.clone();
        move || lock.acquire()
    });
    b.condition.notify(token, 1).unwrap();
    b.lock.release(token).unwrap();
    let asked = asked.answer().unwrap();
    assert!(waiting.is_waiting());
    c.lock.release(asked.token).unwrap();
    a.finish(waiting);
}

#[test]
fn a_wait_whose_time_is_up_retakes_the_lock_however_long_that_takes() {
    let sim = Sim::new();
    let [a, b] = Party::all(&sim);
    let waiting = a.wait_for(TIME);
    let token = b.take();
    sim.advance(TIME * 100);
    assert!(waiting.is_waiting());
    b.condition.notify(token, 1).unwrap();
    b.lock.release(token).unwrap();
    let woken = waiting.answer().unwrap();
    assert!(woken.timed_out && woken.grant.token > token);
    assert_eq!(woken.ended - woken.began, TIME * 100);
}

#[test]
fn a_wait_for_no_time_gives_up_the_lock_and_retakes_it_at_the_end_of_the_line() {
    let sim = Sim::new();
    let [a, b] = Party::all(&sim);
    assert!(a.finish(a.wait_for(Duration::ZERO)));
    let token = a.take();
    let asked = b.client.start({
        let lock = b.lock.clone();
        move || lock.acquire()
    });
    let waiting = a.client.start({
        let condition = a.condition.within(Duration::ZERO);
        move || condition.wait(token)
    });
    b.lock.release(asked.answer().unwrap().token).unwrap();
    assert!(a.finish(waiting));
}

#[test]
fn a_wait_that_is_given_up_retakes_the_lock() {
    let sim = Sim::new();
    let [a, b, c] = Party::all(&sim);
    let (given_up, waiting) = (a.wait(), b.wait());
    given_up.cancel();
    assert!(a.finish(given_up));
    c.notify(1);
    assert!(!b.finish(waiting));
}

#[test]
fn waiting_and_notifying_without_the_lock_is_refused_and_changes_nothing() {
    let sim = Sim::new();
    let [a, b] = Party::all(&sim);
    let waiting = a.wait();
    let token = a.take();
    for error in [
        b.condition.notify(token, 1).unwrap_err(),
        b.condition.wait(token).unwrap_err(),
        a.condition.wait(Token(0)).unwrap_err(),
        a.condition.notify(Token(0), 1).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotOwner);
        assert!(error.message().contains("without the lock"), "{error}");
    }
    a.lock.release(token).unwrap();
    assert!(waiting.is_waiting());
    assert!(!a.lock.is_locked().unwrap());
}

#[test]
fn two_conditions_share_a_lock() {
    let sim = Sim::new();
    let [a, b, c] = Party::all(&sim);
    let handle = b.lock.remote().handle();
    let full = on(&b.client, "full", handle);
    let (empty_waiter, full_waiter) = (a.wait(), b.wait_on(&full));
    let token = c.take();
    on(&c.client, "full", c.lock.remote().handle()).notify(token, u32::MAX).unwrap();
    c.lock.release(token).unwrap();
    b.finish(full_waiter);
    assert!(empty_waiter.is_waiting());
    c.notify(1);
    a.finish(empty_waiter);
}

#[test]
fn a_condition_has_a_lock_of_its_own_if_none_is_given() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let [ours, theirs] =
        [&a, &b].map(|client| condition::Proxy::new(client.named("c"), None).unwrap());
    assert_eq!(ours.wait(Token(1)).unwrap_err().kind(), ErrorKind::NotOwner);
    let handles = [ours.lock().unwrap(), theirs.lock().unwrap()];
    assert_eq!(handles[0].object(), handles[1].object());
    let [lock, same] = handles.map(|handle| <lock::Proxy as Shared>::attach(handle).unwrap());
    let token = lock.acquire().unwrap().token;
    let waiting = a.start(move || ours.wait(token));
    let token = same.acquire().unwrap().token;
    theirs.notify(token, 1).unwrap();
    same.release(token).unwrap();
    assert!(!waiting.answer().unwrap().timed_out);
    let error = condition::Proxy::new(a.named("c"), Some(lock.remote().handle().clone()));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Mismatch);
}

#[test]
fn a_condition_keeps_its_lock_alive_and_lets_it_go() {
    let sim = Sim::new();
    let client = sim.client();
    let lock = lock::Proxy::new(&client).unwrap();
    let condition = condition::Proxy::new(&client, Some(lock.remote().handle().clone())).unwrap();
    drop(lock);
    assert_eq!(sim.object_count(), 2);
    drop(condition);
    assert_eq!(sim.object_count(), 0);
}

#[test]
fn a_condition_stands_on_nothing_but_a_lock() {
    let sim = Sim::new();
    let client = sim.client();
    let event = sync_objects::event::Proxy::new(&client).unwrap();
    let error = condition::Proxy::new(&client, Some(event.remote().handle().clone()));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::WrongType);
    drop(event);
    assert_eq!(sim.object_count(), 0);
}
