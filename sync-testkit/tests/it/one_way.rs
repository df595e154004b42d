//! One-way messages: fast, and never overtaken.

use std::sync::mpsc::channel;

use sync_client::Manager;
use sync_testkit::Cast;

#[test]
fn a_dropped_guard_is_never_overtaken_by_another_thread() {
    const ROUNDS: usize = 5_000;
    let cast = Cast::new();
    // A session over sockets: each thread has a connection of its own.
    let manager = Manager::connect(cast.server().address().clone()).unwrap();
    let lock = manager.create_lock().unwrap();
    let (to_other, from_one) = channel::<()>();
    let (to_one, from_other) = channel::<()>();
    let other = std::thread::spawn({
        let lock = lock.clone();
        move || {
            for round in 0..ROUNDS {
                from_one.recv().unwrap();
                let guard = lock.try_lock().unwrap();
                drop(guard.unwrap_or_else(|| panic!("overtaken there in round {round}")));
                to_one.send(()).unwrap();
            }
        }
    });
    for round in 0..ROUNDS {
        let guard = lock.try_lock().unwrap();
        drop(guard.unwrap_or_else(|| panic!("overtaken here in round {round}")));
        to_other.send(()).unwrap();
        from_other.recv().unwrap();
    }
    other.join().unwrap();
}

#[test]
fn a_proxy_that_was_dropped_is_gone_for_the_next_call_of_any_thread() {
    let cast = Cast::new();
    let manager = Manager::connect(cast.server().address().clone()).unwrap();
    for _ in 0..500 {
        drop(manager.create_event().unwrap());
        let manager = manager.clone();
        let count = std::thread::spawn(move || manager.object_count().unwrap());
        assert_eq!(count.join().unwrap(), 0);
    }
}
