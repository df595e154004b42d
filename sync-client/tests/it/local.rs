//! A manager in this process.

use sync_client::Manager;
use sync_server::Server;

/// Starts a manager, which ends with what comes first.
pub(crate) fn start() -> (impl Drop, Manager) {
    let server = Server::builder().spawn().unwrap();
    let manager = Manager::over(server.local().unwrap());
    (server, manager)
}
