//! Gone means gone: a grandchild that keeps the socket open keeps nothing else.

use std::fs;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};

use fork::{Fork, fork};
use rustix::fd::OwnedFd;
use rustix::process::{
    Pid, PidfdFlags, PidfdGetfdFlags, Signal, WaitId, WaitIdOptions, getpid, kill_process,
    pidfd_getfd, pidfd_open, test_kill_process, waitid,
};
use sync_client::{ErrorKind, Manager, QueueOptions, RLock};
use sync_server::{Limits, Server};
use sync_testkit::{Cast, Role, ServerProcess, roles};

use super::tcp::listening_on_tcp;

roles![
    forker,
    dropper,
    inheritor,
    leaver,
    plumber,
    pretender,
    generations,
    heir_of_another,
    quitter,
    host,
];

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
    // The child has copies of its own of both.
    let mut both = Some((guard, list));
    in_a_child(|| {
        both = None;
        // It is another process, with a session of its own.
        assert!(lock.try_lock().unwrap().is_none(), "the child found the lock held");
    });
    let (guard, list) = both.unwrap();
    list.push(&1).unwrap();
    role.say("still here");
    role.hear();
    assert!(!guard.is_lost());
}

/// Does something in a child of `fork`, and waits until it is done well.
fn in_a_child(act: impl FnOnce()) {
    match fork().unwrap() {
        Fork::Child => {
            let done = catch_unwind(AssertUnwindSafe(act));
            std::process::exit(if done.is_ok() { 0 } else { 1 });
        }
        Fork::Parent(child) => {
            let child = WaitId::Pid(Pid::from_raw(child).unwrap());
            let ended = waitid(child, WaitIdOptions::EXITED).unwrap().unwrap();
            assert_eq!(ended.exit_status(), Some(0), "the child says why");
        }
    }
}

/// Has a child of `fork` take and drop, by proxies that it inherited.
fn inheritor(role: &Role) {
    let manager = role.manager();
    let lock = manager.named("lock").create_lock().unwrap();
    let rlock = manager.create_rlock().unwrap();
    let semaphore = manager.create_semaphore(1).unwrap();
    let queue = manager.create_queue::<u8>(1).unwrap();
    let value = manager.create_value(1).unwrap();
    queue.put(&7).unwrap();
    in_a_child(|| {
        drop(lock.lock().unwrap());
        drop(lock.try_lock().unwrap().expect("the lock is free"));
        drop(rlock.lock().unwrap());
        assert!(!rlock.is_locked().unwrap(), "the lock is free");
        drop(semaphore.acquire().unwrap());
        drop(semaphore.try_acquire().unwrap().expect("the permit is back"));
        drop(queue.get_leased().unwrap().unwrap());
        assert_eq!(*queue.get_leased().unwrap().unwrap(), 7, "the item is back");
        let stopped = catch_unwind(AssertUnwindSafe(|| value.update(|_| panic!("half done"))));
        assert!(stopped.is_err());
        // Another thread: the same would not wait for its own turn to end.
        let set = std::thread::scope(|scope| scope.spawn(|| value.set(&2)).join().unwrap());
        set.unwrap();
    });
    role.say("done");
    assert_eq!(value.get().unwrap(), 2);
}

/// Has a child of `fork` give up what its parent holds, and say so.
fn pretender(role: &Role) {
    let manager = role.manager();
    let lock = manager.create_lock().unwrap();
    let rlock = manager.create_rlock().unwrap();
    let semaphore = manager.create_semaphore(2).unwrap();
    let queue = manager.create_queue::<u8>(2).unwrap();
    queue.put_many([1, 2]).unwrap();
    let take = || {
        let leased = || queue.get_leased().unwrap().unwrap();
        let permit = || semaphore.acquire().unwrap();
        (lock.lock().unwrap(), rlock.lock().unwrap(), permit(), permit(), leased(), leased())
    };
    // The child has copies of its own.
    let mut held = Some(take());
    in_a_child(|| {
        let (guard, reentrant, permit, forgotten, leased, returned) = held.take().unwrap();
        assert!(guard.is_lost() && reentrant.is_lost() && permit.is_lost() && leased.is_lost());
        let outcomes = [
            guard.unlock(),
            reentrant.unlock(),
            permit.release(),
            forgotten.forget(),
            leased.ack().map(drop),
            returned.requeue(),
        ];
        for outcome in outcomes {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotOwner);
            assert!(error.message().contains("the parent process holds it"), "{error}");
        }
    });
    let (guard, reentrant, permit, forgotten, leased, returned) = held.unwrap();
    assert!(!guard.is_lost() && !reentrant.is_lost() && !permit.is_lost() && !leased.is_lost());
    guard.unlock().unwrap();
    reentrant.unlock().unwrap();
    permit.release().unwrap();
    forgotten.forget().unwrap();
    leased.ack().unwrap();
    returned.requeue().unwrap();
}

/// Has a child of `fork` put calls to inherited objects and to its own into one pipeline.
fn plumber(role: &Role) {
    let manager = role.manager();
    let inherited = manager.create_value(1).unwrap();
    in_a_child(|| {
        let own = manager.create_value(2).unwrap();
        manager.pipeline(|p| {
            let (first, second) = (inherited.later(p).get(), own.later(p).get());
            assert_eq!((first.wait().unwrap(), second.wait().unwrap()), (1, 2));
        });
    });
    // One that is under way is the parent's.
    let jobs = manager.create_queue::<i32>(QueueOptions::unbounded()).unwrap();
    manager.pipeline(|p| {
        let sent = jobs.later(p).get();
        inherited.later(p).get().wait().unwrap();
        let mut asked = Some([sent, jobs.later(p).get()]);
        in_a_child(|| {
            let [sent, queued] = asked.take().unwrap();
            for call in [jobs.later(p).get(), sent, queued] {
                assert_eq!(call.wait().unwrap_err().kind(), ErrorKind::InvalidInput);
            }
        });
        let asked = asked.unwrap().into_iter().chain([jobs.later(p).get()]);
        let asked: Vec<_> = asked.collect();
        jobs.put_many([1, 2, 3]).unwrap();
        let got = asked.into_iter().map(|call| call.wait().unwrap());
        assert_eq!(got.collect::<Vec<_>>(), [Some(1), Some(2), Some(3)]);
    });
}

/// Has a child of `fork` make something, and a child of that use it beside what is older.
fn generations(role: &Role) {
    let manager = role.manager();
    let older = manager.create_value(1).unwrap();
    in_a_child(|| {
        let lock = manager.named("lock").create_rlock().unwrap();
        let younger = manager.create_value(2).unwrap();
        in_a_child(|| {
            let same: RLock = manager.named("lock").open().unwrap();
            let guard = lock.lock().unwrap();
            drop(same.try_lock().unwrap().expect("its own session has it"));
            manager.pipeline(|p| {
                let (first, second) = (older.later(p).get(), younger.later(p).get());
                assert_eq!((first.wait().unwrap(), second.wait().unwrap()), (1, 2));
            });
            manager.disconnect();
            assert!(guard.is_lost());
            assert!(younger.get().unwrap_err().is_disconnected());
        });
        assert_eq!(younger.get().unwrap(), 2);
    });
}

/// Has children of `fork` end their sessions, before and after their first call.
fn leaver(role: &Role) {
    let lock = role.manager().named("lock").create_lock().unwrap();
    in_a_child(|| {
        let guard = lock.lock().unwrap();
        assert!(!guard.is_lost());
        role.manager().disconnect();
        assert!(guard.is_lost());
        assert_eq!(lock.is_locked().unwrap_err().kind(), ErrorKind::Disconnected);
    });
    in_a_child(|| {
        role.manager().disconnect();
        assert_eq!(lock.is_locked().unwrap_err().kind(), ErrorKind::Disconnected);
    });
    drop(lock.lock().expect("the parent's session goes on"));
}

/// Has a child of `fork` use what it inherited of a manager in whose place another one listens.
fn heir_of_another(role: &Role) {
    let value = role.manager().create_value(1).unwrap();
    role.say("ready");
    role.hear();
    in_a_child(|| {
        for _ in 0..2 {
            let error = value.get().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
            assert!(error.message().contains("another manager"), "{error}");
        }
    });
}

/// Ends a session of its own while a child of `fork` lives that has inherited its sockets.
fn quitter(role: &Role) {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let manager = Manager::from_env().unwrap();
    manager.named("lock").create_lock().unwrap().acquire().unwrap();
    match fork().unwrap() {
        Fork::Child => {
            drop(writer);
            let count = reader.read(&mut [0]);
            std::process::exit(if count.is_ok_and(|count| count == 0) { 0 } else { 1 });
        }
        Fork::Parent(child) => {
            drop(manager);
            role.hear();
            drop(writer);
            let child = WaitId::Pid(Pid::from_raw(child).unwrap());
            let ended = waitid(child, WaitIdOptions::EXITED).unwrap().unwrap();
            assert_eq!(ended.exit_status(), Some(0));
        }
    }
}

/// Hosts a manager of its own, and has a child of `fork` use that.
fn host(_: &Role) {
    let server = Server::builder().spawn().unwrap();
    let lock = Manager::over(server.local().unwrap()).named("lock").create_lock().unwrap();
    let guard = lock.lock().unwrap();
    in_a_child(|| {
        let refused = [
            server.local().map(drop),
            server.join(),
            server.set_authkeys([]),
            server.debug_info().map(drop),
            lock.is_locked().map(drop),
        ];
        for refused in refused {
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::Disconnected);
        }
        let manager = Manager::connect(server.address().clone()).unwrap();
        let lock = manager.named("lock").create_lock().unwrap();
        assert!(lock.try_lock().unwrap().is_none(), "its parent has it");
    });
    guard.unlock().unwrap();
}

#[test]
fn a_forked_child_of_the_managers_process_is_a_client_like_any_other() {
    Cast::new().start(host).wait();
}

#[test]
fn a_forked_child_does_not_call_what_another_manager_has_under_the_same_number() {
    let directory = tempfile::tempdir().unwrap();
    let address = format!("unix:{}/socket", directory.path().display());
    let server = ServerProcess::start(&["--listen", &address], 1);
    let cast = Cast::joining(&server);
    let mut heir = cast.start(heir_of_another);
    heir.expect("ready");
    server.kill();
    let server = ServerProcess::start(&["--listen", &address], 1);
    let _value = server.connect().named("theirs").create_value(2).unwrap();
    heir.tell("go on");
    heir.wait();
}

#[test]
fn a_session_ends_with_its_last_proxy_though_a_forked_child_has_its_sockets() {
    let mut limits = Limits::default();
    // Longer than the test may take: the session does not end because it has passed.
    limits.kernel.grace = Cast::LIMIT * 60;
    for cast in [Cast::new(), Cast::with(listening_on_tcp("127.0.0.1").limits(limits))] {
        let lock = cast.manager().named("lock").create_lock().unwrap();
        let mut quitter = cast.start(quitter);
        cast.until("the lock was taken", || lock.lock().unwrap().was_abandoned());
        quitter.tell("go on");
        quitter.wait();
    }
}

#[test]
fn what_a_forked_child_takes_and_drops_is_free_again() {
    for cast in [Cast::new(), Cast::with(listening_on_tcp("127.0.0.1"))] {
        let mut inheritor = cast.start(inheritor);
        inheritor.expect("done");
        inheritor.wait();
    }
}

#[test]
fn a_forked_child_is_told_that_what_it_gives_up_is_its_parents() {
    let cast = Cast::new();
    cast.start(pretender).wait();
}

#[test]
fn a_pipeline_of_a_forked_child_takes_calls_to_all_objects_that_it_has() {
    let cast = Cast::new();
    cast.start(plumber).wait();
}

#[test]
fn a_child_of_a_forked_child_is_one_process_whichever_of_them_made_what_it_has() {
    for cast in [Cast::new(), Cast::with(listening_on_tcp("127.0.0.1"))] {
        cast.start(generations).wait();
    }
}

#[test]
fn a_forked_child_that_disconnects_ends_its_own_session_and_not_its_parents() {
    for cast in [Cast::new(), Cast::with(listening_on_tcp("127.0.0.1"))] {
        cast.start(leaver).wait();
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
