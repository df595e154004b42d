//! Sessions over TCP, through a network that breaks: nothing is lost, and nothing is done twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use sync_client::{Address, AuthKey, ErrorKind, Lock, LockGuard, Manager, Queue, Shared};
use sync_proto::Payload;
use sync_server::{Builder, Limits, Server};
use sync_testkit::{Cast, Proxy, Way};

use super::tcp::{KEY, listening_on_tcp};

/// A server on TCP, whose clients may take so long to come back.
fn server(grace: Duration) -> Builder {
    let mut limits = Limits::default();
    limits.heartbeat = Duration::from_millis(50);
    limits.kernel.grace = grace;
    let address = Address::Tcp { host: "127.0.0.1".to_owned(), port: 0 };
    Server::builder().listen(address).authkey(AuthKey::new(KEY).unwrap()).limits(limits)
}

/// Long enough for whatever the machine does meanwhile.
const LONG: Duration = Duration::from_secs(50);

/// Longer than a test may take: no test ends because it has passed.
const FOR_EVER: Duration = Cast::LIMIT.saturating_mul(60);

/// Short enough to wait for; nothing in a test that uses it is to be faster.
const SHORT: Duration = Duration::from_millis(400);

fn connect(proxy: &Proxy) -> Manager {
    let options = Manager::options().authkey(AuthKey::new(KEY).unwrap());
    options.connect(proxy.address().clone()).unwrap()
}

fn stage(grace: Duration) -> (Cast, Proxy, Manager) {
    stage_with(server(grace))
}

fn stage_with(server: Builder) -> (Cast, Proxy, Manager) {
    let cast = Cast::with(server);
    let proxy = Proxy::before(cast.server().address());
    let manager = connect(&proxy);
    (cast, proxy, manager)
}

/// Waits for the lock on a thread of its own.
fn waiter(lock: &Lock) -> (JoinHandle<()>, Receiver<LockGuard>) {
    let (lock, (to, from)) = (lock.clone(), channel());
    let thread = std::thread::spawn(move || {
        // The test may have failed.
        let _ = to.send(lock.lock().unwrap());
    });
    (thread, from)
}

#[test]
fn a_lock_is_held_through_a_cut_and_nobody_else_gets_it() {
    let (cast, proxy, manager) = stage(LONG);
    let lock = manager.named("lock").create_lock().unwrap();
    let guard = lock.lock().unwrap();
    let token = guard.fencing_token();
    proxy.cut();
    let others = cast.manager().named("lock").create_lock().unwrap();
    assert!(others.try_lock().unwrap().is_none());
    assert!(lock.is_locked().unwrap(), "the session goes on");
    assert!(!guard.is_lost());
    assert_eq!(guard.fencing_token(), token);
    guard.unlock().unwrap();
    assert!(!others.lock().unwrap().was_abandoned());
}

#[test]
fn a_session_comes_back_by_itself_while_its_process_computes() {
    let (cast, proxy, manager) = stage(LONG);
    let guard = manager.create_lock().unwrap().lock().unwrap();
    let before = proxy.accepted();
    proxy.cut();
    cast.until("it has joined again", || proxy.accepted() > before);
    assert!(!guard.is_lost());
}

/// Has a call of a pipeline wait while its connection is cut, and its thread do something else for
/// longer than the grace.
fn a_busy_pipeline_is_cut(cut: fn(&Proxy)) {
    let mut limits = Limits::default();
    // Long enough to come back in, short enough to wait for.
    limits.kernel.grace = Duration::from_secs(4);
    // A client that is late by a few of them comes back more often than it must.
    limits.heartbeat = Duration::from_secs(1);
    let (cast, proxy, manager) = stage_with(server(LONG).limits(limits));
    let guard = manager.create_lock().unwrap().lock().unwrap();
    let jobs: Queue<i32> = manager.named("jobs").create_queue(10).unwrap();
    let others: Queue<i32> = cast.manager().named("jobs").open().unwrap();
    let counter = manager.create_value(0).unwrap();
    let (away, other) = (Proxy::before(cast.server().address()), cast.manager());
    let leaver = connect(&away);
    let theirs = leaver.named("theirs").create_lock().unwrap().lock().unwrap();
    manager.pipeline(|p| {
        let asked = jobs.later(p).get();
        counter.later(p).get().wait().unwrap();
        cast.until_blocked(&others, 1);
        let before = proxy.accepted();
        cut(&proxy);
        // A client that leaves later is missed later: when its lock is free, our grace would have
        // passed.
        away.refuse(true);
        away.cut();
        let lock = other.named("theirs").create_lock().unwrap();
        assert!(lock.lock().unwrap().was_abandoned());
        let came = proxy.accepted() - before;
        assert!((1..=3).contains(&came), "it has come back {came} times");
        others.put(&8).unwrap();
        assert_eq!(asked.wait().unwrap(), Some(8));
    });
    drop(theirs);
    assert!(!guard.is_lost());
    guard.unlock().unwrap();
}

#[test]
fn a_pipeline_that_nobody_looks_at_is_answered_long_after_its_network_broke() {
    a_busy_pipeline_is_cut(Proxy::cut);
}

#[test]
fn a_pipeline_that_nobody_looks_at_is_answered_long_after_its_own_connection_broke() {
    a_busy_pipeline_is_cut(Proxy::cut_latest);
}

#[test]
fn every_addition_is_made_once_whatever_is_lost_on_the_way() {
    const ADDITIONS: i64 = 200;
    let (cast, proxy, manager) = stage(LONG);
    let counter = manager.named("counter").create_value(0i64).unwrap();
    for done in 0..ADDITIONS {
        proxy.cut_at_next(if done % 2 == 0 { Way::ToClient } else { Way::ToServer });
        assert_eq!(counter.fetch_add(1).unwrap(), done);
    }
    assert!(proxy.cuts() >= 200, "cut {} times", proxy.cuts());
    let theirs: sync_client::Value<i64> = cast.manager().named("counter").open().unwrap();
    assert_eq!(theirs.get().unwrap(), ADDITIONS);
}

#[test]
fn many_threads_add_through_a_network_that_breaks_all_the_time() {
    const CUTS: usize = 100;
    let (_cast, proxy, manager) = stage(LONG);
    let counter = manager.create_value(0i64).unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let threads = [(); 8].map(|()| {
        let (counter, is_over) = (counter.clone(), Arc::clone(&is_over));
        std::thread::spawn(move || {
            let mut added = 0;
            while !is_over.load(Ordering::SeqCst) {
                counter.fetch_add(1).unwrap();
                added += 1;
            }
            added
        })
    });
    for _ in 0..CUTS {
        proxy.cut_at_next(Way::ToClient);
        // A round trip of its own sees to it that it is cut, and comes back.
        manager.object_count().unwrap();
    }
    is_over.store(true, Ordering::SeqCst);
    let added: i64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(counter.get().unwrap(), added);
    assert_eq!(proxy.cuts(), CUTS);
}

#[test]
fn what_is_sent_without_waiting_arrives_once_and_in_order_through_cuts() {
    const ROUNDS: usize = 50;
    let mut limits = Limits::default();
    // Nothing may wait for the next heartbeat.
    (limits.heartbeat, limits.kernel.grace) = (Duration::from_secs(15), LONG);
    let (cast, proxy, manager) = stage_with(server(LONG).limits(limits));
    let lock = manager.create_lock().unwrap();
    for round in 0..ROUNDS {
        let guard = lock.lock().unwrap();
        proxy.cut_at_next(Way::ToServer);
        drop(guard);
        let again = lock.try_lock().unwrap();
        assert!(again.is_some(), "the release was overtaken or lost in round {round}");
    }
    assert_eq!(proxy.cuts(), ROUNDS);
    let info = cast.manager().debug_info().unwrap();
    assert_eq!(info.one_way_failures, 0, "one was carried out twice");
}

#[test]
fn a_proxy_that_is_dropped_while_the_network_is_down_is_released_later() {
    let (cast, proxy, manager) = stage(LONG);
    let queue = manager.create_queue::<u8>(1).unwrap();
    assert_eq!(cast.manager().object_count().unwrap(), 1);
    proxy.refuse(true);
    proxy.cut();
    drop(queue);
    proxy.refuse(false);
    cast.until("the queue is gone", || cast.manager().object_count().unwrap() == 0);
}

#[test]
fn who_waits_keeps_the_place_in_line_through_a_cut() {
    let (cast, proxy, manager) = stage(LONG);
    let mine = manager.named("lock").create_lock().unwrap();
    let theirs = cast.manager().named("lock").create_lock().unwrap();
    let held = theirs.lock().unwrap();
    let (first, first_has) = waiter(&mine);
    cast.until_blocked(&theirs, 1);
    let (second, second_has) = waiter(&theirs);
    cast.until_blocked(&theirs, 2);
    let before = proxy.accepted();
    proxy.cut();
    cast.until("it has come back", || proxy.accepted() >= before + 2);
    held.unlock().unwrap();
    let guard = first_has.recv().unwrap();
    assert!(second_has.try_recv().is_err(), "the second does not have it, too");
    drop(guard);
    drop(second_has.recv().unwrap());
    first.join().unwrap();
    second.join().unwrap();
}

#[test]
fn calls_of_a_pipeline_whose_connection_broke_are_made_though_nobody_waits_for_them_yet() {
    let mut limits = Limits::default();
    // Nobody else notices.
    (limits.heartbeat, limits.kernel.grace) = (Duration::from_secs(100), LONG * 20);
    let (cast, proxy, manager) = stage_with(server(LONG).limits(limits));
    let mine: Queue<String> = manager.named("jobs").create_queue(10).unwrap();
    let theirs: Queue<String> = cast.manager().named("jobs").open().unwrap();
    manager.pipeline(|p| {
        mine.later(p).put("first").wait().unwrap();
        proxy.cut_latest();
        // So large that it is written at once, and then it is seen that all is lost.
        let asked = mine.later(p).put(&"x".repeat(100_000));
        cast.until("it is put", || theirs.len().unwrap() == 2);
        asked.wait().unwrap();
    });
}

#[test]
fn what_was_taken_out_of_a_queue_as_the_network_broke_comes_once() {
    let (cast, proxy, manager) = stage(LONG);
    let mine: Queue<u32> = manager.named("jobs").create_queue(100).unwrap();
    let theirs: Queue<u32> = cast.manager().named("jobs").open().unwrap();
    let consumer = std::thread::spawn(move || {
        let mut taken = Vec::new();
        while let Some(job) = mine.get().unwrap() {
            taken.push(job);
        }
        taken
    });
    for job in 0..50 {
        cast.until_blocked(&theirs, 1);
        proxy.cut_at_next(Way::ToClient);
        theirs.put(&job).unwrap();
    }
    theirs.close().unwrap();
    assert_eq!(consumer.join().unwrap(), (0..50).collect::<Vec<_>>());
}

#[test]
fn calls_in_a_pipeline_are_made_once_each_through_cuts() {
    let (_cast, proxy, manager) = stage(LONG);
    let counter = manager.create_value(0i64).unwrap();
    for (round, cuts) in (0..10).zip(1..) {
        proxy.cut_at_next(if round % 2 == 0 { Way::ToClient } else { Way::ToServer });
        let before: Vec<i64> = manager.pipeline(|pipeline| {
            let calls: Vec<_> = (0..100).map(|_| counter.later(pipeline).fetch_add(1)).collect();
            calls.into_iter().map(|call| call.wait().unwrap()).collect()
        });
        assert_eq!(before, (round * 100..(round + 1) * 100).collect::<Vec<_>>());
        assert_eq!(proxy.cuts(), cuts);
    }
}

#[test]
fn answers_that_have_arrived_are_not_kept_by_the_manager() {
    let mut limits = Limits::default();
    // As many answers may be unacknowledged as calls may wait.
    limits.kernel.calls_per_session = 110;
    let (_cast, proxy, manager) = stage_with(server(LONG).limits(limits));
    let counter = manager.create_value(0i64).unwrap();
    for done in 0..300 {
        if done % 2 == 0 {
            // With the request, the acknowledgement before it is lost.
            proxy.cut_at_next(Way::ToServer);
        }
        assert_eq!(counter.fetch_add(1).unwrap(), done);
    }
    for _ in 0..10 {
        let is_done = manager.pipeline(|pipeline| {
            let calls: Vec<_> = (0..100).map(|_| counter.later(pipeline).fetch_add(1)).collect();
            calls.into_iter().all(|call| call.wait().is_ok())
        });
        assert!(is_done);
    }
    assert_eq!(counter.get().unwrap(), 1300);
}

#[test]
fn when_the_grace_has_passed_the_next_has_the_lock_and_the_old_guard_is_lost() {
    let (cast, proxy, manager) = stage(SHORT);
    let lock = manager.named("lock").create_lock().unwrap();
    let guard = lock.lock().unwrap();
    proxy.refuse(true);
    proxy.cut();
    let next = cast.manager().named("lock").create_lock().unwrap().lock().unwrap();
    assert!(next.was_abandoned());
    assert!(next.fencing_token() > guard.fencing_token());
    assert!(guard.is_lost(), "its holder knew before the next one had it");
    let error = lock.is_locked().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected);
    assert!(error.message().contains("not be reached for 400ms"), "{error}");
}

#[test]
fn a_call_that_waits_fails_once_the_grace_has_passed() {
    let (cast, proxy, manager) = stage(SHORT);
    let event = manager.create_event().unwrap();
    let waiting = std::thread::spawn({
        let event = event.clone();
        move || event.wait()
    });
    cast.until("it waits", || cast.manager().blocked_count().unwrap() == 1);
    proxy.freeze();
    assert_eq!(waiting.join().unwrap().unwrap_err().kind(), ErrorKind::Disconnected);
    cast.until("nobody waits", || cast.manager().blocked_count().unwrap() == 0);
}

#[test]
fn a_frozen_network_that_thaws_loses_nothing() {
    let (cast, proxy, manager) = stage(LONG);
    let counter = manager.named("counter").create_value(0i64).unwrap();
    let accepted = proxy.accepted();
    proxy.freeze();
    let adding = std::thread::spawn(move || counter.fetch_add(1).unwrap());
    cast.until("it tries another connection", || proxy.accepted() > accepted);
    proxy.thaw();
    assert_eq!(adding.join().unwrap(), 0);
    let theirs: sync_client::Value<i64> = cast.manager().named("counter").open().unwrap();
    assert_eq!(theirs.get().unwrap(), 1);
}

#[test]
fn a_network_that_carries_a_byte_at_a_time_or_only_one_way_is_survived() {
    let (_cast, proxy, manager) = stage(LONG);
    let counter = manager.create_value(0i64).unwrap();
    proxy.in_pieces(1, Duration::ZERO);
    for done in 0..20 {
        assert_eq!(counter.fetch_add(1).unwrap(), done);
    }
    for done in 20..40 {
        proxy.half_close(if done % 2 == 0 { Way::ToServer } else { Way::ToClient });
        assert_eq!(counter.fetch_add(1).unwrap(), done);
    }
}

#[test]
fn a_client_that_leaves_in_good_order_is_not_waited_for() {
    let (cast, proxy, manager) = stage(FOR_EVER);
    let lock = cast.manager().named("lock").create_lock().unwrap();
    let guard = manager.named("lock").create_lock().unwrap().lock().unwrap();
    manager.disconnect();
    assert!(guard.is_lost());
    assert!(lock.lock().unwrap().was_abandoned());
    drop(guard);
    drop(manager);
    let other = connect(&proxy);
    std::mem::forget(other.named("lock").create_lock().unwrap().acquire());
    drop(other);
    assert!(lock.lock().unwrap().was_abandoned());
}

#[test]
fn a_server_that_ends_is_no_broken_network() {
    let (cast, _proxy, manager) = stage(LONG);
    let guard = manager.create_lock().unwrap().lock().unwrap();
    cast.server().shutdown();
    cast.server().join().unwrap();
    cast.until("the guard is lost", || guard.is_lost());
    let error = manager.object_count().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ShuttingDown, "{error}");
}

#[test]
fn a_large_message_under_way_holds_up_no_guard_of_another_thread_and_goes_once() {
    const LARGE: usize = 20 << 20;
    // What does not arrive within heartbeats is sent again.
    let (_cast, proxy, manager) = stage_with(listening_on_tcp("127.0.0.1"));
    let (list, lock) = (manager.create_list::<String>().unwrap(), manager.create_lock().unwrap());
    let raw = sync_objects::list::Proxy::attach(list.handle().clone()).unwrap();
    let guard = lock.lock().unwrap();
    // At this pace all of it takes 25 s.
    proxy.in_pieces(16 * 1024, Duration::from_millis(20));
    let before = proxy.forwarded();
    let sender = std::thread::spawn(move || {
        raw.one_way().push(Payload::pack(&"x".repeat(LARGE)).unwrap()).unwrap();
    });
    while proxy.forwarded() < before + LARGE / 32 {
        std::thread::yield_now();
    }
    // At the manager it comes after what was sent before, but nobody here waits for that.
    drop(guard);
    assert!(proxy.forwarded() < before + LARGE, "the large message is not there yet");
    proxy.in_pieces(usize::MAX, Duration::ZERO);
    sender.join().unwrap();
    assert_eq!(list.len().unwrap(), 1);
    assert!(proxy.forwarded() < before + LARGE + LARGE / 4, "it went once");
}

#[test]
fn who_sends_much_while_the_network_is_away_waits_for_it() {
    const MESSAGES: usize = 64;
    let (cast, proxy, manager) = stage(LONG);
    let list = manager.named("list").create_list::<String>().unwrap();
    let raw = sync_objects::list::Proxy::attach(list.handle().clone()).unwrap();
    proxy.refuse(true);
    proxy.cut();
    let sent = Arc::new(AtomicUsize::new(0));
    let sender = std::thread::spawn({
        let sent = Arc::clone(&sent);
        move || {
            for _ in 0..MESSAGES {
                raw.one_way().push(Payload::pack(&"x".repeat(1 << 20)).unwrap()).unwrap();
                sent.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    cast.until("it has sent what may be kept", || sent.load(Ordering::SeqCst) >= 8);
    // Far more time passes than it needs for the others.
    let elsewhere = cast.manager().create_value(0u64).unwrap();
    for _ in 0..2000 {
        elsewhere.fetch_add(1).unwrap();
    }
    assert!(sent.load(Ordering::SeqCst) < MESSAGES / 2, "it waits");
    proxy.refuse(false);
    sender.join().unwrap();
    assert_eq!(list.len().unwrap(), MESSAGES as u64);
}

#[test]
fn a_guard_is_dropped_at_once_though_much_is_kept_and_the_network_is_away() {
    const MESSAGES: usize = 16;
    let (cast, proxy, manager) = stage(LONG);
    let list = manager.named("list").create_list::<String>().unwrap();
    let guard = manager.named("lock").create_lock().unwrap().lock().unwrap();
    let raw = sync_objects::list::Proxy::attach(list.handle().clone()).unwrap();
    proxy.refuse(true);
    proxy.cut();
    let sent = Arc::new(AtomicUsize::new(0));
    let sender = std::thread::spawn({
        let sent = Arc::clone(&sent);
        move || {
            for _ in 0..MESSAGES {
                raw.one_way().push(Payload::pack(&"x".repeat(1 << 20)).unwrap()).unwrap();
                sent.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    cast.until("much is kept", || sent.load(Ordering::SeqCst) >= 8);
    // It would wait for ever: the network is back only after this.
    drop(guard);
    proxy.refuse(false);
    sender.join().unwrap();
    assert_eq!(list.len().unwrap(), MESSAGES as u64);
    let lock = cast.manager().named("lock").create_lock().unwrap();
    assert!(!lock.lock().unwrap().was_abandoned());
}

#[test]
fn what_is_dropped_while_the_network_swallows_everything_is_left_to_the_keeper() {
    const PERMITS: u32 = 20;
    let (cast, proxy, manager) = stage(LONG);
    let semaphore = manager.named("seats").create_semaphore(PERMITS).unwrap();
    let permits: Vec<_> = (0..PERMITS).map(|_| semaphore.acquire().unwrap()).collect();
    let before = proxy.accepted();
    // Connections are made, and nothing crosses them.
    proxy.freeze();
    proxy.cut();
    cast.until("the keeper tries to come back", || proxy.accepted() > before);
    drop(permits);
    let attempts = proxy.accepted() - before;
    assert!(attempts < 5, "{attempts} connections were tried");
    proxy.thaw();
    let other = cast.manager().named("seats").create_semaphore(PERMITS).unwrap();
    cast.until("all are back", || other.available().unwrap() == PERMITS);
}
