//! A manager as a child process.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use sync_proto::{Address, Error, ErrorKind};

use crate::pause::pause;
use crate::{ConnectOptions, Manager};

/// The environment variable that names the `sync-server` binary.
const SERVER_VAR: &str = "SYNC_SERVER";

/// How long a manager may take to end in good order before it is killed.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How often it is looked at meanwhile.
const PAUSE: Duration = Duration::from_millis(5);

/// What is longer is no address.
const LINE_MAX: usize = 4096;

/// A manager in a process of its own, which ends with this one: when it is dropped, and even when
/// this process is killed.
///
/// ```no_run
/// use sync_client::Manager;
///
/// let process = Manager::spawn()?;
/// let lock = process.manager().create_lock()?;
/// # Ok::<(), sync_client::Error>(())
/// ```
#[derive(Debug)]
pub struct ManagerProcess {
    manager: Manager,
    address: Address,
    child: Child,
}

impl ManagerProcess {
    pub(crate) fn start(
        options: ConnectOptions,
        arguments: impl IntoIterator<Item: AsRef<OsStr>>,
    ) -> Result<Self, Error> {
        let program = program();
        let failed = |why: String| {
            let why = format!("cannot start {}: {why}", program.to_string_lossy());
            Error::new(ErrorKind::Io, why)
        };
        let mut child = Command::new(&program)
            .args(["--stop-with-stdin", "--stop-with-parent"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| {
                failed(format!(
                    "{error}; install it with `cargo install --locked --path sync-server`, or name \
                     it in {SERVER_VAR}"
                ))
            })?;
        // Its input is kept open: when that closes, it learns that this process is gone.
        // So is its output: it has a line for each address.
        let out = child.stdout.as_mut();
        let line = out.map_or(Ok(String::new()), |out| first_line(out, options.patience()));
        let connected = match line.as_deref().map(|line| (line, line.strip_prefix("READY "))) {
            Ok((_, Some(address))) => address.parse().and_then(|address: Address| {
                options.connect(&address).map(|manager| (manager, address))
            }),
            Ok(("", _)) => {
                // One that has ended cannot be killed, and says how it ended.
                let ended = child.kill().and_then(|()| child.wait());
                let ended = ended.map_or_else(|error| error.to_string(), |it| it.to_string());
                let why =
                    format!("it printed nothing and ended with {ended}: standard error says why");
                Err(failed(why))
            }
            Ok((line, None)) => Err(failed(format!(
                "it printed {line:?} instead of the address on which it is ready"
            ))),
            Err(error) => Err(failed(format!("it did not report that it is ready: {error}"))),
        };
        match connected {
            Ok((manager, address)) => Ok(Self { manager, address, child }),
            Err(error) => {
                // Whatever it is, it is nobody's. It may have ended already.
                let _ = child.kill().and_then(|()| child.wait());
                Err(error)
            }
        }
    }

    /// Returns the manager.
    pub fn manager(&self) -> &Manager {
        &self.manager
    }

    /// Returns the address at which other processes reach it.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Returns the manager's process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends the manager and waits for its process to end; after 5 s the process is killed.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the process cannot be waited for.
    pub fn shutdown(mut self) -> Result<ExitStatus, Error> {
        self.end()
    }

    /// Waits until the manager has ended, because one of its clients asked it to.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the process cannot be waited for.
    pub fn join(mut self) -> Result<ExitStatus, Error> {
        let waited = self.wait_for_child();
        self.manager.disconnect();
        waited
    }

    fn end(&mut self) -> Result<ExitStatus, Error> {
        let failed = |error: io::Error| Error::new(ErrorKind::Io, error.to_string());
        // Asked to end: callers that wait get an error, and the socket's file is removed.
        if self.child.try_wait().map_err(failed)?.is_none() {
            let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        }
        for _ in 0..LAST_WORDS.as_millis() / PAUSE.as_millis() {
            if let Some(status) = self.child.try_wait().map_err(failed)? {
                return Ok(status);
            }
            pause(PAUSE);
        }
        // It is stopped, or stuck.
        self.child.kill().map_err(failed)?;
        self.wait_for_child()
    }

    fn wait_for_child(&mut self) -> Result<ExitStatus, Error> {
        // `Child::wait` closes the input first, which would end the manager: it is kept.
        let stdin = self.child.stdin.take();
        let ended = self.child.wait();
        drop(stdin);
        ended.map_err(|error| Error::new(ErrorKind::Io, error.to_string()))
    }
}

impl Drop for ManagerProcess {
    fn drop(&mut self) {
        // Nobody is left to tell of a failure.
        let _ = self.end();
    }
}

/// Reads a line without its end; empty if the end is all there is. The writer may be silent for
/// `patience`, counted from the last signal; what comes after the line is lost.
fn first_line(mut out: impl Read + AsFd, patience: Duration) -> io::Result<String> {
    let mut said = Vec::new();
    let time = Timespec::try_from(patience).ok();
    while !said.contains(&b'\n') && said.len() < LINE_MAX {
        match poll(&mut [PollFd::new(&out, PollFlags::IN)], time.as_ref()) {
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
            Ok(0) => {
                let why = format!("it printed nothing more for {patience:?}");
                return Err(io::Error::new(io::ErrorKind::TimedOut, why));
            }
            Ok(_) => {}
        }
        let mut bytes = [0; 512];
        match out.read(&mut bytes)? {
            0 => break,
            count => said.extend_from_slice(&bytes[..count]),
        }
    }
    let line = said.split(|&byte| byte == b'\n').next().unwrap_or_default();
    Ok(String::from_utf8_lossy(line).trim_end().to_owned())
}

/// Returns the server's binary: named in the environment, beside this program, or found in `PATH`.
fn program() -> OsString {
    if let Some(program) = std::env::var_os(SERVER_VAR) {
        return program;
    }
    let beside = std::env::current_exe().ok().map(|own| own.with_file_name("sync-server"));
    beside.filter(|path| path.is_file()).map_or_else(|| "sync-server".into(), PathBuf::into)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_line_is_read_as_it_comes_and_not_waited_for_for_ever() {
        let said = |words: &[u8], patience| {
            let (out, mut into) = io::pipe().unwrap();
            into.write_all(words).unwrap();
            let line = first_line(out, patience);
            drop(into);
            line.map_err(|error| error.kind())
        };
        let (short, long) = (Duration::from_millis(20), Duration::from_secs(60));
        assert_eq!(said(b"READY unix:a\nREADY unix:b\n", long), Ok("READY unix:a".to_owned()));
        for begun in ["", "READY unix:a"] {
            assert_eq!(said(begun.as_bytes(), short), Err(io::ErrorKind::TimedOut));
        }
        let endless = "x".repeat(LINE_MAX);
        assert_eq!(said(endless.as_bytes(), long), Ok(endless));
        let (out, into) = io::pipe().unwrap();
        drop(into);
        assert_eq!(first_line(out, long).unwrap(), "");
    }
}
