//! What messages and keys cost to encode and decode: `cargo bench -p sync-proto`.

#![expect(clippy::unwrap_used, reason = "a bench of messages that fail measures nothing")]

use std::hint::black_box;

use bytes::Buf;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sync_proto::frame::{self, Decoder, FrameLimit, OutBuffer};
use sync_proto::message::{ClientMessage, Message, Reply, Request, ServerMessage, WireHandle};
use sync_proto::{
    CallId, Data, Encoding, ManagerId, MethodId, ObjectId, OneWayId, Payload, ThreadId, Token, cbor,
};

const LIMIT: FrameLimit = FrameLimit::of_body(16 << 20);

fn request(payload: Option<Payload<WireHandle>>) -> ClientMessage {
    let args = Data::encode(&(Token(1_000_000),)).unwrap().into_wire(ManagerId(1)).unwrap();
    ClientMessage::Request(Request {
        call: CallId(1_000_000),
        after: OneWayId(1_000_000),
        thread: ThreadId(7),
        object: ObjectId(3 << 24),
        method: MethodId(2),
        timeout: None,
        data: Data { payloads: payload.into_iter().collect(), ..args },
    })
}

fn reply() -> ServerMessage {
    let grant = Data::encode(&(Token(1_000_000), false)).unwrap();
    let outcome = Ok(grant.into_wire(ManagerId(1)).unwrap());
    ServerMessage::Reply(Reply { call: CallId(1_000_000), outcome })
}

fn one_mebibyte() -> Payload<WireHandle> {
    Payload::new(Encoding::Cbor, vec![0x55; 1 << 20].into(), Vec::new())
}

/// Takes a message through both directions.
fn both_ways<M: Message>(criterion: &mut Criterion, name: &str, message: &M) {
    let mut out = OutBuffer::new();
    frame::encode(message, LIMIT, &mut out).unwrap();
    let bytes = out.copy_to_bytes(out.len());
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("encode", |b| {
        b.iter(|| {
            frame::encode(black_box(message), LIMIT, &mut out).unwrap();
            // As after a write: the buffer is kept, what was in it is gone.
            let len = out.len();
            out.advance(len);
        });
    });
    group.bench_function("decode", |b| {
        let mut decoder = Decoder::new(LIMIT);
        b.iter(|| decode::<M>(&mut decoder, black_box(&bytes)));
    });
    group.finish();
}

/// Decodes as a connection does: a small frame where it was read to, the rest of a large body
/// straight into its place.
fn decode<M: Message>(decoder: &mut Decoder, mut input: &[u8]) -> M {
    loop {
        if let Some(direct) = decoder.direct() {
            let count = input.len().min(direct.capacity() - direct.len());
            direct.extend_from_slice(&input[..count]);
            input = &input[count..];
        }
        if let Some(message) = decoder.next(&mut input).unwrap() {
            return message;
        }
    }
}

fn messages(criterion: &mut Criterion) {
    both_ways(criterion, "a small request", &request(None));
    both_ways(criterion, "a small reply", &reply());
    both_ways(criterion, "a request with 1 MiB", &request(Some(one_mebibyte())));
}

fn keys(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("normalize a key");
    for (name, key) in [
        ("text", cbor::to_vec("customer-4711").unwrap()),
        ("number", cbor::to_vec(&4711u64).unwrap()),
        ("tuple", cbor::to_vec(&("customer", 4711u64)).unwrap()),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| cbor::normalize_key(black_box(&key), &[]).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, messages, keys);
criterion_main!(benches);
