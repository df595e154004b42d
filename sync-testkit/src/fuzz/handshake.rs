//! Handshakes: a connection over TCP, and an attacker on the path who changes it.

use bytes::Buf;
use sync_proto::AuthKey;
use sync_proto::frame::{Decoder, FrameLimit, OutBuffer};
use sync_proto::secure::{ANSWER_LEN, Channel, Cipher, FIRST_LEN, Initiator, KeyRing, Responder};

/// What the client sends once the connection is encrypted: more than one record's first piece.
const PLAIN: &[u8] = b"the first words of a client, and some more of them after these";

/// Checks that bytes from the network authenticate nobody without the key, and change nothing
/// between two peers that have it: anything but their own bytes ends the connection, and everything
/// that comes out before that is what went in.
///
/// The first byte chooses the cipher and the size of the pieces in which the bytes arrive; the
/// rest is what is done to the three flights, four bytes each time, and once more the first flight
/// itself.
///
/// # Panics
/// When it does not hold.
pub fn handshake(input: &[u8]) {
    let Some((&choice, rest)) = input.split_first() else { return };
    let cipher = Cipher::ALL[usize::from(choice & 1)];
    let step = usize::from(choice >> 1) + 1;
    let client = initiator(cipher);
    let genuine = *client.first();
    a_stranger(rest, &genuine, step);

    let mut first = genuine.to_vec();
    edit(&mut first, rest, 0);
    a_stranger(&first, &genuine, step);
    let (answer, mut server) =
        respond(&genuine, FIRST_LEN).expect("a client with the key comes in");

    let mut changed = answer.to_vec();
    edit(&mut changed, rest, 1);
    if let Ok(changed) = <[u8; ANSWER_LEN]>::try_from(changed) {
        let finished = initiator(cipher).finish(&changed);
        assert_eq!(finished.is_ok(), changed == answer, "only the server's own answer is taken");
    }

    let mut client = client.finish(&answer).expect("it is the server's own answer");
    let genuine = seal(&mut client);
    let mut records = genuine.clone();
    edit(&mut records, rest, 2);
    let (opened, trusted) = open(&mut server, &records, step);
    assert!(PLAIN.starts_with(&opened), "nothing comes out that did not go in");
    if trusted && records != genuine {
        assert!(opened.len() < PLAIN.len() || records.starts_with(&genuine), "all was genuine");
    }
    assert!(records != genuine || opened == PLAIN, "what was not changed arrives");
}

fn key() -> AuthKey {
    AuthKey::new("the key of the fuzz target, which is long enough").expect("it is long enough")
}

fn initiator(cipher: Cipher) -> Initiator {
    Initiator::new(&key(), cipher, [1; 32]).expect("the key is long enough")
}

/// Has a server read bytes that may be anything.
fn a_stranger(bytes: &[u8], genuine: &[u8; FIRST_LEN], step: usize) {
    if respond(bytes, step).is_some() {
        assert!(bytes.starts_with(genuine), "it got an answer without the key");
    }
}

/// Has a server read a connection's first bytes, `step` at a time.
fn respond(bytes: &[u8], step: usize) -> Option<([u8; ANSWER_LEN], Channel)> {
    let keys = KeyRing::new(&[key()]).expect("the key is long enough");
    let mut responder = Responder::new([2; 32]);
    for piece in bytes.chunks(step) {
        match responder.handle(piece, &keys) {
            Ok(None) => {}
            Ok(answered) => return answered,
            Err(_) => return None,
        }
    }
    None
}

/// Encrypts [`PLAIN`] in two records.
fn seal(channel: &mut Channel) -> Vec<u8> {
    let mut bytes = Vec::new();
    for half in [&PLAIN[..20], &PLAIN[20..]] {
        let (mut out, mut wire) = (OutBuffer::new(), OutBuffer::new());
        out.extend(half);
        channel.seal(&mut out, &mut wire).expect("the channel is new");
        bytes.extend_from_slice(&wire.copy_to_bytes(wire.len()));
    }
    bytes
}

/// Decrypts what arrived, `step` bytes at a time; returns what came out, and whether the connection
/// is still trusted.
fn open(channel: &mut Channel, records: &[u8], step: usize) -> (Vec<u8>, bool) {
    let mut decoder = Decoder::new(FrameLimit::HANDSHAKE);
    let (mut all, mut plain) = (Vec::new(), Vec::new());
    for piece in records.chunks(step) {
        let trusted = channel.open(piece, &mut decoder, &mut plain).is_ok();
        all.extend_from_slice(&plain);
        if !trusted {
            return (all, false);
        }
    }
    (all, true)
}

/// Changes a flight as the input says: a place, and what happens to it.
fn edit(flight: &mut Vec<u8>, input: &[u8], number: u8) {
    for of in input.chunks_exact(4).filter(|of| of[0] % 3 == number) {
        let at = usize::from(of[1]) % (flight.len() + 1);
        match of[0] / 3 % 4 {
            0 => flight.truncate(at),
            1 => flight.insert(at, of[3]),
            2 if at < flight.len() => drop(flight.remove(at)),
            _ if at < flight.len() => flight[at] ^= of[3],
            _ => {}
        }
    }
}
