//! Each limit, hit through a socket: a typed error, an honest client that goes on, and room again
//! when what was too much has gone.

use sync_client::{Queue, QueueOptions, Sent, Shared};
use sync_objects::event;
use sync_proto::handshake::{Hello, Purpose};
use sync_proto::message::{ClientMessage, OneWay, Request, ServerMessage};
use sync_proto::version::PREAMBLE;
use sync_proto::{Data, Epoch, ObjectId, OneWayId, ThreadId};
use sync_testkit::{RawClient, Role, roles};

use super::pipeline::{ask, reply};
use super::*;

roles![another];

fn another(role: &Role) {
    role.manager().create_event().unwrap().set().unwrap();
    role.say("is in");
}

#[test]
fn one_process_has_only_so_many_sessions_and_leaves_some_for_others() {
    let (cast, first) = limited(|limits| limits.sessions_per_peer = 2);
    let address = cast.server().address();
    let second = Manager::connect(address).unwrap();
    let refused = Manager::connect(address).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::LimitReached, "{refused}");
    assert!(refused.to_string().contains("this process has 2 sessions"), "{refused}");
    first.create_event().unwrap().set().unwrap();
    second.disconnect();
    cast.until("there is room again", || Manager::connect(address).is_ok());
}

#[test]
fn one_process_has_only_so_many_connections_and_leaves_some_for_others() {
    let (cast, first) = limited(|limits| limits.connections_per_peer = 2);
    let address = cast.server().address();
    let second = RawClient::welcomed(address);
    let refused = Manager::connect(address).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::LimitReached, "{refused}");
    assert!(refused.to_string().contains("this process has 2 connections"), "{refused}");
    first.create_event().unwrap().set().unwrap();
    let mut other = cast.start(another);
    other.expect("is in");
    other.wait();
    drop(second);
    cast.until("there is room again", || Manager::connect(address).is_ok());
}

#[test]
fn one_address_has_only_so_many_sessions() {
    let mut limits = Limits::default();
    limits.sessions_per_peer = 1;
    let key = AuthKey::new("a key that is as long as keys over TCP must be").unwrap();
    let listen = "tcp:127.0.0.1:0".parse().unwrap();
    let builder = Server::builder().listen(listen).authkey(key.clone()).limits(limits);
    let cast = Cast::with(builder);
    let options = || Manager::options().authkey(key.clone());
    let first = options().connect(cast.server().address()).unwrap();
    let refused = options().connect(cast.server().address()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::LimitReached, "{refused}");
    first.create_event().unwrap().set().unwrap();
}

#[test]
fn a_connection_has_only_so_many_calls_that_are_not_answered() {
    let (cast, manager) = limited(|limits| limits.calls_per_connection = 2);
    let event = manager.named("e").create_event().unwrap();
    let mut raw = RawClient::welcomed(cast.server().address());
    for call in 1..=3 {
        raw.send(&ask(call, event.handle().object(), event::method("wait")));
    }
    let (refused, outcome) = reply(&mut raw);
    assert_eq!((refused, outcome.unwrap_err().kind), (3, ErrorKind::LimitReached));
    event.set().unwrap();
    let mut answered = [reply(&mut raw), reply(&mut raw)].map(|(call, outcome)| {
        outcome.unwrap();
        call
    });
    answered.sort_unstable();
    assert_eq!(answered, [1, 2]);
    raw.send(&ask(4, event.handle().object(), event::method("wait")));
    reply(&mut raw).1.expect("there is room again");
}

#[test]
fn calls_that_wait_for_a_late_message_are_counted_when_they_stand_in_line() {
    const CALLS: u64 = 300;
    let (cast, manager) = limited(|limits| limits.calls_per_connection = 200);
    let [late, never] = [(); 2].map(|()| manager.create_event().unwrap());
    let mut raw = RawClient::welcomed(cast.server().address());
    let mut ask_after = |call, object, method| {
        let ClientMessage::Request(request) = ask(call, object, event::method(method)) else {
            unreachable!("it asks")
        };
        raw.send(&ClientMessage::Request(Request { after: OneWayId(1), ..request }));
    };
    (1..=CALLS).for_each(|call| ask_after(call, late.handle().object(), "is_set"));
    (1..=CALLS).for_each(|call| ask_after(CALLS + call, never.handle().object(), "wait"));
    raw.send(&ClientMessage::Ping);
    assert_eq!(raw.read(), Some(ServerMessage::Pong(OneWayId::NONE)), "none is refused");
    raw.send(&ClientMessage::OneWay(OneWay {
        number: OneWayId(1),
        thread: ThreadId(1),
        object: late.handle().object(),
        method: event::method("set"),
        data: Data::default(),
    }));
    for call in 1..=CALLS {
        let (answered, outcome) = reply(&mut raw);
        assert_eq!((answered, &outcome.unwrap().args[..]), (call, &[1][..]));
    }
    for _ in 0..CALLS - 200 {
        let (_, outcome) = reply(&mut raw);
        assert_eq!(outcome.unwrap_err().kind, ErrorKind::LimitReached);
    }
    cast.until_blocked(&never, 200);
}

#[test]
fn a_call_that_was_carried_out_is_answered_again_however_many_are_on_its_new_connection() {
    let mut limits = Limits::default();
    limits.calls_per_connection = 1;
    let listen = "tcp:127.0.0.1:0".parse().unwrap();
    let builder = Server::builder().listen(listen).insecure_tcp().limits(limits);
    let cast = Cast::with(builder);
    let event = cast.manager().create_event().unwrap();
    let object = event.handle().object();
    let (wait, clear) =
        (ask(1, object, event::method("wait")), ask(2, object, event::method("clear")));
    let open = |hello: &ClientMessage| {
        let mut raw = RawClient::connect(cast.server().address());
        raw.send_bytes(&PREAMBLE);
        raw.send(hello);
        let token = raw.welcome().token;
        (raw, move |epoch| {
            ClientMessage::Hello(Hello { purpose: Purpose::Join(token, Epoch(epoch)) })
        })
    };
    let (mut one, join) = open(&RawClient::hello());
    let (mut two, _) = open(&join(0));
    one.send(&wait);
    cast.until_blocked(&event, 1);
    two.send(&clear);
    reply(&mut two).1.expect("it is carried out, and not acknowledged");
    let (mut again, _) = open(&join(1));
    again.send(&wait);
    again.send(&clear);
    let (call, outcome) = reply(&mut again);
    assert_eq!(call, 2);
    outcome.expect("it was carried out");
    again.send(&ask(3, object, event::method("is_set")));
    let (refused, outcome) = reply(&mut again);
    assert_eq!((refused, outcome.unwrap_err().kind), (3, ErrorKind::LimitReached));
    event.set().unwrap();
    assert_eq!(reply(&mut again).0, 1);
}

#[test]
fn an_object_has_only_so_many_callers_in_line() {
    let (cast, manager) = limited(|limits| limits.kernel.waiters_per_object = 2);
    let event = manager.named("e").create_event().unwrap();
    let mut raw = RawClient::welcomed(cast.server().address());
    for call in 1..=2 {
        raw.send(&ask(call, event.handle().object(), event::method("wait")));
    }
    cast.until_blocked(&event, 2);
    assert_eq!(event.wait().unwrap_err().kind(), ErrorKind::LimitReached);
    event.set().unwrap();
    event.wait().expect("nobody waits any more");
}

#[test]
fn tickets_that_nobody_redeems_have_a_limit() {
    let (_cast, manager) = limited(|limits| limits.kernel.tickets = 1);
    let lock = manager.create_lock().unwrap();
    let ticket = manager.ticket(&lock).unwrap();
    let refused = manager.ticket(&lock).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::LimitReached, "{refused}");
    let _: Lock = manager.redeem(&ticket).unwrap();
    manager.ticket(&lock).expect("there is room again");
}

#[test]
fn a_full_manager_says_so_and_takes_more_once_there_is_room() {
    let (cast, manager) = limited(|limits| limits.kernel.memory = 8 << 20);
    let queue: Queue<String> = manager.create_queue(QueueOptions::default()).unwrap();
    let value = "x".repeat(1 << 20);
    let mut count = 0;
    let refused = loop {
        match queue.put(&value) {
            Ok(()) => count += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((count, refused.kind()), (7, ErrorKind::OutOfMemory), "{refused}");
    assert_eq!(queue.try_put(&value).unwrap_err().kind(), ErrorKind::OutOfMemory);
    assert_eq!(queue.len().unwrap(), 7, "what was refused is not in");
    let other = Manager::connect(cast.server().address()).unwrap();
    other.create_lock().unwrap().lock().unwrap().unlock().unwrap();
    assert_eq!(queue.get().unwrap(), Some(value.clone()));
    assert_eq!(queue.try_put(&value).unwrap(), Sent::Done);
    manager.disconnect();
    let fits = || {
        let list = other.create_list::<String>().unwrap();
        (0..7).all(|_| list.push(&value).is_ok())
    };
    cast.until("what the other one had is given back", fits);
}

#[test]
fn messages_that_leave_a_gap_end_their_session_and_no_other() {
    let (cast, manager) = limited(|limits| limits.kernel.early_one_ways = 10);
    let event = manager.create_event().unwrap();
    let mut raw = RawClient::welcomed(cast.server().address());
    for number in 2..13 {
        raw.send(&set_later(event.handle().object(), number));
    }
    let refusal = raw.refused();
    assert_eq!(refusal.kind, ErrorKind::LimitReached, "{refusal}");
    assert!(!event.is_set().unwrap(), "none was carried out");
    let sessions = || cast.manager().debug_info().unwrap().sessions.len();
    cast.until("the session is over", || sessions() == 2);
}

fn set_later(object: ObjectId, number: u64) -> ClientMessage {
    ClientMessage::OneWay(OneWay {
        number: OneWayId(number),
        thread: ThreadId(1),
        object,
        method: event::method("set"),
        data: Data::default(),
    })
}

#[test]
fn requests_that_wait_for_a_message_that_never_comes_have_a_limit() {
    let (cast, manager) = limited(|limits| limits.kernel.calls_per_session = 2);
    let event = manager.create_event().unwrap();
    let mut raw = RawClient::welcomed(cast.server().address());
    for call in 1..=3 {
        let ClientMessage::Request(mut request) =
            ask(call, event.handle().object(), event::method("is_set"))
        else {
            unreachable!("it is a request")
        };
        request.after = OneWayId(1);
        raw.send(&ClientMessage::Request(request));
    }
    let (refused, outcome) = reply(&mut raw);
    assert_eq!((refused, outcome.unwrap_err().kind), (3, ErrorKind::LimitReached));
    raw.send(&set_later(event.handle().object(), 1));
    assert_eq!([reply(&mut raw).0, reply(&mut raw).0], [1, 2]);
    assert!(event.is_set().unwrap());
}
