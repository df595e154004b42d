//! A type of the user's own.

use sync_client::{ErrorKind, interface};
use sync_objects::{Channel, Cx, Flow, Refusal, Registry};
use sync_testkit::{Role, roles};

use super::{SHORT, Stage, behaviours, refused};

interface! {
    /// A latch that opens once it was counted down to 0.
    mod latch = "suite.latch" {
        new(count: u32);
        /// Counts down by one; returns what is left.
        fn count_down() -> u32;
        /// Blocks until the latch is open.
        fn wait();
    }
}

struct Latch {
    count: u32,
}

const OPEN: Channel = Channel::new(0);

impl latch::Service for Latch {
    fn new(count: u32) -> Result<Self, Refusal> {
        Ok(Self { count })
    }

    fn count_down(&mut self, cx: &mut Cx<'_>) -> Flow<u32> {
        let Some(left) = self.count.checked_sub(1) else {
            return Flow::refuse(ErrorKind::InvalidInput, "the latch is open");
        };
        self.count = left;
        if left == 0 {
            cx.wake(OPEN, usize::MAX);
        }
        Flow::Done(left)
    }

    fn wait(&mut self, _: &mut Cx<'_>) -> Flow<()> {
        if self.count == 0 { Flow::Done(()) } else { Flow::Wait(OPEN) }
    }
}

/// Returns the types that come with the manager, and the latch.
pub(super) fn registry() -> Registry {
    let mut registry = sync_objects::registry();
    latch::register::<Latch>(&mut registry);
    registry
}

roles![counter, waiter];

behaviours![
    who_waits_goes_on_when_it_is_counted_down,
    a_time_that_is_up_is_told,
    its_own_refusals_reach_the_caller,
];

fn open(role: &Role) -> latch::Proxy {
    role.manager().named("latch").open().unwrap()
}

fn counter(role: &Role) {
    role.say(open(role).count_down().unwrap());
}

fn waiter(role: &Role) {
    open(role).wait().unwrap();
    role.say("on");
}

fn who_waits_goes_on_when_it_is_counted_down(stage: &Stage) {
    let latch = latch::Proxy::new(stage.manager().named("latch"), 2).unwrap();
    let waiters = [(); 2].map(|()| stage.start(waiter));
    stage.until_blocked(&latch, 2);
    assert_eq!(latch.count_down().unwrap(), 1);
    assert_eq!(stage.manager().blocked_on(&latch).unwrap(), 2);
    let mut counter = stage.start(counter);
    counter.expect("0");
    for mut waiter in waiters {
        waiter.expect("on");
        waiter.wait();
    }
    latch.wait().unwrap();
    counter.wait();
}

fn a_time_that_is_up_is_told(stage: &Stage) {
    let latch = latch::Proxy::new(stage.manager().named("latch"), 1).unwrap();
    refused(latch.within(SHORT).wait(), ErrorKind::TimedOut);
    let mut counter = stage.start(counter);
    counter.expect("0");
    latch.within(SHORT).wait().unwrap();
    counter.wait();
}

fn its_own_refusals_reach_the_caller(stage: &Stage) {
    let latch = latch::Proxy::new(stage.manager().named("latch"), 1).unwrap();
    let mut counter = stage.start(counter);
    counter.expect("0");
    let error = latch.count_down().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("the latch is open"), "{error}");
    counter.wait();
}
