//! A manager that is played: it says what a real one may say, when it rarely does.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::channel;
use std::time::Duration;

use sync_client::{Address, Manager};
use sync_objects::list;
use sync_proto::frame::{Decoder, FrameLimit};
use sync_proto::handshake::Welcome;
use sync_proto::message::{ClientMessage, Message, Reply, Request, ServerMessage, WireHandle};
use sync_proto::version::PREAMBLE;
use sync_proto::{CallId, Data, ManagerId, ObjectId, OneWayId, SessionId, SessionToken};
use sync_testkit::{Cast, RawClient};

const SOON: Duration = Duration::from_secs(1);

/// A manager's end of a connection.
struct Played {
    stream: UnixStream,
    decoder: Decoder,
    unread: Vec<u8>,
}

impl Played {
    /// Lets a client in.
    fn accept(listener: &UnixListener) -> Self {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; PREAMBLE.len()]).unwrap();
        let decoder = Decoder::new(FrameLimit::of_body(1 << 20));
        let mut played = Self { stream, decoder, unread: Vec::new() };
        assert!(matches!(played.hear(), Some(ClientMessage::Hello(_))));
        played.say(&[ServerMessage::Welcome(Welcome {
            manager: ManagerId(1),
            session: SessionId(1),
            token: SessionToken(1),
            body_max: 1 << 20,
            resumption: None,
        })]);
        played
    }

    /// Waits for the client's next message; `None` when it has closed the connection.
    fn hear(&mut self) -> Option<ClientMessage> {
        loop {
            let mut input = self.unread.as_slice();
            let message = self.decoder.next(&mut input).unwrap();
            self.unread = input.to_vec();
            if message.is_some() {
                return message;
            }
            let mut buffer = [0; 4096];
            let count = self.stream.read(&mut buffer).unwrap();
            if count == 0 {
                return None;
            }
            self.unread.extend_from_slice(&buffer[..count]);
        }
    }

    /// Waits for the client's next call.
    fn hear_call(&mut self) -> CallId {
        loop {
            match self.hear() {
                Some(ClientMessage::Request(Request { call, .. })) => return call,
                // The name of its thread, and whether this one is there.
                Some(ClientMessage::OneWay(_)) => {}
                Some(ClientMessage::Ping) => self.say(&[ServerMessage::Pong(OneWayId::NONE)]),
                other => panic!("{other:?} is no call"),
            }
        }
    }

    /// Says all of it at once.
    fn say(&mut self, messages: &[impl Message]) {
        let bytes: Vec<u8> = messages.iter().flat_map(RawClient::frame).collect();
        self.stream.write_all(&bytes).unwrap();
    }
}

fn reply(call: CallId, data: Data<WireHandle>) -> ServerMessage {
    ServerMessage::Reply(Reply { call, outcome: Ok(data) })
}

#[test]
fn a_pong_that_comes_late_holds_up_no_call_of_a_pipeline() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        let mut manager = Played::accept(&listener);
        let created = manager.hear_call();
        let interface = list::INTERFACE.fingerprint;
        let handles = vec![WireHandle { object: ObjectId(7), interface }];
        manager.say(&[reply(
            created,
            Data { args: [0].into_iter().collect(), handles, payloads: Vec::new() },
        )]);
        let first = manager.hear_call();
        assert!(matches!(manager.hear(), Some(ClientMessage::Ping)), "the client loses patience");
        manager.say(&[reply(first, Data::default()), ServerMessage::Pong(OneWayId::NONE)]);
        let second = manager.hear_call();
        // The second call stands in line, and the third one lets it go on.
        let third = manager.hear_call();
        manager.say(&[reply(third, Data::default()), reply(second, Data::default())]);
        while manager.hear().is_some() {}
    });
    let (to_test, done) = channel();
    std::thread::spawn(move || {
        let options = Manager::options().unresponsive_after(SOON);
        let manager = options.connect(Address::unix(path).unwrap()).unwrap();
        let list = manager.create_list::<String>().unwrap();
        manager.pipeline(|p| {
            list.later(p).push("first").wait().unwrap();
            let second = list.later(p).push(&"x".repeat(100_000));
            let third = list.later(p).push("third");
            second.wait().unwrap();
            third.wait().unwrap();
        });
        to_test.send(()).unwrap();
    });
    done.recv_timeout(Cast::LIMIT / 4).expect("all calls are answered");
}

#[test]
fn what_makes_no_sense_ends_the_session_and_every_later_call_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        let mut manager = Played::accept(&listener);
        let CallId(call) = manager.hear_call();
        manager.say(&[reply(CallId(call + 1), Data::default())]);
        while manager.hear().is_some() {}
    });
    let manager = Manager::connect(Address::unix(path).unwrap()).unwrap();
    for _ in 0..2 {
        let error = manager.names().unwrap_err();
        assert!(error.is_disconnected(), "{error:?}");
        assert!(error.message().contains("which answers nothing"), "{error}");
    }
}
