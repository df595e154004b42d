//! A manager one of whose event loops dies: all of it ends, and says so.

use std::fs;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread;

use sync_client::{ErrorKind, Manager};
use sync_server::{Address, AuthKey, Server};
use sync_testkit::{Cast, Role, roles};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

roles![stricken];

/// A log in which a thread of this name dies, whatever it says.
struct Trap(String);

impl Subscriber for Trap {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        assert_ne!(thread::current().name(), Some(&*self.0), "it walked into the trap");
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Hosts a manager with two event loops, of which one dies when a stranger talks nonsense to it,
/// and says what it was told of that.
fn stricken(role: &Role) {
    let (thread, directory): (String, PathBuf) = (role.arg(0), role.arg(1));
    tracing::subscriber::set_global_default(Trap(thread.clone())).unwrap();
    let [native, python] = ["native", "python"].map(|name| directory.join(name));
    let server = Server::builder()
        .listen(Address::unix(&native).unwrap())
        .python_listen(Address::unix(&python).unwrap())
        .authkey(AuthKey::new(vec![b'k'; 32]).unwrap())
        .spawn()
        .unwrap();
    let manager = Manager::over(server.local().unwrap());
    let event = manager.create_event().unwrap();
    let waiter = thread::spawn(move || event.wait());
    while manager.blocked_count().unwrap() == 0 {
        thread::yield_now();
    }
    let met = if thread == "sync-server" { &native } else { &python };
    UnixStream::connect(met).unwrap().write_all(&[0x7f; 64]).unwrap();
    let error = server.join().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Broken, "{error}");
    let waited = waiter.join().unwrap().unwrap_err();
    assert_eq!(waited.kind(), ErrorKind::ShuttingDown, "{waited}");
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0, "nobody listens any more");
    role.say(error);
}

#[test]
fn where_one_event_loop_dies_the_whole_manager_ends_and_says_so() {
    let cast = Cast::new();
    for thread in ["sync-server", "sync-server-py"] {
        let directory = tempfile::tempdir().unwrap();
        let mut actor = cast.start_with(stricken, &[&thread, &directory.path().display()]);
        actor.expect(&format!("the manager has ended: its thread {thread} panicked"));
        actor.wait();
    }
}
