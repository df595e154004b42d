//! Frames: bytes from a peer.

use std::fmt::Debug;

use sync_proto::Refusal;
use sync_proto::frame::{self, Decoder, FrameLimit, OutBuffer};
use sync_proto::message::{ClientMessage, Message, ServerMessage};

/// Checks that a stream of frames gives the same messages however it is cut into pieces, that each
/// of them is the same after it was encoded and decoded once more, and that nothing panics. The
/// first byte says how the stream is cut.
///
/// # Panics
/// When it does not hold.
pub fn frames(input: &[u8]) {
    let Some((&cut, stream)) = input.split_first() else { return };
    for limit in [FrameLimit::HANDSHAKE, FrameLimit::of_body(1 << 20)] {
        check::<ClientMessage>(limit, stream, cut);
        check::<ServerMessage>(limit.of_answers(), stream, cut);
    }
}

fn check<M: Message + PartialEq + Debug>(limit: FrameLimit, stream: &[u8], cut: u8) {
    let whole = decode::<M>(limit, stream, stream.len());
    let in_pieces = decode::<M>(limit, stream, usize::from(cut) + 1);
    assert_eq!(whole.0, in_pieces.0, "cut at every {cut} bytes");
    assert_eq!(whole.1.is_some(), in_pieces.1.is_some(), "cut at every {cut} bytes");
    for message in whole.0 {
        let mut out = OutBuffer::new();
        frame::encode(&message, FrameLimit::of_body(2 << 20), &mut out).expect("it was in a frame");
        let mut bytes = Vec::new();
        std::io::copy(&mut bytes::Buf::reader(out), &mut bytes).expect("it is in memory");
        let again = decode::<M>(FrameLimit::of_body(2 << 20), &bytes, bytes.len());
        assert_eq!(again.0, [message]);
    }
}

/// Decodes a stream, `step` bytes at a time; returns the messages, and what ended it early.
fn decode<M: Message>(limit: FrameLimit, stream: &[u8], step: usize) -> (Vec<M>, Option<Refusal>) {
    let mut decoder = Decoder::new(limit);
    let mut messages = Vec::new();
    let mut rest = stream;
    while !rest.is_empty() {
        if let Some(direct) = decoder.direct() {
            let count = (direct.capacity() - direct.len()).min(step).min(rest.len());
            direct.extend_from_slice(&rest[..count]);
            rest = &rest[count..];
        }
        let (mut piece, later) = rest.split_at(step.min(rest.len()));
        rest = later;
        loop {
            match decoder.next(&mut piece) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(refusal) => return (messages, Some(refusal)),
            }
        }
        assert!(piece.is_empty(), "all is used before more is wanted");
    }
    (messages, None)
}
