//! Both ends against each other, and against an attacker between them.

use bytes::Buf;
use proptest::prelude::*;

use super::*;
use crate::frame::{self, Decoder, FrameLimit, OutBuffer};
use crate::message::{ClientMessage, Request};
use crate::{CallId, Data, ErrorKind, MethodId, ObjectId, OneWayId, ThreadId};

const LIMIT: FrameLimit = FrameLimit::of_body(8 << 20);

fn key(letter: &str) -> AuthKey {
    AuthKey::new(letter.repeat(40)).unwrap()
}

fn ring(keys: &[&str]) -> KeyRing {
    KeyRing::new(&keys.iter().map(|letter| key(letter)).collect::<Vec<_>>()).unwrap()
}

fn initiator(cipher: Cipher) -> Initiator {
    Initiator::new(&key("k"), cipher, [1; 32]).unwrap()
}

fn connected(cipher: Cipher) -> (Channel, Channel) {
    let client = initiator(cipher);
    let answered = Responder::new([2; 32]).handle(client.first(), &ring(&["k"]));
    let (answer, server) = answered.unwrap().unwrap();
    (client.finish(&answer).unwrap(), server)
}

fn sealed(channel: &mut Channel, plain: &[u8]) -> Vec<u8> {
    let (mut out, mut wire, mut bytes) = (OutBuffer::new(), OutBuffer::new(), Vec::new());
    out.push(&plain.to_vec().into());
    while !out.is_empty() {
        channel.seal(&mut out, &mut wire).unwrap();
        bytes.extend_from_slice(&wire.copy_to_bytes(wire.len()));
    }
    bytes
}

fn opened(channel: &mut Channel, wire: &[u8]) -> Result<Vec<u8>, Stranger> {
    let mut plain = Vec::new();
    channel.open(wire, &mut Decoder::new(LIMIT), &mut plain).map(|()| plain)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn request(number: u64, body: usize) -> ClientMessage {
    let args = vec![u8::try_from(number % 251).unwrap(); body].into();
    ClientMessage::Request(Request {
        call: CallId(number),
        after: OneWayId::NONE,
        thread: ThreadId(1),
        object: ObjectId(1),
        method: MethodId(0),
        timeout: None,
        data: Data { args, ..Data::default() },
    })
}

/// Has messages cross a channel in pieces of so many bytes.
fn cross(channel: (&mut Channel, &mut Channel), messages: &[ClientMessage], pieces: usize) {
    let mut out = OutBuffer::new();
    messages.iter().for_each(|message| frame::encode(message, LIMIT, &mut out).unwrap());
    let (mut wire, mut bytes) = (OutBuffer::new(), Vec::new());
    while !out.is_empty() {
        channel.0.seal(&mut out, &mut wire).unwrap();
        bytes.extend_from_slice(&wire.copy_to_bytes(wire.len()));
    }
    let (mut decoder, mut plain) = (Decoder::new(LIMIT), Vec::new());
    let mut arrived: Vec<ClientMessage> = Vec::new();
    for piece in bytes.chunks(pieces) {
        channel.1.open(piece, &mut decoder, &mut plain).unwrap();
        let mut input = plain.as_slice();
        while let Some(message) = decoder.next(&mut input).unwrap() {
            arrived.push(message);
        }
        assert!(input.is_empty());
    }
    assert!(decoder.is_between_frames());
    assert_eq!(arrived, messages);
}

#[test]
fn the_bytes_on_the_wire_are_those_of_another_implementation_of_noise() {
    // Made by a reading of the specification in Python, over the library `cryptography`.
    let expected = [
        (
            Cipher::AesGcm,
            [
                concat!(
                    "53594e4353454303016ad5fba989d6eedea4e09292b651c278b9772c569f5fa9bb13d906b46a",
                    "b68c9df9dc2b4409f8a2099ffc85e8519e95d273e58ce234c44b86",
                ),
                concat!(
                    "ce8d3ad1ccb633ec7b70c17814a5c76ecd029685050d344745ba05870e587d590241cc6a7d8d",
                    "9c74860c89ce72faa8fa",
                ),
                "15004425bfff70b3e656592674c64587c4830feee81481",
                "1700492efd58e03e822d55e32fc80b2385699bde3f73bf245e",
            ],
        ),
        (
            Cipher::ChaChaPoly,
            [
                concat!(
                    "53594e4353454303026ad5fba989d6eedea4e09292b651c278b9772c569f5fa9bb13d906b46a",
                    "b68c9df9dc2b4409f8a209550131e68f3706a7f78d3886b7103241",
                ),
                concat!(
                    "ce8d3ad1ccb633ec7b70c17814a5c76ecd029685050d344745ba05870e587d5998a6d3c6a612",
                    "8a98cc579bd6468e340d",
                ),
                "15002c7bfb7416f18461feecc91a47e5315f6252da3170",
                "17004f71e6560d9008937b8910cf793a5f14dd323450791b2f",
            ],
        ),
    ];
    for (cipher, [first, answer, hello, welcome]) in expected {
        let client = initiator(cipher);
        assert_eq!(hex(client.first()), first);
        let answered = Responder::new([2; 32]).handle(client.first(), &ring(&["k"]));
        let (answered, mut server) = answered.unwrap().unwrap();
        assert_eq!(hex(&answered), answer);
        let mut client = client.finish(&answered).unwrap();
        assert_eq!(hex(&sealed(&mut client, b"hello")), hello);
        assert_eq!(hex(&sealed(&mut server, b"welcome")), welcome);
    }
}

#[test]
fn whoever_has_the_key_comes_in_with_either_cipher_and_either_of_two_keys() {
    for cipher in Cipher::ALL {
        for keys in [&["k"][..], &["k", "new"], &["old", "k"]] {
            let client = initiator(cipher);
            let answered = Responder::new([2; 32]).handle(client.first(), &ring(keys));
            let (answer, mut server) = answered.unwrap().unwrap();
            let mut client = client.finish(&answer).unwrap();
            assert!(!server.has_opened());
            let wire = sealed(&mut client, b"hello");
            assert_eq!(opened(&mut server, &wire).unwrap(), b"hello");
            assert!(server.has_opened());
            let wire = sealed(&mut server, b"welcome");
            assert_eq!(opened(&mut client, &wire).unwrap(), b"welcome");
        }
    }
}

#[test]
fn a_first_message_is_taken_a_byte_at_a_time_and_no_byte_more() {
    let client = initiator(Cipher::AesGcm);
    let keys = ring(&["k"]);
    let mut responder = Responder::new([2; 32]);
    let (last, rest) = client.first().split_last().unwrap();
    for &byte in rest {
        assert!(responder.handle(&[byte], &keys).unwrap().is_none());
    }
    assert!(responder.handle(&[*last], &keys).unwrap().is_some());
    let eager = [&client.first()[..], &[0]].concat();
    let refused = Responder::new([2; 32]).handle(&eager, &keys);
    assert_eq!(refused.unwrap_err(), Stranger::Eager);
}

#[test]
fn every_changed_bit_of_the_first_message_makes_a_stranger() {
    let keys = ring(&["k"]);
    for cipher in Cipher::ALL {
        let first = *initiator(cipher).first();
        for bit in 0..FIRST_LEN * 8 {
            let mut changed = first;
            changed[bit / 8] ^= 1 << (bit % 8);
            let refused = Responder::new([2; 32]).handle(&changed, &keys).unwrap_err();
            let expected = match bit / 8 {
                0..7 => Stranger::Preamble,
                7 => Stranger::Version(changed[7]),
                // The other cipher's number, which the key does not fit then.
                8 if Cipher::of_number(changed[8]).is_some() => Stranger::Proof,
                8 => Stranger::Cipher(changed[8]),
                9..HEADER => Stranger::Key,
                _ => Stranger::Proof,
            };
            assert_eq!(refused, expected, "bit {bit}");
        }
    }
}

#[test]
fn every_changed_bit_of_the_answer_makes_a_stranger() {
    for bit in 0..ANSWER_LEN * 8 {
        let client = initiator(Cipher::AesGcm);
        let answered = Responder::new([2; 32]).handle(client.first(), &ring(&["k"]));
        let (mut answer, _) = answered.unwrap().unwrap();
        answer[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(client.finish(&answer).unwrap_err(), Stranger::Proof, "bit {bit}");
    }
}

#[test]
fn every_changed_bit_of_a_record_is_found_out_or_makes_it_another_length() {
    for cipher in Cipher::ALL {
        let (mut client, _) = connected(cipher);
        let wire = sealed(&mut client, b"hello");
        let (_, mut server) = connected(cipher);
        for bit in 0..wire.len() * 8 {
            let mut changed = wire.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            match opened(&mut server, &changed) {
                Err(Stranger::Record | Stranger::Length(_)) => {}
                // It waits for the rest of a longer record, and has given nothing out.
                Ok(plain) => assert!(bit < 16 && plain.is_empty() && !server.has_opened()),
                Err(other) => panic!("bit {bit}: {other}"),
            }
            if bit < 16 {
                // A piece of a longer record may be left.
                (_, server) = connected(cipher);
            }
        }
        assert_eq!(opened(&mut server, &wire).unwrap(), b"hello");
    }
}

#[test]
fn a_record_that_is_cut_gives_nothing_out() {
    let (mut client, _) = connected(Cipher::AesGcm);
    let wire = sealed(&mut client, b"hello");
    for cut in 0..wire.len() {
        let (_, mut server) = connected(Cipher::AesGcm);
        assert_eq!(opened(&mut server, &wire[..cut]).unwrap(), b"", "cut at {cut}");
        assert!(!server.has_opened());
        assert_eq!(opened(&mut server, &wire[cut..]).unwrap(), b"hello", "cut at {cut}");
    }
}

#[test]
fn a_record_that_is_repeated_dropped_swapped_or_sent_back_is_found_out() {
    let (mut client, mut server) = connected(Cipher::AesGcm);
    let [one, two, three] = [b"1", b"2", b"3"].map(|plain| sealed(&mut client, plain));
    assert_eq!(opened(&mut server, &one).unwrap(), b"1");
    let mut plain = Vec::new();
    let both = [&two[..], &two].concat();
    let refused = server.open(&both, &mut Decoder::new(LIMIT), &mut plain);
    assert_eq!(refused, Err(Stranger::Record));
    assert_eq!(plain, b"2", "what came before it counts");
    let (_, mut server) = connected(Cipher::AesGcm);
    assert_eq!(opened(&mut server, &one).unwrap(), b"1");
    assert_eq!(opened(&mut server, &three), Err(Stranger::Record));
    assert_eq!(opened(&mut client, &one), Err(Stranger::Record));
}

#[test]
fn a_replayed_first_message_is_answered_but_what_followed_it_does_not_open() {
    let client = initiator(Cipher::AesGcm);
    let (first, keys) = (*client.first(), ring(&["k"]));
    let (answer, _) = Responder::new([2; 32]).handle(&first, &keys).unwrap().unwrap();
    let recorded = sealed(&mut client.finish(&answer).unwrap(), b"hello");
    let (_, mut server) = Responder::new([3; 32]).handle(&first, &keys).unwrap().unwrap();
    assert_eq!(opened(&mut server, &recorded), Err(Stranger::Record));
    assert!(!server.has_opened());
}

#[test]
fn a_first_record_is_short_and_no_record_is_empty() {
    let (mut client, mut server) = connected(Cipher::AesGcm);
    let long = sealed(&mut client, &[0; 1024]);
    assert_eq!(opened(&mut server, &long[..2]), Err(Stranger::Length(1040)));
    for length in 0..=TAG {
        let (_, mut server) = connected(Cipher::AesGcm);
        let wire = u16::try_from(length).unwrap().to_le_bytes();
        assert_eq!(opened(&mut server, &wire), Err(Stranger::Length(length)));
    }
}

#[test]
fn large_messages_cross_in_pieces_of_any_size() {
    let messages = [(1, 10), (2, 200_000), (3, 0), (4, 1 << 20), (5, 70_000), (6, 1)]
        .map(|(number, body)| request(number, body));
    for cipher in Cipher::ALL {
        for pieces in [777, 64 * 1024, 1 << 20] {
            let (mut client, mut server) = connected(cipher);
            cross((&mut client, &mut server), &messages[..1], pieces);
            cross((&mut client, &mut server), &messages, pieces);
            cross((&mut server, &mut client), &messages[..1], pieces);
            cross((&mut server, &mut client), &messages, pieces);
        }
    }
}

#[test]
fn a_short_record_behind_one_that_goes_beyond_a_large_message_does_not_overtake_it() {
    let messages = [request(1, 100_000), request(2, 200), request(3, 20)];
    let mut out = OutBuffer::new();
    messages.iter().for_each(|message| frame::encode(message, LIMIT, &mut out).unwrap());
    let bytes = out.copy_to_bytes(out.len());
    let (mut client, mut server) = connected(Cipher::AesGcm);
    let (mut decoder, mut plain) = (Decoder::new(LIMIT), Vec::new());
    let mut arrived: Vec<ClientMessage> = Vec::new();
    // The first piece ends 100 bytes before the large message does; a record of 200 bytes begins
    // in it, and one of 50 would have had room there.
    let large = 8 + usize::from(bytes[0]) + 100_000;
    let cuts = [0, 50, large - 100, large + 100, large + 150, bytes.len()];
    let records: Vec<Vec<u8>> =
        cuts.windows(2).map(|cut| sealed(&mut client, &bytes[cut[0]..cut[1]])).collect();
    for wire in [records[..1].concat(), records[1..2].concat(), records[2..].concat()] {
        server.open(&wire, &mut decoder, &mut plain).unwrap();
        let mut input = plain.as_slice();
        while let Some(message) = decoder.next(&mut input).unwrap() {
            arrived.push(message);
        }
    }
    assert_eq!(arrived, messages);
}

#[test]
fn the_keys_of_a_long_connection_are_replaced_and_both_ends_agree() {
    let (mut client, mut server) = connected(Cipher::AesGcm);
    let (_, mut never) = connected(Cipher::AesGcm);
    for number in 0..channel::RECORDS_PER_KEY + 10 {
        let wire = sealed(&mut client, b"x");
        assert_eq!(opened(&mut server, &wire).unwrap(), b"x", "record {number}");
        if number < channel::RECORDS_PER_KEY {
            assert!(opened(&mut never, &wire).is_ok());
            never.forget_to_replace_the_key();
        } else {
            assert_eq!(opened(&mut never, &wire), Err(Stranger::Record));
        }
    }
}

#[test]
fn a_connection_that_is_used_up_says_so_and_never_begins_again() {
    let (mut client, mut server) = connected(Cipher::AesGcm);
    let wire = sealed(&mut client, b"x");
    server.skip_to_the_last_record();
    assert_eq!(opened(&mut server, &wire), Err(Stranger::Exhausted));
    assert_eq!(opened(&mut server, &wire), Err(Stranger::Exhausted));
}

#[test]
fn a_short_key_makes_no_connection_and_nothing_shows_a_key() {
    let short = AuthKey::new("k".repeat(31)).unwrap();
    let error = Initiator::new(&short, Cipher::AesGcm, [1; 32]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidInput);
    assert_eq!(KeyRing::new(&[key("a"), short]).unwrap_err().kind, ErrorKind::InvalidInput);
    let (client, _) = connected(Cipher::AesGcm);
    let shown = format!("{:?} {:?} {client:?}", ring(&["k"]), initiator(Cipher::AesGcm));
    assert_eq!(shown, "KeyRing(1 keys) Initiator(..) Channel(0 sealed, 0 opened)");
}

/// It is a feature of these crates that is easily lost.
#[test]
fn what_is_made_of_a_key_is_of_types_that_wipe_themselves() {
    fn is_wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
    is_wiped(&*Derived::of(&key("k")).unwrap().secret);
    is_wiped(&Sha256::new());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_sealed_opens_wherever_the_stream_is_cut(
        bodies in prop::collection::vec(0_usize..100_000, 1..6),
        pieces in 1_usize..100_000,
        cipher in prop::sample::select(Cipher::ALL.to_vec()),
    ) {
        let (mut client, mut server) = connected(cipher);
        cross((&mut client, &mut server), &[request(0, 1)], pieces);
        let messages: Vec<_> =
            (1..).zip(bodies).map(|(number, body)| request(number, body)).collect();
        cross((&mut client, &mut server), &messages, pieces);
    }

    #[test]
    fn strangers_may_say_what_they_like(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let keys = ring(&["k"]);
        let answered = Responder::new([2; 32]).handle(&bytes, &keys);
        prop_assert!(!matches!(answered, Ok(Some(_))));
        let (_, mut server) = connected(Cipher::AesGcm);
        prop_assert!(!matches!(opened(&mut server, &bytes), Ok(plain) if !plain.is_empty()));
    }
}
