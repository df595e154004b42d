//! Deadlocks: a circle of waits is found when it closes, told, and refused if that is asked for.

mod random;

use sync_objects::{
    Channel, Cx, DeadlockInfo, Deadlocks, DisconnectReason, Error, ErrorKind, Flow, Grant, Limits,
    Note, Owner, Refusal, Token, condition, interface, lock, registry, rlock, value,
};
use sync_testkit::sim::{Pending, Sim, SimClient};

use crate::support::{kind, millis, start};

fn locks<const N: usize>(client: &SimClient) -> [lock::Proxy; N] {
    std::array::from_fn(|i| lock::Proxy::new(client.named(&format!("l{i}"))).unwrap())
}

fn rlock(client: &SimClient, name: &str) -> rlock::Proxy {
    rlock::Proxy::new(client.named(name)).unwrap()
}

fn acquire(client: &SimClient, lock: &lock::Proxy) -> Pending<Grant> {
    start(client, lock, lock::Proxy::acquire)
}

fn refuse(sim: &Sim) {
    sim.kernel(|kernel, _| kernel.set_deadlocks(Deadlocks::Refuse));
}

/// Returns the deadlocks that were told since the last time, and whether they were refused.
fn told(sim: &Sim) -> Vec<(DeadlockInfo, bool)> {
    let deadlock = |note| match note {
        Note::Deadlock { deadlock, refused } => Some((deadlock, refused)),
        _ => None,
    };
    sim.notes().into_iter().filter_map(deadlock).collect()
}

fn standing(client: &SimClient) -> Vec<DeadlockInfo> {
    client.manager().debug_info(0).unwrap().deadlocks
}

#[test]
fn two_callers_that_wait_for_each_other_are_told_when_the_circle_closes() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let ([a0, a1], [b0, b1]) = (locks(&a), locks(&b));
    a.on_thread(3, || a.manager().name_thread("left".into())).unwrap();
    let left = a.on_thread(3, || a0.acquire()).unwrap();
    sim.advance(millis(10));
    let right = b1.acquire().unwrap();
    let _waits = a.on_thread(3, || acquire(&a, &a1));
    assert!(told(&sim).is_empty());
    sim.advance(millis(20));
    let closes = acquire(&b, &b0);
    let [(deadlock, false)] = &told(&sim)[..] else { panic!("one is told, not refused") };
    assert!(!deadlock.is_certain, "another thread of the holder may release a Lock");
    let text = deadlock.to_string();
    let object = |name: &str| {
        let info = a.manager().debug_info(9).unwrap();
        info.objects.iter().find(|object| object.names == [name]).unwrap().object
    };
    let expected = format!(
        "possible deadlock of 2 callers: sim (pid 1) thread t1 waits in sync.lock.acquire for \
         sync.lock \"l0\" ({}), held by sim (pid 1) thread \"left\" for 30ms, token {}; \
         sim (pid 1) thread \"left\" waits in sync.lock.acquire for sync.lock \"l1\" ({}), held by \
         sim (pid 1) thread t1 for 20ms, token {}",
        object("l0"),
        left.token,
        object("l1"),
        right.token,
    );
    assert_eq!(text, expected);
    assert!(closes.is_waiting(), "it was told, not refused");
    sim.advance(millis(30));
    let [now] = &standing(&a)[..] else { panic!("it stands") };
    assert_eq!(now.closed_for, millis(30));
    assert!(now.waits.iter().any(|wait| wait.holder.held_for == millis(60)));
    assert!(now.waits.iter().any(|wait| wait.waiter.waited_for == millis(50)));
}

#[test]
fn a_refused_caller_changes_nothing_and_the_others_go_on() {
    let sim = Sim::new();
    refuse(&sim);
    let clients = [(); 3].map(|()| sim.client());
    let locks = clients.each_ref().map(locks::<3>);
    let grants: Vec<Grant> = (0..3).map(|i| locks[i][i].acquire().unwrap()).collect();
    let waits = [acquire(&clients[0], &locks[0][1]), acquire(&clients[1], &locks[1][2])];
    let bystander = sim.client();
    let line = acquire(&bystander, &bystander_lock(&bystander));
    let refused = acquire(&clients[2], &locks[2][0]);
    let error = refused.answer().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadlock);
    assert!(error.message().starts_with("waiting would close a possible deadlock of 3"), "{error}");
    let [(deadlock, true)] = &told(&sim)[..] else { panic!("it is told, too") };
    assert_eq!(deadlock.waits[0].waiter.caller.session, clients[2].session());
    // Nobody else noticed, and what the refused one holds is its own still.
    assert!(waits.iter().all(Pending::is_waiting) && line.is_waiting());
    assert!(standing(&clients[0]).is_empty());
    assert!(locks[2][2].holds(grants[2].token).unwrap());
    locks[2][2].release(grants[2].token).unwrap();
    let [first, second] = waits;
    second.answer().unwrap();
    assert!(first.is_waiting());
    locks[0][0].release(grants[0].token).unwrap();
    line.answer().unwrap();
}

/// The lock that the first of the three holds.
fn bystander_lock(client: &SimClient) -> lock::Proxy {
    let [lock] = locks(client);
    lock
}

#[test]
fn three_callers_in_a_circle_are_certain_with_rlocks() {
    let sim = Sim::new();
    let clients = [(); 3].map(|()| sim.client());
    let name = |number: usize| format!("r{}", number % 3);
    let mut waits = Vec::new();
    for (i, client) in clients.iter().enumerate() {
        rlock(client, &name(i)).acquire().unwrap();
    }
    for (i, client) in clients.iter().enumerate() {
        assert!(told(&sim).is_empty());
        waits.push(start(client, &rlock(client, &name(i + 1)), rlock::Proxy::acquire));
    }
    let [(deadlock, false)] = &told(&sim)[..] else { panic!("it is told once") };
    assert!(deadlock.is_certain && deadlock.waits.len() == 3);
    assert!(deadlock.to_string().starts_with("deadlock of 3 callers: "), "{deadlock}");
}

#[test]
fn a_thread_that_takes_its_own_lock_again_is_told_and_an_rlock_is_none() {
    let sim = Sim::new();
    refuse(&sim);
    let a = sim.client();
    let [lock] = locks(&a);
    let grant = lock.acquire().unwrap();
    let error = acquire(&a, &lock).answer().unwrap_err();
    assert!(error.message().contains("which it holds itself"), "{error}");
    let other = a.on_thread(2, || acquire(&a, &lock));
    lock.release(grant.token).unwrap();
    other.answer().unwrap();
    let rlock = rlock(&a, "r");
    rlock.acquire().unwrap();
    rlock.acquire().unwrap();
    assert_eq!(told(&sim).len(), 1);
}

#[test]
fn two_threads_of_one_process_are_two_callers() {
    let sim = Sim::new();
    let a = sim.client();
    let (one, two) = (rlock(&a, "one"), rlock(&a, "two"));
    a.on_thread(1, || one.acquire()).unwrap();
    a.on_thread(2, || two.acquire()).unwrap();
    let _waits = a.on_thread(1, || start(&a, &two, rlock::Proxy::acquire));
    assert!(told(&sim).is_empty());
    let _closes = a.on_thread(2, || start(&a, &one, rlock::Proxy::acquire));
    assert_eq!(told(&sim).len(), 1);
}

#[test]
fn who_waits_behind_a_deadlock_is_no_part_of_it() {
    let sim = Sim::new();
    refuse(&sim);
    let (a, b, c) = (sim.client(), sim.client(), sim.client());
    let ([a0, a1], [b0, b1], [c0, _]) = (locks(&a), locks(&b), locks::<2>(&c));
    sim.kernel(|kernel, _| kernel.set_deadlocks(Deadlocks::Report));
    a0.acquire().unwrap();
    b1.acquire().unwrap();
    let _circle = [acquire(&a, &a1), acquire(&b, &b0)];
    assert_eq!(told(&sim).len(), 1);
    refuse(&sim);
    let behind = acquire(&c, &c0);
    assert!(behind.is_waiting() && told(&sim).is_empty());
}

#[test]
fn a_wait_with_a_deadline_is_not_refused_and_ends_by_itself() {
    let sim = Sim::new();
    refuse(&sim);
    let (a, b) = (sim.client(), sim.client());
    let ([a0, a1], [b0, b1]) = (locks(&a), locks(&b));
    a0.acquire().unwrap();
    b1.acquire().unwrap();
    let patient = acquire(&a, &a1.within(millis(40)));
    let waits = acquire(&b, &b0);
    assert!(patient.is_waiting() && waits.is_waiting() && told(&sim).is_empty());
    let [deadlock] = &standing(&a)[..] else { panic!("it can be seen all the same") };
    assert!(!deadlock.is_certain);
    let given_up: Vec<_> = deadlock.waits.iter().map(|wait| wait.waiter.gives_up_in).collect();
    assert!(given_up.contains(&Some(millis(40))) && given_up.contains(&None));
    sim.advance(millis(40));
    assert_eq!(kind(patient.answer()), ErrorKind::TimedOut);
    assert!(standing(&a).is_empty());
}

#[test]
fn a_death_dissolves_it() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let ([a0, a1], [b0, b1]) = (locks(&a), locks(&b));
    a0.acquire().unwrap();
    b1.acquire().unwrap();
    let (_dies, goes_on) = (acquire(&a, &a1), acquire(&b, &b0));
    assert_eq!(standing(&b).len(), 1);
    sim.kernel(|k, now| k.handle_disconnect(now, a.session(), DisconnectReason::ProcessEnded));
    assert!(goes_on.answer().unwrap().abandoned);
    assert!(standing(&b).is_empty());
    assert_eq!(b.manager().debug_info(0).unwrap().deadlock_count, 1);
}

#[test]
fn a_new_owner_is_who_the_line_waits_for() {
    let sim = Sim::new();
    refuse(&sim);
    let (a, b, c) = (sim.client(), sim.client(), sim.client());
    let ([a0, _], [b0, b1], [c0, c1]) = (locks::<2>(&a), locks(&b), locks(&c));
    let first = a0.acquire().unwrap();
    c1.acquire().unwrap();
    let (next, behind) = (acquire(&b, &b0), acquire(&c, &c0));
    a0.release(first.token).unwrap();
    next.answer().unwrap();
    // Who waited for the first owner waits for the second now.
    assert_eq!(kind(acquire(&b, &b1).answer()), ErrorKind::Deadlock);
    assert!(behind.is_waiting());
}

#[test]
fn a_circle_of_hundreds_is_not_searched_for_at_each_wait_and_can_be_seen() {
    const CALLERS: u64 = 400;
    let sim = Sim::new();
    let a = sim.client();
    let lock = |number: u64| rlock(&a, &(number % CALLERS).to_string());
    for number in 0..CALLERS {
        a.on_thread(number, || lock(number).acquire()).unwrap();
    }
    let wait = |number| {
        let lock = lock(number + 1);
        a.on_thread(number, || start(&a, &lock, rlock::Proxy::acquire))
    };
    let _waits: Vec<_> = (0..CALLERS).map(wait).collect();
    assert!(told(&sim).is_empty());
    let observer = sim.client();
    let [circle] = &standing(&observer)[..] else { panic!("it is there") };
    assert_eq!(circle.waits.len() as u64, CALLERS);
}

#[test]
fn who_retakes_its_lock_after_a_wait_is_told_and_never_refused() {
    let sim = Sim::new();
    refuse(&sim);
    let (a, b) = (sim.client(), sim.client());
    let ([a0, a1], [b0, b1]) = (locks(&a), locks(&b));
    let on = |client: &SimClient, lock: &lock::Proxy| {
        let lock = lock.remote().handle().clone();
        condition::Proxy::new(client.named("c"), Some(lock)).unwrap()
    };
    let condition = on(&a, &a0);
    a1.acquire().unwrap();
    let token = a0.acquire().unwrap().token;
    let woken = start(&a, &condition.within(millis(50)), move |c| c.wait(token));
    // Another one has the lock when its time is up, and waits for what the waiter holds.
    let grant = b0.acquire().unwrap();
    let waits = acquire(&b, &b1);
    assert!(told(&sim).is_empty(), "a waiter has given its lock up");
    sim.advance(millis(50));
    let [(deadlock, false)] = &told(&sim)[..] else { panic!("told, not refused") };
    assert_eq!(deadlock.waits[0].waiter.method, "sync.condition.wait");
    assert!(woken.is_waiting() && waits.is_waiting());
    b.on_thread(2, || b0.release(grant.token)).unwrap();
    assert!(woken.answer().unwrap().timed_out);
}

#[test]
fn an_update_under_way_owns_its_line() {
    let sim = Sim::new();
    refuse(&sim);
    let (a, b) = (sim.client(), sim.client());
    let one = || crate::support::pack(&1);
    let make = |client: &SimClient| value::Proxy::new(client.named("v"), None, one()).unwrap();
    let (ours, theirs) = (make(&a), make(&b));
    let ([a0], [b0]) = (locks(&a), locks(&b));
    ours.begin_update().unwrap();
    b0.acquire().unwrap();
    let _waits = acquire(&a, &a0);
    assert_eq!(kind(start(&b, &theirs, |v| v.begin_update()).answer()), ErrorKind::Deadlock);
}

#[test]
fn a_thread_with_several_calls_in_flight_is_not_taken_for_one_that_waits() {
    let sim = Sim::new();
    refuse(&sim);
    let (a, b) = (sim.client(), sim.client());
    let ([a0, a1, a2], [b0, b1, b2]) = (locks(&a), locks(&b));
    a0.acquire().unwrap();
    b1.acquire().unwrap();
    b2.acquire().unwrap();
    let pipelined = [acquire(&a, &a1), acquire(&a, &a2)];
    let waits = acquire(&b, &b0);
    assert!(waits.is_waiting() && pipelined.iter().all(Pending::is_waiting));
    assert!(told(&sim).is_empty() && standing(&a).is_empty());
}

interface! {
    /// A lock of a user's own type that readers share, and that reaches a peer's.
    pub(crate) mod shared = "test.shared" {
        new();
        /// Takes it together with other readers.
        fn read() -> Token;
        /// Takes it alone.
        fn write() -> Token;
    }
}

const FREE: Channel = Channel::new(7);

#[derive(Default)]
struct Shared {
    holders: u32,
    is_written: bool,
}

impl shared::Service for Shared {
    fn new() -> Result<Self, Refusal> {
        Ok(Self::default())
    }

    fn read(&mut self, cx: &mut Cx<'_>) -> Flow<Token> {
        if self.is_written || cx.is_behind(FREE) {
            return Flow::Wait(FREE);
        }
        self.holders += 1;
        Flow::Done(cx.own(FREE, Owner::Thread))
    }

    fn write(&mut self, cx: &mut Cx<'_>) -> Flow<Token> {
        if self.holders > 0 || cx.is_behind(FREE) {
            return Flow::Wait(FREE);
        }
        (self.holders, self.is_written) = (1, true);
        Flow::Done(cx.own(FREE, Owner::Thread))
    }
}

#[test]
fn a_users_own_lock_that_readers_share_is_waited_for_from_all_of_them() {
    let mut types = registry();
    shared::register::<Shared>(&mut types);
    let sim = Sim::with(types, Limits::default());
    refuse(&sim);
    let clients = [(); 4].map(|()| sim.client());
    let shared = clients.each_ref().map(|c| shared::Proxy::new(c.named("s")).unwrap());
    let rlocks = clients.each_ref().map(|c| rlock(c, "r"));
    for reader in &shared[..3] {
        reader.read().unwrap();
    }
    rlocks[3].acquire().unwrap();
    // The second of three readers waits for what the writer holds.
    let _reader = start(&clients[1], &rlocks[1], rlock::Proxy::acquire);
    let error: Error = start(&clients[3], &shared[3], shared::Proxy::write).answer().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadlock);
    assert!(error.message().starts_with("waiting would close a deadlock of 2"), "{error}");
}

#[test]
fn a_barrier_or_a_permit_owns_nothing_that_others_wait_for() {
    let sim = Sim::new();
    refuse(&sim);
    let (a, b) = (sim.client(), sim.client());
    let [sa, sb] =
        [&a, &b].map(|c| sync_objects::semaphore::Proxy::new(c.named("s"), 1, true).unwrap());
    let ([a0], [b0]) = (locks(&a), locks(&b));
    sa.acquire(1).unwrap();
    b0.acquire().unwrap();
    let (_permit, _lock) = (start(&b, &sb, |s| s.acquire(1)), acquire(&a, &a0));
    assert!(told(&sim).is_empty() && standing(&a).is_empty());
}
