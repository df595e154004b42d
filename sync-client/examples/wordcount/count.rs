//! The words of one file.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// A word: text in whatever encoding its file has.
pub(crate) type Word = ByteBuf;

/// What a worker finds in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Count {
    /// How long it is.
    pub(crate) bytes: u64,
    /// How many words it has.
    pub(crate) words: u64,
    /// How many of them have a visible ASCII character. GNU's `wc` before version 9.5 counts no
    /// others in the C locale.
    pub(crate) visible: u64,
    /// How often it has each word.
    pub(crate) times: HashMap<Word, u64>,
}

impl Count {
    /// Counts the words of a text.
    pub(crate) fn of(text: &[u8]) -> Self {
        let mut times: HashMap<&[u8], u64> = HashMap::new();
        for word in text.split(|&byte| is_white_space(byte)).filter(|word| !word.is_empty()) {
            *times.entry(word).or_default() += 1;
        }
        let is_visible = |word: &[u8]| word.iter().any(u8::is_ascii_graphic);
        Self {
            bytes: text.len() as u64,
            words: times.values().sum(),
            visible: times.iter().filter(|(word, _)| is_visible(word)).map(|(_, n)| n).sum(),
            times: times.into_iter().map(|(word, n)| (Word::from(word), n)).collect(),
        }
    }

    /// Adds the words of another file.
    pub(crate) fn add(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.words += other.words;
        self.visible += other.visible;
        for (word, times) in other.times {
            *self.times.entry(word).or_default() += times;
        }
    }
}

/// As C's `isspace` in the C locale. (`u8::is_ascii_whitespace` leaves out the vertical tab.)
fn is_white_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}
