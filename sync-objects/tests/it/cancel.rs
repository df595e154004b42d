//! A call that is given up.

use sync_objects::{ErrorKind, lock};
use sync_proto::CallId;
use sync_testkit::sim::Sim;

use crate::support::{kind, millis, start};

#[test]
fn a_call_that_is_given_up_is_answered_as_if_its_deadline_had_passed() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let [held, wanted] = [&a, &b].map(|c| lock::Proxy::new(c.named("l")).unwrap());
    let grant = held.acquire().unwrap();
    let waiting = start(&b, &wanted.within(millis(9)), lock::Proxy::acquire);
    waiting.cancel();
    assert_eq!(kind(waiting.answer()), ErrorKind::TimedOut);
    sim.kernel(|kernel, _| assert_eq!(kernel.poll_timeout(), None, "its deadline is gone"));
    held.release(grant.token).unwrap();
    assert!(!held.is_locked().unwrap(), "nothing was granted to who gave up");
}

#[test]
fn a_cancel_that_comes_too_late_or_from_another_session_does_nothing() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let [held, wanted] = [&a, &b].map(|c| lock::Proxy::new(c.named("l")).unwrap());
    let grant = held.acquire().unwrap();
    let waiting = start(&b, &wanted, lock::Proxy::acquire);
    sim.kernel(|kernel, now| {
        (0..50).for_each(|call| kernel.handle_cancel(now, a.session(), CallId(call)));
    });
    assert!(waiting.is_waiting());
    held.release(grant.token).unwrap();
    waiting.cancel();
    let granted = waiting.answer().expect("it was granted before");
    wanted.release(granted.token).unwrap();
}
