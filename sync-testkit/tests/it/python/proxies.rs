//! What docs/python.md says of older versions, of named objects and of the log.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use sync_client::Manager;
use sync_testkit::ServerProcess;

use super::{Address, Site, python, run};

fn both(program: &str) {
    for at in 0..2 {
        let site = Site::new();
        run(&site, &site.server.python_addresses()[at], "proxies.py", &[program]);
    }
}

#[test]
fn a_set_is_registered_before_3_14() {
    both("a_set_is_registered_before_3_14");
}

#[test]
fn a_queue_that_is_shut_down_says_so() {
    both("a_queue_that_is_shut_down_says_so");
}

#[test]
fn a_named_object_has_the_proxy_that_it_is_registered_with() {
    for at in 0..2 {
        let site = Site::new();
        let manager = Manager::connect(site.server.address().clone()).unwrap();
        let gate = manager.named("gate").create_lock().unwrap();
        manager.publish("plain_gate", &gate).unwrap();
        let settings = manager.named("settings").create_namespace().unwrap();
        settings.set("depth", &3).unwrap();
        let _count = manager.named("count").create_value(7).unwrap();
        let _pages = manager.named("pages").create_dict::<String, i64>().unwrap();
        let address = &site.server.python_addresses()[at];
        let program = "a_named_object_has_the_proxy_that_it_is_registered_with";
        run(&site, address, "proxies.py", &[program]);
    }
}

#[test]
fn a_generated_proxy_changes_nothing_into_something_else() {
    for at in 0..2 {
        let site = Site::new();
        let manager = Manager::connect(site.server.address().clone()).unwrap();
        let _shelf = manager.named("shelf").create_list_from([1]).unwrap();
        let _members = manager.named("members").create_set_from([1]).unwrap();
        let pages = manager.named("pages").create_dict::<String, i64>().unwrap();
        pages.set("a", &1).unwrap();
        let _rounds = manager.named("rounds").create_barrier(1).unwrap();
        let settings = manager.named("plain_settings").create_namespace().unwrap();
        settings.set("depth", &3).unwrap();
        let address = &site.server.python_addresses()[at];
        let program = "a_generated_proxy_changes_nothing_into_something_else";
        run(&site, address, "proxies.py", &[program]);
    }
}

#[test]
fn the_log_says_what_a_connection_was_late_with() {
    if python().is_none() {
        return;
    }
    let site = Site::new();
    let path = site.directory.path().join("patient");
    let (listen, key) = (format!("unix:{}", path.display()), site.key_file());
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let args = ["--python-listen", &listen, "--authkey-file", &key.display().to_string()];
    let server = ServerProcess::start(&[&args[..], &["--handshake-timeout=1"]].concat(), 0);
    while UnixStream::connect(&path).is_err() {
        std::thread::yield_now();
    }
    run(&site, &Address::unix(path).unwrap(), "proxies.py", &["who_is_late_is_sent_away"]);
    for what in ["to show the key", "it has the key, and sent no request", "its last answer"] {
        server.until_logged(what);
    }
}
