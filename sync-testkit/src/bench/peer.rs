//! What is measured: the server of each peer, and how its workers are started.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;
use rustix::system::uname;
use sync_proto::address::{AUTHKEY_VAR, INSECURE_TCP_VAR, MANAGER_VAR};
use sync_testkit::ServerProcess;

use crate::placement::Placement;
use crate::process::{Process, Program};
use crate::work::growth;

/// The key where one is needed.
const KEY: &str = "the key of a bench, which guards nothing at all";

/// More clients than a bench has.
const MANY: &str = "20000";

/// For how long both ends busy-poll, where they do.
pub(crate) const SPIN: Duration = Duration::from_micros(30);

/// A peer, by the name of its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum PeerKind {
    /// This project, with its defaults: over TCP it is encrypted.
    Ours,
    /// This project, where both ends busy-poll for a moment before they fall asleep.
    OursSpin,
    /// This project over TCP without encryption.
    OursPlain,
    /// A raw server that does nothing.
    Echo,
    /// CPython's `multiprocessing.managers.SyncManager`.
    Cpython,
    /// Redis, without persistence.
    Redis,
    /// CPython's clients, unmodified, on this project's server.
    PythonOnOurs,
}

/// What is between a server and its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Unix,
    Tcp,
}

impl Transport {
    pub(crate) const ALL: [Self; 2] = [Self::Unix, Self::Tcp];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unix => "unix",
            Self::Tcp => "tcp",
        }
    }
}

/// The directory of a run, and what was found to run.
#[derive(Debug)]
pub(crate) struct Site {
    directory: tempfile::TempDir,
    python: Option<PathBuf>,
    redis: Option<PathBuf>,
}

/// A server, and how to start its clients. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Server {
    /// Only kept alive.
    _process: Process,
    worker: Program,
    /// Makes the objects, where the workers find them by name.
    maker: Option<Program>,
}

impl PeerKind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Ours,
        Self::OursSpin,
        Self::OursPlain,
        Self::Echo,
        Self::Cpython,
        Self::Redis,
        Self::PythonOnOurs,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::OursSpin => "ours_spin",
            Self::OursPlain => "ours_plain",
            Self::Echo => "echo",
            Self::Cpython => "cpython",
            Self::Redis => "redis",
            Self::PythonOnOurs => "python_on_ours",
        }
    }

    /// Whether it differs from its neighbours there.
    pub(crate) fn fits(self, transport: Transport, placement: Placement) -> bool {
        match self {
            // On one processor nobody looks again: who looks keeps the other from answering.
            Self::OursSpin => placement != Placement::OneCore,
            Self::OursPlain => transport == Transport::Tcp,
            _ => true,
        }
    }
}

impl Server {
    pub(crate) fn worker(&self) -> &Program {
        &self.worker
    }

    pub(crate) fn maker(&self) -> Option<&Program> {
        self.maker.as_ref()
    }
}

impl Site {
    /// Makes the directory and looks for the peers' programs.
    pub(crate) fn new() -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("sync-bench-").tempdir()?;
        std::fs::write(directory.path().join("cpython.py"), include_str!("../../bench/cpython.py"))
            .context("the temporary directory cannot be written to")?;
        let found = |program| which(program);
        Ok(Self { directory, python: found("python3"), redis: found("redis-server") })
    }

    /// Why a peer cannot run here.
    pub(crate) fn lacks(&self, peer: PeerKind) -> Option<&'static str> {
        match peer {
            PeerKind::Cpython | PeerKind::PythonOnOurs if self.python.is_none() => {
                Some("there is no python3 in PATH")
            }
            PeerKind::Redis if self.redis.is_none() => Some("there is no redis-server in PATH"),
            _ => None,
        }
    }

    /// Starts a peer's server, and waits until it listens.
    pub(crate) fn start(
        &self,
        peer: PeerKind,
        transport: Transport,
        processors: &[usize],
    ) -> Result<Server> {
        match peer {
            PeerKind::Ours | PeerKind::OursSpin | PeerKind::OursPlain => {
                self.ours(peer, transport, processors)
            }
            PeerKind::Echo => self.echo(transport, processors),
            PeerKind::Cpython => self.cpython(transport, processors),
            PeerKind::Redis => self.redis(transport, processors),
            PeerKind::PythonOnOurs => self.python_on_ours(transport, processors),
        }
    }

    fn ours(&self, peer: PeerKind, transport: Transport, processors: &[usize]) -> Result<Server> {
        let address = match transport {
            Transport::Unix => format!("unix:{}", self.socket("ours").display()),
            Transport::Tcp => "tcp:127.0.0.1:0".to_owned(),
        };
        let mut program = Program::new("sync-server", ServerProcess::binary())
            .args(&["--stop-with-stdin", "--listen", &address])
            .args(&["--max-connections", MANY, "--max-sessions", MANY])
            // All of the idle connections and sessions are one process's.
            .args(&["--max-connections-per-peer", MANY, "--max-sessions-per-peer", MANY])
            .args(&["--max-objects", "4000000"])
            .env("RUST_LOG", "error");
        // What a worker's environment says is found by it as by a user's child process.
        let mut variables = vec![];
        match peer {
            PeerKind::OursPlain => {
                program = program.arg("--insecure-tcp");
                variables.push((INSECURE_TCP_VAR, "1".to_owned()));
            }
            _ => variables.push((AUTHKEY_VAR, KEY.to_owned())),
        }
        if peer == PeerKind::OursSpin {
            program = program.arg("--spin").arg(SPIN.as_micros().to_string());
        }
        program = variables.iter().fold(program, |program, (name, value)| program.env(name, value));
        let mut process = Process::start(&program, processors)?;
        let address = process.hear_of("READY ")?;
        variables.push((growth::SERVER_VAR, process.id().to_string()));
        variables.push((MANAGER_VAR, address.clone()));
        let worker = worker(peer, &address)?;
        let worker = variables.iter().fold(worker, |worker, (name, value)| worker.env(name, value));
        Ok(Server { _process: process, worker, maker: None })
    }

    fn echo(&self, transport: Transport, processors: &[usize]) -> Result<Server> {
        let program = Program::this("echo", "echo-server")?.arg(self.socket("echo"));
        let mut process = Process::start(&program, processors)?;
        let listens = [process.hear_of("READY ")?, process.hear_of("READY ")?];
        let [unix, tcp] = &listens;
        let address = if transport == Transport::Unix { unix } else { tcp };
        Ok(Server { _process: process, worker: worker(PeerKind::Echo, address)?, maker: None })
    }

    fn cpython(&self, transport: Transport, processors: &[usize]) -> Result<Server> {
        let address = match transport {
            Transport::Unix => format!("unix:{}", self.socket("cpython").display()),
            Transport::Tcp => "tcp:127.0.0.1:0".to_owned(),
        };
        let python = self.python.as_deref().context("there is no python3")?;
        let script = self.directory.path().join("cpython.py");
        let run = |name: &str, role| Program::new(name, python).arg(&script).arg(role);
        let mut process = Process::start(&run("CPython", "serve").arg(address), processors)?;
        let address = process.hear_of("READY ")?;
        Ok(Server {
            _process: process,
            worker: run("a CPython worker", "work").arg(address),
            maker: None,
        })
    }

    fn python_on_ours(&self, transport: Transport, processors: &[usize]) -> Result<Server> {
        let address = match transport {
            Transport::Unix => format!("unix:{}", self.socket("python").display()),
            Transport::Tcp => "tcp:127.0.0.1:0".to_owned(),
        };
        let own = format!("unix:{}", self.socket("ours").display());
        let program = Program::new("sync-server", ServerProcess::binary())
            .args(&["--stop-with-stdin", "--listen", &own, "--python-listen", &address])
            .env(AUTHKEY_VAR, KEY)
            .env("RUST_LOG", "error");
        let mut process = Process::start(&program, processors)?;
        let address = process.hear_of("READY python ")?;
        let maker = worker(PeerKind::Ours, &own)?.env(MANAGER_VAR, own);
        let python = self.python.as_deref().context("there is no python3")?;
        let worker = Program::new("a Python worker on ours", python)
            .arg(self.directory.path().join("cpython.py"))
            .args(&["work_on_ours", &address])
            .env(AUTHKEY_VAR, KEY);
        Ok(Server { _process: process, worker, maker: Some(maker) })
    }

    fn redis(&self, transport: Transport, processors: &[usize]) -> Result<Server> {
        let redis = self.redis.as_deref().context("there is no redis-server")?;
        let program = Program::new("redis-server", redis)
            .arg("--save")
            .arg("")
            .args(&["--appendonly", "no", "--protected-mode", "yes", "--bind", "127.0.0.1"])
            .arg("--dir")
            .arg(self.directory.path());
        let (program, address) = match transport {
            Transport::Unix => {
                let socket = self.socket("redis");
                let program = program.args(&["--port", "0", "--unixsocket"]).arg(&socket);
                (program, format!("unix:{}", socket.display()))
            }
            Transport::Tcp => {
                // It cannot choose by itself: a port that was free just now is as good as it gets.
                let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
                let program = program.arg("--port").arg(port.to_string());
                (program, format!("tcp:127.0.0.1:{port}"))
            }
        };
        let mut process = Process::start(&program, processors)?;
        // With a capital letter or without, as it listens on TCP or on a unix socket.
        process.hear_of("eady to accept connections")?;
        Ok(Server { _process: process, worker: worker(PeerKind::Redis, &address)?, maker: None })
    }

    /// A path for a socket that nothing has used before.
    fn socket(&self, name: &str) -> PathBuf {
        let free = |number: &u32| !self.directory.path().join(format!("{name}{number}")).exists();
        let number = (0..).find(free).unwrap_or_default();
        self.directory.path().join(format!("{name}{number}"))
    }
}

fn worker(peer: PeerKind, address: &str) -> Result<Program> {
    let name = format!("a worker of {}", peer.name());
    Ok(Program::this(name, "work")?.arg(peer.name()).arg(address))
}

fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|at| at.join(program)).find(|at| at.is_file())
}

/// One line about the machine.
pub(crate) fn machine(processors: usize) -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, name)| name);
    let is_virtual =
        cpu.lines().any(|line| line.starts_with("flags") && line.contains("hypervisor"));
    let kind = if is_virtual { "virtual machine" } else { "machine" };
    let (system, version) = (uname(), version_of("python3"));
    let release = system.release().to_string_lossy();
    format!("{model}, {processors} processors, {kind}, Linux {release}{version}")
}

fn version_of(program: &str) -> String {
    let said = which(program).and_then(|path| run_for_version(&path));
    said.map(|version| format!(", {version}")).unwrap_or_default()
}

fn run_for_version(path: &Path) -> Option<String> {
    let output = std::process::Command::new(path).arg("--version").output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    Some(said.lines().next()?.to_owned())
}
