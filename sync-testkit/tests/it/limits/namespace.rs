//! Clients whose processes the manager cannot see: it, or they, are in a PID namespace of their
//! own.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use sync_testkit::{Role, ServerProcess, roles};

use super::*;

roles![caged];

/// Plays itself in a PID namespace of its own, from where the manager cannot be seen.
fn caged(role: &Role) {
    if env::var_os("SYNC_CAGED").is_none() {
        let mut command = apart().unwrap();
        assert!(command.args(env::args_os()).env("SYNC_CAGED", "1").status().unwrap().success());
        return;
    }
    role.say(format!("{} objects", role.manager().object_count().unwrap()));
}

/// Returns a command that runs others in a PID namespace of their own, where that is allowed.
#[expect(clippy::print_stdout, reason = "who reads the tests' output learns what was left out")]
fn apart() -> Option<Command> {
    let command = || {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--pid", "--fork", "--kill-child"]);
        command
    };
    let can = command().arg("true").output().is_ok_and(|output| output.status.success());
    if !can {
        println!("skipped: no PID namespace can be made here (`unshare --user --pid`)");
    }
    can.then(command)
}

#[test]
fn processes_that_the_manager_cannot_see_are_counted_by_their_user() {
    let Some(mut command) = apart() else { return };
    let cast = Cast::new();
    command.arg(ServerProcess::binary()).args(["--stop-with-stdin", "--max-sessions-per-peer=1"]);
    let mut server = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut ready = String::new();
    BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut ready).unwrap();
    let address = ready.trim_start_matches("READY ").trim_end();
    let first = Manager::connect(address).unwrap();
    let refused = Manager::connect(address).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::LimitReached, "{refused}");
    assert!(refused.to_string().contains("in another PID namespace, has 1 session"), "{refused}");
    first.create_event().unwrap().set().unwrap();
    first.disconnect();
    cast.until("there is room again", || Manager::connect(address).is_ok());
    drop(server.stdin.take());
    assert!(server.wait().unwrap().success());
}

#[test]
fn a_process_that_cannot_see_its_manager_is_let_in() {
    if apart().is_none() {
        return;
    }
    let cast = Cast::new();
    let mut actor = cast.start(caged);
    actor.expect("0 objects");
    actor.wait();
}
