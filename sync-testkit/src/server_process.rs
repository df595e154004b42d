//! The real `sync-server` binary as a child process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, open};
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use sync_client::{Address, Manager};

use crate::actor::Actor;
use crate::cast::Cast;
use crate::watch::{Watch, Watchdog, Watched};

/// The names of the crates whose sources make the binary.
const SOURCES: [&str; 3] = ["sync-proto", "sync-objects", "sync-server"];

/// A manager that is a process of its own, started from the real binary. Dropped, it is killed.
#[derive(Debug)]
pub struct ServerProcess {
    actor: Actor,
    addresses: Vec<Address>,
    watch: Arc<Watch>,
    _watchdog: Watchdog,
}

impl ServerProcess {
    /// Starts the server with arguments, and waits until it is ready: on `listeners` addresses.
    ///
    /// # Panics
    /// When it cannot be built or started.
    pub fn start(args: &[&str], listeners: usize) -> Self {
        Self::start_for(Cast::LIMIT, args, listeners)
    }

    /// Starts the server for a test with a time limit of its own.
    ///
    /// # Panics
    /// When it cannot be built or started.
    pub fn start_for(limit: Duration, args: &[&str], listeners: usize) -> Self {
        // It ends with this process, also if that is killed: its input ends then.
        Self::run(limit, Stdio::piped(), &[&["--stop-with-stdin"], args].concat(), listeners)
    }

    /// Starts the server as a person does, at a terminal; returns it with the other end of that.
    ///
    /// # Panics
    /// When it cannot be built or started, or the system has no terminal for it.
    pub fn at_a_terminal(args: &[&str], listeners: usize) -> (Self, OwnedFd) {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let terminal = openpt(flags).and_then(|master| {
            grantpt(&master)?;
            unlockpt(&master)?;
            let name = ptsname(&master, Vec::new())?;
            let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
            Ok((master, open(name, flags, Mode::empty())?))
        });
        let (master, slave) = terminal.expect("the system has a terminal");
        let args = [&["--stop-with-parent"], args].concat();
        (Self::run(Cast::LIMIT, Stdio::from(slave), &args, listeners), master)
    }

    fn run(limit: Duration, stdin: Stdio, args: &[&str], listeners: usize) -> Self {
        let watch = Arc::new(Watch::default());
        let watchdog = Watchdog::start(&watch, limit, || ());
        let mut command = Command::new(Self::binary());
        command.stdin(stdin).args(args);
        let mut actor = Actor::spawn("sync-server".to_owned(), command, "READY ", &watch);
        let mut ready = || actor.hear().parse().expect("READY tells an address");
        let addresses = (0..listeners).map(|_| ready()).collect();
        Self { actor, addresses, watch, _watchdog: watchdog }
    }

    /// Returns the path of the binary, which is built if it is missing or older than its sources.
    ///
    /// # Panics
    /// When it cannot be built.
    pub fn binary() -> &'static Path {
        static BINARY: OnceLock<PathBuf> = OnceLock::new();
        BINARY.get_or_init(locate)
    }

    /// Returns the addresses that it reported to listen on.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Returns its process id.
    pub fn pid(&self) -> u32 {
        self.actor.pid()
    }

    /// Returns how many files it has open.
    ///
    /// # Panics
    /// When the system does not report it.
    pub fn open_files(&self) -> usize {
        let files = fs::read_dir(format!("/proc/{}/fd", self.pid()));
        files.expect("a process that runs has its files listed").count()
    }

    /// Returns how much memory it has, in KiB.
    ///
    /// # Panics
    /// When the system does not report it.
    pub fn resident_kib(&self) -> u64 {
        self.status_kib("VmRSS:")
    }

    /// Returns how much memory it has asked for, in KiB, used or not.
    ///
    /// # Panics
    /// When the system does not report it.
    pub fn address_space_kib(&self) -> u64 {
        self.status_kib("VmSize:")
    }

    fn status_kib(&self, what: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()));
        let status = status.expect("a process that runs has its status told");
        let memory = status.lines().find_map(|line| line.strip_prefix(what));
        let number = memory.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok());
        number.expect("the status tells memory in kB")
    }

    /// Waits until one of the last lines that it logged contains this.
    ///
    /// # Panics
    /// When the test's time is up.
    pub fn until_logged(&self, text: &str) {
        while !self.actor.watched().has_said(text) {
            assert!(!self.watch.is_expired(), "it did not log `{text}`\n{}", self.watch.report());
            std::thread::yield_now();
        }
    }

    /// Connects to its first address.
    ///
    /// # Panics
    /// When nothing answers there.
    pub fn connect(&self) -> Manager {
        Manager::connect(self.addresses[0].clone()).expect("the server said that it is ready")
    }

    /// Kills it with SIGKILL and waits until it is gone.
    pub fn kill(self) {
        self.actor.kill();
    }

    /// Freezes it with SIGSTOP; returns once it is stopped.
    pub fn stop(&self) {
        self.actor.stop();
    }

    /// Lets it continue, with SIGCONT.
    pub fn cont(&self) {
        self.actor.cont();
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        self.actor.watched().signal(signal);
    }

    /// Waits until it has ended successfully, as it was asked to.
    ///
    /// # Panics
    /// When it failed.
    pub fn end_well(self) {
        // Its input stays open.
        self.actor.end_well();
    }

    /// Asks it to end with SIGTERM, and waits until it has ended successfully.
    ///
    /// # Panics
    /// When it failed.
    pub fn terminate(self) {
        self.actor.terminate();
        self.end_well();
    }

    pub(crate) fn watched(&self) -> &Arc<Watched> {
        self.actor.watched()
    }
}

/// Finds the binary beside the test's own, in `target/<profile>`.
fn locate() -> PathBuf {
    let test = std::env::current_exe().expect("this process has a program");
    let deps = test.parent().expect("a program is in a directory");
    let profile = if deps.ends_with("deps") { deps.parent().expect("deps has one") } else { deps };
    let binary = profile.join("sync-server");
    if !is_fresh(&binary) {
        build(profile);
    }
    assert!(binary.is_file(), "cargo has built no {}", binary.display());
    binary
}

/// Whether the binary is newer than everything that it is built from.
fn is_fresh(binary: &Path) -> bool {
    let Some(built) = changed(binary) else { return false };
    let mut paths: Vec<PathBuf> = SOURCES.map(|source| root().join(source)).into();
    paths.push(root().join("Cargo.lock"));
    while let Some(path) = paths.pop() {
        if changed(&path).is_none_or(|changed| changed > built) {
            return false;
        }
        let Ok(entries) = fs::read_dir(&path) else { continue };
        paths.extend(entries.flatten().map(|entry| entry.path()).filter(|path| is_source(path)));
    }
    true
}

fn is_source(path: &Path) -> bool {
    !path.ends_with("tests") && !path.ends_with("target")
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|data| data.modified()).ok()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in the workspace")
}

fn build(profile: &Path) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let name = profile.file_name().and_then(|name| name.to_str()).unwrap_or("debug");
    let name = if name == "debug" { "dev" } else { name };
    let target = profile.parent().expect("a profile's directory is in the target directory");
    let built = Command::new(cargo)
        .current_dir(root())
        .args(["build", "--quiet", "--package", "sync-server", "--bin", "sync-server"])
        .args(["--profile", name])
        .arg("--target-dir")
        .arg(target)
        .output()
        .expect("cargo runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}
