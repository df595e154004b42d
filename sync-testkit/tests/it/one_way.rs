//! One-way messages: fast, and never overtaken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use sync_client::{AuthKey, ConnectOptions, ErrorKind, List, Manager, Shared};
use sync_objects::{event, list};
use sync_proto::message::{ClientMessage, OneWay, Reply, Request, ServerMessage};
use sync_proto::{CallId, Data, OneWayId, Payload, ThreadId};
use sync_server::{Builder, Limits, Server};
use sync_testkit::{Cast, Proxy, RawClient};

use super::tcp::{KEY, listening_on_tcp};

#[test]
fn a_dropped_guard_is_never_overtaken_by_another_thread() {
    const ROUNDS: usize = 5_000;
    let cast = Cast::new();
    // A session over sockets: each thread has a connection of its own.
    let manager = Manager::connect(cast.server().address().clone()).unwrap();
    let lock = manager.create_lock().unwrap();
    let (to_other, from_one) = channel::<()>();
    let (to_one, from_other) = channel::<()>();
    let over = Arc::new(AtomicBool::new(false));
    // Others take connections out of the pool and put them back: the two that follow rarely use
    // the same one after each other.
    let busy = [(), ()].map(|()| {
        let (manager, over) = (manager.clone(), Arc::clone(&over));
        std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                manager.names().unwrap();
            }
        })
    });
    let other = std::thread::spawn({
        let lock = lock.clone();
        move || {
            for round in 0..ROUNDS {
                from_one.recv().unwrap();
                let guard = lock.try_lock().unwrap();
                drop(guard.unwrap_or_else(|| panic!("overtaken there in round {round}")));
                to_one.send(()).unwrap();
            }
        }
    });
    for round in 0..ROUNDS {
        let guard = lock.try_lock().unwrap();
        drop(guard.unwrap_or_else(|| panic!("overtaken here in round {round}")));
        to_other.send(()).unwrap();
        from_other.recv().unwrap();
    }
    other.join().unwrap();
    over.store(true, Ordering::Relaxed);
    busy.into_iter().for_each(|busy| busy.join().unwrap());
}

#[test]
fn a_request_waits_for_the_messages_before_it_that_come_by_another_connection() {
    let cast = Cast::new();
    let event = cast.manager().create_event().unwrap();
    let object = event.handle().object();
    let [mut first, mut second] = RawClient::pair(cast.server().address());
    let ask = |call, after| {
        ClientMessage::Request(Request {
            call: CallId(call),
            after: OneWayId(after),
            thread: ThreadId(1),
            object,
            method: event::method("is_set"),
            timeout: None,
            data: Data::default(),
        })
    };
    // The one that waits for nothing overtakes the one that waits for the message.
    second.send_bytes(&[RawClient::frame(&ask(1, 1)), RawClient::frame(&ask(2, 0))].concat());
    let mut answer = |call| match second.read() {
        Some(ServerMessage::Reply(Reply { call: CallId(answered), outcome })) => {
            assert_eq!(answered, call);
            outcome.unwrap().args[..] == [1]
        }
        other => panic!("{other:?} is no answer"),
    };
    assert!(!answer(2));
    let (number, thread, method) = (OneWayId(1), ThreadId(2), event::method("set"));
    let data = Data::default();
    first.send(&ClientMessage::OneWay(OneWay { number, thread, object, method, data }));
    assert!(answer(1));
}

#[test]
fn calls_of_a_pipeline_wait_for_a_message_that_is_late_however_many_they_are() {
    let cast = Cast::new();
    let proxy = Proxy::before(cast.server().address());
    let manager = Manager::connect(proxy.address().clone()).unwrap();
    let event = manager.named("event").create_event().unwrap();
    // So long that the manager has most of them before the last one is written.
    let text = "x".repeat(300);
    let value = manager.create_value(text.clone()).unwrap();
    let lock = manager.create_lock().unwrap();
    let guard = lock.lock().unwrap();
    let waiter = std::thread::spawn(move || event.wait());
    cast.until("it waits", || cast.manager().blocked_count().unwrap() == 1);
    // By a connection of its own, on which the release is late.
    assert!(lock.is_locked().unwrap());
    proxy.freeze_latest();
    drop(guard);
    // The waiter's connection is the next to be used.
    cast.manager().named("event").create_event().unwrap().set().unwrap();
    waiter.join().unwrap().unwrap();
    manager.pipeline(|p| {
        let asked: Vec<_> = (0..10_000).map(|_| value.later(p).set(&text)).collect();
        proxy.thaw();
        asked.into_iter().for_each(|asked| asked.wait().unwrap());
    });
}

/// Has a message stay on its way while another thread of its process sends thousands after it, by
/// another connection; `meanwhile` is told how many answers had come before them.
fn one_is_late(cast: &Cast, options: ConnectOptions, meanwhile: impl FnOnce(&Proxy, usize)) {
    let proxy = Proxy::before(cast.server().address());
    let manager = options.connect(proxy.address().clone()).unwrap();
    let theirs = cast.manager().named("lock").create_lock().unwrap();
    let event = manager.named("event").create_event().unwrap();
    let lock = manager.named("lock").create_lock().unwrap();
    let guard = lock.lock().unwrap();
    let events: Vec<_> = (0..6_000).map(|_| manager.create_event().unwrap()).collect();
    let waiter = std::thread::spawn({
        let event = event.clone();
        move || event.wait()
    });
    cast.until_blocked(&event, 1);
    // By a connection of its own.
    assert!(lock.is_locked().unwrap());
    proxy.freeze_latest();
    drop(guard);
    cast.manager().named("event").create_event().unwrap().set().unwrap();
    waiter.join().unwrap().unwrap();
    // The waiter's connection is the next to be used.
    let before = proxy.answers();
    drop(events);
    meanwhile(&proxy, before);
    cast.until("all is released", || cast.manager().object_count().unwrap() == 2);
    assert!(!theirs.lock().unwrap().was_abandoned(), "the session is over");
    drop(event);
    lock.lock().unwrap().unlock().unwrap();
}

#[test]
fn a_message_that_is_late_ends_no_session_however_many_come_after_it() {
    let cast = Cast::new();
    one_is_late(&cast, Manager::options(), |proxy, before| {
        // That is the end of the session, or what the manager is asked when it has enough.
        cast.until("the manager says something", || proxy.answers() > before);
        assert_eq!(cast.manager().debug_info().unwrap().sessions.len(), 2);
        proxy.thaw();
    });
}

#[test]
fn over_tcp_a_message_that_does_not_arrive_is_sent_again_before_too_many_come_after_it() {
    let mut limits = Limits::default();
    // Nothing may wait for the next heartbeat.
    (limits.heartbeat, limits.kernel.grace) = (Duration::from_secs(100), Duration::from_secs(900));
    let cast = Cast::with(listening_on_tcp("127.0.0.1").limits(limits));
    let options = Manager::options().authkey(AuthKey::new(KEY).unwrap());
    one_is_late(&cast, options, |_, _| ());
}

#[test]
fn what_cannot_be_sent_is_refused_and_ends_no_session() {
    let mut limits = Limits::default();
    limits.message = 1000;
    let other = Cast::new();
    let foreign = other.manager().create_event().unwrap();
    for builder in [Server::builder(), listening_on_tcp("127.0.0.1")] {
        let cast = Cast::with(builder.limits(limits.clone()));
        let key = AuthKey::new(KEY).unwrap();
        let address = cast.server().address();
        let connected = Manager::options().authkey(key).connect(address).unwrap();
        for manager in [&connected, cast.manager()] {
            let guard = manager.create_lock().unwrap().lock().unwrap();
            let list = manager.create_list::<String>().unwrap();
            let list = list::Proxy::attach(list.handle().clone()).unwrap();
            let push = |payload| list.one_way().push(payload).map_err(|error| error.kind());
            let (small, large) = (Payload::pack("small"), Payload::pack(&"x".repeat(2000)));
            assert_eq!(push(large.unwrap()), Err(ErrorKind::TooLarge));
            assert_eq!(push(Payload::pack(&foreign).unwrap()), Err(ErrorKind::InvalidInput));
            push(small.unwrap()).unwrap();
            assert_eq!(list.len().unwrap(), 1, "no number is missing before it");
            guard.unlock().unwrap();
        }
        let event = connected.create_event().unwrap();
        let event = event::Proxy::attach(event.handle().clone()).unwrap();
        connected.disconnect();
        assert!(event.one_way().set().unwrap_err().is_disconnected());
    }
}

#[test]
fn what_was_sent_without_waiting_arrives_though_its_session_ends() {
    // More than may be under way at once.
    const MESSAGES: u64 = 1_200;
    let ends: [fn(&Manager); 2] = [|_| (), Manager::disconnect];
    let builders: [fn() -> Builder; 2] = [Server::builder, || listening_on_tcp("127.0.0.1")];
    for (end, builder) in ends.into_iter().flat_map(|end| builders.map(|builder| (end, builder))) {
        let cast = Cast::with(builder());
        let list = cast.manager().named("list").create_list::<u64>().unwrap();
        for round in 1..=20 {
            let options = Manager::options().authkey(AuthKey::new(KEY).unwrap());
            let manager = options.connect(cast.server().address()).unwrap();
            let same: list::Proxy = manager.named("list").open().unwrap();
            for number in 0..MESSAGES {
                same.one_way().push(Payload::pack(&number).unwrap()).unwrap();
            }
            end(&manager);
            drop((manager, same));
            cast.until("it is gone", || cast.manager().debug_info().unwrap().sessions.len() == 1);
            assert_eq!(list.len().unwrap(), round * MESSAGES);
        }
    }
}

/// A session over TCP through a network that breaks, with one message on its way that is lost with
/// its connection. Nobody notices that before the next heartbeat, which is far.
fn one_is_lost(patience: Duration) -> (Cast, Proxy, Manager, List<u64>) {
    let mut limits = Limits::default();
    (limits.heartbeat, limits.kernel.grace) = (Duration::from_secs(100), Duration::from_secs(900));
    let cast = Cast::with(listening_on_tcp("127.0.0.1").limits(limits));
    let proxy = Proxy::before(cast.server().address());
    let options = Manager::options().authkey(AuthKey::new(KEY).unwrap()).connect_timeout(patience);
    let manager = options.connect(proxy.address().clone()).unwrap();
    let list = cast.manager().named("list").create_list::<u64>().unwrap();
    let same: list::Proxy = manager.named("list").open().unwrap();
    proxy.freeze_latest();
    same.one_way().push(Payload::pack(&1u64).unwrap()).unwrap();
    (cast, proxy, manager, list)
}

#[test]
fn what_was_lost_on_a_connection_that_broke_unnoticed_arrives_though_its_session_ends() {
    let ends: [fn(Manager); 2] = [drop, |manager| manager.disconnect()];
    for end in ends {
        let (cast, proxy, manager, list) = one_is_lost(Duration::from_secs(100));
        proxy.cut_latest();
        end(manager);
        cast.until("it is gone", || cast.manager().debug_info().unwrap().sessions.len() == 1);
        assert_eq!(list.to_vec().unwrap(), [1]);
    }
}

#[test]
fn who_disconnects_from_a_manager_that_cannot_be_reached_waits_as_long_as_for_connecting() {
    let patience = Duration::from_secs(2);
    let (_cast, proxy, manager, list) = one_is_lost(patience);
    proxy.freeze();
    let began = Instant::now();
    manager.disconnect();
    assert!(began.elapsed() >= patience);
    assert!(list.is_empty().unwrap());
}

#[test]
fn a_proxy_that_was_dropped_is_gone_for_the_next_call_of_any_thread() {
    let cast = Cast::new();
    let manager = Manager::connect(cast.server().address().clone()).unwrap();
    for _ in 0..500 {
        drop(manager.create_event().unwrap());
        let manager = manager.clone();
        let count = std::thread::spawn(move || manager.object_count().unwrap());
        assert_eq!(count.join().unwrap(), 0);
    }
}

#[test]
fn what_a_call_in_a_pipeline_needs_is_kept_until_it_is_answered() {
    for builder in [Server::builder(), listening_on_tcp("127.0.0.1")] {
        let cast = Cast::with(builder);
        let options = Manager::options().authkey(AuthKey::new(KEY).unwrap());
        let connected = options.connect(cast.server().address()).unwrap();
        for (manager, name) in [(&connected, "here"), (cast.manager(), "there")] {
            let lists = manager.create_dict::<u8, List<u8>>().unwrap();
            let target = manager.named(name).create_list::<u8>().unwrap();
            manager.pipeline(|p| {
                // Nobody else has what it brings, and this session nothing else of what is called.
                let brought = lists.later(p).set(&0, &manager.create_list_from([7]).unwrap());
                drop(target.later(p).push(&8));
                drop(target);
                brought.wait().unwrap();
            });
            assert_eq!(lists.get(&0).unwrap().unwrap().to_vec().unwrap(), [7]);
            let target = manager.named(name).open::<List<u8>>().unwrap();
            assert_eq!(target.to_vec().unwrap(), [8]);
            drop((lists, target));
            manager.unpublish(name).unwrap();
            assert_eq!(manager.object_count().unwrap(), 0, "it is kept no longer");
        }
    }
}
