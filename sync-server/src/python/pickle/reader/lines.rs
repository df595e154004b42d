//! What protocol 0 writes as lines of text.

use num_bigint::BigInt;

use crate::python::pickle::text::Text;

/// The most digits that an integer in decimal may have: as in CPython, since the time that more
/// would take is the square of their number.
const MOST_DIGITS: usize = 4300;

/// Reads a decimal integer.
pub(super) fn integer(line: &str) -> Option<BigInt> {
    let line = line.trim();
    let digits = line.strip_prefix(['-', '+']).unwrap_or(line);
    let is_sound =
        (1..=MOST_DIGITS).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    is_sound.then(|| line.parse().ok()).flatten()
}

/// Reads a float as Python's `repr` writes it.
pub(super) fn float(line: &str) -> Option<f64> {
    line.trim().parse().ok()
}

/// Reads a text in the codec "raw-unicode-escape": Latin-1 with `\uxxxx` and `\Uxxxxxxxx`.
pub(super) fn unicode(line: &[u8]) -> Option<Text> {
    let mut points = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let digits = match (byte, rest.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            (b'\\', Some(next)) => {
                // A backslash that was escaped by another begins nothing.
                points.extend([u32::from(byte), u32::from(*next)]);
                rest = &rest[1..];
                continue;
            }
            _ => {
                points.push(u32::from(byte));
                continue;
            }
        };
        points.push(hexadecimal(rest.get(1..=digits)?)?);
        rest = &rest[digits + 1..];
    }
    Text::from_code_points(points.into_iter())
}

/// Reads a quoted byte string as Python 2's `repr` wrote it.
pub(super) fn quoted(line: &[u8]) -> Option<Vec<u8>> {
    let [first, inner @ .., last] = line.trim_ascii() else {
        return None;
    };
    if first != last || !matches!(first, b'\'' | b'"') {
        return None;
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let (&escape, after) = rest.split_first()?;
        rest = after;
        bytes.push(match escape {
            b'\\' | b'\'' | b'"' => escape,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'v' => 11,
            b'x' => {
                let byte = hexadecimal(rest.get(..2)?)? as u8;
                rest = &rest[2..];
                byte
            }
            _ => return None,
        });
    }
    Some(bytes)
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |number, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(number << 4 | digit)
    })
}
