//! A server that is stopped: its callers go on when it does, or, if they choose to, without it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sync_client::{Error, ErrorKind, Event, LockGuard, Manager, Shared};
use sync_objects::list;
use sync_proto::Payload;
use sync_proto::version::PREAMBLE;
use sync_testkit::{Cast, RawClient, Role, ServerProcess, roles};

roles![patient, impatient, starved];

/// What a server that stands still is given.
const SOON: Duration = Duration::from_millis(150);

/// What a server is given that does its work before it stands still.
const AMPLE: Duration = Duration::from_secs(2);

/// Adds one whenever it is told to.
fn patient(role: &Role) {
    let counter = role.manager().named("counter").create_value(0i64).unwrap();
    role.say("ready");
    while role.hear() == "add" {
        role.say(counter.fetch_add(1).unwrap());
    }
}

/// Holds a lock and waits for what never comes, but not for a manager that says nothing.
fn impatient(role: &Role) {
    let address: String = role.arg(0);
    let manager = Manager::options().unresponsive_after(AMPLE).connect(address.as_str()).unwrap();
    let guard = manager.named("lock").create_lock().unwrap().lock().unwrap();
    role.say("holding");
    let error = manager.named("event").create_event().unwrap().wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unresponsive, "{error}");
    assert!(error.message().contains("sent nothing for 2s"), "{error}");
    assert!(guard.is_lost());
    let later = manager.object_count().unwrap_err();
    assert_eq!(later.kind(), ErrorKind::Unresponsive, "{later}");
    role.say("gave up");
}

fn server() -> (tempfile::TempDir, String, ServerProcess) {
    let directory = tempfile::tempdir().unwrap();
    let address = format!("unix:{}/socket", directory.path().display());
    let server = ServerProcess::start(&["--listen", &address], 1);
    (directory, address, server)
}

/// Returns whether a thread of a process sleeps in a system call on a socket.
fn listens(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("the process lives");
    threads.flatten().any(|thread| {
        // The call's number and its arguments; `running` if it is in none.
        let call = fs::read_to_string(thread.path().join("syscall")).unwrap_or_default();
        let first = call.split(' ').nth(1).and_then(|argument| argument.strip_prefix("0x"));
        let file = first.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let file = file.and_then(|file| fs::read_link(format!("/proc/{pid}/fd/{file}")).ok());
        file.is_some_and(|file| file.to_string_lossy().starts_with("socket:"))
    })
}

#[test]
fn clients_of_a_stopped_server_block_and_then_go_on() {
    let (_directory, address, server) = server();
    let cast = Cast::joining(&server);
    let mut patient = cast.start(patient);
    patient.expect("ready");
    server.stop();
    assert!(!listens(patient.pid()), "it hears only what the test says");
    patient.tell("add");
    cast.until("its request is out and it waits", || listens(patient.pid()));
    let late = Manager::options().connect_timeout(SOON).connect(address.as_str());
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Unresponsive);
    assert!(listens(patient.pid()), "it waits though others have given up");
    server.cont();
    patient.expect("0");
    patient.tell("end");
    patient.wait();
}

#[test]
fn over_tcp_a_stopped_server_is_waited_for_as_long_as_the_grace() {
    let directory = tempfile::tempdir().unwrap();
    let unix = format!("unix:{}/socket", directory.path().display());
    let args = ["--listen", &unix, "--listen", "tcp:127.0.0.1:0", "--insecure-tcp"];
    let times = ["--heartbeat", "100", "--grace", "1000"];
    let server = ServerProcess::start(&[&args[..], &times].concat(), 2);
    let cast = Cast::joining(&server);
    let options = Manager::options().insecure_tcp();
    let manager = options.connect(server.addresses()[1].clone()).unwrap();
    let guard = manager.named("lock").create_lock().unwrap().lock().unwrap();
    server.stop();
    let error = manager.object_count().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
    assert!(error.message().contains("not be reached for 1s"), "{error}");
    assert!(guard.is_lost(), "before anybody else has it");
    server.cont();
    let lock = cast.manager().named("lock").create_lock().unwrap();
    assert!(lock.lock().unwrap().was_abandoned());
}

#[test]
fn a_guard_that_is_dropped_while_the_server_stands_still_is_released_once_it_goes_on() {
    let (_directory, _, server) = server();
    let cast = Cast::joining(&server);
    let lock = server.connect().create_lock().unwrap();
    let guard = lock.lock().unwrap();
    // Another thread takes the one connection that there is.
    let waiter = std::thread::spawn(move || lock.lock().map(drop));
    cast.until("it waits", || cast.manager().blocked_count().unwrap() == 1);
    server.stop();
    let began = Instant::now();
    drop(guard);
    assert!(began.elapsed() < Duration::from_secs(5), "who drops a guard does not wait");
    server.cont();
    // No call is made that could take the release along.
    waiter.join().unwrap().unwrap();
}

#[test]
fn who_drops_thousands_of_things_while_the_server_stands_still_does_not_wait() {
    let (_directory, _, server) = server();
    let cast = Cast::joining(&server);
    let seats = cast.manager().named("seats").create_semaphore(2000).unwrap();
    let manager = server.connect();
    let theirs = manager.named("seats").create_semaphore(2000).unwrap();
    let permits: Vec<_> = (0..2000).map(|_| theirs.acquire().unwrap()).collect();
    let events: Vec<_> = (0..2000).map(|_| manager.create_event().unwrap()).collect();
    server.stop();
    let (to_test, done) = channel();
    std::thread::spawn(move || {
        drop((permits, events));
        to_test.send(()).unwrap();
    });
    done.recv_timeout(Cast::LIMIT / 4).expect("who drops them does not wait");
    server.cont();
    // No call of that session is made that could take anything along.
    cast.until("all is released", || {
        (seats.available().unwrap(), cast.manager().object_count().unwrap()) == (2000, 1)
    });
    assert_eq!(manager.object_count().unwrap(), 1, "the session goes on");
}

/// Returns whether a thread of this process does nothing but wait.
fn is_asleep(thread: &Path) -> bool {
    let status = fs::read_to_string(Path::new("/proc").join(thread).join("status")).unwrap();
    status.lines().any(|line| line.starts_with("State:\tS"))
}

#[test]
fn who_sends_more_than_may_lie_unsent_while_the_server_stands_still_waits_for_room() {
    for (bytes, count) in [(1 << 20, 20), (1, 70_000)] {
        let (_directory, _, server) = server();
        let cast = Cast::joining(&server);
        let list = server.connect().named("list").create_list::<String>().unwrap();
        let list = list::Proxy::attach(list.handle().clone()).unwrap();
        server.stop();
        let (to_test, thread) = channel();
        let sent = Arc::new(AtomicUsize::new(0));
        let sender = std::thread::spawn({
            let (list, sent) = (list.clone(), Arc::clone(&sent));
            move || {
                to_test.send(fs::read_link("/proc/thread-self").unwrap()).unwrap();
                let item = Payload::pack(&"x".repeat(bytes)).unwrap();
                for number in 1..=count {
                    list.one_way().push(item.clone()).unwrap();
                    sent.store(number, Ordering::SeqCst);
                }
            }
        });
        let thread = thread.recv().unwrap();
        let (mut before, mut looks) = (0, 0);
        cast.until("it waits", || {
            let so_far = sent.load(Ordering::SeqCst);
            assert!(so_far < count, "all was taken that nobody takes");
            let stands = so_far == before && is_asleep(&thread);
            (before, looks) = (so_far, if stands { looks + 1 } else { 0 });
            looks == 1000
        });
        server.cont();
        sender.join().unwrap();
        assert_eq!(list.len().unwrap(), count as u64, "all of it has come");
    }
}

/// Returns a session that has one connection, in which a call waits for an event.
fn waiting(cast: &Cast, address: &str) -> (Event, LockGuard, JoinHandle<Result<(), Error>>) {
    let manager = Manager::options().connect_timeout(AMPLE).connect(address).unwrap();
    let event = manager.named("event").create_event().unwrap();
    let guard = manager.create_lock().unwrap().lock().unwrap();
    let waiter = std::thread::spawn({
        let event = event.clone();
        move || event.wait()
    });
    cast.until("it waits", || cast.manager().blocked_count().unwrap() == 1);
    (event, guard, waiter)
}

#[test]
fn a_call_that_needs_another_connection_waits_for_a_stopped_server_like_any_other() {
    let (_directory, address, server) = server();
    let cast = Cast::joining(&server);
    let (event, guard, waiter) = waiting(&cast, &address);
    server.stop();
    let setter = std::thread::spawn(move || event.set());
    // More time passes than the setter may take for connecting.
    let late = Manager::options().connect_timeout(AMPLE * 3 / 2).connect(address.as_str());
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Unresponsive);
    server.cont();
    setter.join().unwrap().unwrap();
    waiter.join().unwrap().unwrap();
    assert!(!guard.is_lost());
}

#[test]
fn a_session_whose_socket_file_is_gone_lives_and_says_so() {
    let (_directory, address, server) = server();
    let cast = Cast::joining(&server);
    let (event, guard, waiter) = waiting(&cast, &address);
    fs::remove_file(address.strip_prefix("unix:").unwrap()).unwrap();
    let error = event.is_set().unwrap_err();
    assert_eq!((error.kind(), error.is_disconnected()), (ErrorKind::Io, false), "{error}");
    assert!(!guard.is_lost());
    cast.manager().named("event").create_event().unwrap().set().unwrap();
    waiter.join().unwrap().unwrap();
    assert!(event.is_set().unwrap(), "the one connection is free again");
    guard.unlock().unwrap();
}

/// Makes a call for which it can open no file.
fn starved(role: &Role) {
    let event = role.manager().named("event").create_event().unwrap();
    let guard = role.manager().create_lock().unwrap().lock().unwrap();
    let waiter = std::thread::spawn({
        let event = event.clone();
        move || event.wait()
    });
    role.hear();
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(3), ..limit }).unwrap();
    let error = event.is_set().unwrap_err();
    assert_eq!((error.kind(), error.is_disconnected()), (ErrorKind::Io, false), "{error}");
    role.say("refused");
    waiter.join().unwrap().unwrap();
    assert!(event.is_set().unwrap());
    guard.unlock().unwrap();
}

#[test]
fn a_process_without_a_file_descriptor_to_spare_fails_one_call_and_keeps_its_session() {
    let cast = Cast::new();
    let event = cast.manager().named("event").create_event().unwrap();
    let mut starved = cast.start(starved);
    cast.until_blocked(&event, 1);
    starved.tell("go on");
    starved.expect("refused");
    event.set().unwrap();
    starved.wait();
}

#[test]
fn who_sets_a_limit_gives_a_stopped_server_up_and_knows_that_his_locks_are_lost() {
    let (_directory, address, server) = server();
    let cast = Cast::joining(&server);
    let mut impatient = cast.start_with(impatient, &[&address]);
    impatient.expect("holding");
    cast.until("it waits", || cast.manager().blocked_count().unwrap() == 1);
    server.stop();
    impatient.expect("gave up");
    server.cont();
    let lock = cast.manager().named("lock").create_lock().unwrap();
    assert!(lock.lock().unwrap().was_abandoned());
    impatient.wait();
}

#[test]
fn a_server_that_lives_is_waited_for_however_long_it_takes() {
    let (_directory, address, _server) = server();
    let limit = Duration::from_millis(500);
    let manager = Manager::options().unresponsive_after(limit).connect(address.as_str()).unwrap();
    let event = manager.create_event().unwrap();
    // Longer than the limit and the pause after it, by the manager's clock.
    assert!(event.wait_for(limit * 4).unwrap().timed_out());
    assert_eq!(manager.object_count().unwrap(), 1);
}

#[test]
fn who_is_about_to_be_let_in_while_the_server_stands_still_is_not_late() {
    const CLIENTS: usize = 10;
    let directory = tempfile::tempdir().unwrap();
    let address = format!("unix:{}/socket", directory.path().display());
    let server = ServerProcess::start(&["--listen", &address, "--handshake-timeout", "1"], 1);
    let before = server.open_files();
    let mut clients = Vec::from_iter((0..CLIENTS).map(|_| {
        let mut client = RawClient::connect(&server.addresses()[0]);
        client.send_bytes(&PREAMBLE);
        client
    }));
    while server.open_files() < before + CLIENTS {
        std::thread::yield_now();
    }
    server.stop();
    // More time passes than a handshake may take.
    let late = Manager::options().connect_timeout(SOON * 10).connect(address.as_str());
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Unresponsive);
    clients.iter_mut().for_each(|client| client.send(&RawClient::hello()));
    server.cont();
    for client in &mut clients {
        client.welcome();
    }
}

#[test]
fn a_stopped_server_takes_nobody_in_and_that_is_found_out() {
    let (_directory, address, server) = server();
    server.stop();
    let options = Manager::options().connect_timeout(SOON);
    let error = options.connect(address.as_str()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unresponsive, "{error}");
    server.cont();
    assert_eq!(server.connect().object_count().unwrap(), 0);
}
