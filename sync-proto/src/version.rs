//! The version of the protocol.

/// The version that this crate implements. What each brought:
///
/// 1. Frames of head and body, sessions, one-way messages, HMAC-SHA256 proof of the key.
/// 2. TCP is encrypted with the key ([`secure`](crate::secure)); no more proofs.
/// 3. In a frame's body payloads come before arguments; a large byte string has no CBOR head.
pub const CURRENT: u8 = 3;

/// The first eight bytes that a client sends on a connection that is not encrypted: seven that name
/// the protocol, one for its version. They come before any frame and keep their form in every
/// version.
pub const PREAMBLE: [u8; 8] = *b"SYNCMGR\x03";

/// The same for a connection that is to be encrypted.
pub const SECURE_PREAMBLE: [u8; 8] = *b"SYNCSEC\x03";

const _: () = assert!(PREAMBLE[7] == CURRENT, "the preamble names the current version");
const _: () = assert!(SECURE_PREAMBLE[7] == CURRENT, "the preamble names the current version");
