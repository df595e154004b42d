//! `cargo xtask bench`: builds what is measured, and runs the bench, a program of its own.

use std::path::Path;

use anyhow::Result;

use crate::ci::Step;

/// Builds the server and the bench in release mode, then runs the bench.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<()> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let server = ["build", "--release", "--locked", "--package", "sync-server", "--bins"];
    let bench =
        ["run", "--release", "--locked", "--package", "sync-testkit", "--bin", "sync-bench"];
    Step::cargo("server", &server).run(root)?;
    Step::cargo("bench", &[&bench[..], &["--"], &arguments].concat()).run(root)
}
