//! Bad input: each kind gets a clear error, and the server goes on serving.

use std::time::Duration;

use sync_client::{Address, AuthKey, Error, ErrorKind, Manager, Shared, Value};
use sync_objects::{event, value};
use sync_proto::message::{ClientMessage, OneWay, Request, ServerMessage, WireHandle};
use sync_proto::version::PREAMBLE;
use sync_proto::{
    CallId, Data, Encoding, MethodId, ObjectId, OneWayId, Payload, Refusal, ThreadId,
};
use sync_server::{Limits, Server};
use sync_testkit::{Cast, RawClient};

const MESSAGE_MAX: usize = 64 * 1024;

fn cast() -> Cast {
    limited(|limits| limits.message = MESSAGE_MAX)
}

fn limited(limit: impl FnOnce(&mut Limits)) -> Cast {
    let mut limits = Limits::default();
    limit(&mut limits);
    Cast::with(Server::builder().limits(limits))
}

fn address(cast: &Cast) -> &Address {
    cast.server().address()
}

/// Checks an error, and that a client that behaves well is served as before.
fn is_clear(cast: &Cast, refusal: &Refusal, kind: ErrorKind, text: &str) {
    assert_eq!(refusal.kind, kind, "{refusal}");
    assert!(refusal.to_string().contains(text), "{refusal}");
    still_serves(cast);
}

fn still_serves(cast: &Cast) {
    let manager = Manager::connect(address(cast).clone()).unwrap();
    assert_eq!(manager.create_value(1u8).unwrap().get().unwrap(), 1);
}

fn lengths(head: usize, body: usize) -> Vec<u8> {
    let length = |len: usize| u32::try_from(len).unwrap().to_le_bytes();
    [length(head), length(body)].concat()
}

fn data(args: &'static [u8]) -> Data<WireHandle> {
    Data { args: args.into(), ..Data::default() }
}

fn request(object: ObjectId, method: MethodId, after: u64) -> ClientMessage {
    ClientMessage::Request(Request {
        call: CallId(1),
        after: OneWayId(after),
        thread: ThreadId(1),
        object,
        method,
        timeout: None,
        data: data(&[]),
    })
}

#[test]
fn a_frame_over_the_limit_is_refused_before_it_is_read() {
    let cast = cast();
    for (head, body) in [(10, MESSAGE_MAX + 1), (2 << 20, 0), (u32::MAX as usize, 0)] {
        let mut client = RawClient::welcomed(address(&cast));
        client.send_bytes(&lengths(head, body));
        is_clear(&cast, &client.refused(), ErrorKind::TooLarge, "over the limit");
    }
}

#[test]
fn a_stranger_may_say_less_than_a_known_client() {
    let cast = cast();
    let mut client = RawClient::connect(address(&cast));
    client.send_bytes(&PREAMBLE);
    client.send_bytes(&lengths(1025, 0));
    is_clear(&cast, &client.refused(), ErrorKind::TooLarge, "over the limit of 1024");
}

#[test]
fn a_truncated_frame_ends_its_session_and_no_other() {
    let cast = cast();
    let event = cast.manager().create_event().unwrap();
    let whole = RawClient::frame(&request(event.handle().object(), event::method("set"), 0));
    for cut in 0..whole.len() {
        let mut client = RawClient::welcomed(address(&cast));
        client.send_bytes(&whole[..cut]);
        client.finish();
        assert_eq!(client.read(), None);
    }
    assert!(!event.is_set().unwrap());
    let alone = || cast.manager().debug_info().unwrap().sessions.len() == 1;
    cast.until("the sessions are over", alone);
    still_serves(&cast);
}

#[test]
fn garbage_is_refused_at_the_door_and_inside() {
    let cast = cast();
    let mut client = RawClient::connect(address(&cast));
    client.send_bytes(&[0xff; 5000]);
    is_clear(&cast, &client.refused(), ErrorKind::Malformed, "connect with sync-client");
    let mut client = RawClient::welcomed(address(&cast));
    client.send_bytes(&[0xff; 5000]);
    is_clear(&cast, &client.refused(), ErrorKind::TooLarge, "over the limit");
    let mut client = RawClient::welcomed(address(&cast));
    client.send_bytes(&lengths(3, 0));
    client.send_bytes(&[0xff; 3]);
    is_clear(&cast, &client.refused(), ErrorKind::Malformed, "not a message");
}

#[test]
fn a_frame_whose_parts_do_not_fit_is_refused() {
    let cast = cast();
    let good = RawClient::frame(&request(ObjectId(0), MethodId(0), 0));
    let head = good.len() - 8;
    // A byte too many in the head; a body that the head does not speak of.
    for (lengths, more) in [(lengths(head + 1, 0), 1), (lengths(head, 4), 4)] {
        let mut client = RawClient::welcomed(address(&cast));
        client.send_bytes(&[lengths.as_slice(), &good[8..], &vec![0; more]].concat());
        is_clear(&cast, &client.refused(), ErrorKind::Malformed, "not a message");
    }
}

#[test]
fn every_change_of_one_byte_in_a_good_frame_leaves_the_server_serving() {
    let cast = cast();
    let value = cast.manager().create_value(1u64).unwrap();
    let whole = RawClient::frame(&request(value.handle().object(), value::method("get"), 0));
    for at in 0..whole.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= change;
            let mut client = RawClient::welcomed(address(&cast));
            client.send_bytes(&bytes);
            client.finish();
            // Whatever it says, it comes to an end.
            while client.read().is_some() {}
        }
    }
    assert_eq!(value.get().unwrap(), 1);
    still_serves(&cast);
}

#[test]
fn a_browser_is_told_what_this_is() {
    let key = AuthKey::new("key").unwrap();
    let tcp = Address::Tcp { host: "127.0.0.1".to_owned(), port: 0 };
    let cast = Cast::with(Server::builder().listen(tcp).authkey(key.clone()));
    let mut client = RawClient::connect(address(&cast));
    client.send_bytes(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let refusal = client.refused();
    assert_eq!(refusal.kind, ErrorKind::Malformed);
    assert!(refusal.message.contains("manager of shared objects"), "{refusal}");
    let manager = Manager::options().authkey(key).connect(address(&cast).clone()).unwrap();
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
fn a_call_that_makes_no_sense_is_answered_and_the_session_goes_on() {
    let cast = cast();
    let value = cast.manager().create_value(1u64).unwrap();
    let mut client = RawClient::welcomed(address(&cast));
    let (object, get) = (value.handle().object(), value::method("get"));
    let refusal = client.call(ObjectId(0xdead_beef), get, data(&[])).unwrap_err();
    is_clear(&cast, &refusal, ErrorKind::NotFound, "object");
    let refusal = client.call(object, MethodId(99), data(&[])).unwrap_err();
    is_clear(&cast, &refusal, ErrorKind::UnknownMethod, "number 99");
    let refusal = client.call(object, get, data(&[1, 2, 3])).unwrap_err();
    is_clear(&cast, &refusal, ErrorKind::Malformed, "3 bytes too many");
    let refusal = client.call(object, value::method("fetch"), data(&[0xff; 4])).unwrap_err();
    is_clear(&cast, &refusal, ErrorKind::Malformed, "arguments");
    // A payload that did not come along.
    let refusal = client.call(object, value::method("set"), data(&[0])).unwrap_err();
    is_clear(&cast, &refusal, ErrorKind::Malformed, "arguments");
    let answer = client.call(object, get, data(&[])).unwrap();
    assert_eq!(answer.payloads.len(), 1);
    assert_eq!(value.get().unwrap(), 1);
}

#[test]
fn a_handle_that_is_not_what_it_says_is_refused() {
    let cast = cast();
    let value = cast.manager().create_value(1u64).unwrap();
    let mut client = RawClient::welcomed(address(&cast));
    let object = value.handle().object();
    let lies = WireHandle { object, interface: event::INTERFACE.fingerprint };
    let nowhere = WireHandle { object: ObjectId(77), ..lies };
    let get = value::method("get");
    let with = |handle| Data { handles: vec![handle], ..data(&[]) };
    let refusal = client.call(object, get, with(lies)).unwrap_err();
    is_clear(&cast, &refusal, ErrorKind::WrongType, "not what the handle says");
    let refusal = client.call(object, get, with(nowhere)).unwrap_err();
    is_clear(&cast, &refusal, ErrorKind::NotFound, "object");
    let error = cast
        .manager()
        .named("v")
        .create_value(1u8)
        .and_then(|_| cast.manager().named("v").open::<sync_client::Lock>());
    let error = Refusal::from(error.unwrap_err());
    is_clear(&cast, &error, ErrorKind::Mismatch, "\"v\" is a sync.value");
}

#[test]
fn a_value_that_is_no_value_harms_its_reader_only_by_an_error() {
    let cast = cast();
    let value = cast.manager().create_value(vec![1u64]).unwrap();
    let mut client = RawClient::welcomed(address(&cast));
    for bytes in [&b"\xff"[..], b"", b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", &[0x81; 3000]] {
        let bytes = bytes.to_vec().into();
        let payload = Payload { encoding: Encoding::Cbor, bytes, handles: Vec::new() };
        let data = Data { payloads: [payload].into_iter().collect(), ..data(&[0]) };
        // The manager does not look inside before it has to.
        let _ = client.call(value.handle().object(), value::method("set"), data);
        match value.get() {
            Ok(value) => assert_eq!(value, [1]),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WrongType, "{error}");
                assert!(value.compare_exchange(&vec![1], &vec![2]).is_err());
            }
        }
    }
    value.set(&vec![3]).unwrap();
    assert_eq!(value.get().unwrap(), [3]);
    still_serves(&cast);
}

#[test]
fn a_message_without_an_answer_that_fails_is_counted_and_is_nobodys_error() {
    let cast = cast();
    let mut client = RawClient::welcomed(address(&cast));
    client.send(&ClientMessage::OneWay(OneWay {
        number: OneWayId(1),
        thread: ThreadId(1),
        object: ObjectId(0xdead_beef),
        method: MethodId(0),
        data: data(&[1, 2]),
    }));
    client.send(&ClientMessage::Cancel(CallId(12345)));
    let names = sync_objects::manager::method("names");
    assert!(client.call(ObjectId::MANAGER, names, data(&[])).is_ok());
    still_serves(&cast);
}

#[test]
fn a_call_behind_a_message_that_never_comes_waits_only_as_long_as_its_session() {
    let cast = cast();
    let mut client = RawClient::welcomed(address(&cast));
    client.send(&request(ObjectId::MANAGER, sync_objects::manager::method("names"), 5));
    client.finish();
    assert_eq!(client.read(), None);
    still_serves(&cast);
}

#[test]
fn a_client_that_says_nothing_is_sent_away() {
    let cast = limited(|limits| limits.handshake = Duration::from_millis(50));
    for beginning in [&[][..], &PREAMBLE[..3], &PREAMBLE] {
        let mut client = RawClient::connect(address(&cast));
        client.send_bytes(beginning);
        is_clear(&cast, &client.refused(), ErrorKind::TimedOut, "longer than 50ms");
    }
    // Who has been let in may be silent for as long as he likes.
    let mut known = RawClient::welcomed(address(&cast));
    let mut stranger = RawClient::connect(address(&cast));
    assert!(matches!(stranger.read(), Some(ServerMessage::Refused(_))));
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
    taken(Server::builder().listen(unix).spawn().unwrap_err(), "no socket");
    assert!(file.path().exists());
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = tcp.local_addr().unwrap().port();
    let tcp = Address::Tcp { host: "127.0.0.1".to_owned(), port };
    let builder = Server::builder().listen(tcp).authkey(AuthKey::new("key").unwrap());
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

#[test]
fn a_value_that_is_too_large_is_refused_before_it_is_sent_and_the_session_goes_on() {
    let cast = cast();
    let manager = Manager::connect(address(&cast).clone()).unwrap();
    let value: Value<String> = manager.create_value(String::new()).unwrap();
    let error = value.set(&"x".repeat(MESSAGE_MAX + 1)).unwrap_err();
    is_clear(&cast, &Refusal::from(error), ErrorKind::TooLarge, "over the limit of 65536");
    let largest = "x".repeat(MESSAGE_MAX - 100);
    value.set(&largest).unwrap();
    assert_eq!(value.get().unwrap(), largest);
    let error = value.update(|text| text.push_str(&largest)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    // The turn to write was given back.
    value.update(|text| text.truncate(1)).unwrap();
    assert_eq!(value.get().unwrap(), "x");
}
