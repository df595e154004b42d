//! The real server binary: how it begins, and what its end does to others.

use std::env::set_current_dir;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use sync_client::{Address, AuthKey, ErrorKind, LockGuard, Manager};
use sync_objects::manager;
use sync_proto::address::UNIX_PATH_MAX;
use sync_proto::message::{ClientMessage, Reply, Request, ServerMessage};
use sync_proto::{CallId, Data, ObjectId, OneWayId, Refusal, ThreadId};
use sync_server::{Server, write_new_key};
use sync_testkit::{Actor, Cast, RawClient, Role, ServerProcess, roles};
use tempfile::TempDir;

roles![blocked, settler, traveller];

/// Waits for something that never comes, and says with which error it ended.
fn blocked(role: &Role) {
    let manager = role.manager();
    let error = match role.arg::<String>(0).as_str() {
        "lock" => manager.named("lock").create_lock().unwrap().lock().map(drop),
        "queue" => manager.named("queue").create_queue::<u8>(1).unwrap().get().map(drop),
        "event" => manager.named("event").create_event().unwrap().wait(),
        "seats" => manager.named("seats").create_semaphore(0).unwrap().acquire().map(drop),
        other => panic!("{other} is nothing to wait for"),
    };
    role.say(format!("{:?}", error.unwrap_err().kind()));
    let later = manager.object_count().unwrap_err();
    assert!(later.is_disconnected() || later.kind() == ErrorKind::ShuttingDown, "{later}");
}

/// Hosts a manager in a directory of which no address tells, and is elsewhere when it ends.
fn settler(role: &Role) {
    let directory = Path::new(&role.arg::<String>(0)).join(match role.arg::<String>(1).as_str() {
        "long" => OsString::from("x".repeat(UNIX_PATH_MAX)),
        "no text" => OsString::from_vec(vec![0xff]),
        other => panic!("{other} is no kind of directory"),
    });
    fs::create_dir(&directory).unwrap();
    set_current_dir(&directory).unwrap();
    let server = Server::builder().listen("unix:socket".parse().unwrap()).spawn().unwrap();
    let manager = Manager::connect("unix:socket").unwrap();
    assert_eq!(server.address().to_string(), "unix:socket");
    assert_eq!(manager.envs()[0].1, "unix:socket", "a child finds it if it begins here");
    set_current_dir("/").unwrap();
    drop(server);
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0, "nothing is left");
}

/// Hosts a manager where it stands, and goes elsewhere.
fn traveller(role: &Role) {
    let directory: String = role.arg(0);
    set_current_dir(&directory).unwrap();
    let server = Server::builder().listen("unix:socket".parse().unwrap()).spawn().unwrap();
    let manager = Manager::connect("unix:socket").unwrap();
    set_current_dir("/").unwrap();
    let event = manager.create_event().unwrap();
    let waiter = std::thread::spawn({
        let event = event.clone();
        move || event.wait()
    });
    let local = Manager::over(server.local().unwrap());
    while local.blocked_count().unwrap() == 0 {
        std::thread::yield_now();
    }
    event.set().expect("a further connection can be had");
    waiter.join().unwrap().unwrap();
    let address = format!("unix:{directory}/socket");
    assert_eq!(server.address().to_string(), address);
    assert_eq!(manager.envs()[0].1, *address, "a child finds it wherever it begins");
    drop(server);
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0, "nothing is left");
}

const KINDS: [&str; 4] = ["lock", "queue", "event", "seats"];

fn directory() -> (TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let address = format!("unix:{}/socket", directory.path().display());
    (directory, address)
}

/// Starts processes that wait, one for each kind of thing; the guard is what one waits for.
fn all_blocked(cast: &Cast) -> (LockGuard, Vec<Actor>) {
    let guard = cast.manager().named("lock").create_lock().unwrap().lock().unwrap();
    let actors = KINDS.map(|kind| cast.start_with(blocked, &[&kind]));
    cast.until("all are blocked", || cast.manager().blocked_count().unwrap() == 4);
    (guard, actors.into())
}

#[test]
fn a_server_that_is_killed_ends_every_blocked_call_at_once() {
    let (_directory, address) = directory();
    let server = ServerProcess::start(&["--listen", &address], 1);
    let cast = Cast::joining(&server);
    let (guard, mut actors) = all_blocked(&cast);
    server.kill();
    actors.iter_mut().for_each(|actor| actor.expect("Disconnected"));
    actors.into_iter().for_each(Actor::wait);
    let error = cast.manager().object_count().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
    assert!(guard.is_lost());
}

#[test]
fn a_guard_whose_manager_is_gone_is_lost_before_anything_is_asked() {
    let held = |manager: &Manager| manager.create_lock().unwrap().lock().unwrap();
    for end in [ServerProcess::kill, ServerProcess::terminate] {
        let server = ServerProcess::start(&[], 1);
        let guard = held(&server.connect());
        assert!(!guard.is_lost());
        end(server);
        assert!(guard.is_lost());
    }
    let server = Server::builder().spawn().unwrap();
    let by_socket = Manager::connect(server.address()).unwrap();
    let guards = [by_socket, Manager::over(server.local().unwrap())].map(|it| held(&it));
    assert!(!guards.iter().any(LockGuard::is_lost));
    drop(server);
    assert!(guards.iter().all(LockGuard::is_lost));
}

#[test]
fn a_server_that_is_asked_to_end_tells_every_blocked_caller_and_removes_its_socket() {
    let (directory, address) = directory();
    let server = ServerProcess::start(&["--listen", &address], 1);
    let cast = Cast::joining(&server);
    let (_guard, mut actors) = all_blocked(&cast);
    server.terminate();
    actors.iter_mut().for_each(|actor| actor.expect("ShuttingDown"));
    actors.into_iter().for_each(Actor::wait);
    assert!(!directory.path().join("socket").exists());
}

#[test]
fn a_server_that_ends_answers_all_that_it_was_asked_before() {
    const CALLS: u64 = 3000;
    let (_directory, address) = directory();
    let server = ServerProcess::start(&["--listen", &address], 1);
    let cast = Cast::joining(&server);
    let mut raw = RawClient::welcomed(&server.addresses()[0]);
    // More than is carried out in one turn, and the end in the middle of it.
    let method = |call| if call == CALLS / 2 { "shutdown" } else { "object_count" };
    let asked = (1..=CALLS).map(|call| ask_the_manager(call, method(call)));
    raw.send_bytes(&asked.flat_map(|request| RawClient::frame(&request)).collect::<Vec<u8>>());
    let mut answers = Vec::new();
    while let Some(said) = raw.read() {
        match said {
            ServerMessage::Reply(Reply { call, outcome }) => answers.push((call.0, outcome)),
            other => assert!(matches!(other, ServerMessage::Refused(_)), "{other:?}"),
        }
    }
    assert_eq!(
        answers.iter().map(|(call, _)| *call).collect::<Vec<_>>(),
        Vec::from_iter(1..=CALLS)
    );
    let is_done = |(call, outcome): &(u64, Result<_, Refusal>)| match outcome {
        Ok(_) => *call <= CALLS / 2,
        Err(refusal) => *call > CALLS / 2 && refusal.kind == ErrorKind::ShuttingDown,
    };
    assert!(answers.iter().all(is_done), "what was asked before the end is done, the rest refused");
    drop(cast);
}

fn ask_the_manager(call: u64, method: &str) -> ClientMessage {
    ClientMessage::Request(Request {
        call: CallId(call),
        after: OneWayId::NONE,
        thread: ThreadId(1),
        object: ObjectId::MANAGER,
        method: manager::method(method),
        timeout: None,
        data: Data::default(),
    })
}

#[test]
fn a_client_can_end_the_server() {
    let (directory, address) = directory();
    let server = ServerProcess::start(&["--listen", &address], 1);
    let cast = Cast::joining(&server);
    let (_guard, mut actors) = all_blocked(&cast);
    cast.manager().shutdown().unwrap();
    actors.iter_mut().for_each(|actor| actor.expect("ShuttingDown"));
    cast.until("the socket is gone", || !directory.path().join("socket").exists());
}

#[test]
fn a_client_that_is_frozen_when_the_server_dies_hears_of_it_later() {
    let (_directory, address) = directory();
    let server = ServerProcess::start(&["--listen", &address], 1);
    let cast = Cast::joining(&server);
    let (_guard, mut actors) = all_blocked(&cast);
    actors[0].stop();
    server.kill();
    actors[0].cont();
    actors.iter_mut().for_each(|actor| actor.expect("Disconnected"));
}

#[test]
fn the_server_says_on_which_addresses_it_is_ready() {
    let (directory, unix) = directory();
    let key_file = directory.path().join("key");
    let key_file = key_file.to_str().unwrap();
    let mut keygen = Command::new(ServerProcess::binary());
    assert!(keygen.args(["keygen", key_file]).status().unwrap().success());
    let args = ["--listen", &unix, "--listen", "tcp:127.0.0.1:0", "--authkey-file", key_file];
    let server = ServerProcess::start(&args, 2);
    assert_eq!(server.addresses()[0].to_string(), unix);
    let Address::Tcp { port, .. } = server.addresses()[1] else { panic!("it is a TCP address") };
    assert_ne!(port, 0);
    let mode = fs::metadata(directory.path().join("socket")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let options = Manager::options().authkey_file(key_file).unwrap();
    let by_tcp = options.connect(server.addresses()[1].clone()).unwrap();
    by_tcp.named("number").create_value(9u8).unwrap();
    assert_eq!(server.connect().names().unwrap(), ["number"]);
}

#[test]
fn the_servers_own_directory_is_nobody_elses() {
    let server = ServerProcess::start(&[], 1);
    let Address::Unix(socket) = &server.addresses()[0] else { panic!("it is a unix socket") };
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(socket.parent().unwrap()), mode(socket)), (0o700, 0o600));
}

#[test]
fn a_socket_where_everybody_can_write_is_warned_of() {
    let (directory, address) = directory();
    let said = |mode| {
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode)).unwrap();
        let mut command = Command::new(ServerProcess::binary());
        // It ends at once: there is no input.
        command.args(["--stop-with-stdin", "--listen", &address]).stdin(Stdio::null());
        let output = command.output().unwrap();
        assert!(output.status.success() && output.stdout.starts_with(b"READY"));
        String::from_utf8(output.stderr).unwrap()
    };
    for mode in [0o777, 0o1777] {
        let said = said(mode);
        assert!(said.contains("WARN") && said.contains("everybody can write"), "{said}");
        assert!(said.contains(directory.path().to_str().unwrap()), "{said}");
    }
    for mode in [0o700, 0o755] {
        assert!(!said(mode).contains("everybody"));
    }
}

#[test]
fn a_key_that_others_can_read_or_that_is_there_already_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let key_file = directory.path().join("key");
    let path = key_file.to_str().unwrap();
    let mut keygen = Command::new(ServerProcess::binary());
    assert!(keygen.args(["keygen", path]).status().unwrap().success());
    let mode = |mode| fs::set_permissions(&key_file, fs::Permissions::from_mode(mode)).unwrap();
    assert_eq!(fs::metadata(&key_file).unwrap().permissions().mode() & 0o777, 0o600);
    let key = fs::read(&key_file).unwrap();
    assert!(failing(&["keygen", path]).contains("a key is not overwritten"));
    assert_eq!(fs::read(&key_file).unwrap(), key);
    mode(0o644);
    let said = failing(&["--listen", "tcp:127.0.0.1:0", "--authkey-file", path]);
    assert!(said.contains(path) && said.contains("chmod 600"), "{said}");
    let error = Manager::options().authkey_file(path).unwrap_err();
    assert!(error.message().contains(path) && error.message().contains("chmod 600"), "{error}");
    mode(0o600);
    fs::write(&key_file, "guess").unwrap();
    let said = failing(&["--listen", "tcp:127.0.0.1:0", "--authkey-file", path]);
    assert!(said.contains("5 bytes") && said.contains("keygen"), "{said}");
    assert!(!said.contains("guess"), "{said}");
}

#[test]
fn nothing_that_a_server_says_holds_its_key() {
    let _watched = Cast::new();
    let directory = tempfile::tempdir().unwrap();
    let key_file = directory.path().join("key");
    write_new_key(&key_file).unwrap();
    let digits = fs::read_to_string(&key_file).unwrap().trim_end().to_owned();
    let (tcp, options) = ("tcp:127.0.0.1:0", Manager::options().authkey_file(&key_file).unwrap());
    let mut command = Command::new(ServerProcess::binary());
    command.args(["--stop-with-stdin", "--listen", tcp, "--authkey-file"]).arg(&key_file);
    command.env("RUST_LOG", "trace").stdin(Stdio::piped());
    let mut server = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut ready = String::new();
    BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut ready).unwrap();
    let address: Address = ready.trim_start_matches("READY ").trim_end().parse().unwrap();
    let wrong = Manager::options().authkey(AuthKey::new("a guess".repeat(9)).unwrap());
    let mut said = wrong.connect(address.clone()).unwrap_err().to_string();
    let manager = options.clone().connect(address).unwrap();
    said.push_str(&format!("{options:?} {manager:?}"));
    drop(server.stdin.take());
    let logged = String::from_utf8(server.wait_with_output().unwrap().stderr).unwrap();
    assert!(logged.contains("another key"), "the guess was refused: {logged}");
    said.push_str(&logged);
    for secret in [&digits, "a guess", &format!("{:?}", digits.as_bytes())] {
        assert!(!said.contains(secret), "{said}");
    }
}

#[test]
fn a_log_that_takes_nothing_more_does_not_end_the_manager() {
    let _watched = Cast::new();
    let mut command = Command::new(ServerProcess::binary());
    command.arg("--stop-with-stdin").env("RUST_LOG", "info");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create("/dev/full").unwrap());
    let mut server = command.spawn().unwrap();
    let mut ready = String::new();
    BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut ready).unwrap();
    let address: Address = ready.trim_start_matches("READY ").trim_end().parse().unwrap();
    let mut stranger = RawClient::connect(&address);
    stranger.send_bytes(&[0x7f; 64]);
    stranger.refused();
    assert_eq!(Manager::connect(&address).unwrap().object_count().unwrap(), 0);
    drop(server.stdin.take());
    assert!(server.wait().unwrap().success());
}

#[test]
fn a_socket_file_that_a_killed_server_left_is_taken_over() {
    let (directory, address) = directory();
    ServerProcess::start(&["--listen", &address], 1).kill();
    assert!(directory.path().join("socket").exists());
    let server = ServerProcess::start(&["--listen", &address], 1);
    assert_eq!(server.connect().object_count().unwrap(), 0);
}

#[test]
fn a_path_is_meant_from_where_the_process_stood_when_it_said_it() {
    let cast = Cast::new();
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().canonicalize().unwrap();
    cast.start_with(traveller, &[&directory.display()]).wait();
}

#[test]
fn a_path_is_left_as_it_was_said_in_a_directory_of_which_no_address_tells() {
    let cast = Cast::new();
    for kind in ["long", "no text"] {
        let directory = tempfile::tempdir().unwrap();
        cast.start_with(settler, &[&directory.path().display(), &kind]).wait();
    }
}

fn failing(args: &[&str]) -> String {
    let mut command = Command::new(ServerProcess::binary());
    let output = command.args(args).env_remove("SYNC_AUTHKEY").output().unwrap();
    assert!(!output.status.success());
    assert!(output.stdout.is_empty(), "it is not ready");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn an_address_that_is_taken_is_refused_and_its_server_goes_on() {
    let (_directory, address) = directory();
    let server = ServerProcess::start(&["--listen", &address], 1);
    let said = failing(&["--listen", &address]);
    assert!(said.contains(&format!("cannot listen on {address}")), "{said}");
    assert!(said.contains("another server"), "{said}");
    assert_eq!(server.connect().object_count().unwrap(), 0);
}

#[test]
fn a_command_line_that_makes_no_sense_is_refused_with_a_sentence() {
    let said = failing(&["--listen", "tcp:127.0.0.1:0"]);
    assert!(said.contains("give the server a key"), "{said}");
    let said = failing(&["--listen", "tcp:127.0.0.1:0", "--authkey-file", "/nowhere/key"]);
    assert!(said.contains("/nowhere/key"), "{said}");
    let said = failing(&["--listen", "gopher:hole"]);
    assert!(said.contains("unix:PATH"), "{said}");
}
