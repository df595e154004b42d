//! Texts as Python has them: sequences of code points, surrogates included.

use super::graph::Node;

/// A text with at least one lone surrogate, which UTF-8 has no form for.
///
/// It is kept as UTF-8 generalized to all code points, as Python's `surrogatepass` writes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wide(Vec<u8>);

/// A text in the narrowest type that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Text {
    Plain(String),
    Wide(Wide),
}

impl Wide {
    /// Takes generalized UTF-8 with at least one surrogate.
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        match Text::from_bytes(bytes) {
            Some(Text::Wide(wide)) => Some(wide),
            _ => None,
        }
    }

    /// Returns the generalized UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the characters, each as a text of its own.
    pub fn characters(&self) -> impl Iterator<Item = Node> + '_ {
        self.code_points().filter_map(|point| match char::from_u32(point) {
            Some(character) => Some(Node::Str(character.to_string())),
            None => {
                let part = |shift: u32| 0x80 | (point >> shift & 0x3f) as u8;
                let bytes = vec![0xe0 | (point >> 12) as u8, part(6), part(0)];
                Self::from_bytes(bytes).map(Node::WideStr)
            }
        })
    }

    /// Returns the code points.
    pub fn code_points(&self) -> impl Iterator<Item = u32> + Clone + '_ {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || {
            let (&first, _) = rest.split_first()?;
            let length = match first {
                0..0x80 => 1,
                0x80..0xe0 => 2,
                0xe0..0xf0 => 3,
                _ => 4,
            };
            let (now, then) = rest.split_at(length);
            rest = then;
            let lead = u32::from(first) & [0x7f, 0x1f, 0x0f, 0x07][length - 1];
            Some(now[1..].iter().fold(lead, |point, byte| point << 6 | u32::from(byte & 0x3f)))
        })
    }
}

impl Text {
    /// Takes generalized UTF-8.
    pub(super) fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        let bytes = match String::from_utf8(bytes) {
            Ok(text) => return Some(Self::Plain(text)),
            Err(error) => error.into_bytes(),
        };
        let mut rest = &bytes[..];
        while let Err(error) = std::str::from_utf8(rest) {
            rest = match &rest[error.valid_up_to()..] {
                [0xed, 0xa0..=0xbf, 0x80..=0xbf, after @ ..] => after,
                _ => return None,
            };
        }
        Some(Self::Wide(Wide(bytes)))
    }

    /// Takes code points.
    pub(super) fn from_code_points(points: impl Iterator<Item = u32>) -> Option<Self> {
        let mut bytes = Vec::new();
        for point in points {
            match char::from_u32(point) {
                Some(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                None if (0xd800..0xe000).contains(&point) => bytes.extend_from_slice(&[
                    0xed,
                    0x80 | (point >> 6) as u8 & 0x3f,
                    0x80 | point as u8 & 0x3f,
                ]),
                None => return None,
            }
        }
        Self::from_bytes(bytes)
    }
}
