//! The parent's side of one process of a test.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use rustix::process::Signal;

use crate::role::MARK;
use crate::watch::{Heard, Watch, Watched};

/// One process of a test. Dropped, it is killed.
#[derive(Debug)]
#[must_use = "a process that nobody holds is killed"]
pub struct Actor {
    child: Child,
    stdin: Option<ChildStdin>,
    heard: Receiver<Heard>,
    watched: Arc<Watched>,
    watch: Arc<Watch>,
}

impl Actor {
    /// Starts a process whose lines are its messages, from a mark on. It can be told something if
    /// its standard input is a pipe.
    pub(crate) fn spawn(
        name: String,
        mut command: Command,
        mark: &'static str,
        watch: &Arc<Watch>,
    ) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        let (sender, heard) = channel();
        let watched = Arc::new(Watched::new(name, &child, sender));
        watch.add(&watched);
        let stdin = child.stdin.take();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        listen(stdout.expect("it is piped"), &watched, Some(mark));
        listen(stderr.expect("it is piped"), &watched, None);
        Self { child, stdin, heard, watched, watch: Arc::clone(watch) }
    }

    /// Waits for the next line that the process prints, which must be this one.
    ///
    /// # Panics
    /// When it prints something else, or ends, or the test's time is up.
    pub fn expect(&mut self, line: &str) {
        let said = self.hear();
        assert!(said == line, "{} said {said:?} instead of {line:?}", self.watched.name);
    }

    /// Waits for the next line that the process prints.
    ///
    /// # Panics
    /// When it ends instead, or the test's time is up.
    pub fn hear(&mut self) -> String {
        match self.heard.recv() {
            Ok(Heard::Line(line)) => line,
            Ok(Heard::End) | Err(_) => {
                self.watch.check();
                let status = self.reap();
                panic!("an actor ended ({status}) without a word\n{}", self.watched.last_words())
            }
        }
    }

    /// Writes a line to the process.
    ///
    /// # Panics
    /// When it has ended.
    pub fn tell(&mut self, line: impl Display) {
        let stdin = self.stdin.as_mut().expect("only `wait` closes it");
        if let Err(error) = writeln!(stdin, "{line}") {
            self.watch.check();
            panic!("an actor does not listen: {error}\n{}", self.watched.last_words());
        }
    }

    /// Kills the process with SIGKILL and waits until it is gone.
    pub fn kill(mut self) {
        self.watched.signal(Signal::KILL);
        self.reap();
    }

    /// Asks the process to end with SIGTERM.
    pub fn terminate(&self) {
        self.watched.signal(Signal::TERM);
    }

    /// Freezes the process with SIGSTOP; returns once it is stopped.
    pub fn stop(&self) {
        self.watched.stop();
    }

    /// Lets a frozen process go on, with SIGCONT.
    pub fn cont(&self) {
        self.watched.signal(Signal::CONT);
    }

    /// Waits until the process has ended successfully. Its input is closed: a role that still waits
    /// for a line fails.
    ///
    /// # Panics
    /// When it failed, or the test's time is up.
    pub fn wait(mut self) {
        drop(self.stdin.take());
        self.end_well();
    }

    /// Waits until the process has ended successfully, and leaves its input open.
    pub(crate) fn end_well(mut self) {
        let status = self.reap();
        self.watch.check();
        assert!(status.success(), "an actor failed ({status})\n{}", self.watched.last_words());
    }

    /// Returns the process's id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn watched(&self) -> &Arc<Watched> {
        &self.watched
    }

    fn reap(&mut self) -> ExitStatus {
        self.child.wait().expect("the child is this process's to wait for")
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.watched.signal(Signal::KILL);
        self.reap();
    }
}

/// Reads what a child writes: lines after a mark are its messages, the others are kept for the
/// report.
fn listen(from: impl Read + Send + 'static, child: &Arc<Watched>, mark: Option<&'static str>) {
    let child = Arc::clone(child);
    std::thread::spawn(move || {
        for line in BufReader::new(from).split(b'\n') {
            let Ok(line) = line else { break };
            let line = String::from_utf8_lossy(&line).into_owned();
            let said = mark.and_then(|mark| line.strip_prefix(mark)).map(str::to_owned);
            if !line.is_empty() {
                child.note(line.trim_start_matches(MARK).to_owned());
            }
            if let Some(said) = said {
                child.hand_on(Heard::Line(said));
            }
        }
        child.pipe_ended();
        if mark.is_some() {
            child.hand_on(Heard::End);
        }
    });
}
