//! The objects that the processes share.

use std::ffi::OsString;

use serde::{Deserialize, Serialize};
use sync_client::{Dict, Error, Manager, Queue, Value};

use crate::count::Count;

const FILES: &str = "wordcount.files";
const RESULTS: &str = "wordcount.results";
const DONE: &str = "wordcount.done";

/// A file to count.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    /// Which file: its index among all.
    pub(crate) number: u64,
    /// Where it is. Serde writes any `OsString`, but a `Path` only if it is UTF-8.
    pub(crate) path: OsString,
}

/// The result of a file: its words, or why it couldn't be read.
pub(crate) type Outcome = Result<Count, String>;

/// What the processes share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    /// The files to count. Bounded: the parent is never far ahead of the workers.
    pub(crate) files: Queue<Job>,
    /// The result of each file, by its number: a worker that counts a file again writes the same
    /// again.
    pub(crate) results: Dict<u64, Outcome>,
    /// How many files are done, for the progress bar alone.
    pub(crate) done: Value<u64>,
}

impl Shared {
    /// Creates the objects under their names.
    pub(crate) fn create(manager: &Manager, files_ahead: u64) -> Result<Self, Error> {
        Ok(Self {
            files: manager.named(FILES).create_queue(files_ahead)?,
            results: manager.named(RESULTS).create_dict()?,
            done: manager.named(DONE).create_value(0)?,
        })
    }

    /// Finds the objects that the parent has created.
    pub(crate) fn open(manager: &Manager) -> Result<Self, Error> {
        Ok(Self {
            files: manager.named(FILES).open()?,
            results: manager.named(RESULTS).open()?,
            done: manager.named(DONE).open()?,
        })
    }
}
