//! What the manager refuses to exceed.

use sync_objects::{
    Channel, Cx, ErrorKind, Flow, Limits, Order, Refusal, barrier, condition, event, interface,
    lock, queue, registry, value,
};
use sync_proto::handshake::ClientInfo;
use sync_testkit::sim::Sim;

use crate::support::{kind, pack, start};

mod early;
mod given;
mod memory;

#[test]
fn names_and_objects_have_limits_and_a_refusal_leaves_nothing_behind() {
    let mut limits = Limits::default();
    (limits.name_length, limits.names, limits.objects) = (4, 1, 2);
    let sim = Sim::with(registry(), limits);
    let client = sim.client();
    for bad in ["", "12345"] {
        assert_eq!(kind(lock::Proxy::new(client.named(bad))), ErrorKind::InvalidInput);
    }
    let named = lock::Proxy::new(client.named("1234")).unwrap();
    assert_eq!(kind(lock::Proxy::new(client.named("b"))), ErrorKind::LimitReached);
    let published = client.manager().publish("b".into(), named.remote().handle().clone());
    assert_eq!(kind(published), ErrorKind::LimitReached);
    let anonymous = lock::Proxy::new(&client).unwrap();
    assert_eq!(kind(lock::Proxy::new(&client)), ErrorKind::LimitReached);
    drop(anonymous);
    lock::Proxy::new(&client).expect("there is room again");
    assert_eq!(sim.object_count(), 1);
}

#[test]
fn sessions_and_the_calls_that_wait_of_one_session_have_limits() {
    let mut limits = Limits::default();
    (limits.sessions, limits.calls_per_session) = (2, 2);
    let sim = Sim::with(registry(), limits);
    let (a, b) = (sim.client(), sim.client());
    let connect = || {
        let info = ClientInfo { pid: 3, program: "third".into() };
        sim.kernel(|kernel, now| kernel.handle_connect(now, info))
    };
    assert_eq!(connect().unwrap_err().kind, ErrorKind::LimitReached);
    let [ours, theirs] = [&a, &b].map(|c| event::Proxy::new(c.named("e")).unwrap());
    let waiting = [0; 2].map(|_| start(&a, &ours, event::Proxy::wait));
    assert_eq!(kind(ours.is_set()), ErrorKind::LimitReached);
    theirs.set().expect("another session's calls are its own");
    for one in waiting {
        one.answer().unwrap();
    }
    assert!(ours.is_set().unwrap());
    b.kill();
    connect().expect("there is room again");
}

#[test]
fn a_manager_may_take_values_that_nest_less_deep_than_clients_can_read() {
    let mut limits = Limits::default();
    limits.nesting = 2;
    let sim = Sim::with(registry(), limits);
    let client = sim.client();
    let (two, three) = (pack(&vec![[1, 2]; 2]), pack(&vec![vec![vec![5]]]));
    let value = value::Proxy::new(&client, None, two.clone()).unwrap();
    let refused = value.set(three.clone()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    assert!(refused.message().contains("deeper than 2 levels"), "{refused}");
    assert_eq!(value.get().unwrap(), two, "nothing has changed");
    assert_eq!(kind(value::Proxy::new(&client, None, three)), ErrorKind::InvalidInput);
}

#[test]
fn tickets_have_a_limit() {
    let mut limits = Limits::default();
    limits.tickets = 1;
    let sim = Sim::with(registry(), limits);
    let client = sim.client();
    let lock = lock::Proxy::new(&client).unwrap();
    let issue = |secret| client.manager().issue(lock.remote().handle().clone(), secret);
    issue(1).unwrap();
    assert_eq!(kind(issue(2)), ErrorKind::LimitReached);
    let lock = (lock::INTERFACE.name.into(), lock::INTERFACE.fingerprint);
    client.manager().redeem(1, lock.0, lock.1).unwrap();
    issue(2).expect("there is room again");
}

#[test]
fn whoever_would_be_one_too_many_in_an_objects_lines_is_refused() {
    let mut limits = Limits::default();
    limits.waiters_per_object = 2;
    let sim = Sim::with(registry(), limits);
    let client = sim.client();
    let event = event::Proxy::new(&client).unwrap();
    let waiting = [0; 2].map(|_| start(&client, &event, event::Proxy::wait));
    assert_eq!(kind(event.wait()), ErrorKind::LimitReached);
    assert!(!event.is_set().unwrap(), "who does not wait is served");
    event::Proxy::new(&client).unwrap().set().expect("and so are other objects");
    event.set().unwrap();
    for one in waiting {
        one.answer().unwrap();
    }
    event.clear().unwrap();
    assert!(start(&client, &event, event::Proxy::wait).is_waiting(), "there is room again");
}

#[test]
fn who_would_have_to_wait_for_a_notification_keeps_its_lock_when_it_is_refused() {
    let mut limits = Limits::default();
    limits.waiters_per_object = 1;
    let sim = Sim::with(registry(), limits);
    let client = sim.client();
    let lock = lock::Proxy::new(&client).unwrap();
    let on = Some(lock.remote().handle().clone());
    let condition = condition::Proxy::new(&client, on).unwrap();
    let token = lock.acquire().unwrap().token;
    let first = start(&client, &condition, move |condition| condition.wait(token));
    let token = lock.acquire().unwrap().token;
    assert_eq!(kind(condition.wait(token)), ErrorKind::LimitReached);
    assert!(lock.holds(token).unwrap());
    condition.notify(token, 1).unwrap();
    lock.release(token).unwrap();
    first.answer().unwrap();
}

#[test]
fn a_party_too_many_is_refused_but_the_last_of_a_round_is_not() {
    let mut limits = Limits::default();
    limits.waiters_per_object = 1;
    let sim = Sim::with(registry(), limits);
    let client = sim.client();
    let [pair, three] = [2, 3].map(|parties| barrier::Proxy::new(&client, parties, None).unwrap());
    let first = start(&client, &pair, |pair| pair.wait(false, false));
    pair.wait(false, false).expect("the last does not wait");
    first.answer().unwrap();
    let _first = start(&client, &three, |three| three.wait(false, false));
    assert_eq!(kind(three.wait(false, false)), ErrorKind::LimitReached);
    assert_eq!(three.n_waiting().unwrap(), 1);
}

interface! {
    /// A gate, behind which callers wait in another line.
    pub(crate) mod gate = "test.gate" {
        new();
        /// Passes the gate once it is open, and stays.
        fn pass();
        /// Opens the gate.
        fn open();
    }
}

struct Gate {
    is_open: bool,
}

impl gate::Service for Gate {
    fn new() -> Result<Self, Refusal> {
        Ok(Self { is_open: false })
    }

    fn pass(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        if !self.is_open {
            return Flow::Wait(Channel::new(0));
        }
        match cx.check_line() {
            Ok(()) => Flow::WaitThen(Channel::new(1), 1),
            Err(refusal) => Flow::Refuse(refusal),
        }
    }

    fn open(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        self.is_open = true;
        cx.wake(Channel::new(0), usize::MAX);
        Flow::Done(())
    }
}

#[test]
fn who_goes_on_from_line_to_line_is_not_one_too_many() {
    let mut limits = Limits::default();
    limits.waiters_per_object = 1;
    let mut types = registry();
    gate::register::<Gate>(&mut types);
    let sim = Sim::with(types, limits);
    let client = sim.client();
    let gate = gate::Proxy::new(&client).unwrap();
    let passing = start(&client, &gate, gate::Proxy::pass);
    gate.open().unwrap();
    assert!(passing.is_waiting(), "it is counted already");
    assert_eq!(kind(gate.pass()), ErrorKind::LimitReached);
}

#[test]
fn no_more_items_are_taken_out_at_once_than_one_answer_brings() {
    let sim = Sim::new();
    sim.kernel(|kernel, _| kernel.set_answer_max(10_000));
    let client = sim.client();
    let queue = queue::Proxy::new(&client, None, Order::Fifo).unwrap();
    for len in [4000, 4000, 4000, 20_000, 1] {
        queue.put(pack(&"x".repeat(len)), 0).unwrap();
    }
    let counts = [(); 4].map(|()| queue.get_many(10, u64::MAX).unwrap().len());
    assert_eq!(counts, [2, 1, 1, 1], "one goes even if it alone is more");
}
