//! What a session leaves behind when it dies.

use sync_objects::{
    Channel, Cx, DisconnectReason, Flow, Gone, Handle, Limits, Note, Order, Refusal, interface,
    lock, queue, registry, semaphore,
};
use sync_testkit::sim::Sim;

use crate::support::start;

interface! {
    /// Writes down what it sees.
    pub(crate) mod witness = "test.witness" {
        new(log: Option<Handle>);
        /// Takes something that death must give back.
        fn hold(count: u32);
        /// Waits; being looked at is written down.
        fn wait();
        /// Holds something for a session that is gone, as a careless type may.
        fn careless();
        /// Returns what was written down.
        fn log() -> Vec<String>;
    }
}

const LINE: Channel = Channel::new(0);

struct Witness {
    log: Vec<String>,
    careless: bool,
    _kept: Option<Handle>,
}

impl witness::Service for Witness {
    fn new(kept: Option<Handle>) -> Result<Self, Refusal> {
        Ok(Self { log: Vec::new(), careless: false, _kept: kept })
    }

    fn hold(&mut self, cx: &mut Cx<'_>, count: u32) -> Flow<()> {
        cx.hold(count);
        Flow::Done(())
    }

    fn wait(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        self.log.push(format!("look at {}", cx.caller().session));
        Flow::Wait(LINE)
    }

    fn careless(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        self.careless = true;
        cx.hold(1);
        Flow::Done(())
    }

    fn log(&mut self, _: &mut Cx<'_>) -> Flow<Vec<String>> {
        Flow::Done(std::mem::take(&mut self.log))
    }

    fn session_gone(&mut self, cx: &mut Cx<'_>, gone: &Gone) {
        let counts: Vec<_> = gone.held.iter().map(|&(_, count)| count).collect();
        let (session, waiting) = (gone.session, cx.waiting(LINE));
        self.log.push(format!("{session} is gone with {counts:?}, {waiting} wait"));
        assert!(gone.held.iter().all(|&(token, _)| cx.owner(token).is_none()));
        cx.wake_in_turn(LINE);
        if self.careless {
            cx.hold(1);
        }
    }
}

fn sim() -> Sim {
    let mut types = registry();
    witness::register::<Witness>(&mut types);
    Sim::with(types, Limits::default())
}

#[test]
fn first_its_calls_leave_the_lines_then_objects_are_told_then_others_are_looked_at() {
    let sim = sim();
    let (dying, other) = (sim.client(), sim.client());
    let [ours, theirs] =
        [&dying, &other].map(|client| witness::Proxy::new(client.named("w"), None).unwrap());
    for count in [3, 1, 2] {
        ours.hold(count).unwrap();
    }
    start(&dying, &ours, witness::Proxy::wait);
    start(&other, &theirs, witness::Proxy::wait);
    start(&dying, &ours, witness::Proxy::wait);
    theirs.log().unwrap();
    dying.kill();
    let (gone, lives) = (dying.session(), other.session());
    let expected = [format!("{gone} is gone with [3, 1, 2], 1 wait"), format!("look at {lives}")];
    assert_eq!(theirs.log().unwrap()[..2], expected);
}

#[test]
fn only_objects_that_the_session_holds_something_of_are_told() {
    let sim = sim();
    let (dying, other) = (sim.client(), sim.client());
    let [ours, theirs] =
        [&dying, &other].map(|client| witness::Proxy::new(client.named("w"), None).unwrap());
    start(&dying, &ours, witness::Proxy::wait);
    theirs.hold(1).unwrap();
    theirs.log().unwrap();
    dying.kill();
    assert!(theirs.log().unwrap().is_empty());
}

#[test]
fn a_session_that_holds_thousands_of_objects_may_die() {
    let sim = Sim::new();
    let (dying, other) = (sim.client(), sim.client());
    let name = |number: u32| format!("l{number}");
    for number in 0..1_500 {
        lock::Proxy::new(dying.named(&name(number))).unwrap().acquire().unwrap();
    }
    dying.kill();
    for number in 0..1_500 {
        let lock = lock::Proxy::new(other.named(&name(number))).unwrap();
        assert!(lock.acquire().expect("the lock is sound").abandoned);
    }
}

#[test]
fn everything_at_once_comes_back_from_the_dead() {
    let sim = Sim::new();
    let (dying, heir) = (sim.client(), sim.client());
    let locks = [&dying, &heir].map(|client| lock::Proxy::new(client.named("l")).unwrap());
    let permits =
        [&dying, &heir].map(|client| semaphore::Proxy::new(client.named("s"), 2, true).unwrap());
    let queues = [&dying, &heir]
        .map(|client| queue::Proxy::new(client.named("q"), None, Order::Fifo).unwrap());
    queues[1].put(crate::support::pack(&1), 0).unwrap();
    locks[0].acquire().unwrap();
    permits[0].acquire(2).unwrap();
    queues[0].get_leased().unwrap().unwrap();
    let lock = start(&heir, &locks[1], lock::Proxy::acquire);
    let permit = start(&heir, &permits[1], |s| s.acquire(2));
    let lease = start(&heir, &queues[1], queue::Proxy::get_leased);
    dying.kill();
    assert!(lock.answer().unwrap().abandoned);
    permit.answer().unwrap();
    assert_eq!(lease.answer().unwrap().unwrap().item.attempt, 2);
    let notes = sim.notes();
    let [Note::SessionEnded { session, reason, .. }] = &notes[..] else { panic!("{notes:?}") };
    assert_eq!((*session, reason), (dying.session(), &DisconnectReason::Closed));
}

#[test]
fn an_end_stands_after_what_was_answered_before_and_before_what_follows_from_it() {
    let sim = sim();
    let clients = [sim.client(), sim.client(), sim.client()];
    let locks = clients.each_ref().map(|of| lock::Proxy::new(of.named("l")).unwrap());
    locks[0].acquire().unwrap();
    let _waiting = [1, 2].map(|heir| start(&clients[heir], &locks[heir], lock::Proxy::acquire));
    let commits = sim.kernel(|kernel, now| {
        [0, 1].map(|dying| {
            kernel.handle_disconnect(now, clients[dying].session(), DisconnectReason::Closed);
            let Some(Note::SessionEnded { commit, .. }) = kernel.poll_note() else {
                panic!("it has ended");
            };
            [commit, kernel.poll_reply().expect("the next in line has the lock").commit]
        })
    });
    assert!(commits[0][0] < commits[0][1], "{commits:?}");
    assert!(commits[0][1] <= commits[1][0], "{commits:?}");
    assert!(commits[1][0] < commits[1][1], "{commits:?}");
}

#[test]
fn nothing_can_be_held_for_a_session_that_is_gone() {
    let sim = sim();
    let (dying, other) = (sim.client(), sim.client());
    let ours = witness::Proxy::new(dying.named("w"), None).unwrap();
    ours.careless().unwrap();
    dying.kill();
    let theirs = witness::Proxy::new(other.named("w"), None).unwrap_err();
    assert_eq!(theirs.kind(), sync_objects::ErrorKind::Broken);
}

#[test]
fn an_object_keeps_what_it_holds_a_handle_on_and_lets_it_go_with_itself() {
    let sim = sim();
    let client = sim.client();
    let lock = lock::Proxy::new(&client).unwrap();
    let handle = lock.remote().handle().clone();
    let outer = witness::Proxy::new(&client, Some(handle)).unwrap();
    drop(lock);
    assert_eq!(sim.object_count(), 2);
    drop(outer);
    assert_eq!(sim.object_count(), 0);
}
