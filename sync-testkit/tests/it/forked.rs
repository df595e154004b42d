//! Gone means gone: a grandchild that keeps the socket open keeps nothing else.

use std::fs;
use std::process::{Command, Stdio};

use rustix::fd::OwnedFd;
use rustix::process::{
    Pid, PidfdFlags, PidfdGetfdFlags, Signal, getpid, kill_process, pidfd_getfd, pidfd_open,
    test_kill_process,
};
use sync_testkit::{Cast, Role, roles};

roles![forker];

/// Takes the lock and has a child that inherits its connection.
fn forker(role: &Role) {
    let lock = role.manager().named("lock").create_lock().unwrap();
    let _guard = lock.lock().unwrap();
    let mut grandchild = Command::new("sleep")
        .arg("120")
        .stdin(Stdio::from(own_socket()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    role.say(grandchild.id());
    role.hear();
    grandchild.kill().unwrap();
    grandchild.wait().unwrap();
}

/// Returns another descriptor of this process's one connection to the manager.
fn own_socket() -> OwnedFd {
    let me = pidfd_open(getpid(), PidfdFlags::empty()).unwrap();
    let entries = fs::read_dir("/proc/self/fd").unwrap().map(Result::unwrap);
    let is_socket = |entry: &fs::DirEntry| {
        fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
    };
    let number = |entry: fs::DirEntry| entry.file_name().to_string_lossy().parse().unwrap();
    let sockets: Vec<i32> = entries.filter(is_socket).map(number).collect();
    assert_eq!(sockets.len(), 1, "a process with one thread has one connection");
    pidfd_getfd(&me, sockets[0], PidfdGetfdFlags::empty()).unwrap()
}

#[test]
fn a_grandchild_that_inherited_the_socket_does_not_keep_a_dead_holders_lock() {
    let cast = Cast::new();
    let lock = cast.manager().named("lock").create_lock().unwrap();
    let mut forker = cast.start(forker);
    let grandchild = Pid::from_raw(forker.hear().parse().unwrap()).unwrap();
    forker.kill();
    let guard = lock.lock().unwrap();
    assert!(guard.was_abandoned());
    // It was not the end of the socket that told: that is still open.
    test_kill_process(grandchild).unwrap();
    kill_process(grandchild, Signal::KILL).unwrap();
}
