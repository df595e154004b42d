//! The sum of all results, and how it is printed.

use core::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::count::{Count, Word};
use crate::shared::Outcome;

/// How many of the commonest words are printed.
const COMMONEST: usize = 20;

/// How much of a word is printed, in characters.
const MAX_WIDTH: usize = 60;

/// Something that could not be read, and so not counted.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// A file or a folder.
    pub(crate) path: PathBuf,
    /// The system's error message.
    pub(crate) why: String,
}

/// What the program finds out.
#[derive(Debug)]
pub(crate) struct Report {
    workers: usize,
    replaced: usize,
    counted: usize,
    unread: usize,
    total: Count,
    unreadable: Vec<Unreadable>,
    took: Duration,
}

impl Report {
    /// Begins with no files, and with the folders that can't be listed.
    pub(crate) fn new(workers: usize, replaced: usize, unreadable: Vec<Unreadable>) -> Self {
        let (total, took) = (Count::default(), Duration::ZERO);
        Self { workers, replaced, counted: 0, unread: 0, total, unreadable, took }
    }

    /// Adds the result of a file.
    pub(crate) fn add(&mut self, path: &Path, outcome: Outcome) {
        match outcome {
            Ok(count) => {
                self.counted += 1;
                self.total.add(count);
            }
            Err(why) => {
                self.unread += 1;
                self.unreadable.push(Unreadable { path: path.to_owned(), why });
            }
        }
    }

    /// Says how long it all took.
    pub(crate) fn finish(&mut self, took: Duration) {
        self.took = took;
    }

    /// Returns how many files were added.
    pub(crate) fn files(&self) -> usize {
        self.counted + self.unread
    }

    /// Returns whether all could be read.
    pub(crate) fn is_complete(&self) -> bool {
        self.unreadable.is_empty()
    }

    /// The commonest words first; among equally common ones the smallest.
    fn commonest(&self) -> Vec<(&Word, u64)> {
        let mut words: Vec<_> = self.total.times.iter().map(|(word, &n)| (word, n)).collect();
        words.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        words.truncate(COMMONEST);
        words
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (word, times) in self.commonest() {
            writeln!(f, "{times:>20}  {}", shown(word))?;
        }
        let Self { total, counted, workers, replaced, .. } = self;
        let seconds = self.took.as_secs_f64();
        let (files, megabytes) = (*counted as f64 / seconds, total.bytes as f64 / 1e6 / seconds);
        writeln!(f)?;
        writeln!(f, "words    {:>11}  runs of bytes that are not white space", total.words)?;
        writeln!(f, "visible  {:>11}  of them with a visible ASCII character", total.visible)?;
        writeln!(f, "distinct {:>11}", total.times.len())?;
        writeln!(f, "bytes    {:>11}", total.bytes)?;
        writeln!(f, "files    {counted:>11}")?;
        writeln!(f, "workers  {workers:>11}  {replaced} died and were replaced")?;
        writeln!(f, "seconds  {seconds:>11.2}  {files:.0} files/s, {megabytes:.1} MB/s")?;
        if !self.is_complete() {
            writeln!(f, "\nnot counted, for they can't be read:")?;
        }
        for unreadable in &self.unreadable {
            writeln!(f, "  {unreadable}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

/// A word on one line of a terminal, whatever is in it.
fn shown(word: &Word) -> String {
    let text = String::from_utf8_lossy(word);
    let mut shown = String::new();
    for c in text.chars().take(MAX_WIDTH) {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    if text.chars().nth(MAX_WIDTH).is_some() {
        shown.push('…');
    }
    shown
}
