//! The command line.

use std::ffi::OsString;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread;

use clap::Parser;

/// Counts the words of all files under the paths, with one process for each core, and prints the
/// commonest words and the total.
///
/// A word is a run of bytes that are not white space, in a file of any encoding. Regular files
/// count; symbolic links under a path are not followed. To check the total:
///
///     wordcount --list PATH… | LC_ALL=C wc -w --files0-from=-
///
/// (`xargs -0 cat` instead would join the last word of one file to the first of the next.) GNU's wc
/// from coreutils 9.5 on gives the number of `words`. Earlier versions left out words without a
/// single visible ASCII character, such as a lone dash or control byte: they give the number of
/// `visible`.
#[derive(Debug, Parser)]
#[command(name = "wordcount", verbatim_doc_comment)]
pub(crate) struct Args {
    /// How many worker processes to start [default: the number of cores].
    #[arg(long, value_name = "N")]
    workers: Option<NonZero<usize>>,

    /// Kills a worker (SIGKILL) when about a third of the files are done; the result is the same.
    #[arg(long)]
    pub(crate) kill_one: bool,

    /// Prints the names of the files instead, each followed by a NUL.
    #[arg(long)]
    pub(crate) list: bool,

    /// Leaves out files and folders of this name under the paths; may be given several times.
    #[arg(long, value_name = "NAME", default_values = [".git", "target"])]
    pub(crate) exclude: Vec<OsString>,

    /// Files and folders [default: the repository that this program was built from].
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Makes this process a worker; the parent passes it.
    #[arg(long, hide = true)]
    pub(crate) worker: bool,

    /// For tests: the first worker that gets the file with this number dies between writing its
    /// result and acknowledging it.
    #[arg(long, hide = true, value_name = "FILE NUMBER", env = "WORDCOUNT_DIE_BEFORE_ACK")]
    pub(crate) die_before_ack: Option<u64>,
}

impl Args {
    /// Returns how many worker processes there are to be.
    pub(crate) fn workers(&self) -> usize {
        let cores = || thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        self.workers.unwrap_or_else(cores).get()
    }

    /// Returns where to look for files.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        if !self.paths.is_empty() {
            return self.paths.clone();
        }
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        vec![package.parent().unwrap_or(package).to_owned()]
    }
}
