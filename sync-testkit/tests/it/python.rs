//! Unmodified Python programs as clients: each fault of CPython's own manager that this one does
//! not have, as a Python process sees it, over a unix socket and over TCP.
//!
//! `cargo xtask python` runs CPython's own tests, and of these the ones that know what Python's
//! versions do, with every interpreter that it finds.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sync_server::{Address, AuthKey, Limits, Server};

mod alike;
mod limits;
mod names;
mod proxies;
mod starts;

/// The interpreter that the tests run: that of the variable `SYNC_TEST_PYTHON`, or the path's.
#[expect(clippy::print_stdout, reason = "who reads the tests' output learns what was left out")]
pub(crate) fn python() -> Option<PathBuf> {
    let python = env::var_os("SYNC_TEST_PYTHON").map_or_else(|| "python3".into(), PathBuf::from);
    let script = "import sys, multiprocessing.managers; sys.exit(sys.version_info < (3, 8))";
    let found = Command::new(&python).args(["-c", script]).status();
    let found = found.is_ok_and(|status| status.success());
    if !found {
        println!("skipped: there is no python3 of version 3.8 or later here");
    }
    found.then_some(python)
}

/// A server for Python over a unix socket and over TCP, and the key's file.
pub(crate) struct Site {
    pub(crate) server: Server,
    pub(crate) directory: tempfile::TempDir,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with_grace(Limits::default().python_grace)
    }

    /// Makes one that keeps what a host refers to for so long after its last connection.
    pub(crate) fn with_grace(grace: Duration) -> Self {
        Self::limited(|limits| limits.python_grace = grace)
    }

    /// Makes one with other limits than usual.
    pub(crate) fn limited(limit: impl FnOnce(&mut Limits)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = "0123456789abcdef0123456789abcdef";
        std::fs::write(directory.path().join("key"), format!("{key}\n")).unwrap();
        let mut limits = Limits::default();
        limit(&mut limits);
        let unix = Address::unix(directory.path().join("python")).unwrap();
        let native = Address::unix(directory.path().join("native")).unwrap();
        let server = Server::builder()
            .listen(native)
            .python_listen(unix)
            .python_listen("tcp:127.0.0.1:0".parse().unwrap())
            .authkey(AuthKey::new(key).unwrap())
            .limits(limits)
            .spawn()
            .unwrap();
        Self { server, directory }
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        self.directory.path().join("key")
    }
}

/// Where the Python programs lie.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(name)
}

/// Runs a program against each of a server's addresses; the program has a watchdog of its own.
pub(crate) fn run(site: &Site, address: &Address, program: &str, rest: &[&str]) {
    let Some(python) = python() else { return };
    let address = match address {
        Address::Unix(path) => path.display().to_string(),
        Address::Tcp { host, port } => format!("{host}:{port}"),
    };
    let output = Command::new(python)
        .arg(script(program))
        .arg(&address)
        .arg(site.key_file())
        .args(rest)
        .env("SYNC_TEST_SERVER", std::process::id().to_string())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{rest:?} over {address}:\n{errors}");
}

const SEEN_BY_PID: [&str; 6] = [
    "what_a_killed_process_left_unread_goes_to_none_of_its_own_calls",
    "what_a_connection_left_unread_does_not_go_to_its_own_call",
    "an_interrupted_wait_ends_only_that_call",
    "the_objects_of_a_killed_process_are_collected",
    "what_another_process_uses_outlives_a_killed_one",
    "a_nested_proxy_stays_usable_when_its_creator_is_gone",
];

/// All others have as long to come in as usual: the machine may have much else to do.
const WAITS_FOR_THE_HANDSHAKE_TIMEOUT: &str = "a_silent_stranger_is_sent_away";

macro_rules! faults {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            // Over TCP nobody can tell which process of a host is gone.
            let ways = if SEEN_BY_PID.contains(&stringify!($name)) { 1 } else { 2 };
            for at in 0..ways {
                // Each has a server of its own: what it counts is its own.
                let site = Site::limited(|limits| {
                    if stringify!($name) == WAITS_FOR_THE_HANDSHAKE_TIMEOUT {
                        limits.handshake_timeout = Duration::from_secs(1);
                    }
                });
                let address = &site.server.python_addresses()[at];
                run(&site, address, "faults.py", &[stringify!($name)]);
            }
        }
    )*

        #[test]
        fn every_function_of_the_program_is_run() {
            let text = std::fs::read_to_string(script("faults.py")).unwrap();
            let functions = text.lines().filter_map(|line| line.strip_prefix("def "));
            let named = functions.filter_map(|line| line.strip_suffix("(m):"));
            let helpers = ["full", "stranger"];
            let named: Vec<_> = named.filter(|name| !helpers.contains(name)).collect();
            assert_eq!(named, [$(stringify!($name)),*]);
        }
    };
}

faults! {
    a_dead_holders_lock_is_taken_by_the_next
    a_dead_holders_lock_passes_to_who_waits
    a_dead_holders_lock_passes_on_whatever_answer_it_left_unread
    a_dead_holders_lock_may_be_released_once
    a_bounded_permit_returns_when_its_holder_is_dead_and_a_plain_one_does_not
    a_bounded_permit_of_a_dead_holder_may_be_given_back_once
    a_permit_may_be_given_back_by_another_process
    a_killed_waiter_takes_no_item
    what_a_killed_process_left_unread_goes_to_none_of_its_own_calls
    what_a_connection_left_unread_does_not_go_to_its_own_call
    a_killed_waiter_takes_no_lock
    a_killed_waiter_takes_no_permit
    a_killed_waiter_takes_no_notification
    a_killed_party_breaks_the_barrier
    an_interrupted_wait_ends_only_that_call
    who_speaks_ahead_is_not_read_without_end
    the_objects_of_a_killed_process_are_collected
    what_another_process_uses_outlives_a_killed_one
    nested_objects_go_with_their_container
    idents_are_never_used_twice
    a_list_of_a_shared_dict_is_its_keys
    a_condition_stands_on_a_shared_rlock
    releasing_too_many_permits_changes_nothing
    creating_and_dropping_takes_a_few_calls
    idle_connections_need_no_threads
    what_would_run_python_code_is_refused
    what_is_called_wrongly_is_told_so
    a_wrong_key_is_refused
    a_stranger_is_told_nothing
    a_silent_stranger_is_sent_away
    an_iteration_ends_when_the_dict_changes
    an_iterator_that_a_client_cannot_take_is_not_kept
    a_nested_proxy_stays_usable_when_its_creator_is_gone
}
