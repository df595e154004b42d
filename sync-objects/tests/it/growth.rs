//! What many clients, grants or entries make of a step's work: no more than their number.

use core::time::Duration;

use sync_objects::{
    DisconnectReason, Grant, Handle, Item, Kernel, Limits, Naming, Note, NumberKind, Order,
    Payload, Time, Via, barrier, condition, dict, event, list, lock, manager, queue, registry,
    semaphore, value,
};
use sync_proto::handshake::ClientInfo;
use sync_proto::message::{Request, WireHandle};
use sync_proto::{
    CallId, Data, Encoding, Epoch, Interface, ManagerId, MethodId, ObjectId, OneWayId, SessionId,
    ThreadId,
};
use sync_testkit::growth::{assert_constant, assert_linear, cost};

use crate::support::pack;

/// A kernel that is driven by hand: a simulation looks at everything after each call.
struct Bare {
    kernel: Kernel,
    session: SessionId,
    next_call: u64,
    /// How long its calls wait.
    timeout: Option<Duration>,
}

type Args = Data<WireHandle>;

impl Bare {
    fn new() -> Self {
        let mut limits = Limits::default();
        (limits.calls_per_session, limits.waiters_per_object) = (1_000_000, 1_000_000);
        let mut kernel = Kernel::new(registry(), limits, ManagerId(1));
        let session = connect(&mut kernel);
        Self { kernel, session, next_call: 1, timeout: None }
    }

    /// Makes one whose client may leave so many bytes of answers unacknowledged, and does.
    fn resumable(unacknowledged: usize) -> Self {
        let mut limits = Limits::default();
        limits.unacknowledged = unacknowledged;
        let mut kernel = Kernel::new(registry(), limits, ManagerId(1));
        let info = ClientInfo { pid: 1, program: "growth".to_owned() };
        let session = kernel.handle_connect_resumable(Time::ZERO, info, Via(0)).unwrap();
        Self { kernel, session, next_call: 1, timeout: None }
    }

    /// Sends a call of a thread; its answer is taken if it is there.
    fn send(
        &mut self,
        thread: u64,
        object: ObjectId,
        method: MethodId,
        data: &Args,
    ) -> Option<Args> {
        let (call, after, thread) = (CallId(self.next_call), OneWayId::NONE, ThreadId(thread));
        self.next_call += 1;
        let (timeout, data) = (self.timeout, data.clone());
        let request = Request { call, after, thread, object, method, timeout, data };
        self.kernel.handle_request(Time::ZERO, self.session, Via(0), request);
        self.kernel.poll_reply().map(|outgoing| outgoing.reply.outcome.unwrap())
    }

    fn call(&mut self, object: ObjectId, method: MethodId, args: &impl serde::Serialize) -> Args {
        self.send(1, object, method, &encode(args)).unwrap()
    }

    fn create(&mut self, interface: &Interface, args: &impl serde::Serialize) -> ObjectId {
        let (name, fingerprint) = (interface.name.to_owned(), interface.fingerprint);
        let args = Data::encode(args).unwrap();
        let args = (name, fingerprint, Naming::Anonymous, args);
        self.call(ObjectId::MANAGER, manager::method("create"), &args).handles[0].object
    }

    /// Sends a call that waits for a one-way message which does not come.
    fn send_early(&mut self, after: u64) -> CallId {
        let (call, after) = (CallId(self.next_call), OneWayId(after));
        self.next_call += 1;
        let (thread, object, method) =
            (ThreadId(1), ObjectId::MANAGER, manager::method("debug_info"));
        let (timeout, data) = (None, encode(&(0u32,)));
        let request = Request { call, after, thread, object, method, timeout, data };
        self.kernel.handle_request(Time::ZERO, self.session, Via(0), request);
        call
    }

    /// Lets another client in, which holds the object, too; returns its session.
    fn share(&mut self, object: ObjectId) -> SessionId {
        let other = connect(&mut self.kernel);
        self.kernel.handle_share(Time::ZERO, other, object).unwrap();
        other
    }

    /// Ends the session; returns what that cost.
    fn kill(&mut self) -> Duration {
        let (kernel, session) = (&mut self.kernel, self.session);
        cost(|| kernel.handle_disconnect(Time::ZERO, session, DisconnectReason::ProcessEnded))
    }
}

fn connect(kernel: &mut Kernel) -> SessionId {
    let info = ClientInfo { pid: 1, program: "growth".to_owned() };
    kernel.handle_connect(Time::ZERO, info).unwrap()
}

fn encode(args: &impl serde::Serialize) -> Args {
    Data::encode(args).unwrap().into_wire(ManagerId(1)).unwrap()
}

/// Decodes an answer without handles.
fn local<T: serde::de::DeserializeOwned>(answer: Args) -> T {
    answer.into_handles(|| panic!("there is none")).into_value().unwrap()
}

/// Returns a manager with a dict of which so many entries are under updates of one client.
fn updates(count: usize) -> (Bare, ObjectId) {
    let mut bare = Bare::new();
    let dict = bare.create(&dict::INTERFACE, &(Vec::<(Payload, Payload)>::new(),));
    for key in 0..count {
        bare.call(dict, dict::method("begin_update"), &(pack(&key),));
    }
    bare.share(dict);
    (bare, dict)
}

#[test]
fn the_end_of_a_session_costs_as_much_as_it_had_updates_under_way() {
    assert_linear(4000, |count| updates(count).0.kill());
}

#[test]
fn who_writes_many_entries_does_not_pay_for_the_updates_of_others() {
    assert_constant(500, |count| {
        let (mut bare, dict) = updates(count);
        bare.session = bare.share(dict);
        let entry = encode(&(vec![(pack(&"own"), pack(&1))],));
        let extend = dict::method("extend");
        cost(|| (0..100).for_each(|_| drop(bare.send(1, dict, extend, &entry).unwrap())))
    });
}

#[test]
fn the_end_of_a_session_costs_as_much_as_it_had_parties_at_a_barrier() {
    assert_linear(500, |count| {
        let mut bare = Bare::new();
        let barrier = bare.create(&barrier::INTERFACE, &(u32::MAX, None::<Duration>));
        let wait = encode(&(false, false));
        for thread in 0..count as u64 {
            assert_eq!(bare.send(thread, barrier, barrier::method("wait"), &wait), None);
        }
        bare.share(barrier);
        bare.kill()
    });
}

#[test]
fn a_permit_comes_back_as_fast_however_many_its_process_holds() {
    assert_constant(500, |count| {
        let mut bare = Bare::new();
        let semaphore = bare.create(&semaphore::INTERFACE, &(u32::MAX, true));
        let (acquire, release) = (semaphore::method("acquire"), semaphore::method("release_any"));
        for _ in 0..count {
            bare.call(semaphore, acquire, &(1u32,));
        }
        let one = encode(&(1u32,));
        cost(|| {
            for _ in 0..50 {
                bare.send(1, semaphore, release, &one).unwrap();
                bare.send(1, semaphore, acquire, &one).unwrap();
            }
        })
    });
}

/// Returns a manager with a queue of so many items that are leased, and one that is not.
fn leases(count: usize) -> (Bare, ObjectId) {
    let mut bare = Bare::new();
    let queue = bare.create(&queue::INTERFACE, &(None::<u64>, Order::Fifo));
    for item in 0..=count {
        bare.call(queue, queue::method("put"), &(pack(&item), 0i64));
    }
    for _ in 0..count {
        bare.call(queue, queue::method("get_leased"), &());
    }
    (bare, queue)
}

#[test]
fn items_are_put_back_as_fast_however_many_are_leased() {
    assert_constant(1500, |count| {
        let (mut bare, queue) = leases(count);
        for item in 1..200 {
            bare.call(queue, queue::method("put"), &(pack(&item), 0i64));
        }
        let items = bare.call(queue, queue::method("get_many"), &(200u64, u64::MAX));
        let items = encode(&(local::<Vec<Item>>(items),));
        cost(|| bare.send(1, queue, queue::method("put_back"), &items).unwrap())
    });
}

#[test]
fn getters_do_not_pay_for_the_items_of_who_waits_to_put_many() {
    assert_constant(5000, |count| {
        let mut bare = Bare::new();
        let queue = bare.create(&queue::INTERFACE, &(Some(count as u64), Order::Fifo));
        let items = encode(&(vec![pack(&1); count],));
        bare.send(1, queue, queue::method("put_many"), &items).unwrap();
        assert_eq!(bare.send(2, queue, queue::method("put_many"), &items), None);
        let (get, none) = (queue::method("get"), encode(&()));
        cost(|| (0..200).for_each(|_| drop(bare.send(3, queue, get, &none).unwrap())))
    });
}

#[test]
fn writers_of_an_entry_do_not_pay_for_those_of_who_waits_to_write_many() {
    assert_constant(5000, |count| {
        let (mut bare, dict) = updates(1);
        bare.session = bare.share(dict);
        let entries: Vec<_> = (0..count).map(|key| (pack(&key), pack(&1))).collect();
        let extend = dict::method("extend");
        assert_eq!(bare.send(1, dict, extend, &encode(&(entries,))), None);
        let (key, value) = (pack(&"own"), pack(&1));
        let set = encode(&(key.clone(), value));
        let (delete, key) = (dict::method("delete"), encode(&(key,)));
        cost(|| {
            for _ in 0..100 {
                bare.send(2, dict, dict::method("set"), &set).unwrap();
                bare.send(2, dict, delete, &key).unwrap();
            }
        })
    });
}

#[test]
fn who_begins_to_wait_pays_for_no_grant_that_nobody_waits_for() {
    assert_constant(1000, |count| {
        let (mut bare, queue) = leases(count);
        let (get, none) = (queue::method("get"), encode(&()));
        bare.send(1, queue, get, &none).unwrap();
        cost(|| (2..102).for_each(|thread| assert_eq!(bare.send(thread, queue, get, &none), None)))
    });
}

#[test]
fn to_notify_many_costs_the_same_however_long_the_row_is_that_their_lock_waits_in() {
    const WAITERS: u64 = 1000;
    assert_constant(16, |length| {
        let mut bare = Bare::new();
        let condition = bare.create(&condition::INTERFACE, &(None::<Handle>,));
        let lock = bare.call(condition, condition::method("lock"), &()).handles[0].object;
        let (acquire, none) = (lock::method("acquire"), encode(&()));
        let token = |grant: Args| encode(&(local::<Grant>(grant).token,));
        for waiter in 0..WAITERS {
            let thread = 1000 + waiter;
            let grant = bare.send(thread, lock, acquire, &none).unwrap();
            let wait = condition::method("wait");
            assert_eq!(bare.send(thread, condition, wait, &token(grant)), None);
        }
        // Each thread has a lock and waits for the next one's; the last one's is free to go on.
        let rows: Vec<_> = (1..length).map(|_| bare.create(&lock::INTERFACE, &())).collect();
        let held = local::<Grant>(bare.send(0, lock, acquire, &none).unwrap()).token;
        for (thread, &next) in rows.iter().enumerate() {
            bare.send(thread as u64 + 1, next, acquire, &none).unwrap();
            assert_eq!(bare.send(thread as u64, next, acquire, &none), None);
        }
        let notify = encode(&(held, u32::MAX));
        let cost = cost(|| bare.send(999, condition, condition::method("notify"), &notify));
        // What comes next is searched again: the last one closes the circle.
        bare.send(length as u64 - 1, lock, acquire, &none);
        let told = std::iter::from_fn(|| bare.kernel.poll_note()).collect::<Vec<_>>();
        assert!(matches!(told[..], [Note::Deadlock { .. }]), "{told:?}");
        cost
    });
}

#[test]
fn what_is_told_of_those_who_wait_costs_as_much_as_they_are() {
    assert_linear(500, |count| {
        let mut bare = Bare::new();
        let barrier = bare.create(&barrier::INTERFACE, &(u32::MAX, None::<Duration>));
        let wait = encode(&(false, false));
        for thread in 2..count as u64 {
            bare.send(thread, barrier, barrier::method("wait"), &wait);
        }
        let few = encode(&(1u32,));
        let info = manager::method("debug_info");
        cost(|| bare.send(1, ObjectId::MANAGER, info, &few).unwrap())
    });
}

#[test]
fn to_give_up_what_waits_for_a_message_costs_the_same_however_much_does() {
    assert_linear(1000, |count| {
        let mut bare = Bare::new();
        let calls: Vec<_> = (1..=count as u64).map(|after| bare.send_early(after)).collect();
        let (kernel, session) = (&mut bare.kernel, bare.session);
        cost(|| calls.iter().for_each(|&call| kernel.handle_cancel(Time::ZERO, session, call)))
    });
    // All of them wait for the same one.
    assert_linear(1000, |count| {
        let mut bare = Bare::new();
        let calls: Vec<_> = (0..count).map(|_| bare.send_early(1)).collect();
        let (kernel, session) = (&mut bare.kernel, bare.session);
        cost(|| calls.iter().for_each(|&call| kernel.handle_cancel(Time::ZERO, session, call)))
    });
}

#[test]
fn values_are_compared_as_fast_however_deep_their_difference_lies() {
    assert_constant(12, |depth| {
        let mut bare = Bare::new();
        let nested = |last: u32| {
            let numbers: Vec<u32> = (0..20_000).chain([last]).collect();
            let bytes = pack(&numbers).bytes.to_vec();
            // Each is a list of one element.
            let bytes = [vec![0x81; depth], bytes].concat();
            Payload::new(Encoding::Cbor, bytes.into(), Vec::new())
        };
        let list = bare.create(&list::INTERFACE, &(vec![nested(2), nested(1)],));
        let sort = encode(&(false,));
        cost(|| bare.send(1, list, list::method("sort"), &sort).unwrap())
    });
}

#[test]
fn the_end_of_a_session_does_not_pay_for_the_tickets_of_others() {
    assert_constant(2000, |count| {
        let mut bare = Bare::new();
        let lock = bare.create(&lock::INTERFACE, &());
        let handle = WireHandle { object: lock, interface: lock::INTERFACE.fingerprint };
        for secret in 0..count as u128 {
            let (args, handles) = (encode(&(0u32, secret)).args, vec![handle]);
            let issue = Args { args, handles, payloads: Vec::new() };
            bare.send(1, ObjectId::MANAGER, manager::method("issue"), &issue).unwrap();
        }
        let others: Vec<_> = (0..50).map(|_| connect(&mut bare.kernel)).collect();
        let end = |session| {
            bare.kernel.handle_disconnect(Time::ZERO, session, DisconnectReason::Closed);
        };
        cost(|| others.into_iter().for_each(end))
    });
}

#[test]
fn a_connection_that_is_lost_costs_the_same_however_many_calls_wait_on_others() {
    assert_constant(1000, |count| {
        let mut bare = Bare::resumable(100_000);
        let event = bare.create(&event::INTERFACE, &());
        let (wait, none) = (event::method("wait"), encode(&()));
        for _ in 0..count {
            assert_eq!(bare.send(1, event, wait, &none), None);
            bare.send_early(1);
        }
        let (kernel, session) = (&mut bare.kernel, bare.session);
        let vias = || (1..=50).map(Via);
        vias().for_each(|via| {
            kernel.handle_join(Time::ZERO, session, via, Epoch(0)).unwrap();
        });
        cost(|| vias().for_each(|via| kernel.handle_connection_lost(Time::ZERO, session, via)))
    });
}

#[test]
fn a_crowd_that_shares_a_deadline_is_told_some_at_a_time() {
    const CROWD: usize = 2500;
    let mut bare = Bare::new();
    let event = bare.create(&event::INTERFACE, &());
    bare.timeout = Some(Duration::from_secs(1));
    for _ in 0..CROWD {
        bare.send(1, event, event::method("wait"), &encode(&()));
    }
    let (kernel, end) = (&mut bare.kernel, Time::from_nanos(1_000_000_000));
    let mut told = Vec::new();
    while kernel.poll_timeout().is_some_and(|(at, _)| at <= end) {
        kernel.handle_timeout(end);
        told.push(std::iter::from_fn(|| kernel.poll_reply()).count());
    }
    assert!(told.iter().all(|&step| step <= 1024), "others are served in between: {told:?}");
    assert_eq!(told.iter().sum::<usize>(), CROWD);
}

#[test]
fn an_answer_that_makes_room_for_itself_does_not_look_through_all_small_ones() {
    assert_constant(1000, |count| {
        let mut bare = Bare::resumable(100_000);
        let value =
            bare.create(&value::INTERFACE, &(None::<NumberKind>, pack(&"x".repeat(40_000))));
        let (len, none) = (manager::method("names"), encode(&()));
        (0..count).for_each(|_| drop(bare.send(1, ObjectId::MANAGER, len, &none).unwrap()));
        cost(|| {
            (0..50).for_each(|_| drop(bare.send(1, value, value::method("get"), &none).unwrap()));
        })
    });
}
