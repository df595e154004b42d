//! Rust and Python programs share objects by name.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::{Duration, Instant};

use sync_client::Manager;

use super::{Site, run};

fn both(test: impl Fn(&Site, &Manager, &sync_server::Address)) {
    for at in 0..2 {
        let site = Site::new();
        let manager = Manager::connect(site.server.address().clone()).unwrap();
        test(&site, &manager, &site.server.python_addresses()[at]);
    }
}

#[test]
fn a_named_queue_that_python_filled_is_drained_by_rust_and_the_other_way_round() {
    both(|site, manager, address| {
        let jobs = manager.named("jobs").create_queue::<String>(8).unwrap();
        let done = manager.named("done").create_queue::<i64>(8).unwrap();
        jobs.put("from rust").unwrap();
        run(site, address, "share.py", &["a_queue"]);
        if super::python().is_some() {
            assert_eq!(jobs.get().unwrap().unwrap(), "from python");
            assert_eq!(done.get().unwrap(), Some(7));
        }
    });
}

#[test]
fn containers_of_pythons_library_are_iterated_over_and_kept_as_they_are() {
    both(|site, _, address| run(site, address, "share.py", &["iterates_what_the_library_has"]));
}

#[test]
fn what_has_no_hash_is_neither_member_nor_key_out_of_a_shared_list_either() {
    let name = "puts_nothing_without_a_hash_where_it_needs_one";
    both(|site, _, address| run(site, address, "share.py", &[name]));
}

#[test]
fn a_rust_lock_keeps_python_out() {
    both(|site, manager, address| {
        let lock = manager.named("gate").create_lock().unwrap();
        let guard = lock.lock().unwrap();
        run(site, address, "share.py", &["a_lock", "held"]);
        guard.unlock().unwrap();
        run(site, address, "share.py", &["a_lock", "free"]);
        // The Python process has ended: what it held is free.
        assert!(lock.lock().unwrap().was_abandoned() == super::python().is_some());
    });
}

#[test]
fn the_objects_of_a_host_go_when_nobody_there_is_connected_for_long() {
    let Some(python) = super::python() else { return };
    let site = Site::with_grace(Duration::from_millis(100));
    let manager = Manager::connect(site.server.address().clone()).unwrap();
    let kept = manager.create_event().unwrap();
    let sync_server::Address::Tcp { host, port } = &site.server.python_addresses()[1] else {
        panic!("the second address is a TCP one")
    };
    let killed = Command::new(python)
        .arg(super::script("share.py"))
        .arg(format!("{host}:{port}"))
        .arg(site.key_file())
        .arg("leave_behind")
        .status()
        .unwrap();
    assert_eq!(killed.signal(), Some(9));
    let before = Instant::now();
    while manager.debug_info().unwrap().object_count > 1 {
        assert!(before.elapsed() < Duration::from_secs(30), "{:?}", manager.debug_info());
        std::thread::yield_now();
    }
    drop(kept);
}
