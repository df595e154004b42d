//! Rust and Python programs share objects by name.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::{Duration, Instant};

use sync_client::{Blob, ErrorKind, Manager};

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
fn large_bytes_are_the_same_bytes_on_both_sides() {
    both(|site, manager, address| {
        let content: Vec<u8> = (0..1 << 20).map(|at| at as u8).collect();
        let photo = manager.named("photo").create_value(Blob::from(content.clone())).unwrap();
        run(site, address, "share.py", &["reads_and_writes_large_bytes"]);
        if super::python().is_some() {
            let turned: Vec<u8> = content.into_iter().rev().collect();
            assert_eq!(photo.get().unwrap(), turned.into());
        }
    });
}

#[test]
fn what_a_python_program_releases_is_free_though_a_rust_guard_held_it() {
    both(|site, manager, address| {
        let lock = manager.named("gate").create_lock().unwrap();
        let guard = lock.lock().unwrap();
        run(site, address, "share.py", &["releases_what_it_does_not_hold"]);
        if super::python().is_some() {
            assert!(!lock.is_locked().unwrap() && !guard.is_lost());
            assert_eq!(guard.unlock().unwrap_err().kind(), ErrorKind::NotOwner);
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
fn what_python_has_no_form_for_stays_where_it_is() {
    // Python's dicts are no keys.
    type Item = BTreeMap<BTreeMap<String, i32>, i32>;
    let item = |at: i32| BTreeMap::from([(BTreeMap::from([("a".to_owned(), at)]), 1)]);
    both(|site, manager, address| {
        let jobs = manager.named("jobs").create_queue::<Item>(8).unwrap();
        let shelf = manager.named("shelf").create_list::<Item>().unwrap();
        let table = manager.named("table").create_dict::<i32, Item>().unwrap();
        for at in 0..3 {
            jobs.put(&item(at)).unwrap();
            shelf.push(&item(at)).unwrap();
            table.insert(&at, &item(at)).unwrap();
        }
        run(site, address, "share.py", &["takes_nothing_that_it_has_no_form_for"]);
        let all: Vec<_> = (0..3).map(item).collect();
        assert_eq!(jobs.get_many(8).unwrap(), all);
        assert_eq!(shelf.to_vec().unwrap(), all);
        assert_eq!(table.items().unwrap(), (0..3).map(|at| (at, item(at))).collect::<Vec<_>>());
    });
}

#[test]
fn a_list_in_a_key_is_a_tuple_to_python() {
    both(|site, manager, address| {
        let key = (1, vec![2, 3]);
        let table = manager.named("table").create_dict::<(i32, Vec<i32>), i32>().unwrap();
        table.insert(&key, &4).unwrap();
        let members = manager.named("members").create_set::<(i32, Vec<i32>)>().unwrap();
        members.insert(&key).unwrap();
        run(site, address, "share.py", &["has_a_tuple_where_rust_has_a_list_in_a_key"]);
    });
}

#[test]
fn python_sorts_by_a_key_in_its_turn_among_updates() {
    both(|site, manager, address| {
        let list = manager.named("shelf").create_list_from([3, -2, 1]).unwrap();
        let watcher = Manager::connect(site.server.address().clone()).unwrap();
        std::thread::scope(|scope| {
            let sorted = list.update(|items| {
                let sorted = scope.spawn(|| run(site, address, "share.py", &["sorts_by_a_key"]));
                let before = Instant::now();
                while super::python().is_some() && watcher.debug_info().unwrap().blocked_count == 0
                {
                    assert!(before.elapsed() < Duration::from_secs(30), "it never came to wait");
                }
                items.push(0);
                sorted
            });
            sorted.unwrap().join().unwrap();
        });
        if super::python().is_some() {
            assert_eq!(list.to_vec().unwrap(), [0, 1, -2, 3]);
        }
    });
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
