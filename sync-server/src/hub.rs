//! The kernel, and the threads that reach it: the event loop, and callers in the server's own
//! process.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use dashmap::DashMap;
use parking_lot::{Condvar, Mutex};
use sync_objects::{DisconnectReason, Kernel, Note, Outgoing, Time, Via};
use sync_proto::message::{Request, WireHandle};
use sync_proto::{Data, ErrorKind, Refusal, SessionId};

use crate::clock::Clock;
use crate::journal::{Journal, Line};

/// The answer to a call, before its handles are made.
pub(crate) type Answer = Result<Data<WireHandle>, Refusal>;

/// Vias from here on are those of callers in this process; below are connections.
const LOCAL: u64 = 1 << 63;

/// Vias from here on are those of Python's connections; below are the event loop's.
pub(crate) const PYTHON: u64 = 1 << 62;

/// Returns whether a word is one of Python's connections'.
pub(crate) const fn is_python(via: Via) -> bool {
    PYTHON <= via.0 && via.0 < LOCAL
}

/// A connection's word to the kernel holds its key in the low bits, and above them a number that
/// is never used twice: a late reply cannot reach the next connection of the same key.
pub(crate) const KEY_BITS: u32 = 24;

/// Returns the key in a connection's word.
pub(crate) const fn key_of(via: Via) -> usize {
    // The mask keeps 24 bits: nothing is cut.
    (via.0 & ((1 << KEY_BITS) - 1)) as usize
}

/// What the threads of a server share.
#[derive(Debug)]
pub(crate) struct Hub {
    kernel: Mutex<Kernel>,
    clock: Clock,
    waker: mio::Waker,
    /// Replies for connections that another thread than the event loop's brought about.
    mailbox: Mutex<Vec<Outgoing>>,
    /// Sessions that the kernel has ended, for the event loop to close their connections.
    ended: Mutex<Vec<(SessionId, DisconnectReason)>>,
    journal: Mutex<Journal>,
    /// The front for Python clients, where there is one.
    python: OnceLock<Front>,
    /// Callers of this process whose calls wait.
    callers: DashMap<u64, Arc<Caller>>,
    next_caller: AtomicU64,
    /// When the event loop will wake by itself, in nanoseconds.
    wakes_at: AtomicU64,
    stop: AtomicBool,
    /// By [`Side`]: whether it has file descriptors.
    rooms: [Room; 2],
    /// Clients may come in.
    open: AtomicBool,
}

/// An event loop.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Native,
    Python,
}

impl Side {
    const fn other(self) -> Self {
        match self {
            Self::Native => Self::Python,
            Self::Python => Self::Native,
        }
    }
}

/// What one event loop does for the other when no file descriptor is left, so that unauthenticated
/// peers of one keep no client of the other out.
#[derive(Debug, Default)]
struct Room {
    /// It has none, and no stranger to drop.
    is_asked_for: AtomicBool,
    /// The other one has dropped a stranger.
    is_made: AtomicBool,
}

/// A further event loop, with clients of another kind.
#[derive(Debug)]
struct Front {
    waker: mio::Waker,
    mailbox: Mutex<Vec<Outgoing>>,
}

/// A call of this process, whose answer a thread of it waits for.
#[derive(Debug)]
pub(crate) struct Caller {
    session: SessionId,
    answer: Mutex<Option<Answer>>,
    arrived: Condvar,
}

impl Caller {
    /// Waits for the answer and takes it.
    pub(crate) fn wait(&self) -> Answer {
        let mut answer = self.answer.lock();
        loop {
            match answer.take() {
                Some(answer) => return answer,
                None => self.arrived.wait(&mut answer),
            }
        }
    }
}

/// Returns how long an event loop may sleep that has something to do at a moment: not at all, if
/// that has come, as it always has while the kernel searches for cycles.
pub(crate) fn until(moment: Time, now: Time) -> Duration {
    let wait = moment.since(now);
    if wait.is_zero() {
        return Duration::ZERO;
    }
    // The system's timer counts milliseconds: rounded up, so that something is due after it.
    Duration::from_millis(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX) + 1)
}

/// Waits for events, at most `time`. A signal ends the wait and brings none.
pub(crate) fn wait(
    poll: &mut mio::Poll,
    events: &mut mio::Events,
    time: Option<Duration>,
) -> io::Result<()> {
    match poll.poll(events, time) {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            events.clear();
            Ok(())
        }
        polled => polled,
    }
}

impl Hub {
    pub(crate) fn new(kernel: Kernel, waker: mio::Waker) -> Self {
        Self {
            kernel: Mutex::new(kernel),
            clock: Clock::start(),
            waker,
            mailbox: Mutex::default(),
            ended: Mutex::default(),
            journal: Mutex::default(),
            python: OnceLock::new(),
            callers: DashMap::new(),
            next_caller: AtomicU64::new(LOCAL),
            wakes_at: AtomicU64::new(u64::MAX),
            stop: AtomicBool::new(false),
            rooms: Default::default(),
            open: AtomicBool::new(false),
        }
    }

    /// Runs one turn of the event loop on the kernel; returns the replies for connections, and
    /// when the kernel wants to be woken.
    pub(crate) fn turn(
        &self,
        inputs: impl FnOnce(&mut Kernel, Time),
        out: &mut Vec<Outgoing>,
    ) -> Option<Time> {
        let mut kernel = self.kernel.lock();
        let now = self.clock.now();
        inputs(&mut kernel, now);
        kernel.handle_timeout(now);
        if kernel.is_stopping() && !self.stop.swap(true, Ordering::Relaxed) {
            self.wake_python();
        }
        let lines = self.drain(&mut kernel, now, out);
        let wake = kernel.poll_timeout().map(|(at, _)| at);
        self.wakes_at.store(wake.map_or(u64::MAX, Time::as_nanos), Ordering::Relaxed);
        // Under the kernel's lock: what was put before is not overtaken.
        out.append(&mut self.mailbox.lock());
        drop(kernel);
        lines.into_iter().for_each(Line::log);
        wake
    }

    /// Runs something on the kernel from another thread; the event loop is woken if it has to
    /// send something or to wake earlier.
    pub(crate) fn visit<R>(&self, input: impl FnOnce(&mut Kernel, Time) -> R) -> R {
        self.visit_with(|kernel, now| (input(kernel, now), Vec::new()))
    }

    /// Runs something on the kernel that takes replies out itself, and gives back those that are
    /// not its own.
    pub(crate) fn visit_with<R>(
        &self,
        input: impl FnOnce(&mut Kernel, Time) -> (R, Vec<Outgoing>),
    ) -> R {
        let mut kernel = self.kernel.lock();
        let now = self.clock.now();
        let (result, strays) = input(&mut kernel, now);
        let mut out = Vec::new();
        for stray in strays {
            self.route(stray, &mut out);
        }
        let lines = self.drain(&mut kernel, now, &mut out);
        let earlier = kernel
            .poll_timeout()
            .is_some_and(|(at, _)| at.as_nanos() < self.wakes_at.load(Ordering::Relaxed));
        let stops = kernel.is_stopping();
        let ended = !self.ended.lock().is_empty();
        let wakes = earlier || stops || ended || !out.is_empty();
        if !out.is_empty() {
            self.mailbox.lock().append(&mut out);
        }
        drop(kernel);
        if wakes {
            self.wake();
        }
        lines.into_iter().for_each(Line::log);
        result
    }

    /// Begins a call of this process; its answer can be waited for.
    pub(crate) fn begin(&self, session: SessionId, request: Request) -> Arc<Caller> {
        let id = self.next_caller.fetch_add(1, Ordering::Relaxed);
        let caller =
            Arc::new(Caller { session, answer: Mutex::default(), arrived: Condvar::new() });
        self.callers.insert(id, Arc::clone(&caller));
        self.visit(|kernel, now| {
            if !kernel.handle_request(now, session, Via(id), request) {
                self.deliver(id, Err(ErrorKind::Disconnected.into()));
            }
        });
        caller
    }

    /// Tells every caller of a session that has ended.
    pub(crate) fn abandon(&self, session: SessionId) {
        let of_it = |entry: &dashmap::mapref::multiple::RefMulti<'_, u64, Arc<Caller>>| {
            (entry.session == session).then(|| *entry.key())
        };
        let waiting: Vec<u64> = self.callers.iter().filter_map(|entry| of_it(&entry)).collect();
        for id in waiting {
            self.deliver(id, Err(ErrorKind::Disconnected.into()));
        }
    }

    fn deliver(&self, caller: u64, answer: Answer) {
        if let Some((_, caller)) = self.callers.remove(&caller) {
            *caller.answer.lock() = Some(answer);
            caller.arrived.notify_one();
        }
    }

    /// Returns the sessions that have ended since the last time, and why.
    pub(crate) fn take_ended(&self) -> Vec<(SessionId, DisconnectReason)> {
        std::mem::take(&mut *self.ended.lock())
    }

    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    /// Lets clients in.
    pub(crate) fn open_doors(&self) {
        self.open.store(true, Ordering::Relaxed);
        self.wake();
        self.wake_python();
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    /// Asks the event loop to end.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.wake();
        self.wake_python();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Asks the other event loop to drop an unauthenticated peer, because this one has none and no
    /// file descriptor.
    pub(crate) fn ask_for_room(&self, side: Side) {
        self.rooms[side as usize].is_asked_for.store(true, Ordering::Relaxed);
        self.wake_side(side.other());
    }

    /// Returns whether the other event loop has asked this one to drop an unauthenticated peer
    /// since the last time.
    pub(crate) fn is_asked_for_room(&self, side: Side) -> bool {
        take(&self.rooms[side.other() as usize].is_asked_for)
    }

    /// Tells the other event loop that an unauthenticated peer was dropped for it.
    pub(crate) fn give_room(&self, side: Side) {
        self.rooms[side.other() as usize].is_made.store(true, Ordering::Relaxed);
        self.wake_side(side.other());
    }

    /// Returns whether the other event loop has made room since the last time.
    pub(crate) fn has_room(&self, side: Side) -> bool {
        take(&self.rooms[side as usize].is_made)
    }

    fn wake_side(&self, side: Side) {
        match side {
            Side::Native => self.wake(),
            Side::Python => self.wake_python(),
        }
    }

    fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            tracing::error!(%error, "the event loop cannot be woken");
        }
    }

    /// Lets a further event loop in, which is woken when it has mail and at the end.
    pub(crate) fn add_python(&self, waker: mio::Waker) {
        let added = self.python.set(Front { waker, mailbox: Mutex::default() });
        assert!(added.is_ok(), "there is one front for Python");
    }

    /// Takes the replies for Python's connections.
    pub(crate) fn python_mail(&self) -> Vec<Outgoing> {
        self.python
            .get()
            .map(|front| std::mem::take(&mut *front.mailbox.lock()))
            .unwrap_or_default()
    }

    fn wake_python(&self) {
        if let Some(Err(error)) = self.python.get().map(|front| front.waker.wake()) {
            tracing::error!(%error, "the front for Python cannot be woken");
        }
    }

    /// Brings a reply to whom it is for, or hands out one of the event loop's.
    fn route(&self, outgoing: Outgoing, out: &mut Vec<Outgoing>) {
        match (outgoing.via.0, self.python.get()) {
            (LOCAL.., _) => self.deliver(outgoing.via.0, outgoing.reply.outcome),
            (PYTHON.., Some(front)) => {
                front.mailbox.lock().push(outgoing);
                self.wake_python();
            }
            _ => out.push(outgoing),
        }
    }

    /// Brings the kernel's replies on their way; returns what is to be logged once the kernel is
    /// no longer locked.
    fn drain(&self, kernel: &mut Kernel, now: Time, out: &mut Vec<Outgoing>) -> Vec<Line> {
        while let Some(outgoing) = kernel.poll_reply() {
            self.route(outgoing, out);
        }
        let mut lines = Vec::new();
        while let Some(note) = kernel.poll_note() {
            if let Note::SessionEnded { session, ref reason, .. } = note {
                self.ended.lock().push((session, reason.clone()));
            }
            self.journal.lock().pick(now, note, &mut lines);
        }
        lines
    }
}

/// Takes a flag down; returns whether it was up. That is seldom, and looking is cheaper.
fn take(flag: &AtomicBool) -> bool {
    flag.load(Ordering::Relaxed) && flag.swap(false, Ordering::Relaxed)
}
