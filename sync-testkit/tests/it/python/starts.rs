//! A server is started by a Python program, or for programs of both languages.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use rustix::process::Signal;
use sync_client::{AuthKey, Manager};
use sync_testkit::ServerProcess;

use super::{Address, Site, python, run, script};

#[test]
fn a_python_program_starts_its_manager_and_interrupts_itself_alone() {
    let Some(python) = python() else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new(python);
    command.arg(script("starts.py")).arg(ServerProcess::binary()).arg(directory.path());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn one_key_file_serves_programs_of_both_languages() {
    if python().is_none() {
        return;
    }
    let site = Site::new();
    let (key, path) = (site.key_file(), site.directory.path().join("both"));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let (unix, key_file) = (format!("unix:{}", path.display()), key.display().to_string());
    let args = ["--listen=tcp:127.0.0.1:0", "--python-listen", &unix, "--authkey-file", &key_file];
    let server = ServerProcess::start(&args, 1);
    let authkey = AuthKey::new(fs::read_to_string(&key).unwrap().trim()).unwrap();
    let manager =
        Manager::options().authkey(authkey).connect(server.addresses()[0].clone()).unwrap();
    let gate = manager.named("gate").create_lock().unwrap();
    let guard = gate.lock().unwrap();
    let address = Address::unix(path).unwrap();
    let held_elsewhere = || run(&site, &address, "proxies.py", &["a_gate_is_held_elsewhere"]);
    held_elsewhere();
    fs::write(&key, "f".repeat(64)).unwrap();
    server.signal(Signal::HUP);
    server.until_logged("the key files were read again");
    held_elsewhere();
    drop(guard);
}
