//! Calls that want no answer and would have to wait: nothing is left of them.

use sync_objects::{
    Channel, Cx, ErrorKind, Flow, Gone, Limits, Note, Refusal, barrier, condition, interface, lock,
    registry,
};
use sync_testkit::sim::Sim;

use crate::support::start;

fn used(sim: &Sim) -> usize {
    sim.kernel(|kernel, _| kernel.memory_used())
}

/// Takes the notes: one message failed, because it cannot wait.
fn assert_one_failed(sim: &Sim) {
    let notes = sim.notes();
    let [Note::OneWayFailed { refusal, .. }] = &notes[..] else { panic!("{notes:?}") };
    assert_eq!(refusal.kind, ErrorKind::InvalidInput);
    assert!(refusal.message.contains("cannot wait"), "{refusal}");
}

#[test]
fn a_party_that_wants_no_answer_is_none_also_as_the_last_of_a_round() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let [ours, theirs] = [&a, &b].map(|c| barrier::Proxy::new(c.named("b"), 2, None).unwrap());
    let before = used(&sim);
    theirs.one_way().wait(false, false).unwrap();
    assert_one_failed(&sim);
    assert_eq!((ours.n_waiting().unwrap(), used(&sim)), (0, before));
    let first = start(&a, &ours, |ours| ours.wait(true, false));
    let before = used(&sim);
    theirs.one_way().wait(false, false).unwrap();
    assert_one_failed(&sim);
    assert_eq!((ours.n_waiting().unwrap(), used(&sim)), (1, before));
    b.kill();
    assert!(!ours.is_broken().unwrap(), "it was no party");
    assert!(first.is_waiting());
}

#[test]
fn who_waits_for_a_notification_without_an_answer_keeps_its_lock_and_swallows_none() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let [(la, ca), (lb, cb)] = [&a, &b].map(|client| {
        let lock = lock::Proxy::new(client.named("l")).unwrap();
        let on = Some(lock.remote().handle().clone());
        (lock, condition::Proxy::new(client.named("c"), on).unwrap())
    });
    let token = la.acquire().unwrap().token;
    ca.one_way().wait(token).unwrap();
    assert!(la.holds(token).unwrap());
    assert_one_failed(&sim);
    la.release(token).unwrap();
    let token = lb.acquire().unwrap().token;
    let waiting = start(&b, &cb, move |condition| condition.wait(token));
    let token = la.acquire().unwrap().token;
    ca.notify(token, 1).unwrap();
    la.release(token).unwrap();
    waiting.answer().expect("it is the only one to be notified");
}

interface! {
    /// A place to meet, of a user who checks nothing.
    pub(crate) mod meeting = "test.meeting" {
        new();
        /// Waits for ever.
        fn meet();
        /// Returns how many are here.
        fn here() -> u32;
    }
}

#[derive(Default)]
struct Meeting {
    here: u32,
}

impl meeting::Service for Meeting {
    fn new() -> Result<Self, Refusal> {
        Ok(Self::default())
    }

    fn meet(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        if cx.note() > 0 {
            return Flow::WaitThen(Channel::new(0), cx.note());
        }
        self.here += 1;
        Flow::WaitThen(Channel::new(0), cx.hold(1).0)
    }

    fn here(&mut self, _: &mut Cx<'_>) -> Flow<u32> {
        Flow::Done(self.here)
    }

    fn session_gone(&mut self, _: &mut Cx<'_>, gone: &Gone) {
        self.here -= gone.held.len() as u32;
    }
}

#[test]
fn what_such_a_call_was_granted_is_taken_back() {
    let mut types = registry();
    meeting::register::<Meeting>(&mut types);
    let sim = Sim::with(types, Limits::default());
    let client = sim.client();
    let meeting = meeting::Proxy::new(&client).unwrap();
    let _waiting = start(&client, &meeting, meeting::Proxy::meet);
    let before = used(&sim);
    meeting.one_way().meet().unwrap();
    assert_one_failed(&sim);
    assert_eq!((meeting.here().unwrap(), used(&sim)), (1, before));
}
