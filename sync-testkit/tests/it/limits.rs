//! What happens at the server's limits: nothing is lost, and no session ends for it.

use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketType};
use sync_client::{Address, AuthKey, ErrorKind, Lock, LockGuard, Manager, Received, Shared};
use sync_objects::list;
use sync_proto::Payload;
use sync_server::{Limits, Server};
use sync_testkit::{Cast, ServerProcess};

use super::tcp::{KEY, listening_on_tcp};

mod each;
mod little_memory;
mod namespace;
mod pipeline;

fn limited(set: impl FnOnce(&mut Limits)) -> (Cast, Manager) {
    let mut limits = Limits::default();
    set(&mut limits);
    let cast = Cast::with(Server::builder().limits(limits));
    let manager = Manager::connect(cast.server().address()).unwrap();
    (cast, manager)
}

#[test]
fn a_read_of_more_than_a_message_is_refused_and_the_session_goes_on() {
    let (_cast, manager) = limited(|limits| limits.message = 1 << 20);
    let guard = manager.create_lock().unwrap().lock().unwrap();
    let list = manager.create_list::<u8>().unwrap();
    list.push(&7).unwrap();
    list.repeat(400_000).unwrap();
    for error in [list.to_vec().unwrap_err(), list.slice(1..).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
        assert!(error.to_string().contains("to be sent in one piece: "), "{error}");
        assert_eq!(error.to_string().matches("at a time").count(), 1, "it says once what to do");
    }
    assert!(!guard.is_lost());
    guard.unlock().unwrap();
    assert_eq!(list.iter().map(|item| u64::from(item.unwrap())).sum::<u64>(), 2_800_000);
}

#[test]
fn many_small_values_come_in_one_answer() {
    let (_cast, manager) = limited(|_| {});
    let list = manager.create_list::<u8>().unwrap();
    list.push(&1).unwrap();
    list.repeat(600_000).unwrap();
    assert_eq!(list.to_vec().unwrap().len(), 600_000);
}

#[test]
fn whatever_was_let_in_comes_out_again() {
    let (_cast, manager) = limited(|limits| limits.message = 1000);
    let queue = manager.create_queue::<String>(2).unwrap();
    let dict = manager.create_dict::<String, String>().unwrap();
    let mut refused = 0;
    for len in 950..1010 {
        let value = "x".repeat(len);
        if queue.put(&value).is_ok() {
            assert_eq!(*queue.get_leased().unwrap().unwrap(), value);
            assert_eq!(queue.get().unwrap().unwrap(), value);
        } else {
            refused += 1;
        }
        if dict.set("k", &value).is_ok() {
            assert_eq!(dict.pop_last().unwrap().unwrap().1, value);
        }
    }
    assert!(refused > 0, "the limit was met");
    // A key and a value that come in two messages.
    let key = "x".repeat(900);
    let error = dict.update(&key, |value| *value = Some(key.clone())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    dict.update(&key, |value| *value = Some("small".to_owned())).unwrap();
    assert_eq!(dict.remove(&key).unwrap().unwrap(), "small");
}

#[test]
fn the_servers_own_process_keeps_to_the_limit_too() {
    let (cast, manager) = limited(|limits| limits.message = 1000);
    let local = Manager::over(cast.server().local().unwrap());
    let queue = local.named("q").create_queue::<String>(2).unwrap();
    assert_eq!(queue.put(&"x".repeat(2000)).unwrap_err().kind(), ErrorKind::TooLarge);
    queue.put("small").unwrap();
    let theirs = manager.named("q").create_queue::<String>(2).unwrap();
    assert_eq!(theirs.get().unwrap().unwrap(), "small");
}

#[test]
fn a_connection_too_many_fails_one_call_and_a_guard_dropped_then_is_released_later() {
    let (cast, manager) = limited(|limits| limits.connections = 2);
    let local = Manager::over(cast.server().local().unwrap());
    let event = manager.named("event").create_event().unwrap();
    let guard = manager.named("lock").create_lock().unwrap().lock().unwrap();
    let waiters = [(); 2].map(|()| {
        let event = event.clone();
        std::thread::spawn(move || event.wait())
    });
    cast.until_blocked(&event, 2);
    assert_eq!(event.is_set().unwrap_err().kind(), ErrorKind::LimitReached);
    assert!(!guard.is_lost());
    drop(guard);
    local.named("event").create_event().unwrap().set().unwrap();
    for waiter in waiters {
        waiter.join().unwrap().unwrap();
    }
    let lock = local.named("lock").create_lock().unwrap();
    cast.until("the lock is released", || lock.try_lock().unwrap().is_some());
}

/// Has a manager of two connections in all, of which one is a waiter's and the other `act`'s.
fn with_one_connection_to_spare(act: impl FnOnce(&Cast, &Manager, LockGuard, &Lock)) {
    let (cast, manager) = limited(|limits| limits.connections = 2);
    let local = Manager::over(cast.server().local().unwrap());
    let event = manager.named("event").create_event().unwrap();
    let guard = manager.named("lock").create_lock().unwrap().lock().unwrap();
    let waiter = std::thread::spawn({
        let event = event.clone();
        move || event.wait()
    });
    cast.until_blocked(&event, 1);
    act(&cast, &manager, guard, &local.named("lock").create_lock().unwrap());
    local.named("event").create_event().unwrap().set().unwrap();
    waiter.join().unwrap().unwrap();
}

#[test]
fn what_cannot_be_given_up_by_a_call_is_given_up_all_the_same() {
    with_one_connection_to_spare(|cast, manager, guard, lock| {
        let count = manager.create_value(7).unwrap();
        manager.pipeline(|p| {
            count.later(p).get().wait().unwrap();
            assert_eq!(guard.unlock().unwrap_err().kind(), ErrorKind::LimitReached);
        });
        cast.until("the lock is released", || lock.try_lock().unwrap().is_some());
    });
}

/// Drops what a process holds, a lock among it, while its pipeline has the only connection.
fn takes_along(cast: &Cast, manager: &Manager, held: impl Sized, lock: &Lock) {
    let count = manager.create_value(7).unwrap();
    manager.pipeline(|p| {
        count.later(p).get().wait().unwrap();
        drop(held);
        let asked = count.later(p).get();
        cast.until("the lock is released", || lock.try_lock().unwrap().is_some());
        assert_eq!(asked.wait().unwrap(), 7);
    });
}

#[test]
fn a_pipeline_that_takes_along_what_was_left_unsent_sends_it() {
    with_one_connection_to_spare(takes_along);
}

#[test]
fn who_waits_for_a_call_of_a_pipeline_sends_what_was_left_unsent() {
    with_one_connection_to_spare(|cast, manager, guard, lock| {
        let jobs = manager.named("jobs").create_queue::<u8>(1).unwrap();
        let theirs = Manager::over(cast.server().local().unwrap());
        let theirs = theirs.named("jobs").create_queue::<u8>(1).unwrap();
        manager.pipeline(|p| {
            let job = jobs.later(p).get();
            drop(guard);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let _guard = lock.lock().unwrap();
                    theirs.put(&7).unwrap();
                });
                assert_eq!(job.wait().unwrap(), Some(7));
            });
        });
    });
}

#[test]
fn what_a_pipeline_takes_along_is_heard_though_it_has_not_read_its_answers() {
    with_one_connection_to_spare(|cast, manager, guard, lock| {
        let large = manager.create_value("x".repeat(1 << 20)).unwrap();
        let list = manager.create_list_from([7]).unwrap();
        list.repeat(30_000).unwrap();
        let list = list::Proxy::attach(list.handle().clone()).unwrap();
        manager.pipeline(|p| {
            let first = large.later(p).get();
            // More than the manager keeps for who does not read, twice.
            let mut answers: Vec<_> = (0..3).map(|_| large.later(p).get()).collect();
            // So long that whoever reads thinks that nothing more comes.
            let long: Vec<_> =
                (0..40).map(|_| list.later(p).count(Payload::pack(&7).unwrap())).collect();
            answers.extend((0..20).map(|_| large.later(p).get()));
            first.wait().unwrap();
            drop(guard);
            answers.push(large.later(p).get());
            cast.until("the lock is released", || lock.try_lock().unwrap().is_some());
            assert!(long.into_iter().all(|long| long.wait().unwrap() == 30_000));
            assert!(answers.into_iter().all(|answer| answer.wait().unwrap().len() == 1 << 20));
        });
    });
}

#[test]
fn a_pipeline_takes_along_whatever_was_left_unsent_however_much() {
    const COUNT: u32 = 10_000;
    with_one_connection_to_spare(|cast, manager, guard, lock| {
        let seats = manager.named("seats").create_semaphore(COUNT).unwrap();
        let permits: Vec<_> = (0..COUNT).map(|_| seats.acquire().unwrap()).collect();
        takes_along(cast, manager, (guard, permits), lock);
        assert_eq!(seats.available().unwrap(), COUNT);
    });
}

/// Has a manager on TCP take no connection but those of a session's keeper and of its pipeline.
#[test]
fn a_pipeline_over_tcp_that_takes_along_what_was_left_unsent_sends_it() {
    let mut limits = Limits::default();
    limits.connections = 2;
    // Nothing may wait for the next heartbeat.
    (limits.heartbeat, limits.kernel.grace) = (Duration::from_secs(100), Duration::from_secs(900));
    let cast = Cast::with(listening_on_tcp("127.0.0.1").limits(limits));
    let options = Manager::options().authkey(AuthKey::new(KEY).unwrap());
    let manager = options.connect(cast.server().address()).unwrap();
    let guard = manager.named("lock").create_lock().unwrap().lock().unwrap();
    let lock = cast.manager().named("lock").create_lock().unwrap();
    takes_along(&cast, &manager, guard, &lock);
}

#[test]
fn of_two_servers_that_find_the_same_stale_socket_one_takes_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    for _ in 0..30 {
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let start = Arc::new(Barrier::new(2));
        let servers = [(); 2].map(|()| {
            let (address, start) = (Address::unix(path.clone()).unwrap(), Arc::clone(&start));
            std::thread::spawn(move || {
                start.wait();
                Server::builder().listen(address).spawn()
            })
        });
        let servers = servers.map(|server| server.join().unwrap());
        let up: Vec<_> = servers.iter().flatten().collect();
        assert_eq!(up.len(), 1, "{servers:?}");
        Manager::connect(up[0].address()).unwrap();
        drop(servers);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "nothing is left");
    }
}

#[test]
fn a_server_does_not_remove_what_is_not_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let server = Server::builder().listen(Address::unix(path.clone()).unwrap()).spawn().unwrap();
    std::fs::remove_file(&path).unwrap();
    let other = std::os::unix::net::UnixListener::bind(&path).unwrap();
    drop(server);
    assert!(path.exists());
    drop(other);
}

#[test]
fn of_the_connections_that_many_threads_needed_at_once_only_some_are_kept() {
    const THREADS: usize = 80;
    let server = ServerProcess::start(&[], 1);
    let cast = Cast::joining(&server);
    let event = server.connect().named("event").create_event().unwrap();
    event.is_set().unwrap();
    let before = server.open_files();
    let waiters = [(); THREADS].map(|()| {
        let event = event.clone();
        std::thread::spawn(move || event.wait())
    });
    cast.until("all wait", || cast.manager().blocked_count().unwrap() == THREADS as u64);
    assert_eq!(server.open_files(), before + THREADS - 1, "one was there");
    cast.manager().named("event").create_event().unwrap().set().unwrap();
    waiters.into_iter().for_each(|waiter| waiter.join().unwrap().unwrap());
    cast.until("64 are left", || server.open_files() == before + 64 - 1);
    assert!(event.is_set().unwrap(), "and they are good");
}

#[test]
fn an_initializer_may_wait_with_a_deadline_and_what_it_names_is_there() {
    let server = Server::builder()
        .initializer(|local| {
            let queue = Manager::over(local).named("q").create_queue::<u8>(1)?;
            assert_eq!(queue.try_get_for(Duration::from_millis(1))?, Received::Empty);
            queue.put(&5)
        })
        .spawn()
        .unwrap();
    let manager = Manager::connect(server.address()).unwrap();
    let queue = manager.named("q").create_queue::<u8>(1).unwrap();
    assert_eq!(queue.get().unwrap(), Some(5));
}

#[test]
fn what_listens_and_takes_no_more_in_is_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let address = Address::unix(&path).unwrap();
    let stream = || net::socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    let path = SocketAddrUnix::new(&path).unwrap();
    let full = stream();
    net::bind(&full, &path).unwrap();
    net::listen(&full, 0).unwrap();
    let crowd = [(); 2].map(|()| {
        let one = stream();
        rustix::io::ioctl_fionbio(&one, true).unwrap();
        (net::connect(&one, &path), one)
    });
    assert!(crowd.iter().any(|(connected, _)| connected.is_err()), "there is no room for more");
    let (to_test, outcome) = channel();
    std::thread::spawn(move || {
        let options = Manager::options().connect_timeout(Duration::from_millis(20));
        to_test.send(options.connect(address).map(drop)).unwrap();
    });
    let error = outcome.recv_timeout(Cast::LIMIT / 4).expect("it gives up").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unresponsive, "{error}");
}

#[test]
fn what_listens_and_never_answers_is_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let _silent = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let options = Manager::options().retry_for(Duration::from_millis(20));
    let error = options.connect(Address::unix(path).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unresponsive);
    assert!(error.to_string().contains("did not answer"), "{error}");
}
