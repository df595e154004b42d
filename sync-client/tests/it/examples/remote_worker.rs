//! The example `remote_worker`.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};

use rustix::net::{self, AddressFamily, SocketType, sockopt};
use tempfile::TempDir;

use super::example;

#[test]
fn a_worker_that_starts_before_the_manager_finds_it() {
    let keys = Keys::new();
    let (_reserved, address) = reserved_address();
    let connect = format!("--connect={address}");
    // With a second one, all could be done, and the manager gone, before that one tries again.
    let worker = Running::start(&["work", &connect], &keys.right);
    assert_eq!(worker.first_line, format!("connecting to {address}\n"));
    let listen = format!("--listen={address}");
    let server = Running::start(&["serve", &listen, "--below=100000"], &keys.right);
    assert_eq!(server.first_line, format!("READY {address}\n"));
    assert_eq!(server.rest(), "9592 primes below 100000\n");
    assert_eq!(worker.rest(), "did 10 jobs\n");
}

#[test]
fn a_worker_with_a_wrong_key_is_refused() {
    let keys = Keys::new();
    let server =
        Running::start(&["serve", "--listen=tcp:127.0.0.1:0", "--below=1000"], &keys.right);
    let address = server.first_line.strip_prefix("READY ").unwrap().trim_end();
    let connect = format!("--connect={address}");

    let mut command = example("remote_worker");
    let stranger = command.args(["work", &connect, "--authkey-file"]).arg(&keys.wrong);
    let output = stranger.output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    let error = String::from_utf8_lossy(&output.stderr);
    let why = format!("cannot connect to {address}: the manager closed the connection without");
    assert!(error.contains(&why), "{error}");

    let worker = Running::start(&["work", &connect], &keys.right);
    assert_eq!(server.rest(), "168 primes below 1000\n");
    assert_eq!(worker.rest(), "did 1 jobs\n");
}

#[test]
fn a_key_file_that_is_not_there_is_named() {
    let mut command = example("remote_worker");
    command.args(["serve", "--listen=tcp:127.0.0.1:0", "--authkey-file=/no/such/key"]);
    let output = command.output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("/no/such/key"), "{output:?}");
}

/// Two key files.
struct Keys {
    _folder: TempDir,
    right: PathBuf,
    wrong: PathBuf,
}

impl Keys {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [right, wrong] = ["right", "wrong"].map(|name| folder.path().join(name));
        for path in [&right, &wrong] {
            sync_server::write_new_key(path).unwrap();
        }
        Self { _folder: folder, right, wrong }
    }
}

/// The example at work, after its first line. It is killed if the test fails.
struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
    first_line: String,
}

impl Running {
    fn start(args: &[&str], key: &Path) -> Self {
        let mut command = example("remote_worker");
        command.args(args).arg("--authkey-file").arg(key).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut first_line = String::new();
        output.read_line(&mut first_line).unwrap();
        Self { child, output, first_line }
    }

    /// What it prints until it ends, which must be a success.
    fn rest(mut self) -> String {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        let ended = self.child.wait().unwrap();
        assert!(ended.success(), "{ended}, after {rest}");
        rest
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended can't be killed, and that's all that can be wrong.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address on which nobody listens yet. The socket keeps it from everybody who does not ask for
/// just this port.
fn reserved_address() -> (OwnedFd, String) {
    let socket = net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    sockopt::set_socket_reuseaddr(&socket, true).unwrap();
    net::bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
    let bound = SocketAddrV4::try_from(net::getsockname(&socket).unwrap()).unwrap();
    (socket, format!("tcp:{bound}"))
}
