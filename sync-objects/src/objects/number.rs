//! Arithmetic on encoded numbers, in the number type of the user's program.

use serde::{Deserialize, Serialize};
use sync_proto::{ErrorKind, Payload, Refusal};

/// A number type of Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum NumberKind {
    /// `i8`.
    I8,
    /// `i16`.
    I16,
    /// `i32`.
    I32,
    /// `i64`, and `isize`.
    I64,
    /// `i128`.
    I128,
    /// `u8`.
    U8,
    /// `u16`.
    U16,
    /// `u32`.
    U32,
    /// `u64`, and `usize`.
    U64,
    /// `f32`.
    F32,
    /// `f64`.
    F64,
}

impl NumberKind {
    /// Returns the type's name in Rust.
    pub const fn name(self) -> &'static str {
        match self {
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::I128 => "i128",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    const fn range(self) -> (i128, i128) {
        match self {
            Self::I8 => (i8::MIN as i128, i8::MAX as i128),
            Self::I16 => (i16::MIN as i128, i16::MAX as i128),
            Self::I32 => (i32::MIN as i128, i32::MAX as i128),
            Self::I64 => (i64::MIN as i128, i64::MAX as i128),
            Self::I128 | Self::F32 | Self::F64 => (i128::MIN, i128::MAX),
            Self::U8 => (0, u8::MAX as i128),
            Self::U16 => (0, u16::MAX as i128),
            Self::U32 => (0, u32::MAX as i128),
            Self::U64 => (0, u64::MAX as i128),
        }
    }
}

/// What to do with a number and an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum NumberOp {
    /// Their sum.
    Add,
    /// The number minus the operand.
    Sub,
    /// Their product.
    Mul,
    /// The smaller of the two.
    Min,
    /// The greater of the two.
    Max,
    /// Bitwise and; integers only.
    And,
    /// Bitwise or; integers only.
    Or,
    /// Bitwise exclusive or; integers only.
    Xor,
}

/// Checks that a payload is a number of the kind.
///
/// # Errors
/// `WrongType`, naming what was found.
pub(crate) fn check(kind: NumberKind, value: &Payload) -> Result<(), Refusal> {
    match kind {
        NumberKind::F32 => value.unpack::<f32>().map(drop),
        NumberKind::F64 => value.unpack::<f64>().map(drop),
        _ => integer(kind, value).map(drop),
    }
}

/// Applies an operation to two payloads and returns the result, encoded as the kind.
///
/// # Errors
/// `WrongType` when one is not a number of the kind; `Overflow` when the result does not fit into
/// it; `InvalidInput` for bits of a float.
pub(crate) fn apply(
    kind: NumberKind,
    op: NumberOp,
    left: &Payload,
    right: &Payload,
) -> Result<Payload, Refusal> {
    match kind {
        NumberKind::F64 => Payload::pack(&float_op(op, left.unpack()?, right.unpack()?)?),
        NumberKind::F32 => {
            let (left, right): (f32, f32) = (left.unpack()?, right.unpack()?);
            // Exact in f64, then rounded once: what f32 arithmetic gives.
            #[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is the point")]
            Payload::pack(&(float_op(op, left.into(), right.into())? as f32))
        }
        _ => integer_op(kind, op, integer(kind, left)?, integer(kind, right)?),
    }
}

/// Returns zero of a kind.
pub(crate) fn zero(kind: NumberKind) -> Result<Payload, Refusal> {
    match kind {
        NumberKind::F32 => Payload::pack(&0f32),
        NumberKind::F64 => Payload::pack(&0f64),
        _ => Payload::pack(&0i64),
    }
}

fn integer(kind: NumberKind, value: &Payload) -> Result<i128, Refusal> {
    // As its own type, which is what an error names.
    match kind {
        NumberKind::I8 => value.unpack::<i8>().map(Into::into),
        NumberKind::I16 => value.unpack::<i16>().map(Into::into),
        NumberKind::I32 => value.unpack::<i32>().map(Into::into),
        NumberKind::I64 => value.unpack::<i64>().map(Into::into),
        NumberKind::U8 => value.unpack::<u8>().map(Into::into),
        NumberKind::U16 => value.unpack::<u16>().map(Into::into),
        NumberKind::U32 => value.unpack::<u32>().map(Into::into),
        NumberKind::U64 => value.unpack::<u64>().map(Into::into),
        NumberKind::I128 | NumberKind::F32 | NumberKind::F64 => value.unpack(),
    }
}

fn integer_op(kind: NumberKind, op: NumberOp, left: i128, right: i128) -> Result<Payload, Refusal> {
    let (min, max) = kind.range();
    let result = match op {
        NumberOp::Add => left.checked_add(right),
        NumberOp::Sub => left.checked_sub(right),
        NumberOp::Mul => left.checked_mul(right),
        NumberOp::Min => Some(left.min(right)),
        NumberOp::Max => Some(left.max(right)),
        NumberOp::And => Some(left & right),
        NumberOp::Or => Some(left | right),
        NumberOp::Xor => Some(left ^ right),
    };
    let result = result.filter(|result| (min..=max).contains(result)).ok_or_else(|| {
        let why = format!("{op:?} of {left} and {right} does not fit {}", kind.name());
        Refusal::new(ErrorKind::Overflow, why)
    })?;
    Payload::pack(&result)
}

fn float_op(op: NumberOp, left: f64, right: f64) -> Result<f64, Refusal> {
    Ok(match op {
        NumberOp::Add => left + right,
        NumberOp::Sub => left - right,
        NumberOp::Mul => left * right,
        NumberOp::Min => left.min(right),
        NumberOp::Max => left.max(right),
        NumberOp::And | NumberOp::Or | NumberOp::Xor => {
            let why = "a float has no bits to combine: use an integer value";
            return Err(Refusal::new(ErrorKind::InvalidInput, why));
        }
    })
}
