//! Keys are changed while the server runs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::Signal;
use sync_client::{Address, AuthKey, Error, ErrorKind, Manager};
use sync_testkit::{Cast, ServerProcess};

use super::tcp::listening_on_tcp;

const OLD: &str = super::tcp::KEY;
const NEW: &str = "all I ask is a merry yarn from a laughing fellow";

fn key(text: &str) -> AuthKey {
    AuthKey::new(text).unwrap()
}

fn connect(address: &Address, with: &str) -> Result<Manager, Error> {
    Manager::options().authkey(key(with)).connect(address.clone())
}

fn refused(address: &Address, with: &str) {
    let error = connect(address, with).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
}

#[test]
fn a_key_is_changed_without_a_pause_and_open_sessions_go_on() {
    let cast = Cast::with(listening_on_tcp("127.0.0.1"));
    let (server, address) = (cast.server(), cast.server().address());
    let before = connect(address, OLD).unwrap();
    let guard = before.named("lock").create_lock().unwrap().lock().unwrap();
    refused(address, NEW);
    server.set_authkeys([key(OLD), key(NEW)]).unwrap();
    connect(address, OLD).unwrap();
    connect(address, NEW).unwrap();
    server.set_authkeys([key(NEW)]).unwrap();
    refused(address, OLD);
    let after = connect(address, NEW).unwrap();
    assert!(!guard.is_lost());
    guard.unlock().unwrap();
    assert!(after.named("lock").create_lock().unwrap().try_lock().unwrap().is_some());
}

#[test]
fn keys_that_will_not_do_are_refused_and_the_old_ones_stay() {
    let cast = Cast::with(listening_on_tcp("127.0.0.1"));
    let (server, address) = (cast.server(), cast.server().address());
    for (keys, why) in
        [(vec![], "give the server a key"), (vec![key(NEW), key("short")], "5 bytes")]
    {
        let error = server.set_authkeys(keys).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.message().contains(why), "{error}");
    }
    refused(address, NEW);
    connect(address, OLD).unwrap();
}

fn write(path: &Path, key: &str, mode: u32) {
    fs::write(path, key).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_server_reads_its_key_files_again_on_sighup() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    write(&path, OLD, 0o600);
    let file = format!("--authkey-file={}", path.display());
    let server = ServerProcess::start(&["--listen=tcp:127.0.0.1:0", &file], 1);
    let address = &server.addresses()[0];
    write(&path, NEW, 0o644);
    server.signal(Signal::HUP);
    server.until_logged("the keys stay as they were");
    refused(address, NEW);
    connect(address, OLD).unwrap();
    write(&path, NEW, 0o600);
    server.signal(Signal::HUP);
    server.until_logged("the key files were read again");
    refused(address, OLD);
    connect(address, NEW).unwrap();
    server.terminate();
}
