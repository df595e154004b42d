//! Names an encoded value in a few words, for error messages.

use super::error::DecodeError;
use super::kind::Kind;
use super::reader::{Form, Item, Left, Reader};

/// The most characters of a text or number that a description repeats.
const LONGEST_QUOTE: usize = 40;

/// Describes an encoded value in a short phrase, such as `integer 300` or `list of 3`.
///
/// Bytes that are no value are described as `malformed bytes`.
pub fn describe(bytes: &[u8]) -> String {
    phrase(&mut Reader::new(bytes)).unwrap_or_else(|_| Kind::Malformed.to_string())
}

/// Returns the name of an opaque value, which it has for people.
pub fn opaque_name(bytes: &[u8]) -> Option<String> {
    let mut reader = Reader::new(bytes);
    let Ok(Item::Array(Form::Opaque, mut left)) = reader.item() else {
        return None;
    };
    first_text(&mut reader, &mut left).ok().flatten()
}

/// Quotes a text, cut where it is long.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(LONGEST_QUOTE) {
        Some((end, _)) => format!("\"{}…\"", text[..end].escape_debug()),
        None => format!("\"{}\"", text.escape_debug()),
    }
}

/// Writes a float in the fewest digits that read as the same one.
pub(super) fn shortest_float(value: f64) -> String {
    // Unlike `Display`, this writes 1e300 as such and not in 301 digits.
    format!("{value:?}")
}

fn phrase(reader: &mut Reader<'_>) -> Result<String, DecodeError> {
    let item = reader.item()?;
    let kind = item.kind();
    Ok(match item {
        Item::Bool(value) => format!("{kind} {value}"),
        Item::Integer(number) => format!("{kind} {}", cut(number.to_string())),
        Item::Float(value) => format!("{kind} {}", shortest_float(value)),
        Item::Text(text) => format!("{kind} {}", quoted(&text)),
        Item::Bytes(bytes) => format!("{kind} of {}", bytes.len()),
        Item::WideText(_) | Item::Reference(_) => kind.to_string(),
        Item::Array(Form::Opaque, mut left) => match first_text(reader, &mut left)? {
            Some(name) => format!("{kind} {}", quoted(&name)),
            None => kind.to_string(),
        },
        Item::Array(_, left) => format!("{kind} of {}", count(reader, left, 1)?),
        Item::Map(left) => format!("{kind} of {}", count(reader, left, 2)?),
        Item::Tag(tag) => format!("{kind} {tag}"),
        Item::Simple(number) => format!("{kind} {number}"),
        Item::Undefined => "undefined".to_owned(),
        Item::Null | Item::Handle(_) | Item::Some => kind.to_string(),
    })
}

fn first_text(reader: &mut Reader<'_>, left: &mut Left) -> Result<Option<String>, DecodeError> {
    let has_parts = reader.more(left)?;
    match has_parts.then(|| reader.item()).transpose()? {
        Some(Item::Text(name)) => Ok(Some(name.into_owned())),
        _ => Ok(None),
    }
}

fn count(reader: &mut Reader<'_>, mut left: Left, items: usize) -> Result<u64, DecodeError> {
    if let Some(length) = left.0 {
        return Ok(length);
    }
    let mut length = 0;
    while reader.more(&mut left)? {
        for _ in 0..items {
            reader.skip(None)?;
        }
        length += 1;
    }
    Ok(length)
}

fn cut(mut digits: String) -> String {
    if digits.len() > LONGEST_QUOTE {
        digits.truncate(LONGEST_QUOTE);
        digits.push('…');
    }
    digits
}
