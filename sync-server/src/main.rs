//! `sync-server`: the manager as a program.

use std::io::{IsTerminal, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, Resource, Rlimit, getppid, getrlimit, pidfd_open, setrlimit};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;
use sync_server::{Address, AuthKey, Deadlocks, Server, read_key, write_new_key};
use tracing_subscriber::EnvFilter;

#[path = "main/limits.rs"]
mod limits;

use limits::LimitFlags;

/// Hosts objects that processes share: locks, queues, dicts, …
///
/// Prints `READY <address>` on standard output for each address once clients can connect, logs to
/// standard error, and ends on SIGTERM or Ctrl-C: callers that wait get an error, and socket files
/// are removed. Started by a program (its input is not a terminal), it leaves Ctrl-C to that one.
/// On SIGHUP it reads the key files again; on SIGUSR1 it logs who holds what and who waits for
/// what.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100, args_conflicts_with_subcommands = true)]
struct Options {
    #[command(subcommand)]
    command: Option<Command>,

    /// Where to listen: unix:PATH or tcp:HOST:PORT (port 0: the system chooses). May be given
    /// several times. Without it: a unix socket in a new private directory.
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<Address>,

    /// Where to listen for Python programs that use multiprocessing.managers. May be given several
    /// times. They must have the key, even over a unix socket.
    #[arg(long, value_name = "ADDRESS")]
    python_listen: Vec<Address>,

    /// The file that holds the key for TCP clients (`sync-server keygen FILE` makes one); nobody
    /// but its owner may be able to read it. Given twice, either key will do; child processes get
    /// the first. The files are read again on SIGHUP, so that a key can be changed while the server
    /// runs. Without this option the key is taken from the environment variable `SYNC_AUTHKEY`.
    /// Unix sockets need none: they accept only this user.
    #[arg(long, value_name = "FILE")]
    authkey_file: Vec<PathBuf>,

    /// Dangerous: accept everybody over TCP, and encrypt nothing. Whoever reaches the port can read
    /// and change everything. For measurements over loopback and closed test networks.
    #[arg(long)]
    insecure_tcp: bool,

    /// Another user, by number, who may connect to the unix sockets. May be given several times.
    #[arg(long, value_name = "UID")]
    allow_uid: Vec<u32>,

    /// For how many microseconds the server busy-polls for more to do before it falls asleep, after
    /// each activity. It pays where clients do the same and no other work wants the core; where
    /// other work does, the server stops polling for a while by itself. 0 switches it off.
    #[arg(long, value_name = "MICROSECONDS", default_value_t = 0)]
    spin: u64,

    /// End when standard input is closed: with the process that started this one, however that
    /// one ends, unless another process, such as a forked child, also holds the other end.
    #[arg(long)]
    stop_with_stdin: bool,

    /// End when the process that started this one has ended, whoever holds the other end of
    /// standard input.
    #[arg(long)]
    stop_with_parent: bool,

    /// What to do when callers that hold locks begin to wait for each other in a cycle.
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    deadlocks: OnDeadlock,

    #[command(flatten)]
    limits: LimitFlags,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key for TCP: 32 random bytes, in a new file that only this user can read.
    Keygen {
        /// The file, which must not exist yet.
        file: PathBuf,
    },
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum OnDeadlock {
    /// Report it in the log and in `debug_info`; they wait.
    #[default]
    Report,
    /// Also refuse the wait that would close the cycle: that caller gets an error.
    Refuse,
}

#[expect(clippy::print_stderr, reason = "why it cannot start is for whoever started it")]
fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sync-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> anyhow::Result<()> {
    if let Some(Command::Keygen { file }) = &options.command {
        return Ok(write_new_key(file)?);
    }
    start_log();
    // First of all: once it has ended, another process is this one's parent.
    let parent = options.stop_with_parent.then(watch_parent).flatten();
    let (limits, spin) = (options.limits.limits(), Duration::from_micros(options.spin));
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        max_memory = limits.kernel.memory,
        max_connections = limits.connections,
        "starting"
    );
    raise_file_limit(limits.connections);
    let mut builder = Server::builder().limits(limits).spin(spin);
    builder = builder.deadlocks(options.deadlocks.into());
    for key in options.keys()? {
        builder = builder.authkey(key);
    }
    for &uid in &options.allow_uid {
        builder = builder.allow_uid(uid);
    }
    if options.insecure_tcp {
        builder = builder.insecure_tcp();
    }
    for address in options.listen.iter().cloned() {
        builder = builder.listen(address);
    }
    for address in options.python_listen.iter().cloned() {
        builder = builder.python_listen(address);
    }
    // Before the first client: a signal that comes early ends the server in good order, too.
    let mut signals =
        Signals::new([SIGTERM, SIGINT, SIGHUP, SIGUSR1]).context("signals cannot be handled")?;
    let server = Arc::new(builder.spawn()?);
    announce(&server)?;
    if options.stop_with_stdin {
        stop_with_stdin(&server);
    }
    if let Some(parent) = parent {
        stop_with(&server, parent);
    }
    let stopped = signals.handle();
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| obey(&mut signals, &server, options));
        let ended = server.join();
        stopped.close();
        if asked.join().is_err() {
            bail!("the thread that waits for signals panicked");
        }
        Ok(ended?)
    })
}

/// Logs to standard error what `RUST_LOG` asks for.
fn start_log() {
    let asked = std::env::var_os(EnvFilter::DEFAULT_ENV).filter(|asked| !asked.is_empty());
    let asked = asked.unwrap_or_else(|| "info".into());
    let filter = asked.to_string_lossy().parse::<EnvFilter>();
    let wrong = filter.as_ref().err().map(ToString::to_string);
    tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|_| EnvFilter::new("info")))
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        // It would be printed to standard error, too, and panics if that is impossible.
        .log_internal_errors(false)
        .init();
    if let Some(why) = wrong {
        // It may be meant for the program that started this one.
        tracing::warn!("RUST_LOG is ignored: {why}");
    }
}

/// Does what signals ask for, until one asks the server to end.
fn obey(signals: &mut Signals, server: &Server, options: &Options) {
    // A terminal's Ctrl-C goes to all of its programs, and so does its end, after which it is none
    // any more. Whoever started this one says when it is to end; a person who did means it.
    let by_person = std::io::stdin().is_terminal();
    for signal in signals.forever() {
        match signal {
            SIGUSR1 => match server.debug_info() {
                Ok(info) => tracing::info!("asked to report\n{info}"),
                Err(error) => tracing::error!(%error, "asked to report"),
            },
            SIGHUP if by_person == std::io::stdin().is_terminal() => {
                read_keys_again(server, options);
            }
            SIGINT if !by_person => {}
            _ => {
                tracing::info!(signal, "asked to end");
                return server.shutdown();
            }
        }
    }
}

fn read_keys_again(server: &Server, options: &Options) {
    if options.authkey_file.is_empty() {
        return tracing::info!("SIGHUP is ignored: there are no key files to read again");
    }
    let replaced = options.keys().and_then(|keys| Ok(server.set_authkeys(keys)?));
    match replaced {
        Ok(()) => tracing::info!("the key files were read again"),
        Err(error) => tracing::error!("the keys stay as they were: {error:#}"),
    }
}

/// Takes as many file descriptors as the system gives: each connection is one, and each client
/// process over a unix socket one more, by which its end is seen.
fn raise_file_limit(connections: usize) {
    let before = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: before.maximum, ..before };
    let files = if setrlimit(Resource::Nofile, wanted).is_ok() { wanted } else { before };
    let most = files.current.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
    if most < 2 * connections {
        tracing::warn!(
            "the system allows {most} file descriptors (ulimit -n), fewer than {connections} \
             connections (--max-connections) and as many processes need: beyond that nobody can \
             connect"
        );
    }
}

/// Ends the server when standard input is closed. What is written to it does not matter.
fn stop_with_stdin(server: &Arc<Server>) {
    let server = Arc::clone(server);
    // Not joined: it may read for ever when the server ends by other means.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        tracing::info!("standard input is closed");
        server.shutdown();
    });
}

/// Opens what tells that the process that started this one has ended. Where that cannot be had, it
/// is for standard input to tell.
fn watch_parent() -> Option<OwnedFd> {
    // It has no id where it is in another PID namespace, and is not found where it has ended.
    let parent = getppid().ok_or(Errno::SRCH);
    let watch = parent.and_then(|parent| pidfd_open(parent, PidfdFlags::empty()));
    if let Err(error) = &watch {
        tracing::warn!(%error, "the process that started this one cannot be watched");
    }
    watch.ok()
}

/// Ends the server when the process has ended that is watched.
fn stop_with(server: &Arc<Server>, process: OwnedFd) {
    let server = Arc::clone(server);
    // Not joined, as that for standard input.
    std::thread::spawn(move || {
        while poll(&mut [PollFd::new(&process, PollFlags::IN)], None) == Err(Errno::INTR) {}
        tracing::info!("the process that started this one has ended");
        server.shutdown();
    });
}

/// Tells whoever started the server that clients can connect.
fn announce(server: &Server) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for address in server.addresses() {
        writeln!(out, "READY {address}").context("standard output is closed")?;
    }
    for address in server.python_addresses() {
        writeln!(out, "READY python {address}").context("standard output is closed")?;
    }
    out.flush().context("standard output is closed")
}

impl Options {
    fn keys(&self) -> anyhow::Result<Vec<AuthKey>> {
        match std::env::var_os("SYNC_AUTHKEY") {
            Some(key) if self.authkey_file.is_empty() => {
                let key = AuthKey::new(key.into_encoded_bytes());
                Ok(vec![key.context("SYNC_AUTHKEY holds no key")?])
            }
            _ => self.authkey_file.iter().map(|file| Ok(read_key(file)?)).collect(),
        }
    }
}

impl From<OnDeadlock> for Deadlocks {
    fn from(what: OnDeadlock) -> Self {
        match what {
            OnDeadlock::Report => Self::Report,
            OnDeadlock::Refuse => Self::Refuse,
        }
    }
}
