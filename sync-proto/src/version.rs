//! Every version of the protocol, and what it brought.

/// The version that this crate speaks.
pub const CURRENT: u8 = FIRST;

/// The first: frames of head and body, sessions, one-way messages, HMAC-SHA256 proof of the key.
pub const FIRST: u8 = 1;

/// The first eight bytes that a client sends on a connection: seven that say what it is, one that
/// says which version. They come before any frame and keep their form in every version.
pub const PREAMBLE: [u8; 8] = *b"SYNCMGR\x01";

const _: () = assert!(PREAMBLE[7] == CURRENT, "the preamble names the current version");
