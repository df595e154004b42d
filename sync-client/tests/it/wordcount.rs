//! The example `wordcount`, with real processes that die.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

#[test]
fn the_total_is_that_of_an_independent_count() {
    let folder = generated();
    let counted = Counted::of(&run(&["--workers=3"], folder.path(), None));
    assert_eq!(counted, expected(folder.path()));
}

#[test]
fn a_worker_that_is_killed_in_mid_job_changes_nothing() {
    let folder = generated();
    let output = run(&["--workers=3", "--kill-one"], folder.path(), None);
    assert_eq!(Counted::of(&output), expected(folder.path()));
    assert_eq!(number(&output, "workers", 2), 1, "{output:?}");
}

#[test]
fn a_worker_that_dies_between_its_result_and_its_acknowledgement_changes_nothing() {
    let folder = generated();
    // One at the start, one in the middle, and the last, when nobody else may be left.
    for file in [0, 30, FILES - 1] {
        let output = run(&["--workers=3"], folder.path(), Some(file));
        assert_eq!(Counted::of(&output), expected(folder.path()), "file {file}");
        assert_eq!(number(&output, "workers", 2), 1, "{output:?}");
    }
}

#[test]
fn a_worker_that_dies_alone_is_replaced() {
    let folder = generated();
    let output = run(&["--workers=1", "--kill-one"], folder.path(), Some(FILES - 1));
    assert_eq!(Counted::of(&output), expected(folder.path()));
    assert_eq!(number(&output, "workers", 2), 2, "{output:?}");
}

#[test]
fn no_files_are_no_words() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(&["--workers=3", "--kill-one"], folder.path(), None);
    assert_eq!(Counted::of(&output), Counted::default());
}

#[test]
fn the_total_is_that_of_wc() {
    let folder = generated();
    let Some(wc) = wc(b"\x01 a", &["-w"]) else { return };
    // Before version 9.5, GNU's wc did not take the first for a word.
    let name = if wc == 2 { "words" } else { "visible" };
    let output = run(&["--workers=3"], folder.path(), None);
    let list = run(&["--list"], folder.path(), None).stdout;
    let Some(total) = self::wc(&list, &["-w", "--files0-from=-"]) else { return };
    assert_eq!(number(&output, name, 1), total);
}

#[test]
fn the_default_leaves_out_what_is_no_source_and_a_path_that_is_asked_for_counts() {
    let folder = generated();
    fs::create_dir_all(folder.path().join("target/debug")).unwrap();
    fs::write(folder.path().join("target/debug/words"), "one two").unwrap();
    assert_eq!(Counted::of(&run(&[], folder.path(), None)).files, FILES);
    let output = run(&[], &folder.path().join("target"), None);
    assert_eq!(Counted::of(&output), Counted { files: 1, words: 2, distinct: 2, bytes: 7 });
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let output = example(&["--workers=1"], Path::new("/proc/self/mem"), None);
    assert!(!output.status.success());
    assert_eq!(Counted::of(&output), Counted::default());
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(report.contains("/proc/self/mem: "), "{report}");
}

#[test]
fn a_path_that_is_not_there_is_an_error_at_once() {
    let output = example(&[], Path::new("/no/such/path"), None);
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("/no/such/path"), "{error}");
}

const FILES: u64 = 60;

/// What the program prints, or what it should.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counted {
    words: u64,
    distinct: u64,
    bytes: u64,
    files: u64,
}

impl Counted {
    fn of(output: &Output) -> Self {
        let total = |name| number(output, name, 1);
        Self {
            words: total("words"),
            distinct: total("distinct"),
            bytes: total("bytes"),
            files: total("files"),
        }
    }
}

/// A column of the line that begins with the name.
fn number(output: &Output, name: &str, column: usize) -> u64 {
    let report = String::from_utf8_lossy(&output.stdout);
    let mut lines = report.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let line = lines.find(|line| line.first() == Some(&name));
    line.unwrap_or_else(|| panic!("no {name}: {output:?}"))[column].parse().unwrap()
}

/// A folder with files of all sorts.
fn generated() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..FILES {
        let text = match number % 6 {
            0 => Vec::new(),
            1 => b"no line break at the end".to_vec(),
            2 => b"\xff\xfe not\x80 \xc3\x28 UTF-8 \x00\x01 \xe2\x80\x94 \x0b\x0c\r\n".to_vec(),
            3 => vec![b'w'; 1024 << (number / 6)],
            4 => (0..5_000)
                .flat_map(|n| format!("word{} {number}\t", n % 977).into_bytes())
                .collect(),
            _ => "die W\u{f6}rter \u{2014} die\u{a0}W\u{f6}rter\n".repeat(100).into_bytes(),
        };
        let part = folder.path().join(format!("part {}", number % 7));
        fs::create_dir_all(&part).unwrap();
        fs::write(part.join(format!("file-{number}\n\u{e9}.txt")), text).unwrap();
    }
    folder
}

/// Counts without the example's code, byte by byte.
fn expected(folder: &Path) -> Counted {
    let mut counted = Counted::default();
    let mut times: HashMap<Vec<u8>, u64> = HashMap::new();
    for part in fs::read_dir(folder).unwrap() {
        for file in fs::read_dir(part.unwrap().path()).unwrap() {
            let mut text = fs::read(file.unwrap().path()).unwrap();
            counted.files += 1;
            counted.bytes += text.len() as u64;
            text.push(b' ');
            let mut word = Vec::new();
            for byte in text {
                if ![b' ', b'\t', b'\n', 0x0b, 0x0c, b'\r'].contains(&byte) {
                    word.push(byte);
                } else if !word.is_empty() {
                    *times.entry(std::mem::take(&mut word)).or_default() += 1;
                    counted.words += 1;
                }
            }
        }
    }
    counted.distinct = times.len() as u64;
    counted
}

/// Runs the example, which must succeed.
fn run(options: &[&str], path: &Path, die_before_ack: Option<u64>) -> Output {
    let output = example(options, path, die_before_ack);
    assert!(output.status.success(), "{output:?}");
    output
}

fn example(options: &[&str], path: &Path, die_before_ack: Option<u64>) -> Output {
    let mut command = Command::new(executable());
    if let Some(file) = die_before_ack {
        command.env("WORDCOUNT_DIE_BEFORE_ACK", file.to_string());
    }
    command.args(options).arg(path).output().unwrap()
}

/// Where cargo puts examples: into `examples`, beside the `deps` where this test is. A plain
/// `cargo test` builds them too; `cargo test --test it` does not.
fn executable() -> PathBuf {
    let test = env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let example = profile.join("examples/wordcount");
    assert!(example.exists(), "build it with `cargo build -p sync-client --examples`");
    example
}

/// The total that `wc` prints last, where there is a `wc` that has these options.
#[expect(clippy::print_stdout, reason = "who reads the tests' output learns what was left out")]
fn wc(input: &[u8], options: &[&str]) -> Option<u64> {
    let total = wc_if_any(input, options);
    if total.is_none() {
        println!("skipped: there is no `wc {}` here", options.join(" "));
    }
    total
}

fn wc_if_any(input: &[u8], options: &[&str]) -> Option<u64> {
    let mut command = Command::new("wc");
    command.args(options).env("LC_ALL", "C").env("POSIXLY_CORRECT", "1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut wc = command.spawn().ok()?;
    wc.stdin.take().unwrap().write_all(input).ok()?;
    let output = wc.wait_with_output().unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    report.lines().last()?.split_whitespace().next()?.parse().ok()
}
