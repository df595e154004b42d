//! Deadlocks between processes: who is in one is told by pid and thread name, and may be refused.

use sync_client::{DeadlockWait, ErrorKind, LockGuard};
use sync_server::{Deadlocks, Server};
use sync_testkit::{Actor, Cast, Role, ServerProcess, roles};

roles![taker];

/// Takes one lock, and when it is told the other one, on a thread with a name.
fn taker(role: &Role) {
    let (name, first, second): (String, String, String) = (role.arg(0), role.arg(1), role.arg(2));
    let both = || {
        let take = |name: &str| role.manager().named(name).create_lock().unwrap().lock();
        let _first: LockGuard = take(&first).unwrap();
        role.say("has one");
        role.hear();
        match take(&second) {
            Ok(guard) => role.say(format!("has both, abandoned: {}", guard.was_abandoned())),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Deadlock);
                role.say(error);
            }
        }
    };
    std::thread::scope(|scope| {
        std::thread::Builder::new().name(name).spawn_scoped(scope, both).unwrap();
    });
}

/// Starts two processes of which each has a lock that the other one will want.
fn two(cast: &Cast) -> [Actor; 2] {
    let mut takers = [("left", "a", "b"), ("right", "b", "a")]
        .map(|(name, first, second)| cast.start_with(taker, &[&name, &first, &second]));
    takers.iter_mut().for_each(|taker| taker.expect("has one"));
    takers
}

#[test]
fn two_processes_in_a_deadlock_are_told_by_pid_and_thread_name_and_a_kill_ends_it() {
    let cast = Cast::new();
    let [mut left, mut right] = two(&cast);
    let lock = cast.manager().named("b").create_lock().unwrap();
    left.tell("go on");
    cast.until_blocked(&lock, 1);
    assert!(cast.manager().debug_info().unwrap().deadlocks.is_empty());
    right.tell("go on");
    let info = || cast.manager().debug_info().unwrap();
    cast.until("the circle is closed", || info().blocked_count == 2);
    let info = info();
    let [deadlock] = &info.deadlocks[..] else { panic!("{info}") };
    let told = |wait: &DeadlockWait| {
        let caller = wait.waiter.caller.clone();
        (caller.thread_name.unwrap_or_default(), caller.pid, wait.names.clone())
    };
    let mut waits: Vec<_> = deadlock.waits.iter().map(told).collect();
    waits.sort();
    let wanted = [("left", left.pid(), "b"), ("right", right.pid(), "a")];
    let wanted = wanted.map(|(name, pid, wants)| (name.to_owned(), pid, vec![wants.to_owned()]));
    assert_eq!(waits, wanted, "{info}");
    let text = info.to_string();
    for who in [format!("(pid {}) thread \"left\" holds 1 ", left.pid()), right.pid().to_string()] {
        assert!(text.contains(&who), "{text}");
    }
    left.kill();
    right.expect("has both, abandoned: true");
    right.wait();
    assert!(cast.manager().debug_info().unwrap().deadlocks.is_empty());
}

/// One of two is refused, lets go with its end, and the other one goes on.
fn one_goes_on(cast: &Cast) {
    let [mut left, mut right] = two(cast);
    let lock = cast.manager().named("b").create_lock().unwrap();
    left.tell("go on");
    cast.until_blocked(&lock, 1);
    right.tell("go on");
    let why = right.hear();
    for word in ["sync.lock.acquire", "deadlock of 2", &format!("pid {}", left.pid()), "\"left\""] {
        assert!(why.contains(word), "{word} is not in {why}");
    }
    left.expect("has both, abandoned: false");
    left.wait();
    right.wait();
}

#[test]
fn a_manager_that_refuses_deadlocks_lets_one_of_two_processes_go_on() {
    one_goes_on(&Cast::with(Server::builder().deadlocks(Deadlocks::Refuse)));
}

#[test]
fn the_binary_refuses_deadlocks_if_it_is_told_to() {
    let server = ServerProcess::start(&["--deadlocks", "refuse"], 1);
    one_goes_on(&Cast::joining(&server));
}
