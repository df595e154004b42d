//! Sessions over TCP live as long as something is heard of their client.

use std::time::Duration;

use sync_client::{AuthKey, ErrorKind, Manager};
use sync_proto::handshake::{Hello, Purpose};
use sync_proto::message::{ClientMessage, ServerMessage};
use sync_proto::version::PREAMBLE;
use sync_proto::{Address, Epoch, OneWayId, SessionId, SessionToken};
use sync_server::{Builder, Limits, Server};
use sync_testkit::{Cast, Proxy, RawClient, Role, ServerProcess, roles};

roles![holder];

// Short enough to wait for. A client that is to live must not be late by four heartbeats, nor by
// the grace.
const HEARTBEAT: Duration = Duration::from_millis(500);
const GRACE: Duration = Duration::from_secs(2);

fn on_tcp(insecure: bool) -> Builder {
    let mut limits = Limits::default();
    (limits.heartbeat, limits.kernel.grace) = (HEARTBEAT, GRACE);
    let address = Address::Tcp { host: "127.0.0.1".to_owned(), port: 0 };
    let builder = Server::builder().listen(address).limits(limits);
    if insecure { builder.insecure_tcp() } else { builder.authkey(AuthKey::new([7; 32]).unwrap()) }
}

/// Opens a session by hand: nobody keeps it alive.
fn raw(cast: &Cast) -> (RawClient, SessionId, SessionToken) {
    let mut raw = RawClient::connect(cast.server().address());
    raw.send_bytes(&PREAMBLE);
    raw.send(&RawClient::hello());
    let welcome = raw.welcome();
    let resumption = welcome.resumption.unwrap();
    assert_eq!((resumption.heartbeat, resumption.grace), (HEARTBEAT, GRACE));
    (raw, welcome.session, welcome.token)
}

fn lives(cast: &Cast, session: SessionId) -> bool {
    let sessions = cast.manager().debug_info().unwrap().sessions;
    sessions.iter().any(|of| of.session == session)
}

#[test]
fn a_client_that_falls_silent_is_over_and_told_so_when_it_comes_back() {
    let cast = Cast::with(on_tcp(true));
    let (mut raw, session, token) = raw(&cast);
    cast.until("it is missed", || !lives(&cast, session));
    assert_eq!(raw.read(), None, "its connection was closed");
    let mut late = RawClient::connect(cast.server().address());
    late.send_bytes(&PREAMBLE);
    let purpose = Purpose::Join(token, Epoch(1));
    late.send(&ClientMessage::Hello(Hello { purpose }));
    let refusal = late.refused();
    assert_eq!(refusal.kind, ErrorKind::NotFound);
    assert!(refusal.message.contains("did not come back within 2s"), "{refusal}");
}

#[test]
fn a_client_that_is_heard_of_lives_though_it_does_nothing() {
    let cast = Cast::with(on_tcp(true));
    let (mut silent, missed, _) = raw(&cast);
    let (mut raw, session, _) = raw(&cast);
    while lives(&cast, missed) {
        raw.send(&ClientMessage::Ping);
        assert_eq!(raw.read(), Some(ServerMessage::Pong(OneWayId::NONE)));
    }
    assert!(lives(&cast, session));
    assert_eq!(silent.read(), None);
}

#[test]
fn a_session_that_does_nothing_lives_also_where_the_heartbeat_is_longer_than_the_grace() {
    let mut limits = Limits::default();
    limits.heartbeat = Duration::from_secs(20);
    limits.kernel.grace = Duration::from_secs(2);
    let cast = Cast::with(on_tcp(true).limits(limits));
    let options = Manager::options().insecure_tcp();
    let manager = options.connect(cast.server().address().clone()).unwrap();
    let guard = manager.create_lock().unwrap().lock().unwrap();
    // It does nothing for longer than the grace, by the manager's clock.
    let event = cast.manager().create_event().unwrap();
    assert!(event.wait_for(Duration::from_secs(3)).unwrap().timed_out());
    assert!(!guard.is_lost());
    guard.unlock().unwrap();
}

/// Holds a lock over TCP, and is not there when its time is up.
fn holder(role: &Role) {
    let guard = role.manager().named("lock").create_lock().unwrap().lock().unwrap();
    role.say("holding");
    role.hear();
    assert!(guard.is_lost(), "its own clock says so, whether or not it has heard of it");
    let error = role.manager().object_count().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected, "{error}");
    role.say("it is lost");
}

#[test]
fn a_client_that_is_stopped_for_too_long_loses_its_lock_and_knows_it_at_once() {
    let cast = Cast::with(on_tcp(false));
    let lock = cast.manager().named("lock").create_lock().unwrap();
    let mut holder = cast.start(holder);
    holder.expect("holding");
    holder.stop();
    assert!(lock.lock().unwrap().was_abandoned());
    holder.tell("look");
    holder.cont();
    holder.expect("it is lost");
    holder.wait();
}

#[test]
fn a_server_that_was_stopped_goes_on_with_all_its_clients() {
    let directory = tempfile::tempdir().unwrap();
    let unix = format!("unix:{}/socket", directory.path().display());
    let args = ["--listen", &unix, "--listen", "tcp:127.0.0.1:0", "--insecure-tcp"];
    let times = ["--heartbeat", "50", "--grace", "50000"];
    let server = ServerProcess::start(&[&args[..], &times].concat(), 2);
    let cast = Cast::joining(&server);
    let proxy = Proxy::before(&server.addresses()[1]);
    let address = proxy.address().clone();
    let manager = Manager::options().insecure_tcp().connect(address).unwrap();
    let guard = manager.named("lock").create_lock().unwrap().lock().unwrap();
    let event = manager.named("event").create_event().unwrap();
    let waiting = std::thread::spawn(move || event.wait());
    cast.until("it waits", || cast.manager().blocked_count().unwrap() == 1);
    let before = proxy.accepted();
    server.stop();
    cast.until("the client has given its connections up", || proxy.accepted() > before);
    server.cont();
    cast.manager().named("event").create_event().unwrap().set().unwrap();
    waiting.join().unwrap().unwrap();
    assert!(!guard.is_lost());
    guard.unlock().unwrap();
}
