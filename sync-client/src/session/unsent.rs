//! One-way messages over a unix socket: sent at once, or as soon as there is a connection, and room
//! in it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use sync_proto::message::{ClientMessage, OneWay};
use sync_proto::{OneWayId, Refusal};

use super::{AHEAD_MAX, Connection, Session, thread};
use crate::pause::{PAUSES, Pauses, pause};

/// How long each step of connecting for a one-way message may take: a live manager takes less, and
/// a thread that drops a guard does not wait for a stopped one.
const PROMPT: Duration = Duration::from_millis(50);

/// How many messages may lie unsent before a thread that adds one waits as for a call. What a
/// process releases was given to it call by call, and is rarely so much.
const UNSENT_MAX: usize = 64 * 1024;

/// The pauses between checks whether a late message has come.
pub(super) const LATE: Pauses =
    Pauses::between(Duration::from_millis(1), Duration::from_millis(20));

/// A message of more bytes is somebody's value, and lies unsent alone.
const SMALL_MAX: usize = 4096;

/// One-way messages that were not sent yet. Others may wait for what they release: a thread looks
/// after them as long as there are any.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    waiting: Mutex<Waiting>,
    /// The last message that the manager is known to have carried out.
    done: AtomicU64,
    /// There is room in a connection again, nothing is unsent any more, or the session is over.
    room: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    /// In the order of their numbers.
    messages: VecDeque<OneWay>,
    thread: Thread,
}

/// What goes before anything else on a connection: one-way messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    Nothing,
    /// All that were left.
    All,
    /// As many as may be sent; the others wait until the manager has carried some out.
    Part,
}

/// The work of the thread that looks after them.
#[derive(Debug, Default)]
enum Thread {
    /// There is no thread: nothing is unsent, or none could be started.
    #[default]
    Absent,
    /// It looks for a connection. A call that has one before it takes the messages along.
    Seeks,
    /// It writes the rest of what did not fit into a connection, and then that of these, and waits
    /// for the manager where too much is under way. Later messages are left to it.
    Writes { next: Vec<Connection> },
}

impl Unsent {
    /// Returns the last message that may be written.
    fn furthest(&self) -> u64 {
        self.done.load(Ordering::Relaxed) + AHEAD_MAX
    }
}

impl Waiting {
    fn is_full(&self) -> bool {
        matches!(self.thread, Thread::Writes { .. })
    }

    /// Returns whether nothing is unsent.
    fn is_empty(&self) -> bool {
        !self.is_full() && self.messages.is_empty()
    }

    /// Returns whether there are messages for whoever has a connection.
    fn has_some(&self) -> bool {
        !self.is_full() && !self.messages.is_empty()
    }

    /// Takes the messages up to here.
    fn take(&mut self, furthest: u64) -> VecDeque<OneWay> {
        let count = self.messages.partition_point(|message| message.number.0 <= furthest);
        self.messages.drain(..count).collect()
    }
}

impl Thread {
    /// Leaves it a connection to write on.
    fn give(&mut self, connection: Connection) {
        match self {
            Self::Writes { next } => next.push(connection),
            Self::Absent | Self::Seeks => *self = Self::Writes { next: vec![connection] },
        }
    }

    /// Takes a connection that it is to write on and has not begun with.
    fn take(&mut self) -> Option<Connection> {
        match self {
            Self::Writes { next } => next.pop(),
            Self::Absent | Self::Seeks => None,
        }
    }

    fn has_more(&self) -> bool {
        matches!(self, Self::Writes { next } if !next.is_empty())
    }
}

impl Session {
    /// Sends a one-way message of this many bytes, or leaves it to the first call that has a
    /// connection.
    pub(super) fn send_soon(
        &self,
        len: usize,
        message: impl FnOnce(OneWayId) -> OneWay,
    ) -> Result<(), Refusal> {
        let is_much = |waiting: &Waiting| {
            waiting.messages.len() >= if len > SMALL_MAX { 1 } else { UNSENT_MAX }
        };
        let mut waiting = self.unsent.waiting.lock();
        while waiting.is_full() && is_much(&waiting) && self.over.get().is_none() {
            self.unsent.room.wait(&mut waiting);
        }
        if let Some(why) = self.over.get() {
            return Err(why.clone());
        }
        if waiting.is_full() {
            self.leave(&mut waiting, message);
            return Ok(());
        }
        let patience = match waiting.thread {
            _ if is_much(&waiting) => Some(self.target.patience),
            Thread::Absent => Some(PROMPT.min(self.target.patience)),
            // One was looked for just now; the thread goes on looking.
            Thread::Seeks | Thread::Writes { .. } => None,
        };
        drop(waiting);
        let connect = || self.connect_once(patience?).ok();
        let Some(mut connection) = self.take_idle().or_else(connect) else {
            self.leave(&mut self.unsent.waiting.lock(), message);
            return Ok(());
        };
        // Numbered last: from here to the write, others' requests wait for this one.
        if let Some(number) = self.next_if_near() {
            connection.queue(&ClientMessage::OneWay(message(number)), self.limit())?;
        } else {
            self.leave(&mut self.unsent.waiting.lock(), message);
        }
        self.send_off(connection)
    }

    /// Writes what is queued and what was left unsent, and returns the connection to the pool. What
    /// does not fit into it now, or may not go yet, is left to the thread, and the connection with
    /// it.
    pub(super) fn send_off(&self, mut connection: Connection) -> Result<(), Refusal> {
        let first = self.queue_unsent(&mut connection)?;
        let is_written = connection.write_now().map_err(|why| self.end(why))?;
        if !is_written || first == First::Part {
            let mut waiting = self.unsent.waiting.lock();
            if self.attend(&mut waiting) {
                waiting.thread.give(connection);
                return Ok(());
            }
            drop(waiting);
            self.go_first(&mut connection)?;
            self.write_all(&mut connection)?;
        }
        self.pool(connection);
        Ok(())
    }

    /// Returns whether something was left unsent that a connection can take along.
    pub(super) fn has_unsent(&self) -> bool {
        self.unsent.waiting.lock().has_some()
    }

    /// Prepares what was left unsent, to go before anything else on a connection.
    pub(super) fn queue_unsent(&self, connection: &mut Connection) -> Result<First, Refusal> {
        let mut waiting = self.unsent.waiting.lock();
        if !waiting.has_some() {
            return Ok(First::Nothing);
        }
        let messages = waiting.take(self.unsent.furthest());
        let first = if waiting.messages.is_empty() { First::All } else { First::Part };
        drop(waiting);
        self.queue_all(connection, messages)?;
        Ok(first)
    }

    /// Notes that the messages up to here are carried out.
    pub(super) fn note_done(&self, done: OneWayId) {
        // Usually nothing has changed, and writing to it would take it from all other cores for a
        // moment.
        if self.unsent.done.load(Ordering::Relaxed) < done.0 {
            self.unsent.done.fetch_max(done.0, Ordering::Relaxed);
        }
    }

    /// Writes what is queued and asks the manager how far it is. A session without it is over.
    pub(super) fn ask_how_far(&self, connection: &mut Connection) -> Result<(), Refusal> {
        self.ping(connection).map_err(|failure| self.end(failure.into_refusal()))
    }

    /// Lets some time pass, if nothing of what was left unsent may go.
    pub(super) fn wait_if_ahead(&self, pauses: &mut Pauses) {
        let furthest = self.unsent.furthest();
        let is_ahead = |message: &OneWay| message.number.0 > furthest;
        if self.unsent.waiting.lock().messages.front().is_some_and(is_ahead) {
            pause(pauses.next());
        }
    }

    /// Waits until nothing is unsent; for as long as a manager may take to let a connection in.
    pub(super) fn finish_unsent(&self) {
        let mut waiting = self.unsent.waiting.lock();
        if !waiting.is_empty() && self.attend(&mut waiting) {
            let is_left = |waiting: &mut Waiting| !waiting.is_empty() && self.over.get().is_none();
            self.unsent.room.wait_while_for(&mut waiting, is_left, self.target.patience);
        }
    }

    /// Wakes threads that wait for room: the session is over.
    pub(super) fn give_up_unsent(&self) {
        // Under the lock, or a thread that is about to wait would miss it.
        let _waiting = self.unsent.waiting.lock();
        self.unsent.room.notify_all();
    }

    fn next_one_way(&self) -> OneWayId {
        OneWayId(self.one_ways.fetch_add(1, Ordering::SeqCst) + 1)
    }

    /// Numbers a message that is sent at once, unless too much is under way.
    fn next_if_near(&self) -> Option<OneWayId> {
        let furthest = self.unsent.furthest();
        let next = |last| (last < furthest).then_some(last + 1);
        let last = self.one_ways.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next).ok()?;
        Some(OneWayId(last + 1))
    }

    fn leave(&self, waiting: &mut Waiting, message: impl FnOnce(OneWayId) -> OneWay) {
        // Numbered under the lock: whose request waits for it takes it along.
        waiting.messages.push_back(message(self.next_one_way()));
        // Without a thread it waits for a call to take it along, or for the next attempt.
        self.attend(waiting);
    }

    /// Has a thread look after what is unsent; returns whether one does.
    fn attend(&self, waiting: &mut Waiting) -> bool {
        if matches!(waiting.thread, Thread::Absent) {
            let Some(me) = self.me.upgrade() else { return false };
            if thread::start("sync-unsent", move || attend(&me)).is_err() {
                return false;
            }
            waiting.thread = Thread::Seeks;
        }
        true
    }

    /// Writes the rest of what did not fit into connections, and behind it what was left since.
    fn write_full(&self) -> Result<(), Refusal> {
        loop {
            let Some(mut connection) = self.unsent.waiting.lock().thread.take() else {
                return Ok(());
            };
            while let Some(messages) = self.write_rest(&mut connection)? {
                self.queue_all(&mut connection, messages)?;
            }
            self.pool(connection);
        }
    }

    /// Writes what is queued; returns what is to go behind it on the same connection.
    fn write_rest(&self, connection: &mut Connection) -> Result<Option<VecDeque<OneWay>>, Refusal> {
        let mut pauses = LATE;
        self.write_all(connection)?;
        loop {
            let mut waiting = self.unsent.waiting.lock();
            // It may be that nothing goes on before the rest of another connection is written.
            if waiting.thread.has_more() {
                return Ok(None);
            }
            if waiting.messages.is_empty() {
                self.unsent.room.notify_all();
                waiting.thread = Thread::Seeks;
                return Ok(None);
            }
            let messages = waiting.take(self.unsent.furthest());
            if !messages.is_empty() {
                self.unsent.room.notify_all();
                return Ok(Some(messages));
            }
            drop(waiting);
            self.ask_how_far(connection)?;
            self.wait_if_ahead(&mut pauses);
        }
    }

    fn queue_all(
        &self,
        connection: &mut Connection,
        messages: VecDeque<OneWay>,
    ) -> Result<(), Refusal> {
        for message in messages {
            connection.queue(&ClientMessage::OneWay(message), self.limit())?;
        }
        Ok(())
    }

    /// Writes what is queued. A session without it is over.
    fn write_all(&self, connection: &mut Connection) -> Result<(), Refusal> {
        self.write(connection).map_err(|failure| self.end(failure.into_refusal()))
    }

    /// Returns whether nothing is left for the thread to do, which is then no more.
    fn is_all_sent(&self) -> bool {
        let mut waiting = self.unsent.waiting.lock();
        let is_over = self.over.get().is_some();
        if !is_over && (!waiting.messages.is_empty() || waiting.thread.has_more()) {
            return false;
        }
        *waiting = Waiting::default();
        self.unsent.room.notify_all();
        true
    }
}

/// Looks for a connection and for room in it until nothing is unsent, or the session is over. So
/// long it keeps the session, though nobody else has it any more: what was sent is to arrive.
fn attend(session: &Session) {
    let mut pauses = PAUSES;
    loop {
        // If it fails, the session is over.
        let _ = session.write_full();
        if session.is_all_sent() {
            return;
        }
        if session.unsent.waiting.lock().thread.has_more() {
            // One more filled up meanwhile.
            continue;
        }
        // The thread that returned one may have looked for messages just before they were left.
        let connection = session.take_idle().ok_or(());
        match connection.or_else(|()| session.connect_once(session.target.patience)) {
            // What was left unsent is sent on this one, and nothing overtakes it.
            Ok(connection) => session.unsent.waiting.lock().thread.give(connection),
            // The manager is gone, or has ended the session; otherwise it is another manager's
            // socket, or it has no room.
            Err(why) if session.is_cut_off() => drop(session.end(why)),
            Err(_) => pause(pauses.next()),
        }
    }
}
