//! TCP: clients with the key can connect.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use sync_client::{Address, AuthKey, ErrorKind, Manager, Pending, Queue, QueueOptions};
use sync_server::{Builder, Limits, Server};
use sync_testkit::{Cast, Role, ServerProcess, roles};

roles![adder];

pub(crate) const KEY: &str = "a tall ship and a star to steer her by";

fn adder(role: &Role) {
    let value = role.manager().named("value").create_value(0u64).unwrap();
    value.fetch_add(role.arg(0)).unwrap();
}

pub(crate) fn listening_on_tcp(host: &str) -> Builder {
    let address = Address::Tcp { host: host.to_owned(), port: 0 };
    Server::builder().listen(address).authkey(AuthKey::new(KEY).unwrap())
}

#[test]
fn processes_share_objects_over_tcp_with_the_key() {
    let cast = Cast::with(listening_on_tcp("127.0.0.1"));
    let value = cast.manager().named("value").create_value(0u64).unwrap();
    let adders = [1, 20, 300].map(|number| cast.start_with(adder, &[&number]));
    adders.into_iter().for_each(sync_testkit::Actor::wait);
    assert_eq!(value.get().unwrap(), 321);
}

#[test]
fn a_wrong_key_and_a_missing_one_are_refused_and_not_repeated() {
    let cast = Cast::with(listening_on_tcp("127.0.0.1"));
    let address = cast.server().address();
    let guess = "guess".repeat(8);
    let wrong = AuthKey::new(guess.clone()).unwrap();
    let wrong = Manager::options().authkey(wrong).connect(address.clone()).unwrap_err();
    let missing = Manager::connect(address.clone()).unwrap_err();
    assert!(wrong.message().contains("without an answer: it does not have this key"), "{wrong}");
    assert!(missing.message().contains("needs a key"), "{missing}");
    for error in [wrong, missing] {
        assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
        assert!(!error.to_string().contains(KEY) && !error.to_string().contains(&guess));
    }
    let key = AuthKey::new(KEY).unwrap();
    let manager = Manager::options().authkey(key).connect(address.clone()).unwrap();
    assert_eq!(manager.object_count().unwrap(), 0);
}

#[test]
fn calls_in_a_pipeline_wait_for_those_behind_them_whatever_their_size() {
    let cast = Cast::with(listening_on_tcp("127.0.0.1"));
    let key = AuthKey::new(KEY).unwrap();
    let manager = Manager::options().authkey(key).connect(cast.server().address()).unwrap();
    let words = manager.create_queue::<String>(QueueOptions::unbounded()).unwrap();
    // More than fits into the sockets' buffers, both ways.
    let large = "x".repeat(300_000);
    manager.pipeline(|p| {
        let got: Vec<_> = (0..40).map(|_| words.later(p).get()).collect();
        let put: Vec<_> = (0..40).map(|_| words.later(p).put(&large)).collect();
        assert!(got.into_iter().all(|got| got.wait().unwrap().as_ref() == Some(&large)));
        put.into_iter().try_for_each(Pending::wait).unwrap();
    });
}

#[test]
fn a_child_is_given_what_this_manager_needs_and_nothing_of_another() {
    let directory = tempfile::tempdir().unwrap();
    let unix = Address::unix(directory.path().join("socket")).unwrap();
    let tcp = Address::Tcp { host: "127.0.0.1".to_owned(), port: 0 };
    let key = AuthKey::new(KEY).unwrap();
    let server = Server::builder().listen(unix).listen(tcp).authkey(key.clone()).spawn().unwrap();
    let connect = |at: usize| {
        let options = Manager::options().authkey(key.clone()).server_uid(0);
        options.connect(&server.addresses()[at]).unwrap()
    };
    let cases = [
        (connect(0), vec!["SYNC_MANAGER", "SYNC_SERVER_UID"]),
        (connect(1), vec!["SYNC_AUTHKEY_HEX", "SYNC_MANAGER"]),
        (Manager::over(server.local().unwrap()), vec!["SYNC_MANAGER"]),
    ];
    for (manager, needed) in cases {
        let command = manager.command("worker");
        let (set, removed): (Vec<_>, Vec<_>) =
            command.get_envs().partition(|(_, value)| value.is_some());
        assert!(set.iter().map(|(name, _)| name.to_str().unwrap()).eq(needed), "{set:?}");
        // What this process was itself given, for another one.
        assert_eq!(set.len() + removed.len(), 5, "{removed:?}");
    }
}

#[test]
fn more_answers_than_one_message_acknowledges_are_acknowledged_by_several() {
    const COUNT: usize = 5000;
    let mut limits = Limits::default();
    limits.calls_per_connection = 2 * COUNT;
    let cast = Cast::with(listening_on_tcp("127.0.0.1").limits(limits));
    let key = AuthKey::new(KEY).unwrap();
    let manager = Manager::options().authkey(key).connect(cast.server().address()).unwrap();
    let words = manager.named("words").create_queue::<u8>(QueueOptions::unbounded()).unwrap();
    let number = manager.create_value(0u8).unwrap();
    let others: Queue<u8> = cast.manager().named("words").open().unwrap();
    manager.pipeline(|p| {
        let got: Vec<_> = (0..COUNT).map(|_| words.later(p).get()).collect();
        assert_eq!(number.later(p).get().wait().unwrap(), 0, "all are sent");
        // All of them wait: none is acknowledged before the last is answered.
        while cast.manager().blocked_on(&others).unwrap() < COUNT as u64 {
            std::thread::yield_now();
        }
        others.put_many([7; COUNT]).unwrap();
        got.into_iter().for_each(|got| assert_eq!(got.wait().unwrap(), Some(7)));
        assert_eq!(number.later(p).get().wait().unwrap(), 0, "the session goes on");
    });
}

/// The system completes connections for a server that does not look, as many as it was told to.
#[test]
fn hundreds_connect_at_once_while_the_server_stands_still() {
    let server = ServerProcess::start(&["--listen=tcp:127.0.0.1:0", "--insecure-tcp"], 1);
    let Address::Tcp { host, port } = &server.addresses()[0] else { panic!("it is TCP") };
    let address = (host.as_str(), *port).to_socket_addrs().unwrap().next().unwrap();
    server.stop();
    let connect = |_| TcpStream::connect_timeout(&address, Cast::LIMIT / 10).unwrap();
    let _crowd = Vec::from_iter((0..500).map(connect));
    server.cont();
    let manager = Manager::options().insecure_tcp().connect(&server.addresses()[0]).unwrap();
    assert_eq!(manager.create_value(3u8).unwrap().get().unwrap(), 3);
}

#[test]
fn a_tcp_listener_without_a_key_is_refused_at_start() {
    let address = Address::Tcp { host: "127.0.0.1".to_owned(), port: 0 };
    let error = Server::builder().listen(address).spawn().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.message().contains("give the server a key"), "{error}");
}

#[test]
fn a_grace_in_which_nobody_could_come_back_is_refused_at_start() {
    let mut limits = Limits::default();
    limits.kernel.grace = Duration::ZERO;
    let at = |builder: Builder| builder.limits(limits.clone()).spawn();
    let error = at(listening_on_tcp("127.0.0.1")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.message().contains("100ms"), "{error}");
    at(Server::builder()).expect("over a unix socket nobody needs to come back");
}

#[test]
fn ipv6_addresses_work_where_the_machine_has_them() {
    let Ok(server) = listening_on_tcp("::1").spawn() else { return };
    let key = AuthKey::new(KEY).unwrap();
    let address = server.address().to_string();
    let manager = Manager::options().authkey(key).connect(address.as_str()).unwrap();
    assert_eq!(manager.create_value(3u8).unwrap().get().unwrap(), 3);
}
