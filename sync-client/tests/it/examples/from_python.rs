//! Python produces, Rust consumes.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::{example, run};

fn has_python() -> bool {
    Command::new("python3").arg("--version").output().is_ok_and(|is| is.status.success())
}

#[test]
fn what_python_put_rust_has_counted_and_python_reads_the_counts() {
    if !has_python() {
        println!("skipped: there is no python3 here");
        return;
    }
    // Each page has four words, and one more than the page before.
    let total = 20 * 4 + (0..20).sum::<u32>();
    let printed = run("from_python", &["--pages", "20"]);
    for who in ["python", "rust"] {
        assert!(printed.contains(&format!("{who}: {total} words on 20 pages")), "{printed}");
    }
}

#[test]
fn a_job_that_rust_cannot_read_ends_both() {
    /// Puts such a job, and waits until it is done.
    const PRODUCE: &str = "#!/usr/bin/env python3
import sys
from multiprocessing import current_process
from multiprocessing.managers import SyncManager
SyncManager.register('jobs')
current_process().authkey = open(sys.argv[3], 'rb').read().strip()
manager = SyncManager(sys.argv[2])
manager.connect()
jobs = manager.jobs()
jobs.put('no page')
jobs.join()
";
    if !has_python() {
        println!("skipped: there is no python3 here");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let python = directory.path().join("python");
    fs::write(&python, PRODUCE).unwrap();
    fs::set_permissions(&python, Permissions::from_mode(0o700)).unwrap();
    let output = example("from_python").arg("--python").arg(&python).output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("struct Job"), "{error}");
}
