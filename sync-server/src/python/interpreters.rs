//! The Python interpreters of the machine, for tests that ask them what is right.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Finds an interpreter of each version that the tests are for, and says so where there is none.
pub(crate) fn interpreters() -> Vec<PathBuf> {
    let mut found = BTreeMap::new();
    for program in candidates().into_iter().filter(|path| path.is_file()) {
        let version = Command::new(&program)
            .args(["-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
            .output()
            .ok()
            .and_then(|output| String::from_utf8(output.stdout).ok())
            .unwrap_or_default();
        let minor = version.trim().strip_prefix("3.").and_then(|minor| minor.parse::<u32>().ok());
        if minor.is_some_and(|minor| minor >= 8) {
            found.entry(minor).or_insert(program);
        }
    }
    if found.is_empty() {
        println!("skipped: there is no python3 of version 3.8 or later on this machine");
    }
    found.into_values().collect()
}

/// Runs a program in an interpreter and returns what it printed.
pub(crate) fn run(python: &Path, arguments: &[&str]) -> String {
    let output = Command::new(python).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} {arguments:?}: {errors}", python.display());
    String::from_utf8(output.stdout).unwrap()
}

/// Where interpreters lie: on the path, and where pyenv keeps them.
fn candidates() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut programs = Vec::new();
    for directory in env::split_paths(&path) {
        programs.push(directory.join("python3"));
        programs.extend((8..=14).map(|minor| directory.join(format!("python3.{minor}"))));
    }
    let versions = env::home_dir().map(|home| home.join(".pyenv/versions"));
    for entry in versions.and_then(|path| path.read_dir().ok()).into_iter().flatten().flatten() {
        programs.push(entry.path().join("bin/python3"));
    }
    programs
}
