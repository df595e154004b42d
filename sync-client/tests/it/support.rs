//! A manager, and several processes' sessions with it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sync_client::Manager;
use sync_server::Server;

/// Starts a manager; each element is a session of its own, as another process would have it: the
/// first over a socket, the next without, and so on. The manager ends with what comes first.
pub(crate) fn sessions<const N: usize>() -> (impl Drop, [Manager; N]) {
    let server = Server::builder().spawn().unwrap();
    let managers = std::array::from_fn(|at| match at % 2 {
        0 => Manager::connect(server.address().clone()).unwrap(),
        _ => Manager::over(server.local().unwrap()),
    });
    (server, managers)
}

/// Waits until so many calls wait in the manager.
pub(crate) fn until_blocked(manager: &Manager, count: u64) {
    while manager.blocked_count().unwrap() != count {
        std::thread::yield_now();
    }
}

/// Runs something that panics, and goes on.
pub(crate) fn panicking(run: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(run)).is_err(), "it was to panic");
}
