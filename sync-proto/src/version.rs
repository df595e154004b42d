//! Every version of the protocol, and what it brought.

/// The version that this crate speaks.
pub const CURRENT: u8 = SECOND;

/// The first: frames of head and body, sessions, one-way messages, HMAC-SHA256 proof of the key.
pub const FIRST: u8 = 1;

/// The second: TCP is sealed by the key ([`secure`](crate::secure)); no more proofs.
pub const SECOND: u8 = 2;

/// The first eight bytes that a client sends on a connection that is not sealed: seven that say
/// what it is, one that says which version. They come before any frame and keep their form in
/// every version.
pub const PREAMBLE: [u8; 8] = *b"SYNCMGR\x02";

/// The same for a connection that is to be sealed.
pub const SECURE_PREAMBLE: [u8; 8] = *b"SYNCSEC\x02";

const _: () = assert!(PREAMBLE[7] == CURRENT, "the preamble names the current version");
const _: () = assert!(SECURE_PREAMBLE[7] == CURRENT, "the preamble names the current version");
