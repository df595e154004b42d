//! Python produces, Rust consumes.

use std::process::Command;

use super::run;

#[test]
fn what_python_put_rust_has_counted_and_python_reads_the_counts() {
    if !Command::new("python3").arg("--version").output().is_ok_and(|is| is.status.success()) {
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
