//! `WaitThen`, `Must` and notes, with a condition as an extender would write one.

use sync_objects::{
    Channel, Cx, ErrorKind, Flow, Handle, Limits, Refusal, Token, interface, lock, registry,
};
use sync_testkit::sim::{Pending, Sim, SimClient};

use crate::support::{kind, millis, start};

interface! {
    /// A condition on a lock.
    pub(crate) mod condition = "test.condition" {
        new(lock: Handle);
        /// Releases the lock, waits to be notified, takes the lock again; returns its grant and
        /// whether it was notified.
        fn wait(token: Token) -> (Token, bool);
        /// Notifies so many.
        fn notify(count: u32);
    }
}

const WAITING: Channel = Channel::new(0);

/// A waiter's note: the number of its turn, or one of these.
const TIMED_OUT: u64 = u64::MAX;
const NOTIFIED: u64 = u64::MAX - 1;

struct Condition {
    lock: Handle,
    /// Waiters have turns 1, 2, 3, …; up to `served` they are notified.
    turns: u64,
    served: u64,
}

impl Condition {
    fn retake(&self, cx: &mut Cx<'_>, note: u64) -> Flow<(Token, bool)> {
        match lock::Peer(&self.lock).acquire(cx) {
            Ok(Flow::Wait(line)) => Flow::Must(line, note),
            Ok(flow) => flow.map(|grant| (grant.token, note == NOTIFIED)),
            Err(refusal) => Flow::Refuse(refusal),
        }
    }
}

impl condition::Service for Condition {
    fn new(lock: Handle) -> Result<Self, Refusal> {
        Ok(Self { lock, turns: 0, served: 0 })
    }

    fn wait(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<(Token, bool)> {
        match cx.note() {
            0 => match lock::Peer(&self.lock).release(cx, token) {
                Ok(Flow::Done(())) => {
                    self.turns += 1;
                    Flow::WaitThen(WAITING, self.turns)
                }
                Ok(Flow::Refuse(refusal)) | Err(refusal) => Flow::Refuse(refusal),
                Ok(_) => Flow::refuse(ErrorKind::Broken, "a release does not wait"),
            },
            note @ (NOTIFIED | TIMED_OUT) => self.retake(cx, note),
            turn if turn <= self.served => self.retake(cx, NOTIFIED),
            _ if cx.timed_out() => self.retake(cx, TIMED_OUT),
            turn => Flow::WaitThen(WAITING, turn),
        }
    }

    fn notify(&mut self, cx: &mut Cx<'_>, count: u32) -> Flow<()> {
        // Turns of callers that left are skipped by counting who still waits.
        let waiting = cx.waiting(WAITING) as u64;
        let ahead = self.turns - waiting;
        self.served = self.served.max(ahead) + u64::from(count).min(waiting);
        cx.wake(WAITING, count as usize);
        Flow::Done(())
    }

    fn handles(&self, visit: &mut dyn FnMut(&Handle)) {
        visit(&self.lock);
    }
}

struct Party {
    client: SimClient,
    lock: lock::Proxy,
    condition: condition::Proxy,
}

impl Party {
    fn all<const N: usize>() -> (Sim, [Self; N]) {
        let mut types = registry();
        condition::register::<Condition>(&mut types);
        let sim = Sim::with(types, Limits::default());
        let parties = std::array::from_fn(|_| {
            let client = sim.client();
            let lock = lock::Proxy::new(client.named("l")).unwrap();
            let handle = lock.remote().handle().clone();
            let condition = condition::Proxy::new(client.named("c"), handle).unwrap();
            Self { client, lock, condition }
        });
        (sim, parties)
    }

    fn wait(&self, within: Option<u64>) -> Pending<(Token, bool)> {
        let token = self.lock.acquire().unwrap().token;
        let condition = match within {
            Some(time) => self.condition.within(millis(time)),
            None => self.condition.clone(),
        };
        start(&self.client, &condition, move |c| c.wait(token))
    }
}

#[test]
fn a_notified_caller_moves_to_the_locks_line_and_then_has_the_lock() {
    let (sim, [a, b, c]) = Party::all();
    let waiting = b.wait(None);
    let held = a.lock.acquire().expect("it was released by the wait").token;
    let second = start(&c.client, &c.lock, lock::Proxy::acquire);
    a.condition.notify(1).unwrap();
    assert_eq!(sim.blocked_count(), 2);
    a.lock.release(held).unwrap();
    let grant = second.answer().unwrap();
    assert!(waiting.is_waiting(), "it stands behind who asked before");
    c.lock.release(grant.token).unwrap();
    let (token, notified) = waiting.answer().unwrap();
    assert!(notified && token > grant.token);
    b.lock.release(token).unwrap();
}

#[test]
fn a_caller_whose_time_is_up_is_polled_once_more_and_must_retake_the_lock_however_long() {
    let (sim, [a, b]) = Party::all();
    let waiting = b.wait(Some(10));
    let held = a.lock.acquire().unwrap().token;
    sim.advance(millis(10));
    assert!(waiting.is_waiting());
    waiting.cancel();
    sim.advance(millis(100_000));
    assert!(waiting.is_waiting(), "it has no deadline any more, and cannot be given up");
    sim.kernel(|kernel, _| assert_eq!(kernel.poll_timeout(), None));
    a.lock.release(held).unwrap();
    let (token, notified) = waiting.answer().unwrap();
    assert!(!notified);
    b.lock.release(token).unwrap();
}

#[test]
fn a_caller_that_was_notified_has_no_deadline_any_more() {
    let (sim, [a, b]) = Party::all();
    let waiting = b.wait(Some(10));
    let held = a.lock.acquire().unwrap().token;
    a.condition.notify(1).unwrap();
    sim.kernel(|kernel, _| assert_eq!(kernel.poll_timeout(), None));
    sim.advance(millis(50));
    a.lock.release(held).unwrap();
    assert!(waiting.answer().unwrap().1, "notified before its time was up");
}

#[test]
fn a_cancelled_wait_returns_with_the_lock_too() {
    let (_, [a, b]) = Party::all();
    let waiting = b.wait(None);
    waiting.cancel();
    let (token, notified) = waiting.answer().unwrap();
    assert!(!notified);
    assert!(a.lock.is_locked().unwrap());
    b.lock.release(token).unwrap();
}

#[test]
fn one_is_notified_and_the_others_go_on_waiting_also_when_some_left() {
    let (sim, [a, b, c, d]) = Party::all();
    let (first, second, third) = (b.wait(Some(5)), c.wait(None), d.wait(None));
    a.condition.notify(1).unwrap();
    let (token, notified) = first.answer().unwrap();
    assert!(notified);
    b.lock.release(token).unwrap();
    assert!(second.is_waiting() && third.is_waiting());
    c.client.kill();
    a.condition.notify(9).unwrap();
    assert!(third.answer().unwrap().1);
    assert_eq!(sim.blocked_count(), 0);
}

#[test]
fn who_dies_while_it_must_retake_the_lock_leaves_the_lock_to_others() {
    let (sim, [a, b, c]) = Party::all();
    let waiting = b.wait(Some(1));
    let held = a.lock.acquire().unwrap().token;
    sim.advance(millis(1));
    let next = start(&c.client, &c.lock, lock::Proxy::acquire);
    b.client.kill();
    assert!(waiting.is_waiting());
    a.lock.release(held).unwrap();
    assert!(!next.answer().unwrap().abandoned);
}

#[test]
fn a_wait_without_the_lock_is_refused() {
    let (sim, [a, b]) = Party::all();
    let held = a.lock.acquire().unwrap().token;
    assert_eq!(kind(b.condition.wait(held)), ErrorKind::NotOwner);
    assert!(a.lock.is_locked().unwrap());
    assert_eq!(sim.blocked_count(), 0);
}
