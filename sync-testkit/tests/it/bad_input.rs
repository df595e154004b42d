//! Bad input: each kind gets a clear error, and the server goes on serving.

use std::time::Duration;

use sync_client::{Address, AuthKey, Dict, Error, ErrorKind, List, Lock, Manager, Shared, Value};
use sync_objects::{event, value};
use sync_proto::message::{ClientMessage, OneWay, Request, WireHandle};
use sync_proto::version::PREAMBLE;
use sync_proto::{
    CallId, Data, Encoding, MethodId, ObjectId, OneWayId, Payload, Refusal, ThreadId,
};
use sync_server::{Limits, Server};
use sync_testkit::{Cast, RawClient};

mod battery;
mod calls;
mod crowd;
mod frames;
mod strangers;

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
