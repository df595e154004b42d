//! Streams cut at every byte, and streams that are no streams.

use std::time::Duration;

use bytes::Buf;

use super::*;
use crate::message::{ClientMessage, OneWay, RECEIVED_MAX, Reply, Request, ServerMessage};
use crate::{CallId, Fingerprint, MethodId, ObjectId, OneWayId, ThreadId, Token};

const LIMIT: FrameLimit = FrameLimit::of_body(1 << 20);

fn payload(bytes: Vec<u8>) -> Payload<WireHandle> {
    let handle = WireHandle { object: ObjectId(300), interface: Fingerprint(9) };
    Payload::new(Encoding::Cbor, bytes.into(), vec![handle])
}

fn request(value: Vec<u8>) -> ClientMessage {
    ClientMessage::Request(Request {
        call: CallId(1),
        after: OneWayId(2),
        thread: ThreadId(3),
        object: ObjectId(4),
        method: MethodId(5),
        timeout: Some(Duration::from_millis(6)),
        data: Data {
            args: Args::from_slice(&[7, 8]),
            payloads: [payload(value), payload(vec![0xf6])].into_iter().collect(),
            handles: vec![WireHandle { object: ObjectId(1), interface: Fingerprint(2) }],
        },
    })
}

fn encoded(messages: &[ClientMessage]) -> Vec<u8> {
    let mut out = OutBuffer::new();
    for message in messages {
        encode(message, LIMIT, &mut out).unwrap();
    }
    let len = out.len();
    let bytes = out.copy_to_bytes(len).to_vec();
    assert!(out.is_empty());
    bytes
}

fn decode_in_pieces(bytes: &[u8], piece: usize) -> Vec<ClientMessage> {
    let mut decoder = Decoder::new(LIMIT);
    let mut messages = Vec::new();
    for mut input in bytes.chunks(piece) {
        if let Some(direct) = decoder.direct() {
            let count = input.len().min(direct.capacity() - direct.len());
            direct.extend_from_slice(&input[..count]);
            input = &input[count..];
        }
        while let Some(message) = decoder.next(&mut input).unwrap() {
            messages.push(message);
        }
        assert!(input.is_empty());
    }
    assert!(decoder.is_between_frames());
    messages
}

#[test]
fn messages_come_out_as_they_went_in_wherever_the_stream_is_cut() {
    let messages = [
        request(vec![1; 10]),
        ClientMessage::Cancel(CallId(9)),
        request(vec![2; 70_000]),
        request(vec![]),
        ClientMessage::OneWay(OneWay {
            number: OneWayId(1),
            thread: ThreadId(1),
            object: ObjectId::MANAGER,
            method: MethodId(0),
            data: Data::default(),
        }),
        request(vec![3; 20_000]),
        ClientMessage::Ping,
        ClientMessage::Received(vec![CallId(1), CallId(300)]),
        ClientMessage::Goodbye(OneWayId(2)),
    ];
    let bytes = encoded(&messages);
    for piece in [1, 2, 3, 7, 8, 9, 64, 1000, 65_536, bytes.len()] {
        assert_eq!(decode_in_pieces(&bytes, piece), messages, "in pieces of {piece}");
    }
}

#[test]
fn a_large_body_gets_memory_as_it_comes_once_and_in_the_end_just_what_it_takes() {
    let limit = FrameLimit::of_body(64 << 20);
    let mut out = OutBuffer::new();
    encode(&request(vec![1; (64 << 20) - 100]), limit, &mut out).unwrap();
    let bytes = out.copy_to_bytes(out.remaining());
    let len = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    let mut decoder = Decoder::new(limit);
    let (begin, mut rest) = bytes.split_at(1000);
    assert_eq!(decoder.next::<ClientMessage>(&mut &begin[..]).unwrap(), None);
    let (mut capacity, mut copied) = (None, 0);
    while let Some(direct) = decoder.direct() {
        let (have, room) = (direct.len(), direct.capacity() - direct.len());
        assert!(direct.capacity() <= 256 * 1024 || have > 192 * 1024, "{room} bytes beside {have}");
        assert!(have + room == len || room >= 64 * 1024, "a read is worth it: {room}");
        if capacity.replace(direct.capacity()).is_some_and(|before| before != direct.capacity()) {
            copied += have;
        }
        let (now, later) = rest.split_at(room.min(50_000));
        direct.extend_from_slice(now);
        rest = later;
        if rest.is_empty() {
            assert_eq!(direct.capacity(), len);
            break;
        }
    }
    assert!(copied <= 256 * 1024, "{copied} bytes were copied as it grew");
    assert!(decoder.next::<ClientMessage>(&mut &[][..]).unwrap().is_some());
}

#[test]
fn a_large_byte_string_is_used_where_it_was_read() {
    use serde_bytes::{ByteBuf, Bytes};

    let value = vec![7; 1 << 20];
    let payload = Payload::pack(Bytes::new(&value)).unwrap();
    let data = Data::encode(&(1, payload)).unwrap().into_wire(crate::ManagerId(1)).unwrap();
    let outcome = Ok(data);
    let message = ServerMessage::Reply(Reply { call: CallId(1), outcome });
    let (limit, mut out) = (FrameLimit::of_body(2 << 20), OutBuffer::new());
    encode(&message, limit, &mut out).unwrap();
    let bytes = out.copy_to_bytes(out.remaining());

    let mut decoder = Decoder::new(limit);
    let mut rest = &bytes[PREFIX + 64..];
    assert!(decoder.next::<ServerMessage>(&mut &bytes[..PREFIX + 64]).unwrap().is_none());
    let mut place = None;
    while let Some(direct) = decoder.direct().filter(|_| !rest.is_empty()) {
        let (now, later) = rest.split_at(rest.len().min(direct.capacity() - direct.len()));
        direct.extend_from_slice(now);
        (place, rest) = (Some(direct.as_ptr()), later);
    }
    let read = decoder.next::<ServerMessage>(&mut &[][..]).unwrap().unwrap();
    let ServerMessage::Reply(Reply { outcome: Ok(mut data), .. }) = read else {
        panic!("{read:?}")
    };
    let payload = data.payloads.remove(0).map_handles(&mut |_| Err(())).unwrap();
    assert_eq!(Some(payload.bytes.as_ptr()), place, "it would have to be moved");
    let taken: ByteBuf = payload.into_value().unwrap();
    assert_eq!(Some(taken.as_ptr()), place, "it was copied");
    assert_eq!(taken, value);
}

#[test]
fn the_bytes_of_a_request_are_these() {
    let bytes = encoded(&[request(vec![0xaa, 0xbb])]);
    let head = [
        1, 1, 2, 3, 4, 5, 1, 0, 0x80, 0x9b, 0xee,
        0x02, // request, ids, Some(0 s, 6,000,000 ns)
        2, 2, 0, 2, 1, 0xac, 2, 9, 0, 1, 1, 0xac, 2, 9, // args, two payloads
        1, 1, 2, // one handle
    ];
    let mut frame = vec![u8::try_from(head.len()).unwrap(), 0, 0, 0, 5, 0, 0, 0];
    frame.extend(head);
    frame.extend([0xaa, 0xbb, 0xf6, 7, 8]);
    assert_eq!(bytes, frame);
}

#[test]
fn the_bytes_of_the_messages_without_a_body_are_these() {
    let bytes = |message| encoded(&[message])[PREFIX..].to_vec();
    assert_eq!(bytes(ClientMessage::Cancel(CallId(9))), [3, 9]);
    assert_eq!(bytes(ClientMessage::Ping), [4]);
    let received = ClientMessage::Received(vec![CallId(1), CallId(300)]);
    assert_eq!(bytes(received), [5, 2, 1, 0xac, 2]);
    assert_eq!(bytes(ClientMessage::Goodbye(OneWayId(7))), [6, 7]);
    let mut out = OutBuffer::new();
    encode(&ServerMessage::Pong(OneWayId(8)), LIMIT, &mut out).unwrap();
    assert_eq!(out.chunk(), [2, 0, 0, 0, 0, 0, 0, 0, 3, 8]);
}

#[test]
fn a_message_that_acknowledges_too_much_is_none() {
    let calls = |count: usize| ClientMessage::Received(vec![CallId(7); count]);
    let most = calls(RECEIVED_MAX);
    assert_eq!(decode_in_pieces(&encoded(std::slice::from_ref(&most)), 65_536), [most]);
    let bytes = encoded(&[calls(RECEIVED_MAX + 1)]);
    let refused = Decoder::new(LIMIT).next::<ClientMessage>(&mut &bytes[..]);
    assert_eq!(refused.unwrap_err().kind, ErrorKind::Malformed);
}

#[test]
fn the_bytes_of_a_refusal_stay_what_they_are() {
    let refusal = Refusal::new(ErrorKind::Incompatible, "no");
    let mut out = OutBuffer::new();
    encode(&ServerMessage::Refused(refusal), LIMIT, &mut out).unwrap();
    assert_eq!(out.chunk(), [5, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, b'n', b'o']);
    let mut out = OutBuffer::new();
    let reply = Reply { call: CallId(1), outcome: Err(ErrorKind::TimedOut.into()) };
    encode(&ServerMessage::Reply(reply), LIMIT, &mut out).unwrap();
    assert_eq!(out.chunk(), [5, 0, 0, 0, 0, 0, 0, 0, 2, 1, 1, 3, 0]);
    let mut out = OutBuffer::new();
    let reply = Reply { call: CallId(1), outcome: Err(ErrorKind::TimedOut.into()) };
    encode(&ServerMessage::Witnessed(Token(7), reply), LIMIT, &mut out).unwrap();
    assert_eq!(out.chunk(), [6, 0, 0, 0, 0, 0, 0, 0, 4, 7, 1, 1, 3, 0]);
}

#[test]
fn a_length_over_the_limit_is_refused_before_anything_is_allocated_for_it() {
    let mut decoder = Decoder::new(LIMIT);
    let mut input: &[u8] = b"GET / HTTP/1.1\r\n\r\n";
    let error = decoder.next::<ClientMessage>(&mut input).unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge);
    let mut decoder = Decoder::new(FrameLimit::HANDSHAKE);
    let mut input: &[u8] = &[1, 0, 0, 0, 1, 0, 0, 0];
    assert!(decoder.next::<ClientMessage>(&mut input).is_err());
    let error = encode(&request(vec![0; 2 << 20]), LIMIT, &mut OutBuffer::new()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge);
}

#[test]
fn a_frame_that_does_not_fit_its_head_is_malformed() {
    let good = encoded(&[request(vec![1, 2, 3])]);
    let head = good[0];
    let mut longer_body = good.clone();
    longer_body[4] += 1;
    longer_body.push(0);
    let mut shorter_body = good.clone();
    shorter_body[4] -= 1;
    shorter_body.pop();
    let mut longer_head = good.clone();
    longer_head[0] += 1;
    longer_head.insert(PREFIX + usize::from(head), 0);
    let mut unknown = good.clone();
    unknown[PREFIX] = 99;
    for bytes in [longer_body, shorter_body, longer_head, unknown, vec![0; PREFIX]] {
        let mut input = &bytes[..];
        let error = Decoder::new(LIMIT).next::<ClientMessage>(&mut input).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Malformed, "{bytes:?}");
    }
}

#[test]
fn every_damaged_byte_is_an_error_or_another_message_and_never_a_panic() {
    let good = encoded(&[request(vec![1, 2, 3])]);
    for at in 0..good.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bytes = good.clone();
            bytes[at] = value;
            let mut input = &bytes[..];
            let _ = Decoder::new(LIMIT).next::<ClientMessage>(&mut input);
        }
    }
}

#[test]
fn a_large_value_is_written_from_where_it_lies() {
    let value = SmallBytes::from(vec![5; 100_000]);
    let mut out = OutBuffer::new();
    out.extend(&[1, 2]);
    out.push(&value);
    out.extend(&[3]);
    let mut slices = [std::io::IoSlice::new(&[]); 8];
    assert_eq!(out.chunks_vectored(&mut slices), 3);
    assert_eq!(slices[1].as_ptr(), value.as_ptr());
    out.advance(100_001);
    assert_eq!(out.chunk(), [5]);
    out.advance(2);
    assert!(out.is_empty());
}

#[test]
fn too_many_values_in_one_call_are_counted_in_the_refusal() {
    let none = || Payload::new(Encoding::Cbor, SmallBytes::default(), Vec::new());
    let payloads = std::iter::repeat_with(none).take(400_000).collect();
    let data = Data { payloads, ..Data::default() };
    let refused = check(&data, LIMIT).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::TooLarge);
    let why = "400000 values in one message are too many: put or take fewer at a time";
    assert!(refused.to_string().contains(why), "{refused}");
    let one_way = ClientMessage::OneWay(OneWay {
        number: OneWayId(1),
        thread: ThreadId(1),
        object: ObjectId(1),
        method: MethodId(1),
        data,
    });
    let refused = encode(&one_way, LIMIT, &mut OutBuffer::new()).unwrap_err();
    assert!(refused.to_string().contains(why), "{refused}");
}
