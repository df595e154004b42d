//! The heads of CBOR items: a major type and a number, in the fewest bytes.
//!
//! `minicbor` reads them for us; its `Encoder` returns a `Result` at every step, and appending to
//! a vector never fails.

use super::tag;

pub(super) const UNSIGNED: u8 = 0;
pub(super) const NEGATIVE: u8 = 1;
pub(super) const BYTES: u8 = 2;
pub(super) const TEXT: u8 = 3;
pub(super) const ARRAY: u8 = 4;
pub(super) const MAP: u8 = 5;
pub(super) const TAG: u8 = 6;
pub(super) const SIMPLE: u8 = 7;

pub(super) const FALSE: u8 = 0xf4;
pub(super) const TRUE: u8 = 0xf5;
pub(super) const NULL: u8 = 0xf6;
pub(super) const UNDEFINED: u8 = 0xf7;
pub(super) const SIMPLE_BYTE: u8 = 0xf8;
pub(super) const F16: u8 = 0xf9;
pub(super) const F32: u8 = 0xfa;
pub(super) const F64: u8 = 0xfb;
pub(super) const BREAK: u8 = 0xff;

/// The bytes of the longest head.
pub(super) const LONGEST: usize = 9;

/// The head of a nested `Some`.
pub(super) const SOME: [u8; 3] = {
    let [high, low] = (tag::SOME as u16).to_be_bytes();
    [TAG << 5 | 25, high, low]
};

/// Takes the major type out of an item's first byte.
pub(super) fn major(byte: u8) -> u8 {
    byte >> 5
}

/// Tells whether the number of an item's first byte says "until a break".
pub(super) fn is_indefinite(byte: u8) -> bool {
    byte & 0x1f == 31
}

/// Appends a head.
pub(super) fn put(out: &mut Vec<u8>, major: u8, number: u64) {
    let major = major << 5;
    match number {
        0..=0x17 => out.push(major | number as u8),
        0x18..=0xff => out.extend([major | 24, number as u8]),
        0x100..=0xffff => {
            let [a, b] = (number as u16).to_be_bytes();
            out.extend([major | 25, a, b]);
        }
        0x1_0000..=0xffff_ffff => {
            out.push(major | 26);
            out.extend((number as u32).to_be_bytes());
        }
        _ => {
            out.push(major | 27);
            out.extend(number.to_be_bytes());
        }
    }
}

/// Begins an item whose length only its end will tell; [`BREAK`] ends it.
pub(super) fn put_indefinite(out: &mut Vec<u8>, major: u8) {
    out.push(major << 5 | 31);
}

/// Appends a byte string.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, BYTES, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a text.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, TEXT, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Appends a double.
pub(super) fn put_f64(out: &mut Vec<u8>, value: f64) {
    out.push(F64);
    out.extend(value.to_be_bytes());
}

/// Tells whether an encoded value, put bare into a `Some`, would read as something else.
pub(super) fn is_ambiguous_in_some(encoded: &[u8]) -> bool {
    encoded.first() == Some(&NULL) || encoded.starts_with(&SOME)
}
