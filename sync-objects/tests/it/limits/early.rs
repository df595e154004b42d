//! What comes before its turn is kept only so far.

use sync_objects::{ErrorKind, Limits, Note, Shared, Via, event, registry, value};
use sync_proto::message::{OneWay, Reply, Request, WireHandle};
use sync_proto::{CallId, Data, Encoding, ObjectId, OneWayId, Payload, Refusal, ThreadId};
use sync_testkit::sim::{Sim, SimClient};

use crate::support::{kind, millis};

fn limited(set: impl FnOnce(&mut Limits)) -> (Sim, SimClient, event::Proxy) {
    let mut limits = Limits::default();
    set(&mut limits);
    let sim = Sim::with(registry(), limits);
    let client = sim.client();
    let event = event::Proxy::new(&client).unwrap();
    (sim, client, event)
}

fn set(number: u64, object: ObjectId, bytes: usize) -> OneWay {
    OneWay {
        number: OneWayId(number),
        thread: ThreadId(1),
        object,
        method: event::method("set"),
        data: Data { args: vec![0; bytes].into(), ..Data::default() },
    }
}

fn send(sim: &Sim, client: &SimClient, message: OneWay) -> Result<(), Refusal> {
    sim.kernel(|kernel, now| kernel.handle_one_way(now, client.session(), message))
}

#[test]
fn one_way_messages_that_leave_a_gap_are_kept_up_to_a_limit() {
    let (sim, client, event) = limited(|limits| limits.early_one_ways = 3);
    let object = event.remote().handle().object();
    for number in [2, 3, 9] {
        send(&sim, &client, set(number, object, 0)).unwrap();
    }
    let refused = send(&sim, &client, set(4, object, 0)).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::LimitReached);
    assert!(refused.message.contains("before message 1 "), "{refused}");
    assert!(!event.is_set().unwrap());
    send(&sim, &client, set(1, object, 0)).expect("the one that is missing is always taken");
    assert!(event.is_set().unwrap());
    send(&sim, &client, set(5, object, 0)).expect("there is room again");
}

#[test]
fn what_comes_early_is_counted_and_given_back() {
    let (sim, client, event) = limited(|limits| limits.memory = 1 << 20);
    let object = event.remote().handle().object();
    let used = || sim.kernel(|kernel, _| kernel.memory_used());
    let before = used();
    send(&sim, &client, set(2, object, 900_000)).unwrap();
    assert!(used() > before + 900_000);
    client.kill();
    assert!(used() <= before);
}

#[test]
fn what_comes_early_in_a_full_manager_fails_in_its_turn_unless_it_is_small() {
    let (sim, client, event) = limited(|limits| limits.memory = 1 << 20);
    let object = event.remote().handle().object();
    let used = || sim.kernel(|kernel, _| kernel.memory_used());
    let large = Payload::pack(&"x".repeat(900_000)).unwrap();
    let value = value::Proxy::new(&client, None, large).unwrap();
    let full = used();
    send(&sim, &client, set(2, object, 200_000)).unwrap();
    assert_eq!(used(), full, "nothing of it is kept");
    send(&sim, &client, set(3, object, 0)).unwrap();
    assert!(!event.is_set().unwrap());
    // Its message is the one that is missing. There is room by then, but what came is gone.
    drop(value);
    assert!(event.is_set().unwrap(), "the small one");
    let notes = sim.notes();
    let [Note::OneWayFailed { method, refusal, .. }] = &notes[..] else { panic!("{notes:?}") };
    assert_eq!((method.as_str(), refusal.kind), ("sync.event.set", ErrorKind::OutOfMemory));
}

#[test]
fn a_full_manager_keeps_some_small_messages_of_each_session_and_no_more() {
    let (sim, client, event) = limited(|limits| limits.memory = 1 << 20);
    let object = event.remote().handle().object();
    let fill =
        |bytes: usize| value::Proxy::new(&client, None, Payload::pack(&"x".repeat(bytes)).unwrap());
    let _full = fill(1_000_000).unwrap();
    // These use up the sixteenth that is reserved for what is small.
    let mut number = 2;
    let refused = loop {
        match send(&sim, &client, set(number, object, 400)) {
            Ok(()) => number += 1,
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused.kind, ErrorKind::OutOfMemory);
    assert!((64..1000).contains(&number), "{number} were kept");
}

#[test]
fn what_was_held_back_is_counted_once_when_it_begins() {
    let (sim, client, event) = limited(|limits| limits.memory = 1 << 20);
    let object = event.remote().handle().object();
    let mut large = request(100, object, "is_set");
    large.data.args = vec![0; 700_000].into();
    let before = sim.kernel(|kernel, _| kernel.memory_used());
    assert_eq!(send_request(&sim, &client, large), []);
    let reply = sim.kernel(|kernel, now| {
        kernel.handle_one_way(now, client.session(), set(1, object, 0)).unwrap();
        let released = kernel.poll_released().unwrap();
        assert!(kernel.memory_used() > before + 700_000, "the driver has it, and it counts");
        kernel.handle_released(now, released);
        assert!(kernel.memory_used() <= before);
        kernel.poll_reply().unwrap().reply
    });
    let refused = reply.outcome.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Malformed, "there is room for it: {refused}");
}

fn request(call: u64, object: ObjectId, method: &str) -> Request {
    Request {
        call: CallId(call),
        after: OneWayId(1),
        thread: ThreadId(1),
        object,
        method: event::method(method),
        timeout: None,
        data: Data::default(),
    }
}

fn send_request(sim: &Sim, client: &SimClient, request: Request) -> Vec<Reply> {
    let via = Via(request.call.0);
    sim.kernel(|kernel, now| {
        kernel.handle_request(now, client.session(), via, request);
        std::iter::from_fn(|| kernel.poll_reply()).map(|out| out.reply).collect()
    })
}

#[test]
fn the_proxies_in_what_comes_early_or_waits_are_counted() {
    const PROXIES: usize = 1000;
    let (sim, client, event) = limited(|_| ());
    let used = || sim.kernel(|kernel, _| kernel.memory_used());
    let object = event.remote().handle().object();
    let proxies = || vec![WireHandle::from(event.handle()); PROXIES];
    let beside = Data { handles: proxies(), ..Data::default() };
    let value = Payload::new(Encoding::Cbor, vec![0].into(), proxies());
    let inside = Data { payloads: vec![value], ..Data::default() };
    for (at, data) in [&beside, &inside].into_iter().enumerate() {
        let before = used();
        let message = OneWay { data: data.clone(), ..set(2 + at as u64, object, 0) };
        send(&sim, &client, message).unwrap();
        assert!(used() > before + 16 * PROXIES, "{} more", used() - before);
    }
    let before = used();
    let held_back = Request { data: beside.clone(), ..request(100, object, "wait") };
    assert_eq!(send_request(&sim, &client, held_back), []);
    assert!(used() > before + 16 * PROXIES, "{} more", used() - before);
    // The object keeps what it made of its arguments, but a call that waits keeps them all.
    let before = used();
    let waits = Request { after: OneWayId(0), data: beside, ..request(101, object, "wait") };
    assert_eq!(send_request(&sim, &client, waits), []);
    assert!(used() > before + 16 * PROXIES, "{} more", used() - before);
    send(&sim, &client, set(1, object, 0)).unwrap();
    client.kill();
    assert!(used() < 16 * PROXIES, "{}", used());
}

#[test]
fn a_call_that_brings_more_proxies_than_there_is_memory_for_is_refused() {
    let (sim, client, event) = limited(|limits| limits.memory = 10_000);
    let object = event.remote().handle().object();
    let data = Data { handles: vec![event.handle().into(); 1000], ..Data::default() };
    let waits = Request { after: OneWayId(0), data, ..request(100, object, "wait") };
    let refused = send_request(&sim, &client, waits).pop().unwrap();
    assert_eq!(refused.outcome.unwrap_err().kind, ErrorKind::OutOfMemory);
}

#[test]
fn a_request_that_is_held_back_leaves_no_deadline_behind_wherever_it_goes() {
    let (sim, client, event) = limited(|_| ());
    let object = event.remote().handle().object();
    let due = || sim.kernel(|kernel, _| kernel.poll_timeout());
    let look = |call| Request { timeout: Some(millis(100)), ..request(call, object, "is_set") };
    let now = Request { timeout: Some(millis(0)), ..request(99, object, "is_set") };
    assert_eq!(send_request(&sim, &client, now), []);
    assert_eq!(due(), None, "who does not wait in line is looked at when its turn comes");
    assert_eq!(send_request(&sim, &client, look(100)), []);
    assert!(due().is_some());
    sim.kernel(|kernel, now| kernel.handle_cancel(now, client.session(), CallId(100)));
    assert!(due().is_some(), "until then its own time passes");
    assert_eq!(send_request(&sim, &client, look(101)), []);
    send(&sim, &client, set(1, object, 0)).unwrap();
    assert_eq!(due(), None, "carried out");
    let later = Request { after: OneWayId(2), ..look(102) };
    assert_eq!(send_request(&sim, &client, later.clone()), []);
    assert!(due().is_some());
    client.kill();
    assert_eq!(due(), None, "its session is over");
    let client = sim.client();
    assert_eq!(send_request(&sim, &client, later), []);
    sim.kernel(|kernel, now| kernel.handle_shutdown(now));
    assert_eq!(due(), None, "so is the manager");
}

#[test]
fn two_requests_of_one_number_are_not_both_held_back() {
    let (sim, client, event) = limited(|_| ());
    let object = event.remote().handle().object();
    assert_eq!(send_request(&sim, &client, request(100, object, "is_set")), []);
    let refused = send_request(&sim, &client, request(100, object, "wait")).pop().unwrap();
    assert_eq!(refused.outcome.unwrap_err().kind, ErrorKind::Malformed);
    send(&sim, &client, set(1, object, 0)).unwrap();
    assert_eq!(send_request(&sim, &client, request(100, object, "is_set")).len(), 1);
}

#[test]
fn requests_that_are_held_back_count_as_calls_that_wait() {
    let (sim, client, event) = limited(|limits| limits.calls_per_session = 2);
    let object = event.remote().handle().object();
    let send_request = |call| send_request(&sim, &client, request(call, object, "is_set"));
    assert_eq!((send_request(100), send_request(101)), (vec![], vec![]));
    let refused = send_request(102).pop().unwrap();
    assert_eq!(
        (refused.call, refused.outcome.unwrap_err().kind),
        (CallId(102), ErrorKind::LimitReached)
    );
    assert_eq!(kind(event.is_set()), ErrorKind::LimitReached);
    send(&sim, &client, set(1, object, 0)).unwrap();
    assert!(event.is_set().unwrap(), "there is room again");
}
