//! The example `debug_info`.

use sync_client::Manager;
use sync_server::Server;

use super::run;

#[test]
fn an_operator_sees_from_a_shell_who_holds_what() {
    let server = Server::builder().spawn().unwrap();
    let manager = Manager::over(server.local().unwrap());
    let lock = manager.named("the ledger").create_lock().unwrap();
    let _guard = lock.lock().unwrap();
    let printed = run("debug_info", &[&server.address().to_string()]);
    let mut lines = printed.lines();
    let first = lines.next().unwrap();
    assert!(first.starts_with("2 sessions, 1 objects, ") && first.contains(" bytes, "), "{first}");
    assert!(lines.any(|line| line.starts_with("sync.lock \"the ledger\" ")), "{printed}");
    assert!(lines.any(|line| line.contains(" holds 1 for ")), "{printed}");
}
