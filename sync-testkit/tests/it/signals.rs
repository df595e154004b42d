//! Signals are the program's: the library sends it none, and takes none of its own.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;
use signal_hook::consts::{SIGINT, SIGPIPE, SIGTERM, SIGUSR1};
use sync_client::{AuthKey, Manager};
use sync_server::{Limits, Server};
use sync_testkit::{Cast, Role, ServerProcess, roles};

use super::tcp::{KEY, listening_on_tcp};

roles![bearer];

/// Brings a value to a manager that is gone, and would notice a signal for it.
fn bearer(role: &Role) {
    let broken = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGPIPE, Arc::clone(&broken)).unwrap();
    let value = role.manager().create_value(String::new()).unwrap();
    role.say("ready");
    role.hear();
    // Too long to be written as one piece.
    let error = value.set(&"x".repeat(1 << 16)).unwrap_err();
    assert!(error.is_disconnected(), "{error}");
    assert!(!broken.load(Ordering::SeqCst), "it would have ended this process");
}

#[test]
fn who_writes_to_a_server_that_is_gone_gets_an_error_and_no_signal() {
    let server = ServerProcess::start(&[], 1);
    let cast = Cast::joining(&server);
    let mut bearer = cast.start(bearer);
    bearer.expect("ready");
    server.kill();
    bearer.tell("it is gone");
    bearer.wait();
}

/// Returns which of a process's signals its threads of a name leave to others, once there is one.
fn blocked(cast: &Cast, name: &str) -> u64 {
    let mut masks = Vec::new();
    cast.until("there is such a thread", || {
        let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
        // One may have ended meanwhile.
        let status = tasks.flat_map(|task| fs::read_to_string(task.path().join("status")));
        let of_it = status.filter(|of| of.lines().any(|line| line == format!("Name:\t{name}")));
        masks = of_it.flat_map(|of| of.lines().find_map(mask)).collect();
        !masks.is_empty()
    });
    masks.into_iter().fold(u64::MAX, |all, mask| all & mask)
}

fn mask(line: &str) -> Option<u64> {
    let mask = line.strip_prefix("SigBlk:\t")?;
    Some(u64::from_str_radix(mask, 16).unwrap())
}

#[test]
fn no_signal_of_the_programs_is_handled_by_a_thread_of_the_librarys() {
    const ENDS: u64 = 1 << (SIGTERM - 1) | 1 << (SIGINT - 1) | 1 << (SIGUSR1 - 1);
    let cast = Cast::with(listening_on_tcp("127.0.0.1"));
    let options = Manager::options().authkey(AuthKey::new(KEY).unwrap());
    let _connected = options.connect(cast.server().address()).unwrap();
    assert_eq!(blocked(&cast, "sync-keeper") & ENDS, ENDS);
    let mut limits = Limits::default();
    limits.connections = 1;
    let cast = Cast::with(Server::builder().limits(limits));
    let manager = Manager::connect(cast.server().address()).unwrap();
    let guard = manager.create_lock().unwrap().lock().unwrap();
    let value = manager.create_value(7).unwrap();
    manager.pipeline(|p| {
        value.later(p).get().wait().unwrap();
        // There is no other connection by which to say it.
        drop(guard);
        assert_eq!(blocked(&cast, "sync-unsent") & ENDS, ENDS);
    });
    let own = fs::read_to_string("/proc/thread-self/status").unwrap();
    assert_eq!(own.lines().find_map(mask).unwrap() & ENDS, 0, "this thread takes them as before");
}

#[test]
fn a_server_reports_on_sigusr1_who_holds_what() {
    let server = ServerProcess::start(&[], 1);
    let manager = server.connect();
    let lock = manager.named("the ledger").create_lock().unwrap();
    let _guard = lock.lock().unwrap();
    server.signal(Signal::USR1);
    server.until_logged("the ledger");
    assert!(lock.is_locked().unwrap(), "it goes on");
}

#[test]
fn a_server_ends_with_its_terminal_and_not_with_a_signal_that_says_so() {
    let (server, terminal) = ServerProcess::at_a_terminal(&[], 1);
    server.signal(Signal::HUP);
    server.until_logged("there are no key files to read again");
    server.connect();
    drop(terminal);
    server.signal(Signal::HUP);
    server.end_well();
}
