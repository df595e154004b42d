//! A process of the bench: a server or a worker that reads and writes lines.

use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long a process may take to write a line. The longest that is measured takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// How to start a process.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) path: OsString,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) variables: Vec<(&'static str, OsString)>,
}

impl Program {
    pub(crate) fn new(name: impl Into<String>, path: impl Into<OsString>) -> Self {
        let (arguments, variables) = (Vec::new(), Vec::new());
        Self { name: name.into(), path: path.into(), arguments, variables }
    }

    /// This very program, in another role.
    pub(crate) fn this(name: impl Into<String>, role: &str) -> Result<Self> {
        let path = std::env::current_exe().context("this process has no program")?;
        Ok(Self::new(name, path).arg(role))
    }

    #[must_use]
    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    #[must_use]
    pub(crate) fn args(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(OsString::from));
        self
    }

    #[must_use]
    pub(crate) fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.variables.push((name, value.into()));
        self
    }
}

/// A process that runs. Dropped, it is killed; it does not outlive this one either.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    unread: Vec<u8>,
}

impl Process {
    /// Starts a process that keeps to these processors.
    pub(crate) fn start(program: &Program, processors: &[usize]) -> Result<Self> {
        let this = std::env::current_exe().context("this process has no program")?;
        let processors: Vec<String> = processors.iter().map(ToString::to_string).collect();
        let mut command = Command::new(this);
        command.args(["launch", "--processors", &processors.join(",")]);
        command.args(["--parent", &std::process::id().to_string(), "--"]);
        command.arg(&program.path).args(&program.arguments);
        command.envs(program.variables.iter().map(|(name, value)| (name, value)));
        // Ctrl-C is for this process alone, which ends the others.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        let name = program.name.clone();
        let mut child = command.spawn().with_context(|| format!("{name} cannot be started"))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("{name} has no pipes");
        };
        Ok(Self { name, child, input, output, unread: Vec::new() })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes a line to the process.
    pub(crate) fn say(&mut self, line: &str) -> Result<()> {
        writeln!(self.input, "{line}").with_context(|| format!("{} does not listen", self.name))
    }

    /// Waits for a line from the process.
    pub(crate) fn hear(&mut self) -> Result<String> {
        let timeout = Timespec::try_from(PATIENCE)?;
        loop {
            if let Some(end) = self.unread.iter().position(|&byte| byte == b'\n') {
                let rest = self.unread.split_off(end + 1);
                let line = std::mem::replace(&mut self.unread, rest);
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            let mut ready = [PollFd::new(&self.output, PollFlags::IN)];
            match poll(&mut ready, Some(&timeout)) {
                Ok(0) => bail!("{} said nothing for {} s", self.name, PATIENCE.as_secs()),
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
                // A signal is most likely the wish to end.
                Err(_) => bail!("interrupted while waiting for {}", self.name),
                Ok(_) => {}
            }
            let mut buffer = [0; 4096];
            match self.output.read(&mut buffer) {
                Ok(0) => bail!("{} ended: {}", self.name, self.child.wait()?),
                Ok(count) => self.unread.extend_from_slice(&buffer[..count]),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Waits for a line with this beginning, skipping others; returns its rest.
    pub(crate) fn hear_of(&mut self, mark: &str) -> Result<String> {
        loop {
            let line = self.hear()?;
            if let Some((_, rest)) = line.split_once(mark) {
                return Ok(rest.trim().to_owned());
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
