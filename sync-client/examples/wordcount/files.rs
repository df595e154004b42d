//! Which files are counted.

use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use walkdir::WalkDir;

use crate::report::Unreadable;

/// What was found under the paths.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The files, in the order of the paths and, under each, of their names.
    pub(crate) files: Vec<PathBuf>,
    /// The folders that can't be listed.
    pub(crate) unreadable: Vec<Unreadable>,
}

/// Finds the regular files under the paths. What is excluded by name is left out, except for a path
/// that was given itself.
pub(crate) fn find(paths: &[PathBuf], exclude: &[OsString]) -> Result<Found> {
    let mut found = Found::default();
    for path in paths {
        let walk = WalkDir::new(path).sort_by_file_name().into_iter().filter_entry(|entry| {
            entry.depth() == 0 || !exclude.iter().any(|name| name == entry.file_name())
        });
        for entry in walk {
            match entry {
                Ok(entry) if entry.file_type().is_file() => found.files.push(entry.into_path()),
                Ok(_) => {}
                Err(error) => {
                    let unreadable = unreadable(&error, path);
                    ensure!(error.depth() > 0, "can't read {unreadable}");
                    found.unreadable.push(unreadable);
                }
            }
        }
    }
    Ok(found)
}

fn unreadable(error: &walkdir::Error, below: &Path) -> Unreadable {
    let path = error.path().unwrap_or(below).to_owned();
    let why = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
    Unreadable { path, why }
}

/// Prints the names, each followed by a NUL, as `wc --files0-from=-` and `xargs -0` read them.
pub(crate) fn list(files: &[PathBuf]) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for file in files {
        out.write_all(file.as_os_str().as_bytes())?;
        out.write_all(b"\0")?;
    }
    out.flush()
}
