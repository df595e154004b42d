//! The tags of users' values.
//!
//! Bignums, byte arrays, sets and shared values have registered tags. The others are ours: numbers
//! of IANA's "first come first served" range (32768 and up), amid 38000–39999 where nothing is
//! assigned, and below 65536 so that a tag takes three bytes. They are pinned by tests: values
//! outlive programs.

/// Marks the bytes of a big integer that is not negative (RFC 8949, section 3.4.3).
pub const POSITIVE: u64 = 2;

/// Marks the bytes of a big negative integer: of `n` where the integer is `-1 - n`.
pub const NEGATIVE: u64 = 3;

/// Marks a value that [`REFERENCE`]s may stand for (registered). Their number is that of the marks
/// before it, from 0.
pub const SHARED: u64 = 28;

/// Marks the number of a shared value, which is here once more (registered). A value may be
/// referred to from within itself.
pub const REFERENCE: u64 = 29;

/// Marks a byte string as one that can change (registered, RFC 8746: an array of `u8`). It is equal
/// to one that cannot.
pub const BYTE_ARRAY: u64 = 64;

/// Marks an array as a set (registered; Python's `cbor2` writes it too).
pub const SET: u64 = 258;

/// Marks an array as a tuple.
pub const TUPLE: u64 = 39171;

/// Marks a `Some` whose content would read as `None` or as an outer `Some` without it.
pub const SOME: u64 = 39172;

/// Marks an integer as the index of a shared object's handle.
pub const HANDLE: u64 = 39173;

/// Marks an array as the recipe of a value that has no form here: a name for people first, the
/// rest as whoever wrote it understands it. Recipes are equal if their parts are.
pub const OPAQUE: u64 = 39174;

/// Marks an array as a set that cannot change; it is equal to one that can.
pub const FROZEN_SET: u64 = 39175;

/// Marks bytes as a string with surrogates among its code points: UTF-8 generalized to them.
pub const WIDE_TEXT: u64 = 39176;
