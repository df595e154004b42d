//! A server that is stopped: whoever waits goes on with it, or, if he likes, without it.

use std::time::{Duration, Instant};

use sync_client::{ErrorKind, Manager};
use sync_testkit::{Cast, Role, ServerProcess, roles};

roles![patient, impatient];

const SOON: Duration = Duration::from_millis(150);

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
    let manager = Manager::options().unresponsive_after(SOON).connect(address.as_str()).unwrap();
    let guard = manager.named("lock").create_lock().unwrap().lock().unwrap();
    role.say("holding");
    let error = manager.named("event").create_event().unwrap().wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unresponsive, "{error}");
    assert!(error.message().contains("said nothing for 150ms"), "{error}");
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

#[test]
fn clients_of_a_stopped_server_block_and_then_go_on() {
    let (_directory, _, server) = server();
    let cast = Cast::joining(&server);
    let mut patient = cast.start(patient);
    patient.expect("ready");
    server.stop();
    patient.tell("add");
    server.cont();
    patient.expect("0");
    patient.tell("end");
    patient.wait();
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
fn a_stopped_server_takes_nobody_in_and_that_is_found_out() {
    let (_directory, address, server) = server();
    server.stop();
    let options = Manager::options().connect_timeout(SOON);
    let error = options.connect(address.as_str()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unresponsive, "{error}");
    server.cont();
    assert_eq!(server.connect().object_count().unwrap(), 0);
}
