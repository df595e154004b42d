//! The object's own time: `wake_at`, with a rate limiter as an extender would write one.

use std::time::Duration;

use sync_objects::{Channel, Cx, ErrorKind, Flow, Limits, Refusal, Time, interface, registry};
use sync_testkit::sim::Sim;

use crate::support::{kind, millis, start};

interface! {
    /// Lets one caller through every so often.
    pub(crate) mod limiter = "test.limiter" {
        new(every: Duration);
        /// Waits for its turn.
        fn pass();
        /// Moves the next turn; returns nothing.
        fn delay(by: Duration);
        /// Lets the next turn come at once, by an alarm in the past.
        fn hurry();
    }
}

const LINE: Channel = Channel::new(0);

struct Limiter {
    every: Duration,
    next: Time,
}

impl limiter::Service for Limiter {
    fn new(every: Duration) -> Result<Self, Refusal> {
        Ok(Self { every, next: Time::ZERO })
    }

    fn pass(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        if cx.now() < self.next || cx.is_behind(LINE) {
            cx.wake_at(LINE, self.next);
            return Flow::Wait(LINE);
        }
        self.next = cx.now() + self.every;
        cx.wake_at(LINE, self.next);
        Flow::Done(())
    }

    fn delay(&mut self, cx: &mut Cx<'_>, by: Duration) -> Flow<()> {
        self.next = self.next + by;
        cx.wake_at(LINE, self.next);
        Flow::Done(())
    }

    fn hurry(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        self.next = Time::ZERO;
        cx.wake_at(LINE, Time::ZERO);
        Flow::Done(())
    }
}

fn sim() -> Sim {
    let mut types = registry();
    limiter::register::<Limiter>(&mut types);
    Sim::with(types, Limits::default())
}

#[test]
fn callers_pass_one_by_one_at_their_moments_in_the_order_of_asking() {
    let sim = sim();
    let client = sim.client();
    let limiter = limiter::Proxy::new(&client, millis(10)).unwrap();
    limiter.pass().unwrap();
    let waiting = [0; 4].map(|_| start(&client, &limiter, limiter::Proxy::pass));
    for (passed, one) in waiting.into_iter().enumerate() {
        assert_eq!(sim.blocked_count(), 4 - passed);
        sim.advance(millis(9));
        assert!(one.is_waiting());
        sim.advance(millis(1));
        one.answer().unwrap();
    }
    assert_eq!(kind(limiter.within(millis(0)).pass()), ErrorKind::TimedOut);
}

#[test]
fn an_alarm_can_be_moved_and_is_one_per_line() {
    let sim = sim();
    let client = sim.client();
    let limiter = limiter::Proxy::new(&client, millis(10)).unwrap();
    limiter.pass().unwrap();
    let waiting = start(&client, &limiter, limiter::Proxy::pass);
    limiter.delay(millis(20)).unwrap();
    sim.kernel(|kernel, now| {
        let (at, why) = kernel.poll_timeout().unwrap();
        assert_eq!((at, why), (now + millis(30), "an object's alarm"));
    });
    sim.advance(millis(29));
    assert!(waiting.is_waiting());
    limiter.hurry().unwrap();
    assert!(waiting.is_waiting(), "not in this step");
    sim.advance(Duration::from_nanos(1));
    waiting.answer().unwrap();
}

#[test]
fn a_deadline_and_an_alarm_are_each_done_at_their_moment() {
    let sim = sim();
    let client = sim.client();
    let limiter = limiter::Proxy::new(&client, millis(10)).unwrap();
    limiter.pass().unwrap();
    let impatient = start(&client, &limiter.within(millis(5)), limiter::Proxy::pass);
    let patient = start(&client, &limiter.within(millis(15)), limiter::Proxy::pass);
    sim.advance(millis(100));
    assert_eq!(kind(impatient.answer()), ErrorKind::TimedOut);
    patient.answer().unwrap();
}

#[test]
fn an_alarm_of_an_object_that_is_gone_does_not_ring() {
    let sim = sim();
    let client = sim.client();
    let limiter = limiter::Proxy::new(&client, millis(10)).unwrap();
    limiter.pass().unwrap();
    drop(limiter);
    sim.kernel(|kernel, _| assert_eq!(kernel.poll_timeout(), None));
    sim.advance(millis(100));
}

#[test]
fn a_spurious_timeout_does_nothing() {
    let sim = sim();
    let client = sim.client();
    let limiter = limiter::Proxy::new(&client, millis(10)).unwrap();
    limiter.pass().unwrap();
    let waiting = start(&client, &limiter, limiter::Proxy::pass);
    sim.kernel(|kernel, now| (0..3).for_each(|_| kernel.handle_timeout(now)));
    assert!(waiting.is_waiting());
    sim.advance(Duration::MAX);
    waiting.answer().unwrap();
}
