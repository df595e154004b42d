//! Barrier and its action.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sync_client::{Barrier, BarrierOptions, Error, ErrorKind};

use crate::support::{panicking, sessions, until_blocked};

#[test]
fn the_action_runs_once_a_round_before_anyone_goes_on() {
    let (_server, [manager]) = sessions();
    let runs = manager.create_value(0u32).unwrap();
    let action = {
        let runs = runs.clone();
        move || runs.fetch_add(1).map(drop)
    };
    let barrier = manager.create_barrier(BarrierOptions::new(3).action(action)).unwrap();
    let leaders = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for round in 1..=20 {
                    let result = barrier.wait().unwrap();
                    leaders.fetch_add(result.is_leader().into(), Ordering::Relaxed);
                    assert_eq!(runs.get().unwrap(), round);
                    // Nobody begins the next round before all have looked.
                    barrier.wait_with(|| Ok(())).unwrap();
                }
            });
        }
    });
    assert_eq!(leaders.into_inner(), 20);
}

#[test]
fn an_action_whose_round_is_over_ends_without_a_message_that_fails() {
    let (_server, [manager]) = sessions();
    let barrier = manager.create_barrier(1).unwrap();
    for ends in [Ok(()), Err(Error::new(ErrorKind::Io, "no paper"))] {
        let kind = ends.as_ref().err().map_or(ErrorKind::Broken, Error::kind);
        let error = barrier.wait_with(|| barrier.reset().and(ends)).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(manager.debug_info().unwrap().one_way_failures, 0);
    }
}

#[test]
fn an_action_that_fails_tells_its_party_why_and_breaks_the_barrier() {
    let (_server, [ours, theirs]) = sessions();
    let barrier = ours.named("b").create_barrier(2).unwrap();
    let same = theirs.named("b").create_barrier(2).unwrap();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| same.wait());
        until_blocked(&ours, 1);
        let error = barrier
            .wait_with(|| Err(Error::new(ErrorKind::NotFound, "no bread in the house")))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let error = other.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Broken);
        assert!(error.to_string().contains("no bread in the house"), "{error}");
    });
    assert!(barrier.is_broken().unwrap());
    barrier.reset().unwrap();
    assert!(!same.is_broken().unwrap());
}

#[test]
fn an_action_that_panics_breaks_the_barrier() {
    let (_server, [ours, theirs]) = sessions();
    let barrier = ours.named("b").create_barrier(2).unwrap();
    let same = theirs.named("b").create_barrier(2).unwrap();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| same.wait());
        until_blocked(&ours, 1);
        panicking(|| {
            let _ = barrier.wait_with(|| panic!("on purpose"));
        });
        assert_eq!(other.join().unwrap().unwrap_err().kind(), ErrorKind::Broken);
    });
}

#[test]
fn an_action_during_which_the_session_ends_breaks_the_barrier() {
    let (_server, [ours, theirs]) = sessions();
    let barrier = ours.named("b").create_barrier(2).unwrap();
    let same = theirs.named("b").create_barrier(2).unwrap();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| same.wait());
        until_blocked(&theirs, 1);
        let lost = barrier.wait_with(|| {
            ours.disconnect();
            Ok(())
        });
        assert_eq!(lost.unwrap_err().kind(), ErrorKind::Disconnected);
        assert_eq!(other.join().unwrap().unwrap_err().kind(), ErrorKind::Broken);
    });
}

#[test]
fn the_time_that_is_up_is_the_callers_or_the_barriers() {
    let (_server, [manager]) = sessions();
    let short = BarrierOptions::new(2).timeout(Duration::from_millis(1));
    let barrier = manager.named("b").create_barrier(short).unwrap();
    assert_eq!(barrier.wait().unwrap_err().kind(), ErrorKind::Broken);
    barrier.reset().unwrap();
    let error = barrier.within(Duration::from_millis(2)).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(barrier.is_broken().unwrap());
    let error = manager.named("b").create_barrier(2).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    assert_eq!(manager.create_barrier(0).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_barrier_inside_a_value_comes_out_live_without_its_action() {
    let (_server, [manager]) = sessions();
    let options = BarrierOptions::new(1).action(|| Err(Error::new(ErrorKind::Io, "ran")));
    let barrier = manager.create_barrier(options).unwrap();
    let value = manager.create_value(barrier.clone()).unwrap();
    let same: Barrier = value.get().unwrap();
    assert_eq!(same, barrier);
    assert_eq!(same.wait().unwrap().index(), 0);
    assert_eq!((same.parties().unwrap(), same.n_waiting().unwrap()), (1, 0));
    assert_eq!(barrier.wait().unwrap_err().kind(), ErrorKind::Io);
    assert!(same.is_broken().unwrap());
}
