//! Texts and byte strings in quotes.

use std::fmt::Write;

use unicode_properties::{GeneralCategory as Category, UnicodeGeneralCategory};

/// Returns whether a text is shown as it is, in single quotes: long ones mostly are.
pub(super) fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'\'' | b'\\'))
}

/// Appends a text of these code points, surrogates included.
pub(super) fn put_text(out: &mut String, points: impl Iterator<Item = u32> + Clone) {
    let quote = quote(points.clone());
    out.push(quote);
    for point in points {
        match char::from_u32(point) {
            Some(c) if c == quote || c == '\\' => out.extend(['\\', c]),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(c) if is_printable(c) => out.push(c),
            _ => escape(out, point),
        }
    }
    out.push(quote);
}

/// Appends a byte string that can change, whose single quotes CPython escapes in any case.
pub(super) fn put_byte_array(out: &mut String, bytes: &[u8]) {
    let mut text = String::new();
    put_bytes(&mut text, bytes);
    match text.strip_prefix("b\"") {
        Some(inner) => out.extend(["b\"", &inner.replace('\'', "\\'")]),
        None => out.push_str(&text),
    }
}

/// Appends a byte string.
pub(super) fn put_bytes(out: &mut String, bytes: &[u8]) {
    let quote = quote(bytes.iter().copied().map(u32::from));
    out.extend(['b', quote]);
    for byte in bytes {
        match char::from(*byte) {
            c if c == quote || c == '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c @ ' '..='~' => out.push(c),
            c => escape(out, u32::from(c)),
        }
    }
    out.push(quote);
}

/// Double quotes are for texts that have single quotes and no double ones.
fn quote(points: impl Iterator<Item = u32>) -> char {
    let (mut single, mut double) = (false, false);
    for point in points {
        single |= point == u32::from('\'');
        double |= point == u32::from('"');
    }
    if single && !double { '"' } else { '\'' }
}

fn escape(out: &mut String, point: u32) {
    // Writing to a string never fails.
    let _ = match point {
        0..=0xff => write!(out, "\\x{point:02x}"),
        0x100..=0xffff => write!(out, "\\u{point:04x}"),
        _ => write!(out, "\\U{point:08x}"),
    };
}

/// As `str.isprintable`.
fn is_printable(c: char) -> bool {
    match c {
        ' '..='~' => true,
        _ => !matches!(
            c.general_category(),
            Category::Control
                | Category::Format
                | Category::Surrogate
                | Category::PrivateUse
                | Category::Unassigned
                | Category::LineSeparator
                | Category::ParagraphSeparator
                | Category::SpaceSeparator
        ),
    }
}
