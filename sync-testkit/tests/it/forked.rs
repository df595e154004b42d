//! Gone means gone: a grandchild that keeps the socket open keeps nothing else.

use std::fs;
use std::process::{Command, Stdio};

use fork::{Fork, fork};
use rustix::fd::OwnedFd;
use rustix::process::{
    Pid, PidfdFlags, PidfdGetfdFlags, Signal, WaitId, WaitIdOptions, getpid, kill_process,
    pidfd_getfd, pidfd_open, test_kill_process, waitid,
};
use sync_testkit::{Cast, Role, roles};

use super::tcp::listening_on_tcp;

roles![forker, dropper];

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

/// Holds a lock and an object that nobody else holds, and has a child of `fork` drop them.
fn dropper(role: &Role) {
    let lock = role.manager().named("lock").create_lock().unwrap();
    let list = role.manager().create_list::<u8>().unwrap();
    let guard = lock.lock().unwrap();
    match fork().unwrap() {
        Fork::Child => {
            drop((guard, list));
            // It is another process, with a session of its own.
            let is_held = lock.try_lock().is_ok_and(|guard| guard.is_none());
            std::process::exit(if is_held { 0 } else { 1 });
        }
        Fork::Parent(child) => {
            let child = WaitId::Pid(Pid::from_raw(child).unwrap());
            let ended = waitid(child, WaitIdOptions::EXITED).unwrap().unwrap();
            assert_eq!(ended.exit_status(), Some(0), "the child found the lock held");
            list.push(&1).unwrap();
            role.say("still here");
            role.hear();
            assert!(!guard.is_lost());
        }
    }
}

#[test]
fn what_a_forked_child_drops_its_parent_still_has() {
    for cast in [Cast::new(), Cast::with(listening_on_tcp("127.0.0.1"))] {
        let lock = cast.manager().named("lock").create_lock().unwrap();
        let mut dropper = cast.start(dropper);
        dropper.expect("still here");
        assert!(lock.try_lock().unwrap().is_none());
        dropper.tell("go on");
        dropper.wait();
        assert!(!lock.lock().unwrap().was_abandoned(), "the guard was dropped in good order");
    }
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
