//! Rust source with comments and literals blanked out, so that a search finds code alone.
//!
//! A reader of tokens, not a parser: enough for the rules, and simple enough to be trusted.

use std::ops::Range;

/// Returns the code: comments, strings and characters are spaces. Line breaks stay where they were.
pub(super) fn code_of(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::new();
    let mut at = 0;
    while at < chars.len() {
        let (kind, end) = token(&chars, at);
        let kept = |&c: &char| if kind == Kind::Code || c == '\n' { c } else { ' ' };
        code.extend(chars[at..end].iter().map(kept));
        at = end;
    }
    code
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Blank,
}

/// The kind of what starts here, and where it ends.
fn token(chars: &[char], at: usize) -> (Kind, usize) {
    let next = |ahead: usize| chars.get(at + ahead).copied();
    match (chars[at], next(1)) {
        ('/', Some('/')) => {
            let end = chars[at..].iter().position(|&c| c == '\n');
            (Kind::Blank, end.map_or(chars.len(), |length| at + length))
        }
        ('/', Some('*')) => (Kind::Blank, end_of_block_comment(chars, at)),
        ('"', _) => (Kind::Blank, end_of_quoted(chars, at, '"')),
        ('\'', Some('\\')) => (Kind::Blank, end_of_quoted(chars, at, '\'')),
        // Otherwise it is a lifetime.
        ('\'', Some(_)) if next(2) == Some('\'') => (Kind::Blank, at + 3),
        (c, _) if is_word(c) => {
            let length = chars[at..].iter().take_while(|&&c| is_word(c)).count();
            let raw = matches!(chars[at..at + length], ['r'] | ['b' | 'c', 'r']);
            match end_of_raw_string(chars, at + length) {
                Some(end) if raw => (Kind::Blank, end),
                _ => (Kind::Code, at + length),
            }
        }
        _ => (Kind::Code, at + 1),
    }
}

fn end_of_block_comment(chars: &[char], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => depth += 1,
            ('*', Some('/')) => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

fn end_of_quoted(chars: &[char], start: usize, quote: char) -> usize {
    let mut at = start + 1;
    while at < chars.len() && chars[at] != quote {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// The end of a raw string whose hashes start here, if one does.
fn end_of_raw_string(chars: &[char], start: usize) -> Option<usize> {
    let hashes = chars[start..].iter().take_while(|&&c| c == '#').count();
    let opened = start + hashes;
    (chars.get(opened) == Some(&'"')).then_some(())?;
    let closes = |at: &usize| {
        chars[*at] == '"' && chars[at + 1..].iter().take_while(|&&c| c == '#').count() >= hashes
    };
    let end = (opened + 1..chars.len()).find(closes).map(|at| at + 1 + hashes);
    Some(end.unwrap_or(chars.len()))
}

/// Whether the character may be part of an identifier.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The number of the line in which this offset lies.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

/// Where `wanted` stands as whole words.
pub(super) fn find_words(text: &str, wanted: &str) -> Vec<usize> {
    let starts = wanted.starts_with(is_word);
    let ends = wanted.ends_with(is_word);
    let stands_alone = |&at: &usize| {
        !(starts && text[..at].ends_with(is_word)
            || ends && text[at + wanted.len()..].starts_with(is_word))
    };
    text.match_indices(wanted).map(|(at, _)| at).filter(stands_alone).collect()
}

/// What lies from an opening bracket at `start` to its partner, both included.
pub(super) fn bracketed(code: &str, start: usize) -> Range<usize> {
    let mut depth = 0_usize;
    for (at, c) in code[start..].char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return start..start + at + 1;
        }
    }
    start..code.len()
}

#[cfg(test)]
mod tests;
