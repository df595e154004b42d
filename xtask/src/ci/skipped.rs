//! What the tests left out, because something is not on this machine: a test that passes without
//! it says so in a line that nobody sees, so it is told at the end.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};

/// How the line begins.
const MARK: &str = "skipped: ";

/// Where nextest writes down what the tests said: `.config/nextest.toml` asks for it.
const REPORT: &str = "target/nextest/ci/junit.xml";

/// Removes what an earlier run has left.
pub(super) fn forget(root: &Path) -> Result<()> {
    match fs::remove_file(root.join(REPORT)) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("can't remove {REPORT}"))
        }
        _ => Ok(()),
    }
}

/// Returns in words what was left out since.
pub(super) fn told(root: &Path) -> Vec<String> {
    match fs::read_to_string(root.join(REPORT)) {
        Ok(report) => resolved_in(&report),
        Err(_) => vec![format!("{MARK}nobody knows what: there is no {REPORT} by cargo nextest")],
    }
}

fn resolved_in(report: &str) -> Vec<String> {
    let mut counts = BTreeMap::<&str, usize>::new();
    for line in report.lines().filter(|line| line.starts_with(MARK)) {
        *counts.entry(line).or_default() += 1;
    }
    counts.into_iter().map(|(line, count)| format!("{line} ({count}x)")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tests_say_that_they_skip_is_told_once_with_how_often() {
        let report = "<system-out>running 1 test\nskipped: no python3\ntest a ... ok</system-out>\n\
            skipped: no namespace\nskipped: no python3\nit was skipped: not\n";
        let told = ["skipped: no namespace (1x)", "skipped: no python3 (2x)"];
        assert_eq!(resolved_in(report), told);
        assert!(resolved_in("").is_empty());
    }
}
