//! The watchdog of a cast: it knows all children, and ends what hangs.

use std::collections::VecDeque;
use std::fmt::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::process::Child;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid,
};

/// What a child did that the test waits for.
#[derive(Debug)]
pub(crate) enum Heard {
    Line(String),
    /// It will print nothing more.
    End,
}

/// How long a test has to react after everything it may wait for was ended.
const GRACE: Duration = Duration::from_secs(20);

/// How long the pipes of a child that has ended are read for its last output; a grandchild may keep
/// them open.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Lines of a child that are kept for the report.
const KEPT_LINES: usize = 40;

/// What a child has printed.
#[derive(Debug)]
struct Said {
    lines: VecDeque<String>,
    /// Its pipes that are still read.
    pipes: usize,
}

/// One child process, shared by all that watch it.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) name: String,
    pidfd: OwnedFd,
    said: Mutex<Said>,
    fell_silent: Condvar,
    heard: Mutex<Sender<Heard>>,
}

impl Watched {
    pub(crate) fn new(name: String, child: &Child, heard: Sender<Heard>) -> Self {
        let pid = Pid::from_child(child);
        // Not reaped yet: the number is still this child's.
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).expect("a child has a pidfd");
        let said = Mutex::new(Said { lines: VecDeque::new(), pipes: 2 });
        let (fell_silent, heard) = (Condvar::new(), Mutex::new(heard));
        let name = format!("{name} (process {})", child.id());
        Self { name, pidfd, said, fell_silent, heard }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        // A process that has ended needs none.
        let _ = pidfd_send_signal(&self.pidfd, signal);
    }

    /// Freezes it; returns once it is stopped, or has ended.
    pub(crate) fn stop(&self) {
        self.signal(Signal::STOP);
        let until = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        // A child of this process that was not waited for: there is nothing else to go wrong.
        let _ = waitid(WaitId::PidFd(self.pidfd.as_fd()), until);
    }

    /// Keeps a line for the report.
    pub(crate) fn note(&self, line: String) {
        let lines = &mut self.said.lock().lines;
        if lines.len() == KEPT_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// Returns whether one of the kept lines contains this.
    pub(crate) fn has_said(&self, text: &str) -> bool {
        self.said.lock().lines.iter().any(|line| line.contains(text))
    }

    /// Notes that one of its two pipes has come to its end.
    pub(crate) fn pipe_ended(&self) {
        self.said.lock().pipes -= 1;
        self.fell_silent.notify_all();
    }

    /// Passes something on to those that wait for the child.
    pub(crate) fn hand_on(&self, heard: Heard) {
        // Nobody may wait any more.
        let _ = self.heard.lock().send(heard);
    }

    /// Returns the last output of a child that has ended.
    pub(crate) fn last_words(&self) -> String {
        let mut said = self.said.lock();
        self.fell_silent.wait_while_for(&mut said, |said| said.pipes > 0, LAST_WORDS);
        drop(said);
        self.words()
    }

    /// Returns the last output of the child so far.
    fn words(&self) -> String {
        let lines = &self.said.lock().lines;
        let mut text = format!("  {} said last:\n", self.name);
        if lines.is_empty() {
            text.push_str("    nothing\n");
        }
        for line in lines.iter() {
            writeln!(text, "    {line}").expect("a string takes all");
        }
        text
    }
}

#[derive(Debug, Default)]
struct State {
    children: Vec<Arc<Watched>>,
    expired: bool,
    over: bool,
}

/// Shared by the watchdog and everything it watches over.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    state: Mutex<State>,
    changed: Condvar,
}

impl Watch {
    pub(crate) fn add(&self, child: &Arc<Watched>) {
        let mut state = self.state.lock();
        state.children.push(Arc::clone(child));
        if state.expired {
            child.signal(Signal::KILL);
        }
    }

    pub(crate) fn is_expired(&self) -> bool {
        self.state.lock().expired
    }

    /// Fails the test if its time is up.
    pub(crate) fn check(&self) {
        assert!(!self.is_expired(), "the test took too long\n{}", self.report());
    }

    /// Returns the last output of each child.
    pub(crate) fn report(&self) -> String {
        let children = self.state.lock().children.clone();
        children.iter().map(|child| child.words()).collect()
    }

    fn end_children(&self) {
        for child in &self.state.lock().children {
            // A stopped process dies of this, too.
            child.signal(Signal::KILL);
            child.hand_on(Heard::End);
        }
    }
}

/// The thread that waits for the end of the test, or of its time.
#[derive(Debug)]
pub(crate) struct Watchdog {
    watch: Arc<Watch>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Starts to watch; when the time is up, children are killed and `release` ends what else
    /// the test may wait for.
    pub(crate) fn start(
        watch: &Arc<Watch>,
        limit: Duration,
        release: impl FnOnce() + Send + 'static,
    ) -> Self {
        let thread = std::thread::spawn({
            let watch = Arc::clone(watch);
            move || watch_over(&watch, limit, release)
        });
        Self { watch: Arc::clone(watch), thread: Some(thread) }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.watch.state.lock().over = true;
        self.watch.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It has said what there was to say.
            let _ = thread.join();
        }
        self.watch.end_children();
    }
}

#[expect(clippy::print_stderr, reason = "the last resort: the test cannot say it any more")]
fn watch_over(watch: &Watch, limit: Duration, release: impl FnOnce()) {
    let mut state = watch.state.lock();
    watch.changed.wait_while_for(&mut state, |state| !state.over, limit);
    if state.over {
        return;
    }
    state.expired = true;
    drop(state);
    watch.end_children();
    release();
    let mut state = watch.state.lock();
    watch.changed.wait_while_for(&mut state, |state| !state.over, GRACE);
    let over = state.over;
    drop(state);
    if !over {
        eprintln!("the test took too long and cannot be ended\n{}", watch.report());
        std::process::exit(101);
    }
}
