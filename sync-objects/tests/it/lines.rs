//! Lines are served first come, first served, and waking costs what it serves.

use sync_objects::{Channel, Cx, ErrorKind, Flow, Limits, Refusal, interface, lock, registry};
use sync_testkit::sim::{Pending, Sim, SimClient};

use crate::support::{kind, millis, start};

interface! {
    /// A gate that lets as many through as it was told to, and counts its looks at callers.
    pub(crate) mod gate = "test.gate" {
        new();
        /// Waits to be let through; the number is the caller's own.
        fn pass(number: u32) -> u32;
        /// Lets so many through.
        fn admit(count: u32);
        /// Lets so many through, and tells nobody.
        fn admit_quietly(count: u32);
        /// Has so many looked at, whatever comes of it.
        fn nudge(count: u32);
        /// Returns how often `pass` was polled since the last time, and by whom the last.
        fn looks() -> u32;
    }
}

const LINE: Channel = Channel::new(0);

#[derive(Default)]
pub(crate) struct Gate {
    admitted: u32,
    looks: u32,
}

impl gate::Service for Gate {
    fn new() -> Result<Self, Refusal> {
        Ok(Self::default())
    }

    fn pass(&mut self, cx: &mut Cx<'_>, number: u32) -> Flow<u32> {
        self.looks += 1;
        if self.admitted == 0 || cx.is_behind(LINE) {
            return Flow::Wait(LINE);
        }
        self.admitted -= 1;
        Flow::Done(number)
    }

    fn admit(&mut self, cx: &mut Cx<'_>, count: u32) -> Flow<()> {
        self.admitted += count;
        cx.wake_in_turn(LINE);
        Flow::Done(())
    }

    fn admit_quietly(&mut self, _: &mut Cx<'_>, count: u32) -> Flow<()> {
        self.admitted += count;
        Flow::Done(())
    }

    fn nudge(&mut self, cx: &mut Cx<'_>, count: u32) -> Flow<()> {
        cx.wake(LINE, count as usize);
        Flow::Done(())
    }

    fn looks(&mut self, _: &mut Cx<'_>) -> Flow<u32> {
        Flow::Done(std::mem::take(&mut self.looks))
    }
}

fn sim() -> Sim {
    let mut types = registry();
    gate::register::<Gate>(&mut types);
    Sim::with(types, Limits::default())
}

fn line_up(client: &SimClient, gate: &gate::Proxy, count: u32) -> Vec<Pending<u32>> {
    let waiting = (0..count).map(|number| start(client, gate, move |g| g.pass(number)));
    let waiting = waiting.collect();
    assert_eq!(gate.looks().unwrap(), count, "each is looked at as it comes");
    waiting
}

#[test]
fn a_release_polls_whom_it_serves_and_the_next_one_and_not_who_waits_behind() {
    let sim = sim();
    let client = sim.client();
    let gate = gate::Proxy::new(&client).unwrap();
    let waiting = line_up(&client, &gate, 10_000);
    gate.admit(1).unwrap();
    assert_eq!(gate.looks().unwrap(), 2);
    gate.admit(5).unwrap();
    assert_eq!(gate.looks().unwrap(), 6);
    gate.nudge(3).unwrap();
    assert_eq!(gate.looks().unwrap(), 3);
    waiting[6].cancel();
    assert_eq!(gate.looks().unwrap(), 1, "the one in front");
    assert_eq!(sim.blocked_count(), 10_000 - 7);
    for (number, one) in waiting.into_iter().take(6).enumerate() {
        assert_eq!(one.answer().unwrap() as usize, number);
    }
}

#[test]
fn ten_thousand_callers_that_are_all_served_are_polled_once_each() {
    let sim = sim();
    let client = sim.client();
    let gate = gate::Proxy::new(&client).unwrap();
    let waiting = line_up(&client, &gate, 10_000);
    gate.admit(10_000).unwrap();
    assert_eq!(gate.looks().unwrap(), 10_000);
    assert!(waiting.into_iter().all(|one| one.answer().is_ok()));
}

#[test]
fn a_call_polled_in_vain_keeps_its_place() {
    let sim = sim();
    let client = sim.client();
    let gate = gate::Proxy::new(&client).unwrap();
    let waiting = line_up(&client, &gate, 3);
    for _ in 0..5 {
        gate.nudge(u32::MAX).unwrap();
        assert_eq!(gate.looks().unwrap(), 3);
        gate.nudge(1).unwrap();
        assert_eq!(gate.looks().unwrap(), 1);
    }
    for one in waiting {
        gate.admit(1).unwrap();
        one.answer().expect("in the order of asking");
    }
}

#[test]
fn who_stands_behind_a_caller_that_a_wake_served_is_given_a_look() {
    let sim = sim();
    let client = sim.client();
    let gate = gate::Proxy::new(&client).unwrap();
    let waiting = line_up(&client, &gate, 4);
    gate.admit_quietly(2).unwrap();
    assert_eq!(gate.looks().unwrap(), 0);
    gate.nudge(1).unwrap();
    assert_eq!(gate.looks().unwrap(), 3, "one is served, the next one too, and then one waits");
    assert_eq!(waiting.iter().filter(|one| one.is_waiting()).count(), 2);
}

#[test]
fn a_newcomer_does_not_overtake_the_line_also_when_it_only_tries() {
    let sim = sim();
    let client = sim.client();
    let gate = gate::Proxy::new(&client).unwrap();
    let eager = gate.within(millis(0));
    assert_eq!(kind(eager.pass(1)), ErrorKind::TimedOut);
    gate.admit(1).unwrap();
    eager.pass(1).expect("nobody waits");
    let waiting = line_up_one(&client, &gate);
    assert_eq!(kind(eager.pass(2)), ErrorKind::TimedOut);
    assert_eq!(sim.blocked_count(), 1);
    gate.admit(1).unwrap();
    waiting.answer().unwrap();
}

fn line_up_one(client: &SimClient, gate: &gate::Proxy) -> Pending<u32> {
    start(client, gate, |g| g.pass(0))
}

/// Three locks' worth of leaving: the head of the line leaves in some way while it *could* be
/// served next, and who stands behind it must not sleep.
#[test]
fn whoever_leaves_the_line_gives_the_next_one_a_look() {
    for way in ["timeout", "death", "cancel"] {
        let sim = Sim::new();
        let (a, b, c) = (sim.client(), sim.client(), sim.client());
        let semaphores = [&a, &b, &c].map(|client| {
            sync_objects::semaphore::Proxy::new(client.named("s"), 2, false).unwrap()
        });
        let [sa, sb, sc] = &semaphores;
        sa.acquire(1).unwrap();
        let head = start(&b, &sb.within(millis(7)), |s| s.acquire(2));
        let next = start(&c, sc, |s| s.acquire(1));
        assert!(next.is_waiting(), "{way}");
        match way {
            "timeout" => sim.advance(millis(7)),
            "death" => b.kill(),
            _ => head.cancel(),
        }
        next.answer().expect(way);
        assert_eq!(sim.blocked_count(), 0, "{way}");
    }
}

#[test]
fn the_line_of_a_lock_survives_any_number_of_leavers() {
    let sim = Sim::new();
    let holder = sim.client();
    let lock = lock::Proxy::new(holder.named("l")).unwrap();
    let mut grant = lock.acquire().unwrap();
    let clients: Vec<_> = (0..9).map(|_| sim.client()).collect();
    let waiting: Vec<_> = clients
        .iter()
        .map(|client| {
            let lock = lock::Proxy::new(client.named("l")).unwrap();
            (client, start(client, &lock, lock::Proxy::acquire), lock)
        })
        .collect();
    for (number, (client, pending, _)) in waiting.iter().enumerate() {
        match number % 3 {
            0 => client.kill(),
            1 => pending.cancel(),
            _ => {}
        }
    }
    lock.release(grant.token).unwrap();
    for (number, (_, pending, lock)) in waiting.into_iter().enumerate() {
        if number % 3 == 2 {
            let next = pending.answer().unwrap();
            assert!(next.token > grant.token && !next.abandoned);
            grant = next;
            lock.release(grant.token).unwrap();
        }
    }
}

#[test]
fn a_session_with_thousands_of_calls_in_one_line_may_die() {
    let sim = Sim::new();
    let (a, b, dying) = (sim.client(), sim.client(), sim.client());
    let [la, lb, ld] = [&a, &b, &dying].map(|client| lock::Proxy::new(client.named("l")).unwrap());
    let grant = la.acquire().unwrap();
    let waiting = start(&b, &lb, lock::Proxy::acquire);
    for _ in 0..1_500 {
        start(&dying, &ld, lock::Proxy::acquire);
    }
    dying.kill();
    assert_eq!(sim.blocked_count(), 1);
    la.release(grant.token).expect("the lock is sound");
    waiting.answer().unwrap();
}
