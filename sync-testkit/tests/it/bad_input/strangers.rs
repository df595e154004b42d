//! Clients that do not belong here, or are too many; addresses that cannot be had.

use super::*;

#[test]
fn a_browser_is_told_what_this_is_where_nobody_needs_a_key() {
    let tcp = Address::Tcp { host: "127.0.0.1".to_owned(), port: 0 };
    let cast = Cast::with(Server::builder().listen(tcp).insecure_tcp());
    let mut client = RawClient::connect(address(&cast));
    client.send_bytes(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let refusal = client.refused();
    assert_eq!(refusal.kind, ErrorKind::Malformed);
    assert!(refusal.message.contains("manager of shared objects"), "{refusal}");
    let manager = Manager::options().insecure_tcp().connect(address(&cast).clone()).unwrap();
    assert_eq!(manager.create_value(1u8).unwrap().get().unwrap(), 1);
}

#[test]
fn another_version_of_the_protocol_is_refused_and_both_are_named() {
    let cast = cast();
    let mut preamble = PREAMBLE;
    preamble[7] = 99;
    let mut client = RawClient::connect(address(&cast));
    client.send_bytes(&preamble);
    is_clear(&cast, &client.refused(), ErrorKind::Incompatible, "version 99");
}

#[test]
fn messages_out_of_order_are_refused() {
    let cast = cast();
    let mut client = RawClient::connect(address(&cast));
    client.send_bytes(&PREAMBLE);
    client.send(&request(ObjectId::MANAGER, MethodId(0), 0));
    is_clear(&cast, &client.refused(), ErrorKind::Malformed, "begins with a hello");
    let mut client = RawClient::welcomed(address(&cast));
    client.send(&RawClient::hello());
    is_clear(&cast, &client.refused(), ErrorKind::Malformed, "a second hello");
}

#[test]
fn a_client_that_says_nothing_is_sent_away() {
    // Honest clients have as long.
    let cast = limited(|limits| limits.handshake_timeout = Duration::from_secs(2));
    // An authenticated client may be silent for as long as it likes.
    let mut known = RawClient::welcomed(address(&cast));
    let strangers = [&[][..], &PREAMBLE[..3], &PREAMBLE].map(|beginning| {
        let mut client = RawClient::connect(address(&cast));
        client.send_bytes(beginning);
        client
    });
    for stranger in strangers {
        is_clear(&cast, &stranger.refused(), ErrorKind::TimedOut, "longer than 2s");
    }
    let names = sync_objects::manager::method("names");
    assert!(known.call(ObjectId::MANAGER, names, data(&[])).is_ok());
}

#[test]
fn a_client_too_many_is_told_the_limit_until_another_leaves() {
    let cast = limited(|limits| limits.connections = 2);
    let first = RawClient::welcomed(address(&cast));
    let _second = RawClient::welcomed(address(&cast));
    let refusal = RawClient::connect(address(&cast)).refused();
    assert_eq!(refusal.kind, ErrorKind::LimitReached);
    assert!(refusal.message.contains("2 connections"), "{refusal}");
    drop(first);
    cast.until("there is room", || Manager::connect(address(&cast).clone()).is_ok());
}

#[test]
fn an_address_that_is_taken_is_refused_with_the_reason() {
    let cast = cast();
    let taken = |error: Error, text: &str| {
        is_clear(&cast, &Refusal::from(error), ErrorKind::Exists, text);
    };
    let again = Server::builder().listen(address(&cast).clone()).spawn();
    taken(again.unwrap_err(), "another server listens there");
    let file = tempfile::NamedTempFile::new().unwrap();
    let unix = Address::unix(file.path().to_owned()).unwrap();
    taken(Server::builder().listen(unix).spawn().unwrap_err(), "not a socket");
    assert!(file.path().exists());
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = tcp.local_addr().unwrap().port();
    let tcp = Address::Tcp { host: "127.0.0.1".to_owned(), port };
    let builder = Server::builder().listen(tcp).authkey(AuthKey::new("key".repeat(11)).unwrap());
    taken(builder.spawn().unwrap_err(), "another server listens there");
}

#[test]
fn a_path_that_is_too_long_for_a_socket_is_refused_with_its_length() {
    let path = format!("unix:/tmp/{}", "x".repeat(200));
    let error = Manager::connect(path.as_str()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.message().contains("this one has 205"), "{error}");
    let nobody = Manager::connect("unix:/tmp/nobody/listens/here").unwrap_err();
    assert_eq!(nobody.kind(), ErrorKind::Disconnected);
    assert!(nobody.message().contains("/tmp/nobody/listens/here"), "{nobody}");
}
