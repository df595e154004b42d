//! Calls one after the other without waiting for their answers, and answers that nobody reads.

use std::sync::atomic::{AtomicBool, Ordering};

use sync_client::{Array, List, Queue, QueueOptions, Shared};
use sync_objects::{Slice, Typecode, array, event, list, queue};
use sync_proto::message::{ClientMessage, OneWay, Reply, Request, ServerMessage, WireHandle};
use sync_proto::{
    CallId, Data, ManagerId, MethodId, ObjectId, OneWayId, Payload, Refusal, ThreadId,
};
use sync_testkit::RawClient;

use super::*;

/// Makes a call by hand.
pub(super) fn ask(call: u64, object: ObjectId, method: MethodId) -> ClientMessage {
    ask_with(call, object, method, &())
}

fn ask_with(
    call: u64,
    object: ObjectId,
    method: MethodId,
    args: &impl serde::Serialize,
) -> ClientMessage {
    ClientMessage::Request(Request {
        call: CallId(call),
        after: OneWayId::NONE,
        thread: ThreadId(call),
        object,
        method,
        timeout: None,
        data: Data::encode(args).unwrap().into_wire(ManagerId(1)).unwrap(),
    })
}

/// Waits for an answer; returns which call it is of.
pub(super) fn reply(raw: &mut RawClient) -> (u64, Result<Data<WireHandle>, Refusal>) {
    match raw.read() {
        Some(ServerMessage::Reply(Reply { call, outcome })) => (call.0, outcome),
        other => panic!("the server said {other:?} instead of an answer"),
    }
}

/// Returns how much the manager has done so far.
fn done(cast: &Cast) -> u64 {
    cast.manager().debug_info().unwrap().commits
}

#[test]
fn who_does_not_read_is_not_heard_until_it_has_read() {
    const READS: u64 = 60;
    const LEN: u64 = 2 << 20;
    let (cast, manager) = limited(|_| {});
    let elements: Array<u8> = manager.create_array_zeroed(LEN).unwrap();
    let event = manager.create_event().unwrap();
    let mut raw = RawClient::welcomed(cast.server().address());
    let all = Slice::between(0, LEN as i64);
    let before = done(&cast);
    for call in 1..=READS {
        let args = (Typecode::UnsignedChar, all);
        raw.send(&ask_with(call, elements.handle().object(), array::method("slice"), &args));
    }
    raw.send(&ask(READS + 1, event.handle().object(), event::method("set")));
    let mut looks = 0;
    cast.until("the first is carried out", || {
        looks += 1;
        done(&cast) > before + looks
    });
    let before = done(&cast);
    for _ in 0..100 {
        assert!(!event.is_set().unwrap(), "who has not listened is not heard");
    }
    assert_eq!(done(&cast) - before, 101, "nothing but our own looks was carried out");
    for call in 1..=READS {
        let (answered, outcome) = reply(&mut raw);
        assert_eq!((answered, outcome.unwrap().len() as u64 > LEN), (call, true));
    }
    assert_eq!(reply(&mut raw).0, READS + 1);
    assert!(event.is_set().unwrap());
}

#[test]
fn who_never_reads_is_dropped_when_its_answers_are_too_much() {
    let (cast, manager) = limited(|limits| limits.output_hard = 2 << 20);
    let queue: Queue<String> = manager.named("q").create_queue(QueueOptions::default()).unwrap();
    let [mut raw, _idle] = RawClient::pair(cast.server().address());
    let (object, get) = (queue.handle().object(), queue::method("get"));
    (1..=20).for_each(|call| raw.send(&ask(call, object, get)));
    cast.until_blocked(&queue, 20);
    let value = "x".repeat(1 << 20);
    (0..20).for_each(|_| queue.put(&value).unwrap());
    let sessions = || cast.manager().debug_info().unwrap().sessions.len();
    cast.until("it is dropped", || sessions() == 2);
    assert!(queue.len().unwrap() > 10, "what it did not get is there for others");
    assert_eq!(queue.get().unwrap(), Some(value));
}

#[test]
fn answers_that_nobody_takes_are_bounded_in_all() {
    let (cast, manager) = limited(|limits| limits.output_total = 4 << 20);
    let value = manager.create_value("x".repeat(1 << 20)).unwrap();
    let get = ask(1, value.handle().object(), sync_objects::value::method("get"));
    // What a client's other connection is there for does not matter.
    let silent = [(); 10].map(|()| {
        let mut both = RawClient::pair(cast.server().address());
        both[0].send(&get);
        both[0].send(&get);
        both
    });
    let sessions = || cast.manager().debug_info().unwrap().sessions.len();
    // Whoever looks is heard, too: it is no turn of the silent ones that finds them out.
    cast.until("some of them are dropped", || {
        manager.create_event().unwrap().set().unwrap();
        sessions() < 2 + silent.len()
    });
    assert_eq!(value.get().unwrap().len(), 1 << 20);
}

#[test]
fn messages_that_never_come_to_their_end_are_bounded_in_all() {
    let (cast, manager) = limited(|limits| {
        limits.message = 1 << 20;
        limits.input_total = 1 << 20;
    });
    let value = manager.create_value(String::new()).unwrap();
    let begun = [(); 2].map(|()| {
        let mut raw = RawClient::welcomed(cast.server().address());
        let lengths = [20u32.to_le_bytes(), (1u32 << 20).to_le_bytes()].concat();
        raw.send_bytes(&lengths);
        raw.send_bytes(&vec![0; 700_000]);
        raw
    });
    let sessions = || cast.manager().debug_info().unwrap().sessions.len();
    cast.until("one of them is refused", || {
        value.set(&"short".to_owned()).unwrap();
        sessions() == 3
    });
    let [first, second] = begun;
    assert_eq!(first.refused().kind, ErrorKind::OutOfMemory);
    drop(second);
    value.set(&"x".repeat(1_000_000)).expect("there is room again");
}

/// Has clients send calls without end, and looks how many of theirs usually come before one of
/// ours.
fn usual_wait(cast: &Cast, floods: usize, calls: &[u8], count: usize, looks: usize) -> u64 {
    let stop = AtomicBool::new(false);
    let mut between: Vec<u64> = std::thread::scope(|scope| {
        for _ in 0..floods {
            scope.spawn(|| {
                let mut raw = RawClient::welcomed(cast.server().address());
                while !stop.load(Ordering::Relaxed) {
                    raw.send_bytes(calls);
                    (0..count).for_each(|_| drop(reply(&mut raw).1.unwrap()));
                }
            });
        }
        let (before, mut seen) = (done(cast), 0);
        cast.until("the flood has come", || {
            seen += 1;
            done(cast) > before + seen + 10
        });
        // Over a socket and after all others: nothing but its modesty brings it forward.
        let ours = Manager::connect(cast.server().address()).unwrap();
        let event = ours.create_event().unwrap();
        let look = || {
            let before = ours.debug_info().unwrap().commits;
            event.is_set().unwrap();
            ours.debug_info().unwrap().commits - before - 2
        };
        let between = (0..looks).map(|_| look()).collect();
        stop.store(true, Ordering::Relaxed);
        between
    });
    between.sort_unstable();
    between[between.len() / 2]
}

#[test]
fn a_flood_of_calls_is_carried_out_some_at_a_time() {
    const FLOODS: usize = 4;
    let (cast, manager) = limited(|_| {});
    let event = manager.create_event().unwrap();
    let call = RawClient::frame(&ask(1, event.handle().object(), event::method("set")));
    let usual = usual_wait(&cast, FLOODS, &call.repeat(5_000), 5_000, 301);
    // What a turn takes of each, for the turn that was under way and the next one, and the same
    // for the look after ours.
    assert!(usual <= 4 * (FLOODS as u64) * 128, "{usual} calls of others came before one of ours");
}

#[test]
fn a_long_call_is_carried_out_alone_in_its_turn() {
    const FLOODS: usize = 4;
    let (cast, manager) = limited(|_| {});
    let list: List<u32> = manager.create_list_from(0..10_000).unwrap();
    let value = (Payload::pack(&7).unwrap(),);
    let call = ask_with(1, list.handle().object(), list::method("count"), &value);
    let usual = usual_wait(&cast, FLOODS, &RawClient::frame(&call).repeat(20), 20, 51);
    // The one that was under way and at most one more, for our call and the look after it.
    assert!(usual <= 4, "{usual} long calls of others came before one of ours");
}

#[test]
fn calls_that_waited_for_one_message_are_carried_out_some_at_a_time_and_in_order() {
    const CALLS: u64 = 300;
    let (cast, manager) = limited(|limits| limits.calls_per_connection = 2 * CALLS as usize);
    let list: List<u32> = manager.create_list_from(0..1_000).unwrap();
    let event = manager.create_event().unwrap();
    let mut raw = RawClient::welcomed(cast.server().address());
    let value = (Payload::pack(&7).unwrap(),);
    let count = |call| {
        let count = ask_with(call, list.handle().object(), list::method("count"), &value);
        let ClientMessage::Request(count) = count else { unreachable!("it asks") };
        // Two messages are missing, and both come late.
        let after = OneWayId(1 + u64::from(call > CALLS / 2));
        ClientMessage::Request(Request { after, ..count })
    };
    let set = |number| {
        ClientMessage::OneWay(OneWay {
            number: OneWayId(number),
            thread: ThreadId(1),
            object: event.handle().object(),
            method: event::method("set"),
            data: Data::default(),
        })
    };
    raw.send(&set(2));
    (1..=CALLS).for_each(|call| raw.send(&count(call)));
    raw.send(&ClientMessage::Ping);
    assert_eq!(raw.read(), Some(ServerMessage::Pong(OneWayId::NONE)), "all are heard, none done");
    let before = done(&cast);
    raw.send(&set(1));
    // Those that come after it stand behind those that came before.
    (CALLS + 1..=10 * CALLS).for_each(|call| raw.send(&count(call)));
    let (mut looks, mut between) = (0, 0);
    cast.until("all are carried out", || {
        looks += 1;
        // Not counting the two messages.
        let of_them = (done(&cast) - before - looks).saturating_sub(2);
        between += u64::from((1..10 * CALLS).contains(&of_them));
        of_them == 10 * CALLS
    });
    assert!(between >= 3, "others were served {between} times while they were carried out");
    for call in 1..=10 * CALLS {
        let (answered, outcome) = reply(&mut raw);
        assert_eq!(answered, call);
        outcome.expect("it is no more than a connection may have under way");
    }
}
