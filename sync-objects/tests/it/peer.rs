//! An object that reaches another inside the same atomic step.

use sync_objects::{
    Cx, ErrorKind, Flow, Handle, Limits, Refusal, Shared, Token, event, interface, lock, registry,
};
use sync_testkit::sim::{Sim, SimClient};

use crate::support::{kind, millis, start};

interface! {
    /// A counter behind a lock that it owns.
    pub(crate) mod owner = "test.owner" {
        new(lock: Handle);
        /// Takes the lock.
        fn enter() -> Token;
        /// Releases the lock.
        fn leave(token: Token);
        /// Releases the lock and takes it again, in one step.
        fn leave_and_enter(token: Token) -> Token;
        /// Uses another lock from now on.
        fn exchange(lock: Handle);
        /// Sets an event through a handle, whatever it is on.
        fn set(event: Handle);
        /// Calls itself through a handle on itself.
        fn recurse(me: Handle) -> u32;
        /// Takes the lock by way of another owner.
        fn enter_by(other: Handle) -> Token;
    }
}

struct Owner {
    lock: Handle,
}

fn flow<T>(result: Result<Flow<T>, Refusal>) -> Flow<T> {
    result.unwrap_or_else(Flow::Refuse)
}

impl owner::Service for Owner {
    fn new(lock: Handle) -> Result<Self, Refusal> {
        Ok(Self { lock })
    }

    fn enter(&mut self, cx: &mut Cx<'_>) -> Flow<Token> {
        flow(lock::Peer(&self.lock).acquire(cx)).map(|grant| grant.token)
    }

    fn leave(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<()> {
        flow(lock::Peer(&self.lock).release(cx, token))
    }

    fn leave_and_enter(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<Token> {
        if cx.note() == 0
            && let Flow::Refuse(refusal) = self.leave(cx, token)
        {
            return Flow::Refuse(refusal);
        }
        match self.enter(cx) {
            Flow::Wait(line) => Flow::Must(line, 1),
            flow => flow,
        }
    }

    fn exchange(&mut self, _: &mut Cx<'_>, lock: Handle) -> Flow<()> {
        self.lock = lock;
        Flow::Done(())
    }

    fn set(&mut self, cx: &mut Cx<'_>, event: Handle) -> Flow<()> {
        flow(event::Peer(&event).set(cx))
    }

    fn recurse(&mut self, cx: &mut Cx<'_>, me: Handle) -> Flow<u32> {
        flow(owner::Peer(&me).recurse(cx, me.clone()))
    }

    fn enter_by(&mut self, cx: &mut Cx<'_>, other: Handle) -> Flow<Token> {
        flow(owner::Peer(&other).enter(cx))
    }

    fn handles(&self, visit: &mut dyn FnMut(&Handle)) {
        visit(&self.lock);
    }
}

fn sim() -> Sim {
    let mut types = registry();
    owner::register::<Owner>(&mut types);
    Sim::with(types, Limits::default())
}

fn handle(remote: &sync_proto::Remote) -> Handle {
    remote.handle().clone()
}

fn owner(client: &SimClient) -> (lock::Proxy, owner::Proxy) {
    let lock = lock::Proxy::new(client.named("l")).unwrap();
    let owner = owner::Proxy::new(client.named("o"), handle(lock.remote())).unwrap();
    (lock, owner)
}

#[test]
fn a_wait_of_a_peer_stands_in_the_peers_line_among_its_own_callers() {
    let sim = sim();
    let (a, b, c) = (sim.client(), sim.client(), sim.client());
    let ((la, _), (_, ob), (lc, oc)) = (owner(&a), owner(&b), owner(&c));
    let grant = la.acquire().unwrap();
    let by_owner = start(&b, &ob, owner::Proxy::enter);
    let directly = start(&c, &lc, lock::Proxy::acquire);
    let last = start(&c, &oc, owner::Proxy::enter);
    let waiters = a.manager().blocked_count(Some(la.remote().handle().object())).unwrap();
    assert_eq!(waiters, 3, "all in the lock's line");
    la.release(grant.token).unwrap();
    let token = by_owner.answer().unwrap();
    assert!(directly.is_waiting());
    assert_eq!(kind(oc.leave(token)), ErrorKind::NotOwner, "the caller owns, not the object");
    ob.leave(token).unwrap();
    lc.release(directly.answer().unwrap().token).unwrap();
    oc.leave(last.answer().unwrap()).unwrap();
}

#[test]
fn who_releases_and_asks_again_in_one_step_stands_behind_who_waits() {
    let sim = sim();
    let (a, b) = (sim.client(), sim.client());
    let ((_, oa), (lb, _)) = (owner(&a), owner(&b));
    let token = oa.enter().unwrap();
    let token = oa.leave_and_enter(token).expect("nobody waits");
    let waiting = start(&b, &lb, lock::Proxy::acquire);
    let again = start(&a, &oa, move |o| o.leave_and_enter(token));
    let grant = waiting.answer().expect("it asked before");
    assert!(again.is_waiting());
    lb.release(grant.token).unwrap();
    assert!(again.answer().unwrap() > grant.token);
}

#[test]
fn a_peers_line_keeps_order_and_deadlines_through_two_objects() {
    let sim = sim();
    let (a, b) = (sim.client(), sim.client());
    let ((la, _), (_, inner)) = (owner(&a), owner(&b));
    let outer = owner::Proxy::new(&b, handle(lock::Proxy::new(&b).unwrap().remote())).unwrap();
    let grant = la.acquire().unwrap();
    let other = handle(inner.remote());
    let timed = start(&b, &outer.within(millis(5)), move |o| o.enter_by(other.clone()));
    let next = start(&b, &inner, owner::Proxy::enter);
    sim.advance(millis(5));
    assert_eq!(kind(timed.answer()), ErrorKind::TimedOut);
    la.release(grant.token).unwrap();
    next.answer().unwrap();
}

#[test]
fn an_object_that_is_at_work_refuses_to_be_called_again_and_is_not_broken() {
    let sim = sim();
    let client = sim.client();
    let (_, owner) = owner(&client);
    let me = handle(owner.remote());
    let error = owner.recurse(me.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("calls itself"), "{error}");
    let other = owner::Proxy::new(&client, me.clone()).unwrap();
    assert_eq!(kind(other.enter()), ErrorKind::WrongType, "its lock is an owner");
    let token = other.enter_by(me).unwrap();
    owner.leave(token).unwrap();
}

#[test]
fn a_peer_of_the_wrong_interface_is_refused_and_both_are_named() {
    let sim = sim();
    let client = sim.client();
    let (lock, owner) = owner(&client);
    let error = owner.set(handle(lock.remote())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongType);
    let text = error.to_string();
    assert!(text.contains("sync.lock") && text.contains("sync.event"), "{text}");
    let event = event::Proxy::new(&client).unwrap();
    owner.set(handle(event.remote())).unwrap();
    assert!(event.is_set().unwrap());
}

#[test]
fn waking_through_a_peer_serves_who_waits_there() {
    let sim = sim();
    let client = sim.client();
    let (_, owner) = owner(&client);
    let event = event::Proxy::new(&client).unwrap();
    let waiting = start(&client, &event, event::Proxy::wait);
    owner.set(handle(event.remote())).unwrap();
    waiting.answer().unwrap();
}

#[test]
fn a_call_in_a_peers_line_keeps_the_peer_when_its_object_lets_go_of_it() {
    let sim = sim();
    let (a, b) = (sim.client(), sim.client());
    let lock = lock::Proxy::new(&a).unwrap();
    let ours = owner::Proxy::new(a.named("o"), handle(lock.remote())).unwrap();
    let manager = b.manager();
    let interface = &owner::INTERFACE;
    let opened = manager.open("o".into(), interface.name.into(), interface.fingerprint);
    let theirs = owner::Proxy::attach(opened.unwrap()).unwrap();
    ours.enter().unwrap();
    let waiting = start(&b, &theirs, owner::Proxy::enter);
    let fresh = lock::Proxy::new(&a).unwrap();
    ours.exchange(handle(fresh.remote())).unwrap();
    drop(lock);
    assert_eq!(sim.object_count(), 3, "the old lock is kept by who waits for it");
    assert!(waiting.is_waiting());
    a.kill();
    waiting.answer().expect("its holder died; the call is polled and finds the new lock");
    assert_eq!(sim.object_count(), 2);
}
