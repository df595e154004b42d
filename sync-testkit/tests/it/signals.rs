//! Signals are the program's: the library sends it none, and takes none of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::SIGPIPE;
use sync_testkit::{Cast, Role, ServerProcess, roles};

roles![bearer];

/// Brings a value to a manager that is gone, and would notice a signal for it.
fn bearer(role: &Role) {
    let broken = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGPIPE, Arc::clone(&broken)).unwrap();
    let value = role.manager().create_value(String::new()).unwrap();
    role.say("ready");
    role.hear();
    // Too long to be written as one piece.
    let error = value.set(&"x".repeat(1 << 16)).unwrap_err();
    assert!(error.is_disconnected(), "{error}");
    assert!(!broken.load(Ordering::SeqCst), "it would have ended this process");
}

#[test]
fn who_writes_to_a_server_that_is_gone_gets_an_error_and_no_signal() {
    let server = ServerProcess::start(&[], 1);
    let cast = Cast::joining(&server);
    let mut bearer = cast.start(bearer);
    bearer.expect("ready");
    server.kill();
    bearer.tell("it is gone");
    bearer.wait();
}
