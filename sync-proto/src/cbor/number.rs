//! Integers of any size, and their exact relation to floats.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use super::{head, tag};

/// An integer as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Integer<'b> {
    Small(i128),
    /// One that no `i128` holds: `magnitude`, or `-1 - magnitude` if negative. No leading zeros.
    Big {
        negative: bool,
        magnitude: Cow<'b, [u8]>,
    },
}

impl<'b> Integer<'b> {
    /// Makes an integer of a bignum's bytes.
    pub(super) fn from_bignum(negative: bool, bytes: Cow<'b, [u8]>) -> Self {
        let magnitude = without_leading_zeros(bytes);
        match narrow(&magnitude).and_then(|number| i128::try_from(number).ok()) {
            Some(number) => Self::Small(if negative { !number } else { number }),
            None => Self::Big { negative, magnitude },
        }
    }

    /// Makes an integer of a float that is one.
    pub(super) fn from_float(value: f64) -> Option<Self> {
        // 2^127: from there on, `as i128` would saturate.
        const LIMIT: f64 = (1_u128 << 127) as f64;
        if value.fract() != 0.0 || !value.is_finite() {
            return None;
        }
        if (-LIMIT..LIMIT).contains(&value) {
            return Some(Self::Small(value as i128));
        }
        let bits = value.abs().to_bits();
        let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
        let shift = (bits >> 52) as usize - 1023 - 52;
        let mut magnitude = (u128::from(mantissa) << (shift % 8)).to_be_bytes().to_vec();
        magnitude.resize(magnitude.len() + shift / 8, 0);
        let negative = value.is_sign_negative();
        if negative {
            subtract_one(&mut magnitude);
        }
        Some(Self::from_bignum(negative, Cow::Owned(magnitude)))
    }

    /// Gives the float that is exactly this integer, if there is one.
    pub(super) fn exact_f64(&self) -> Option<f64> {
        let nearest = match self {
            Self::Small(number) => *number as f64,
            Self::Big { negative, .. } => {
                // If a float holds the integer, then it holds every prefix of its bytes too, and
                // nothing is rounded on the way.
                let absolute = self.absolute().iter().fold(0.0, push_byte);
                if *negative { -absolute } else { absolute }
            }
        };
        (Self::from_float(nearest).as_ref() == Some(self)).then_some(nearest)
    }

    /// Gives the `u128` that is exactly this integer, if there is one.
    pub(super) fn exact_u128(&self) -> Option<u128> {
        match self {
            Self::Small(number) => u128::try_from(*number).ok(),
            Self::Big { negative, magnitude } => narrow(magnitude).filter(|_| !negative),
        }
    }

    /// Appends the integer in its shortest form.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Small(number) => put_i128(out, *number),
            Self::Big { negative, magnitude } => put_bignum(out, *negative, magnitude),
        }
    }

    /// Compares with a float that is not an integer: a fraction or an infinity.
    pub(super) fn cmp_fraction(&self, float: f64) -> Ordering {
        match self {
            // Only integers from 2^53 on are rounded, and a fraction is less than 2^52.
            Self::Small(number) if float.is_finite() => (*number as f64).total_cmp(&float),
            _ if float.is_infinite() => 0.0_f64.total_cmp(&float),
            _ if self.is_negative() => Ordering::Less,
            _ => Ordering::Greater,
        }
    }

    fn is_negative(&self) -> bool {
        match self {
            Self::Small(number) => *number < 0,
            Self::Big { negative, .. } => *negative,
        }
    }

    /// The absolute value's bytes.
    fn absolute(&self) -> Vec<u8> {
        match self {
            Self::Small(number) => number.unsigned_abs().to_be_bytes().to_vec(),
            Self::Big { negative: false, magnitude } => magnitude.to_vec(),
            Self::Big { negative: true, magnitude } => plus_one(magnitude),
        }
    }
}

impl Ord for Integer<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Small(left), Self::Small(right)) => left.cmp(right),
            (
                Self::Big { negative: false, magnitude: left },
                Self::Big { negative: false, magnitude: right },
            ) => (left.len(), left).cmp(&(right.len(), right)),
            (
                Self::Big { negative: true, magnitude: left },
                Self::Big { negative: true, magnitude: right },
            ) => (right.len(), right).cmp(&(left.len(), left)),
            // What no `i128` holds is beyond all that it holds, on its side of zero.
            (Self::Big { negative, .. }, _) => if_negative(*negative),
            (_, Self::Big { negative, .. }) => if_negative(*negative).reverse(),
        }
    }
}

impl PartialOrd for Integer<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Decimal as far as machine integers go, then hexadecimal (which takes linear time).
impl fmt::Display for Integer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Small(number) = self {
            return number.fmt(f);
        }
        if self.is_negative() {
            f.write_str("-")?;
        }
        let absolute = self.absolute();
        if let Some(number) = narrow(&absolute) {
            return number.fmt(f);
        }
        f.write_str("0x")?;
        absolute.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Appends an integer in its shortest form.
pub(super) fn put_i128(out: &mut Vec<u8>, number: i128) {
    let negative = number < 0;
    let magnitude = (if negative { !number } else { number }) as u128;
    put_magnitude(out, negative, magnitude);
}

/// Appends an unsigned integer in its shortest form.
pub(super) fn put_u128(out: &mut Vec<u8>, number: u128) {
    put_magnitude(out, false, number);
}

fn put_magnitude(out: &mut Vec<u8>, negative: bool, magnitude: u128) {
    if let Ok(short) = u64::try_from(magnitude) {
        head::put(out, if negative { head::NEGATIVE } else { head::UNSIGNED }, short);
        return;
    }
    let zeros = magnitude.leading_zeros() as usize / 8;
    put_bignum(out, negative, &magnitude.to_be_bytes()[zeros..]);
}

fn put_bignum(out: &mut Vec<u8>, negative: bool, magnitude: &[u8]) {
    head::put(out, head::TAG, if negative { tag::NEGATIVE } else { tag::POSITIVE });
    head::put_bytes(out, magnitude);
}

fn if_negative(negative: bool) -> Ordering {
    if negative { Ordering::Less } else { Ordering::Greater }
}

/// Reads at most sixteen big-endian bytes.
fn narrow(magnitude: &[u8]) -> Option<u128> {
    (magnitude.len() <= 16)
        .then(|| magnitude.iter().fold(0, |number, byte| number << 8 | u128::from(*byte)))
}

fn without_leading_zeros(bytes: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[zeros..]),
        Cow::Owned(mut bytes) => {
            bytes.drain(..zeros);
            Cow::Owned(bytes)
        }
    }
}

fn push_byte(number: f64, byte: &u8) -> f64 {
    number * 256.0 + f64::from(*byte)
}

fn plus_one(magnitude: &[u8]) -> Vec<u8> {
    let mut sum = Vec::with_capacity(magnitude.len() + 1);
    sum.push(0);
    sum.extend_from_slice(magnitude);
    for byte in sum.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            break;
        }
    }
    without_leading_zeros(Cow::Owned(sum)).into_owned()
}

/// Subtracts one from a number that is not zero.
fn subtract_one(magnitude: &mut [u8]) {
    for byte in magnitude.iter_mut().rev() {
        *byte = byte.wrapping_sub(1);
        if *byte != u8::MAX {
            break;
        }
    }
}
