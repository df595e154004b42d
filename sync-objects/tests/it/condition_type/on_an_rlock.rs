//! A condition on an RLock: the whole depth is given up, and restored.

use super::*;

struct Owner {
    client: SimClient,
    lock: rlock::Proxy,
    condition: condition::Proxy,
}

impl Owner {
    fn new(sim: &Sim) -> Self {
        let client = sim.client();
        let lock = rlock::Proxy::new(client.named("r")).unwrap();
        let condition = on(&client, "c", lock.remote().handle());
        Self { client, lock, condition }
    }

    fn wait_at_depth(&self, depth: u32) -> Pending<Woken> {
        let take = || self.lock.acquire().unwrap().token;
        let token = (1..depth).fold(take(), |_, _| take());
        let condition = self.condition.clone();
        self.client.start(move || condition.wait(token))
    }
}

#[test]
fn the_whole_depth_of_an_rlock_is_given_up_and_restored() {
    let sim = Sim::new();
    let (a, b) = (Owner::new(&sim), Owner::new(&sim));
    let waiting = a.wait_at_depth(3);
    let token = b.lock.acquire().unwrap().token;
    b.condition.notify(token, 1).unwrap();
    b.lock.release().unwrap();
    let woken = waiting.answer().unwrap();
    assert!(woken.grant.token > token);
    for _ in 0..3 {
        assert!(a.lock.is_locked().unwrap());
        a.lock.release().unwrap();
    }
    assert!(!a.lock.is_locked().unwrap());
}

#[test]
fn only_the_thread_that_holds_an_rlock_waits_and_notifies() {
    let sim = Sim::new();
    let a = Owner::new(&sim);
    let token = a.lock.acquire().unwrap().token;
    for error in a.client.on_thread(2, || {
        [a.condition.wait(token).map(drop), a.condition.notify(token, 1)].map(Result::unwrap_err)
    }) {
        assert_eq!(error.kind(), ErrorKind::NotOwner);
    }
    a.condition.notify(token, 1).unwrap();
}

#[test]
fn a_waiter_on_an_rlock_that_dies_after_its_notification_passes_it_on() {
    let sim = Sim::new();
    let (a, b, c) = (Owner::new(&sim), Owner::new(&sim), Owner::new(&sim));
    let (_dead, next) = (a.wait_at_depth(2), b.wait_at_depth(2));
    let token = c.lock.acquire().unwrap().token;
    c.condition.notify(token, 1).unwrap();
    a.client.kill();
    c.client.kill();
    assert!(next.answer().unwrap().grant.abandoned, "the notifier died with the lock");
    b.lock.release().unwrap();
    assert!(b.lock.is_locked().unwrap());
    b.lock.release().unwrap();
    assert!(!b.lock.is_locked().unwrap());
}
