//! `cargo xtask python`: CPython's own tests of `multiprocessing.Manager()`, unmodified, against
//! the server, with every interpreter that is found; and those of this project's Python tests that
//! know what the versions of Python do.

#![expect(clippy::print_stdout, reason = "printing is xtask's job")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::{env, fs, thread};

use anyhow::{Context, Result, bail, ensure};

/// How CPython starts processes: a fork keeps what a parent had, a spawn pickles it, and a fork
/// server, the default since 3.14, unpickles it in processes that are not the parent's children.
fn methods(version: u32) -> &'static [&'static str] {
    if version < 14 { &["fork", "spawn"] } else { &["fork", "spawn", "forkserver"] }
}

/// What is said where there is no interpreter.
pub(crate) const NONE: &str =
    "skipped: no python3 of version 3.8 or later that has its own tests is here";

/// This project's tests that depend on the version of Python.
const OURS: [&str; 3] = ["python::alike", "python::names", "python::proxies"];

/// Returns an interpreter's version, if it is one that is supported and has its tests.
const PROBE: &str = "\
import sys, importlib.util
found = sys.version_info >= (3, 8) and importlib.util.find_spec('test._test_multiprocessing')
print('%d.%d' % sys.version_info[:2] if found else '')";

/// Runs the tests: all interpreters, all ways to start a process, a unix socket and TCP.
pub(crate) fn run(root: &Path) -> Result<()> {
    let interpreters = interpreters();
    if interpreters.is_empty() {
        println!("{NONE}");
        return Ok(());
    }
    let server = build(root)?;
    let failed = interpreters.iter().try_fold(0, |failed, (version, python)| {
        println!("\npython 3.{version}: {}", python.display());
        run_all(root, &server, python, methods(*version)).map(|more| failed + more)
    })?;
    for (version, python) in &interpreters {
        println!("\nours, with python 3.{version}");
        run_ours(root, python)?;
    }
    ensure!(failed == 0, "{failed} runs of CPython's tests failed");
    Ok(())
}

/// Finds an interpreter of each version: on the path, and where pyenv keeps them.
pub(crate) fn interpreters() -> BTreeMap<u32, PathBuf> {
    let mut programs = Vec::new();
    for directory in env::split_paths(&env::var_os("PATH").unwrap_or_default()) {
        programs.push(directory.join("python3"));
        programs.extend((8..20).map(|minor| directory.join(format!("python3.{minor}"))));
    }
    let pyenv = env::var_os("PYENV_ROOT").map(PathBuf::from);
    let pyenv = pyenv.or_else(|| env::home_dir().map(|home| home.join(".pyenv")));
    let versions = pyenv.and_then(|root| fs::read_dir(root.join("versions")).ok());
    let versions = versions.into_iter().flatten().flatten();
    programs.extend(versions.map(|entry| entry.path().join("bin/python3")));
    let mut found = BTreeMap::new();
    for program in programs.into_iter().filter(|program| program.is_file()) {
        if let Some(minor) = probe(&program) {
            found.entry(minor).or_insert(program);
        }
    }
    found
}

/// Returns an interpreter's version, by what comes after `3.`.
fn probe(python: &Path) -> Option<u32> {
    let output = Command::new(python).args(["-c", PROBE]).stderr(Stdio::null()).output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    version.trim().strip_prefix("3.")?.parse().ok()
}

/// Runs what this project tests that depends on the version of Python.
///
/// The whole workspace is named, as where CI runs its tests: cargo chooses the features of what is
/// built by the packages that are named, and would build nearly all of it a second time.
fn run_ours(root: &Path, python: &Path) -> Result<()> {
    let passed = cargo(root)
        .args(["test", "--quiet", "--workspace", "--test", "it", "--locked", "--"])
        .args(OURS)
        .env("SYNC_TEST_PYTHON", python)
        .status();
    ensure!(passed.context("cargo can't be started")?.success(), "a test of ours failed");
    Ok(())
}

fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root);
    cargo
}

/// Builds the server as the tests do, for the reason given at [`run_ours`].
fn build(root: &Path) -> Result<PathBuf> {
    let arguments = ["build", "--workspace", "--bin", "sync-server", "--test", "it", "--locked"];
    let built = cargo(root).args(arguments).status();
    ensure!(built.context("cargo can't be started")?.success(), "the server can't be built");
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("debug/sync-server"))
}

/// Runs the tests in all these ways at once, each against a server of its own; returns how many
/// failed.
fn run_all(root: &Path, server: &Path, python: &Path, methods: &[&'static str]) -> Result<usize> {
    let ways: Vec<(&str, usize)> =
        methods.iter().flat_map(|&method| (0..2).map(move |at| (method, at))).collect();
    let outcomes: Vec<Result<Output>> = thread::scope(|scope| {
        let run = |&(method, at)| scope.spawn(move || run_one(root, server, python, method, at));
        let runs: Vec<_> = ways.iter().map(run).collect();
        runs.into_iter().map(|run| run.join().expect("it does not panic")).collect()
    });
    let mut failed = 0;
    for outcome in outcomes {
        let output = outcome?;
        print!("{}", String::from_utf8_lossy(&output.stdout));
        if !output.status.success() {
            failed += 1;
            println!("{}\n  failed: {}", String::from_utf8_lossy(&output.stderr), output.status);
        }
    }
    Ok(failed)
}

/// Runs the tests against the first or the second address of a new server.
fn run_one(root: &Path, server: &Path, python: &Path, method: &str, at: usize) -> Result<Output> {
    let place = Place::new(method, at)?;
    let key = place.0.join("key");
    fs::write(&key, "0123456789abcdef0123456789abcdef")?;
    make_private(&key)?;
    let mut server = start(server, &place.0.join("python"), &key)?;
    let addresses = addresses(&mut server);
    let output = addresses.and_then(|addresses| {
        // Some tests write where they are started, and the runs would meet there.
        let output = Command::new(python)
            .current_dir(&place.0)
            .arg(root.join("sync-testkit/python/run_suite.py"))
            .arg(&addresses[at])
            .args([&key, Path::new(method)])
            .output();
        output.with_context(|| format!("{} can't be started", python.display()))
    });
    // Its input ends with this; nothing else keeps it.
    drop(server.stdin.take());
    server.wait()?;
    output
}

fn start(server: &Path, socket: &Path, key: &Path) -> Result<Child> {
    Command::new(server)
        .args(["--stop-with-stdin", "--python-listen", "tcp:127.0.0.1:0", "--python-listen"])
        .arg(format!("unix:{}", socket.display()))
        .arg("--authkey-file")
        .arg(key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} can't be started", server.display()))
}

/// Reads where the server listens, as Python programs write it.
fn addresses(server: &mut Child) -> Result<Vec<String>> {
    let stdout = server.stdout.take().context("its output is piped")?;
    let lines: Vec<String> = BufReader::new(stdout).lines().take(2).collect::<Result<_, _>>()?;
    let address = |line: &String| {
        let address = line.strip_prefix("READY python ")?;
        Some(address.strip_prefix("unix:").or(address.strip_prefix("tcp:"))?.to_owned())
    };
    let addresses: Option<Vec<_>> = lines.iter().map(address).collect();
    match addresses.filter(|addresses| addresses.len() == 2) {
        Some(addresses) => Ok(addresses),
        None => bail!("the server did not say that it is ready, but {lines:?}"),
    }
}

fn make_private(file: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(file, fs::Permissions::from_mode(0o600))?)
}

/// A directory that is removed in the end.
struct Place(PathBuf);

impl Place {
    fn new(method: &str, at: usize) -> Result<Self> {
        let name = format!("sync-python-{}-{method}-{at}", std::process::id());
        let path = env::temp_dir().join(name);
        fs::create_dir(&path).with_context(|| format!("can't make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
