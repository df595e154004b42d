//! The machine types that an array's elements may have.

use core::fmt;

use serde::{Deserialize, Serialize};
use sync_proto::{Error, ErrorKind};

use crate::objects::number::NumberKind;

/// The machine type of an array's elements, by the names that Python's `array` and
/// `multiprocessing` use, with the sizes that they have on 64-bit Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Typecode {
    /// `b`: `i8`.
    SignedChar,
    /// `B`: `u8`.
    UnsignedChar,
    /// `h`: `i16`.
    Short,
    /// `H`: `u16`.
    UnsignedShort,
    /// `i`: `i32`.
    Int,
    /// `I`: `u32`.
    UnsignedInt,
    /// `l`: `i64`.
    Long,
    /// `L`: `u64`.
    UnsignedLong,
    /// `q`: `i64`.
    LongLong,
    /// `Q`: `u64`.
    UnsignedLongLong,
    /// `f`: `f32`.
    Float,
    /// `d`: `f64`.
    Double,
    /// `u`: `char`, in 32 bits.
    Char,
    /// The same, under the name that Python uses since 3.13.
    WideChar,
}

impl Typecode {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 14] = [
        Self::SignedChar,
        Self::UnsignedChar,
        Self::Short,
        Self::UnsignedShort,
        Self::Int,
        Self::UnsignedInt,
        Self::Long,
        Self::UnsignedLong,
        Self::LongLong,
        Self::UnsignedLongLong,
        Self::Float,
        Self::Double,
        Self::Char,
        Self::WideChar,
    ];

    /// Returns the letter.
    pub const fn code(self) -> char {
        match self {
            Self::SignedChar => 'b',
            Self::UnsignedChar => 'B',
            Self::Short => 'h',
            Self::UnsignedShort => 'H',
            Self::Int => 'i',
            Self::UnsignedInt => 'I',
            Self::Long => 'l',
            Self::UnsignedLong => 'L',
            Self::LongLong => 'q',
            Self::UnsignedLongLong => 'Q',
            Self::Float => 'f',
            Self::Double => 'd',
            Self::Char => 'u',
            Self::WideChar => 'w',
        }
    }

    /// Returns the type's name in Rust.
    pub const fn name(self) -> &'static str {
        match self.number() {
            Some(kind) => kind.name(),
            None => "char",
        }
    }

    /// Returns how many bytes an element takes.
    #[doc(alias = "itemsize")]
    pub const fn size(self) -> usize {
        match self {
            Self::SignedChar | Self::UnsignedChar => 1,
            Self::Short | Self::UnsignedShort => 2,
            Self::Int | Self::UnsignedInt | Self::Float | Self::Char | Self::WideChar => 4,
            Self::Long | Self::UnsignedLong | Self::LongLong | Self::UnsignedLongLong => 8,
            Self::Double => 8,
        }
    }

    /// Returns whether elements of the two are of the same type in Rust: `l` and `q` are both
    /// `i64`, `u` and `w` both `char`.
    pub fn is_same_type(self, other: Self) -> bool {
        self.number() == other.number()
    }

    /// Returns which number type the elements are; `None` for characters.
    pub const fn number(self) -> Option<NumberKind> {
        Some(match self {
            Self::SignedChar => NumberKind::I8,
            Self::UnsignedChar => NumberKind::U8,
            Self::Short => NumberKind::I16,
            Self::UnsignedShort => NumberKind::U16,
            Self::Int => NumberKind::I32,
            Self::UnsignedInt => NumberKind::U32,
            Self::Long | Self::LongLong => NumberKind::I64,
            Self::UnsignedLong | Self::UnsignedLongLong => NumberKind::U64,
            Self::Float => NumberKind::F32,
            Self::Double => NumberKind::F64,
            Self::Char | Self::WideChar => return None,
        })
    }
}

impl TryFrom<char> for Typecode {
    type Error = Error;

    fn try_from(code: char) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|known| known.code() == code).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|known| known.code().to_string()).collect();
            let why = format!("unknown typecode {code:?}: it must be one of {}", known.join(", "));
            Error::new(ErrorKind::InvalidInput, why)
        })
    }
}

impl fmt::Display for Typecode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' ({})", self.code(), self.name())
    }
}
