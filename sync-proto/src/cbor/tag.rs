//! The tags of users' values.
//!
//! Bignums and sets have registered tags. The other three are ours: numbers of IANA's "first come
//! first served" range (32768 and up), amid 38000–39999 where nothing is assigned, and below
//! 65536 so that a tag takes three bytes. They are pinned by golden tests: values outlive programs.

/// Marks the bytes of a big integer that is not negative (RFC 8949, section 3.4.3).
pub const POSITIVE: u64 = 2;

/// Marks the bytes of a big negative integer: of `n` where the integer is `-1 - n`.
pub const NEGATIVE: u64 = 3;

/// Marks an array as a set (registered; Python's `cbor2` writes it too).
pub const SET: u64 = 258;

/// Marks an array as a tuple.
pub const TUPLE: u64 = 39171;

/// Marks a `Some` whose content would read as `None` or as an outer `Some` without it.
pub const SOME: u64 = 39172;

/// Marks an integer as the index of a shared object's handle.
pub const HANDLE: u64 = 39173;
