//! Sessions that survive the loss of their connections: everything is carried out once, nobody
//! loses its place, and a client that does not come back is gone.

use std::time::Duration;

use sync_objects::{
    ArrayStart, ErrorKind, Grant, Limits, NumberKind, NumberOp, Slice, Typecode, Via, array, list,
    lock, value,
};
use sync_proto::message::{OneWay, Reply, Request};
use sync_proto::{ObjectId, OneWayId, SessionId};

use crate::support::{millis, pack};
use network::{Network, decoded, one_way, request};

mod claims;
mod lost;
mod network;

const GRACE: Duration = Duration::from_secs(10);

/// Two sessions, on connections 1 and 2, and a lock.
fn with_lock() -> (Network, SessionId, SessionId, ObjectId) {
    let mut network = Network::new();
    let (one, two) = (network.open(1), network.open(2));
    let lock = network.create(one, 1, &lock::INTERFACE, &());
    (network, one, two, lock)
}

/// One session, on connection 1, and a counter.
fn with_counter() -> (Network, SessionId, ObjectId) {
    let mut network = Network::new();
    let one = network.open(1);
    let args = (Some(NumberKind::I64), pack(&0i64));
    let counter = network.create(one, 1, &value::INTERFACE, &args);
    (network, one, counter)
}

fn acquire(call: u64, lock: ObjectId) -> Request {
    request(call, (lock, &lock::INTERFACE), "acquire", &())
}

fn release(number: u64, lock: ObjectId) -> OneWay {
    one_way(number, (lock, &lock::INTERFACE), "release_held", &())
}

fn count(call: u64, counter: ObjectId) -> Request {
    let args = (NumberKind::I64, NumberOp::Add, pack(&1i64));
    request(call, (counter, &value::INTERFACE), "fetch", &args)
}

fn total(network: &mut Network, session: SessionId, via: u64, counter: ObjectId) -> i64 {
    let get = request(9_999, (counter, &value::INTERFACE), "get", &());
    let reply = network.call(session, via, &get);
    let payload = &reply.outcome.unwrap().payloads[0];
    sync_proto::cbor::from_slice(&payload.bytes).unwrap()
}

fn commits(network: &mut Network, session: SessionId, via: u64) -> u64 {
    let interface = &sync_objects::manager::INTERFACE;
    let info = request(9_998, (ObjectId::MANAGER, interface), "debug_info", &(0u32,));
    decoded::<sync_objects::DebugInfo>(&network.call(session, via, &info)).commits
}

#[test]
fn an_answer_that_was_lost_is_given_again_and_the_call_is_not_made_again() {
    let (mut network, one, counter) = with_counter();
    network.send(one, 1, &count(5, counter));
    let (_, lost) = network.answer().unwrap();
    network.lose(one, 1);
    network.join(one, 3, 1).unwrap();
    network.send(one, 3, &count(5, counter));
    assert_eq!(network.answer(), Some((3, lost)), "the same answer, on the new connection");
    assert_eq!(total(&mut network, one, 3, counter), 1);
}

#[test]
fn a_request_that_was_lost_is_carried_out_when_it_comes_again() {
    let (mut network, one, counter) = with_counter();
    network.lose(one, 1);
    network.join(one, 3, 1).unwrap();
    network.call(one, 3, &count(5, counter));
    assert_eq!(total(&mut network, one, 3, counter), 1);
}

#[test]
fn a_session_that_is_resumed_many_times_over_does_everything_once() {
    let (mut network, one, counter) = with_counter();
    network.send(one, 1, &count(5, counter));
    for epoch in 1..50 {
        network.join(one, 10 + epoch, epoch).unwrap();
        network.send(one, 10 + epoch, &count(5, counter));
        network.send(one, 10 + epoch, &count(5, counter));
    }
    while let Some((_, reply)) = network.answer() {
        assert_eq!(reply.call.0, 5);
        assert!(reply.outcome.is_ok(), "{reply:?}");
    }
    assert_eq!(total(&mut network, one, 59, counter), 1);
}

#[test]
fn what_arrives_late_on_a_connection_that_was_given_up_is_ignored() {
    let (mut network, one, counter) = with_counter();
    // The server does not know yet that connection 1 is lost; the client does.
    assert_eq!(network.join(one, 3, 1).unwrap(), [Via(1)]);
    network.call(one, 3, &count(5, counter));
    network.send(one, 1, &count(5, counter));
    assert_eq!(network.answer(), None);
    assert_eq!(total(&mut network, one, 3, counter), 1);
    // Nor can such a connection come in after all.
    let error = network.join(one, 4, 0).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Disconnected, "{error}");
}

#[test]
fn a_caller_that_is_resumed_has_kept_its_place_in_line() {
    let (mut network, one, two, lock) = with_lock();
    let held: Grant = decoded(&network.call(one, 1, &acquire(1, lock)));
    network.send(two, 2, &acquire(1, lock));
    network.send(one, 1, &acquire(2, lock));
    network.lose(two, 2);
    network.pass(GRACE - millis(1));
    network.join(two, 4, 1).unwrap();
    network.send(two, 4, &acquire(1, lock));
    assert_eq!(network.kernel.blocked_count(), 2, "it did not come to stand in line twice");
    network.send_one_way(one, &release(1, lock));
    let (via, reply) = network.answer().unwrap();
    assert_eq!((via, reply.call.0), (4, 1), "the one that was there first");
    assert!(decoded::<Grant>(&reply).token > held.token);
    assert_eq!(network.answer(), None, "and nobody else");
}

#[test]
fn what_is_granted_while_nobody_is_connected_is_there_when_the_client_comes_back() {
    let (mut network, one, two, lock) = with_lock();
    network.call(one, 1, &acquire(1, lock));
    network.send(two, 2, &acquire(1, lock));
    network.lose(two, 2);
    network.send_one_way(one, &release(1, lock));
    assert_eq!(network.answer(), None, "there is nobody to tell");
    // Nor does it go to anyone else meanwhile.
    network.send(one, 1, &acquire(2, lock));
    assert_eq!(network.kernel.blocked_count(), 1);
    network.join(two, 4, 1).unwrap();
    network.send(two, 4, &acquire(1, lock));
    let (via, reply) = network.answer().unwrap();
    assert_eq!((via, reply.call.0), (4, 1));
    assert!(!decoded::<Grant>(&reply).abandoned);
}

#[test]
fn when_the_grace_has_passed_the_lock_goes_to_the_next_who_is_told() {
    let (mut network, one, two, lock) = with_lock();
    network.call(one, 1, &acquire(1, lock));
    network.send(two, 2, &acquire(1, lock));
    network.lose(one, 1);
    network.pass(GRACE - millis(1));
    assert_eq!(network.answer(), None, "it is kept for its holder");
    network.pass(millis(1));
    let (via, reply) = network.answer().unwrap();
    assert_eq!(via, 2);
    assert!(decoded::<Grant>(&reply).abandoned);
    let reason = network.why_ended(one).unwrap();
    assert!(reason.contains("did not come back within 10s"), "{reason}");
    assert_eq!(network.join(one, 3, 1).unwrap_err().kind, ErrorKind::NotFound);
}

#[test]
fn coming_back_stops_the_grace_and_the_next_loss_begins_a_whole_one() {
    let (mut network, one, _, _) = with_lock();
    for epoch in 1..5 {
        network.lose(one, epoch * 10);
        network.lose(one, 1);
        network.pass(GRACE - millis(1));
        network.join(one, (epoch + 1) * 10, epoch).unwrap();
        network.pass(GRACE * 3);
    }
    assert_eq!(network.why_ended(one), None);
    network.lose(one, 50);
    network.pass(GRACE);
    assert!(network.why_ended(one).is_some());
}

#[test]
fn a_deadline_goes_on_while_the_connection_is_broken() {
    let (mut network, one, two, lock) = with_lock();
    network.call(one, 1, &acquire(1, lock));
    let waiting = Request { timeout: Some(millis(500)), ..acquire(1, lock) };
    network.send(two, 2, &waiting);
    network.lose(two, 2);
    network.pass(millis(600));
    network.join(two, 4, 1).unwrap();
    network.send(two, 4, &waiting);
    let (_, reply) = network.answer().unwrap();
    assert_eq!(reply.outcome.unwrap_err().kind, ErrorKind::TimedOut);
}

#[test]
fn one_way_messages_that_come_again_are_carried_out_once() {
    let (mut network, one, two, lock) = with_lock();
    network.call(one, 1, &acquire(1, lock));
    network.send_one_way(one, &release(1, lock));
    assert_eq!(network.kernel.one_ways_done(one), OneWayId(1));
    network.call(two, 2, &acquire(1, lock));
    let before = commits(&mut network, one, 1);
    network.lose(one, 1);
    network.join(one, 3, 1).unwrap();
    // A second release would fail, and be counted.
    network.send_one_way(one, &release(1, lock));
    assert_eq!(network.kernel.poll_note(), None);
    assert_eq!(commits(&mut network, one, 3), before + 1, "only the look at it");
}

#[test]
fn a_request_that_waits_for_a_lost_message_is_carried_out_once_both_have_come_again() {
    let (mut network, one, _, lock) = with_lock();
    network.call(one, 1, &acquire(1, lock));
    let after = Request { after: OneWayId(1), ..acquire(2, lock) };
    network.send(one, 1, &after);
    assert_eq!(network.answer(), None, "the message before it is missing");
    network.lose(one, 1);
    network.join(one, 3, 1).unwrap();
    network.send(one, 3, &after);
    network.send_one_way(one, &release(1, lock));
    let (via, reply) = network.answer().unwrap();
    assert_eq!((via, reply.call.0), (3, 2));
    assert_eq!(network.answer(), None, "answered once");
}

#[test]
fn a_request_that_waits_for_a_lost_message_waits_no_longer_than_it_would_in_line() {
    let (mut network, one, two, lock) = with_lock();
    network.call(two, 2, &acquire(1, lock));
    let waits =
        |call| Request { after: OneWayId(1), timeout: Some(millis(100)), ..acquire(call, lock) };
    let kind = |reply: Reply| (reply.call.0, reply.outcome.unwrap_err().kind);
    network.send(one, 1, &waits(5));
    network.pass(millis(99));
    assert_eq!(network.answer(), None);
    network.pass(millis(1));
    assert_eq!(network.answer().map(|(_, reply)| kind(reply)), Some((5, ErrorKind::TimedOut)));
    // One whose turn comes in between has stood in line since it arrived.
    network.send(one, 1, &waits(6));
    network.pass(millis(60));
    network.send_one_way(one, &release(1, lock));
    assert_eq!((network.answer(), network.kernel.blocked_count()), (None, 1));
    network.pass(millis(39));
    assert_eq!(network.answer(), None);
    network.pass(millis(1));
    assert_eq!(network.answer().map(|(_, reply)| kind(reply)), Some((6, ErrorKind::TimedOut)));
    // One that was lost while it was held back has not arrived, and leaves no deadline.
    network.send(one, 1, &Request { after: OneWayId(2), ..waits(7) });
    network.lose(one, 1);
    network.join(one, 3, 1).unwrap();
    assert_eq!(network.kernel.poll_timeout(), None);
}

#[test]
fn who_says_goodbye_is_gone_at_once_but_not_before_what_it_said_is_done() {
    let (mut network, one, two, lock) = with_lock();
    network.call(one, 1, &acquire(1, lock));
    network.send(two, 2, &acquire(1, lock));
    network.kernel.handle_goodbye(network.now, one, OneWayId(1));
    assert_eq!(network.why_ended(one), None, "its last message is on its way");
    network.send_one_way(one, &release(1, lock));
    assert!(network.why_ended(one).is_some());
    let (_, reply) = network.answer().unwrap();
    assert!(!decoded::<Grant>(&reply).abandoned, "it was released before the end");
}

#[test]
fn a_session_over_a_unix_socket_keeps_nothing_and_has_no_grace() {
    let (mut network, _, _, lock) = with_lock();
    let info = sync_proto::handshake::ClientInfo::default();
    let unix = network.kernel.handle_connect(network.now, info).unwrap();
    network.send(unix, 9, &acquire(1, lock));
    network.answer().unwrap();
    network.lose(unix, 9);
    network.pass(GRACE * 2);
    assert_eq!(network.why_ended(unix), None);
    network.send(unix, 9, &acquire(1, lock));
    assert_eq!(network.answer(), None, "it is another call, which waits");
}

#[test]
fn answers_that_nobody_acknowledges_are_bounded_and_their_calls_are_still_not_made_again() {
    let mut limits = Limits::default();
    limits.unacknowledged = 100_000;
    let mut network = Network::with(limits);
    let one = network.open(1);
    let args = (None::<NumberKind>, pack(&vec![7u8; 1_000]));
    let object = network.create(one, 1, &value::INTERFACE, &args);
    let swap =
        |call| request(call, (object, &value::INTERFACE), "swap", &(pack(&vec![7u8; 1_000]),));
    for call in 1..=500 {
        network.send(one, 1, &swap(call));
        network.answer().unwrap();
    }
    let before = commits(&mut network, one, 1);
    network.lose(one, 1);
    network.join(one, 3, 1).unwrap();
    for call in [1, 500] {
        network.send(one, 3, &swap(call));
    }
    let (oldest, newest) = (network.answer().unwrap().1, network.answer().unwrap().1);
    let error = oldest.outcome.unwrap_err();
    assert_eq!(error.kind, ErrorKind::LimitReached);
    assert!(error.message.contains("was carried out"), "{error}");
    assert!(newest.outcome.is_ok());
    assert_eq!(commits(&mut network, one, 3), before + 1);
}

#[test]
fn a_client_that_acknowledges_nothing_is_not_served_without_end() {
    let mut limits = Limits::default();
    limits.calls_per_session = 20;
    let mut network = Network::with(limits);
    let one = network.open(1);
    let counter = network.create(one, 1, &value::INTERFACE, &(Some(NumberKind::I64), pack(&0i64)));
    for call in 1..=30 {
        network.send(one, 1, &count(call, counter));
        let (_, reply) = network.answer().unwrap();
        let refused = reply.outcome.err().map(|refusal| refusal.kind);
        assert_eq!(refused, (call > 20).then_some(ErrorKind::LimitReached), "call {call}");
    }
    let all: Vec<u64> = (1..=30).collect();
    network.received(one, &all);
    assert_eq!(total(&mut network, one, 1, counter), 20);
}

#[test]
fn answers_that_are_kept_are_counted_and_given_back_when_they_have_arrived() {
    let (mut network, one, _) = with_counter();
    let object = network.create(one, 1, &array::INTERFACE, &zeros(100_000));
    let before = network.kernel.memory_used();
    network.send(one, 1, &read(1, object));
    network.answer().unwrap();
    assert!(network.kernel.memory_used() > before + 100_000);
    network.received(one, &[1]);
    assert_eq!(network.kernel.memory_used(), before);
    network.send(one, 1, &read(2, object));
    network.lose(one, 1);
    network.join(one, 2, 1).unwrap();
    assert!(network.kernel.memory_used() > before + 100_000, "it may have been lost");
    network.received(one, &[2]);
    assert_eq!(network.kernel.memory_used(), before);
}

#[test]
fn a_manager_without_memory_keeps_small_answers_and_no_large_ones() {
    let mut limits = Limits::default();
    limits.memory = 150_000;
    let mut network = Network::with(limits);
    let one = network.open(1);
    let counter = network.create(one, 1, &value::INTERFACE, &(Some(NumberKind::I64), pack(&0i64)));
    let object = network.create(one, 1, &array::INTERFACE, &zeros(100_000));
    network.send(one, 1, &read(1, object));
    assert!(network.answer().unwrap().1.outcome.is_ok(), "it is given, and not kept");
    network.send(one, 1, &count(2, counter));
    network.answer().unwrap();
    network.lose(one, 1);
    network.join(one, 3, 1).unwrap();
    network.send(one, 3, &read(1, object));
    network.send(one, 3, &count(2, counter));
    let error = network.answer().unwrap().1.outcome.unwrap_err();
    assert_eq!(error.kind, ErrorKind::OutOfMemory);
    assert!(error.message.contains("was carried out"), "{error}");
    assert!(network.answer().unwrap().1.outcome.is_ok());
    assert_eq!(total(&mut network, one, 3, counter), 1);
}

#[test]
fn an_answer_of_many_small_values_is_kept_only_where_there_is_room_for_them() {
    let mut limits = Limits::default();
    limits.memory = 100_000;
    let mut network = Network::with(limits);
    let one = network.open(1);
    let numbers: Vec<_> = (0..1000).map(|_| pack(&1)).collect();
    let list = network.create(one, 1, &list::INTERFACE, &(numbers,));
    for call in 1..10 {
        network.send(one, 1, &request(call, (list, &list::INTERFACE), "to_vec", &()));
        assert!(network.answer().unwrap().1.outcome.is_ok());
    }
    let used = network.kernel.memory_used();
    assert!(used < 110_000, "{used} bytes, where 100,000 may be");
}

#[test]
fn a_value_that_goes_out_is_counted_once_where_it_stays_and_once_where_it_is_kept() {
    let mut limits = Limits::default();
    limits.memory = 100_000;
    let mut network = Network::with(limits);
    let one = network.open(1);
    let args = (None::<NumberKind>, pack(&"x".repeat(40_000)));
    let object = network.create(one, 1, &value::INTERFACE, &args);
    let get = request(7, (object, &value::INTERFACE), "get", &());
    network.send(one, 1, &get);
    network.lose(one, 1);
    network.join(one, 2, 1).unwrap();
    network.answer().unwrap();
    network.send(one, 2, &get);
    assert!(network.answer().unwrap().1.outcome.is_ok(), "there was room to keep it");
}

#[test]
fn who_acknowledges_nothing_does_not_fill_the_memory_with_small_answers() {
    let mut limits = Limits::default();
    limits.memory = 100_000;
    let mut network = Network::with(limits);
    let one = network.open(1);
    let counter = network.create(one, 1, &value::INTERFACE, &(Some(NumberKind::I64), pack(&0i64)));
    let get = |call| request(call, (counter, &value::INTERFACE), "get", &());
    let refused = (1..10_000).find_map(|call| {
        network.send(one, 1, &get(call));
        network.answer().unwrap().1.outcome.err()
    });
    assert_eq!(refused.unwrap().kind, ErrorKind::OutOfMemory);
    let all: Vec<u64> = (1..10_000).collect();
    network.received(one, &all);
    network.send(one, 1, &get(20_000));
    assert!(network.answer().unwrap().1.outcome.is_ok(), "there is room again");
}

#[test]
fn nor_with_refusals_which_are_kept_as_answers_are() {
    let mut limits = Limits::default();
    limits.memory = 1_000_000;
    let mut network = Network::with(limits);
    let one = network.open(1);
    let (manager, lock) = (&sync_objects::manager::INTERFACE, &lock::INTERFACE);
    let args = ("x".repeat(10_000), lock.name, lock.fingerprint);
    let calls = (1..10_000).take_while(|&call| {
        network.send(one, 1, &request(call, (ObjectId::MANAGER, manager), "open", &args));
        let refusal = network.answer().unwrap().1.outcome.unwrap_err();
        refusal.kind == ErrorKind::NotFound
    });
    assert!((500..1500).contains(&calls.count()), "about a kilobyte of each is kept");
}

fn zeros(count: u64) -> (Typecode, ArrayStart) {
    (Typecode::UnsignedChar, ArrayStart::Zeros(count))
}

fn read(call: u64, array: ObjectId) -> Request {
    let all = Slice::every(1);
    request(call, (array, &array::INTERFACE), "slice", &(Typecode::UnsignedChar, all))
}
