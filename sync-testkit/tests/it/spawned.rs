//! Managers that a client starts as child processes of its own.

use std::fs;
use std::io::stdin;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::exit;
use std::time::Duration;

use fork::{Fork, fork};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, test_kill_process, waitid,
};
use sync_client::{ErrorKind, Manager, Value};
use sync_server::write_new_key;
use sync_testkit::{Cast, Role, ServerProcess, roles};

roles![forking_host, host, sealed_host, spawner];

/// Hosts a manager in a child process of its own.
fn host(role: &Role) {
    let process = Manager::spawn().unwrap();
    process.manager().named("number").create_value(4u8).unwrap();
    role.say(process.address());
    role.hear();
}

/// Hosts a manager in a child process of its own, which listens on TCP and on a unix socket.
fn sealed_host(role: &Role) {
    let (key, address): (String, String) = (role.arg(0), role.arg(1));
    let options = Manager::options().authkey_file(&key).unwrap();
    let arguments = ["--listen", "tcp:127.0.0.1:0", "--listen", &address, "--authkey-file", &key];
    let process = options.spawn(arguments).unwrap();
    process.manager().named("number").create_value(4u8).unwrap();
    role.say(process.address());
    role.hear();
    assert!(process.shutdown().unwrap().success());
    let error = Manager::options().spawn(["--no-such-flag"]).unwrap_err();
    assert!(error.message().contains("exit status: 2: standard error says why"), "{error}");
}

/// Hosts a manager likewise, and has a forked child that keeps all files open, also that by which
/// the manager hears of this process's end, until the test ends it.
fn forking_host(role: &Role) {
    let process = Manager::spawn().unwrap();
    match fork().unwrap() {
        Fork::Child => {
            let _ = stdin().read_line(&mut String::new());
            exit(0);
        }
        Fork::Parent(child) => {
            role.say(child);
            role.say(process.address());
            role.hear();
        }
    }
}

/// Spawns a manager that is none, and has no child afterwards.
fn spawner(role: &Role) {
    let patience = Duration::from_millis(role.arg(1));
    let error = Manager::options().connect_timeout(patience).spawn([""; 0]).unwrap_err();
    assert!(error.message().contains(&role.arg::<String>(0)), "{error}");
    let left = waitid(WaitId::All, WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
    assert_eq!(left.unwrap_err(), Errno::CHILD, "it was ended and waited for");
}

#[test]
fn a_manager_that_a_process_spawned_ends_with_it_even_if_that_is_killed() {
    let cast = Cast::new();
    let binary = ServerProcess::binary().display();
    let mut host = cast.start_in(host, &[], &[("SYNC_SERVER", &binary)]);
    let address = host.hear();
    let manager = Manager::connect(address.as_str()).unwrap();
    let number: Value<u8> = manager.named("number").open().unwrap();
    assert_eq!(number.get().unwrap(), 4);
    let queue = manager.create_queue::<u8>(1).unwrap();
    let waiter = std::thread::spawn(move || queue.get());
    cast.until("it waits", || manager.blocked_count().unwrap() == 1);
    host.kill();
    let error = waiter.join().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ShuttingDown, "{error}");
}

#[test]
fn a_spawned_manager_has_the_arguments_and_the_key_that_it_was_given() {
    let (cast, directory) = (Cast::new(), tempfile::tempdir().unwrap());
    let (key, address) = (directory.path().join("key"), directory.path().join("socket"));
    let address = format!("unix:{}", address.display());
    write_new_key(&key).unwrap();
    let binary = ServerProcess::binary().display();
    let mut host =
        cast.start_in(sealed_host, &[&key.display(), &address], &[("SYNC_SERVER", &binary)]);
    assert!(host.hear().starts_with("tcp:"), "the first of its addresses");
    let number = Manager::connect(&address).unwrap().named("number").open::<Value<u8>>().unwrap();
    assert_eq!(number.get().unwrap(), 4);
    host.tell("end");
    host.wait();
}

/// Has processes spawn managers that are scripts: what one does, and what is said of it.
fn spawn_scripts(directory: &Path, patience: Duration, cases: &[(&str, &str)]) {
    let (cast, program) = (Cast::new(), directory.join("sync-server"));
    for (does, why) in cases {
        let script = format!("#!/bin/sh\n{does}\nexec sleep 120\n");
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        let patience = patience.as_millis();
        cast.start_in(spawner, &[&why, &patience], &[("SYNC_SERVER", &program.display())]).wait();
    }
}

#[test]
fn a_manager_ends_with_who_spawned_it_also_if_a_forked_child_of_that_lives() {
    let cast = Cast::new();
    let binary = ServerProcess::binary().display();
    let mut host = cast.start_in(forking_host, &[], &[("SYNC_SERVER", &binary)]);
    let pid = |number: i32| Pid::from_raw(number).unwrap();
    let child = pid(host.hear().parse().unwrap());
    let manager = Manager::connect(host.hear().as_str()).unwrap();
    let event = manager.create_event().unwrap();
    let waiter = std::thread::spawn(move || event.wait());
    cast.until("it waits", || manager.blocked_count().unwrap() == 1);
    // Its input stays open, which is the child's, too.
    kill_process(pid(host.pid().cast_signed()), Signal::KILL).unwrap();
    cast.until("the manager ends", || waiter.is_finished());
    let error = waiter.join().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ShuttingDown, "{error}");
    test_kill_process(child).expect("the child lives");
}

#[test]
fn what_was_spawned_and_is_no_manager_is_ended_and_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let nobody = format!("unix:{}/nobody", directory.path().display());
    let cases = [
        ("echo READY nowhere", "nowhere"),
        (&format!("echo READY {nobody}"), &nobody),
        ("exec >&-", "printed nothing"),
    ];
    spawn_scripts(directory.path(), Duration::from_secs(60), &cases);
}

#[test]
fn what_was_spawned_and_never_says_that_it_is_ready_is_not_waited_for_for_ever() {
    let directory = tempfile::tempdir().unwrap();
    let patience = Duration::from_millis(500);
    spawn_scripts(directory.path(), patience, &[("printf READY", "nothing more for 500ms")]);
}
