//! The event loop: sockets in, kernel, sockets out.
//!
//! A turn waits for readiness, reads once from each connection that has something, takes the
//! kernel once for all that was read, and writes once to each connection that is owed something.
//! System calls are what costs; the work of a turn is bounded for each client.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use mio::{Events, Poll};
use slab::Slab;
use sync_objects::{DisconnectReason, Kernel, Outgoing, Released, Time, VALUE_COST, Via};
use sync_proto::message::{ClientMessage, ServerMessage, WireHandle};
use sync_proto::{ErrorKind, Refusal, SessionId, Spin};

use crate::connection::{Buffers, Connection, Got, Stage};
use crate::door::Door;
use crate::hub::{self, Hub, Side};
use crate::limits::{Limits, READ_PER_TURN};
use crate::listener::Listener;
use crate::presence::Presence;
use crate::sessions::{Census, Clients};
use crate::source::Source;
use crate::strangers::{Knocking, Strangers};

mod accept;
pub(crate) mod backlog;
mod inbox;
pub(crate) mod key_set;
mod liveness;
mod output;
mod peers;
mod shutdown;
mod wait;
mod work;

use backlog::Backlog;
use inbox::Inbox;
use key_set::KeySet;

/// The loop and all its sockets.
#[derive(Debug)]
pub(crate) struct EventLoop {
    poll: Poll,
    hub: Arc<Hub>,
    limits: Limits,
    strangers: Strangers,
    door: Door,
    connections: Slab<Connection>,
    /// Where they come from.
    census: Census,
    /// Connections that are not let in yet, the oldest first.
    half_open: BTreeSet<Via>,
    knocking: Knocking,
    clients: Clients,
    /// Connections that may have more to read.
    ready: KeySet,
    /// Connections that are read in this turn, or carried out for.
    asked: KeySet,
    /// Connections that have something to write.
    dirty: KeySet,
    /// In what order they are written to.
    order: Vec<usize>,
    /// Connections that are not read until they have taken what they asked for.
    paused: KeySet,
    /// What was said and is not carried out yet.
    inbox: Inbox,
    /// The connections that were worked for in this turn, and how long.
    served: Vec<(usize, Duration)>,
    /// Bytes of messages that are not complete, or wait to be carried out.
    incoming: Backlog,
    /// Bytes of answers that are not taken.
    outgoing: Backlog,
    /// Clients that are over, and why; what their sockets still hold is read first.
    ended: Vec<(SessionId, DisconnectReason)>,
    /// Connections that broke while they were written to.
    broken: Vec<usize>,
    /// Clients over TCP that sent something in this turn.
    heard: Vec<SessionId>,
    /// Handshakes under way, the earliest first.
    handshakes: VecDeque<(Time, usize, Via)>,
    /// What they are measured by.
    presence: Presence,
    accepted: u64,
    replies: Vec<Outgoing>,
    buffers: Buffers,
    /// Whether to look again before falling asleep.
    spin: Spin,
    /// Something was read or written in the last turn.
    was_active: bool,
    /// Answers go out with their commits.
    pub(crate) witness: bool,
}

/// What a connection said in this turn, in order.
#[derive(Debug)]
enum Said {
    Message(ClientMessage),
    /// A request that was handed in already, and waited for a message.
    Released(Released),
    /// Something that is not a message: the client gets an error and is closed.
    Nonsense(Refusal),
    /// Nothing more.
    End,
}

impl Said {
    /// Returns about how many bytes it takes while it waits, besides what the kernel counts.
    fn bytes(&self) -> usize {
        let data = match self {
            Self::Message(ClientMessage::Request(request)) => &request.data,
            Self::Message(ClientMessage::OneWay(message)) => &message.data,
            Self::Message(ClientMessage::Received(calls)) => {
                return size_of::<Self>() + size_of_val(&calls[..]);
            }
            _ => return size_of::<Self>(),
        };
        let handles = size_of::<WireHandle>() * data.all_handles().count();
        size_of::<Self>() + data.len() + VALUE_COST * data.payloads.len() + handles
    }
}

/// Answers the callers of this process when the loop ends, by whichever way: nobody else would
/// any more.
struct TellLocals(Arc<Hub>);

impl Drop for TellLocals {
    fn drop(&mut self) {
        self.0.visit(Kernel::handle_shutdown);
    }
}

impl EventLoop {
    pub(crate) fn new(
        poll: Poll,
        hub: Arc<Hub>,
        listeners: Vec<Listener>,
        strangers: Strangers,
        limits: Limits,
        spin: Duration,
    ) -> Self {
        Self {
            poll,
            hub,
            limits,
            strangers,
            door: Door::new(Side::Native, listeners),
            connections: Slab::new(),
            census: Census::default(),
            half_open: BTreeSet::new(),
            knocking: Knocking::default(),
            clients: Clients::default(),
            ready: KeySet::default(),
            asked: KeySet::default(),
            dirty: KeySet::default(),
            order: Vec::new(),
            paused: KeySet::default(),
            inbox: Inbox::default(),
            served: Vec::new(),
            incoming: Backlog::default(),
            outgoing: Backlog::default(),
            ended: Vec::new(),
            broken: Vec::new(),
            heard: Vec::new(),
            handshakes: VecDeque::new(),
            presence: Presence::default(),
            accepted: 0,
            replies: Vec::new(),
            buffers: Buffers::new(READ_PER_TURN),
            spin: Spin::new(spin),
            was_active: false,
            witness: false,
        }
    }

    /// Runs until the server is told to stop.
    ///
    /// # Errors
    /// When the system does not tell any more who has something to say.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let _end = TellLocals(Arc::clone(&self.hub));
        let mut events = Events::with_capacity(1024);
        let mut kernel_wake = None;
        let mut ended = Ok(());
        while !self.hub.is_stopping() {
            let timeout = self.sleep_for(kernel_wake);
            ended = self.wait(&mut events, timeout);
            if ended.is_err() {
                break;
            }
            self.presence.begin_turn(self.hub.now());
            self.sort(&events);
            // Before that it only keeps time.
            self.door.open(&self.hub, self.poll.registry());
            // New connections come after the batch: no key is used twice in one.
            self.accept();
            kernel_wake = self.turn();
        }
        self.finish(&mut events);
        ended
    }

    fn sleep_for(&self, kernel_wake: Option<Time>) -> Option<Duration> {
        let is_busy = !self.ready.is_empty() || !self.dirty.is_empty();
        if is_busy || !self.broken.is_empty() || !self.ended.is_empty() {
            return Some(Duration::ZERO);
        }
        if self.inbox.has_others(&self.paused) || !self.knocking.is_empty() {
            return Some(Duration::ZERO);
        }
        if self.door.is_due() {
            return Some(Duration::ZERO);
        }
        let handshake = self.handshakes.front().map(|&(at, ..)| self.presence.until(at));
        let [input, output] = self.culprits_due();
        let next = [kernel_wake, self.door.again(), self.clients.next_check(), input, output];
        let next = next.into_iter().flatten().min();
        let next = next.map(|next| hub::until(next, self.hub.now()));
        [handshake, next].into_iter().flatten().min()
    }

    fn sort(&mut self, events: &Events) {
        for event in events {
            match Source::of(event.token()) {
                Source::Waker => {}
                Source::Listener(at) => self.door.knocked(at),
                Source::Connection(key) => {
                    if event.is_readable() || event.is_read_closed() || event.is_error() {
                        self.ready.insert(key);
                    }
                    if event.is_writable() {
                        self.dirty.insert(key);
                    }
                    if let Some(connection) = self.connections.get_mut(key) {
                        connection.read_closed |= event.is_read_closed();
                    }
                }
                Source::Process(key) => {
                    if let Some(session) = self.clients.watched(key) {
                        self.ready.extend(self.clients.connections(session));
                        self.ended.push((session, DisconnectReason::ProcessEnded));
                    }
                }
            }
        }
    }

    /// Reads, runs the kernel, writes. Returns when the kernel wants to be woken.
    fn turn(&mut self) -> Option<Time> {
        // Taken apart for the turn, so that it is not in use where others are put into it.
        let mut asked = std::mem::take(&mut self.asked);
        std::mem::swap(&mut asked, &mut self.ready);
        self.put_off(&mut asked);
        for key in asked.iter() {
            self.read(key);
        }
        self.shed();
        let heard = self.inbox.has_others(&self.paused);
        let hub = Arc::clone(&self.hub);
        let mut replies = std::mem::take(&mut self.replies);
        let wake = hub.turn(
            |kernel, now| {
                self.note_heard(now);
                self.work(kernel, now, &mut asked);
                self.end_what_is_over(kernel, now);
                self.judge_silence(kernel, now);
            },
            &mut replies,
        );
        self.was_active = heard || !replies.is_empty();
        self.part();
        for outgoing in replies.drain(..) {
            self.reply(outgoing);
        }
        self.replies = replies;
        self.flush_some(&asked);
        asked.clear();
        self.asked = asked;
        wake
    }

    /// Reads once from a connection and cuts messages out of what came.
    fn read(&mut self, key: usize) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let is_strange = !matches!(connection.stage, Stage::Live(_));
        if connection.pending_output() > self.limits.output_soft {
            self.paused.insert(key);
            return;
        }
        if self.inbox.has(key) {
            self.inbox.read_later(key);
            return;
        }
        let (got, mut input) = match connection.read(&mut self.buffers, &self.strangers.keys) {
            Ok(read) => read,
            Err(error) => {
                tracing::debug!(%error, "a connection broke");
                (Got::End, &[][..])
            }
        };
        if connection.pending_output() > 0 {
            // The answer to a handshake.
            self.dirty.insert(key);
        }
        let brought = matches!(got, Got::Full(_) | Got::Drained(1..));
        if let (Stage::Live(session), true) = (&connection.stage, brought && connection.is_tcp()) {
            self.heard.push(*session);
        }
        loop {
            match peers::next(connection, &mut input) {
                Ok(Some(message)) => {
                    self.incoming.remove(key);
                    self.inbox.push(key, Said::Message(message), is_strange);
                }
                Ok(None) => break,
                Err(refusal) => {
                    self.inbox.push(key, Said::Nonsense(refusal), is_strange);
                    return;
                }
            }
        }
        // What is complete waits for its turn, or until the client takes its answers.
        let held = connection.pending_input() + self.inbox.bytes(key);
        if held > 0 {
            self.incoming.set(self.hub.now(), key, held);
        }
        match got {
            Got::End => self.inbox.push(key, Said::End, is_strange),
            // An attacker that can do that can also cut the connection: it is no worse than that.
            Got::Foul(why) => {
                self.strangers.log(self.hub.now(), connection.origin(), why);
                self.inbox.push(key, Said::End, is_strange);
            }
            // A short read means that nothing is left, but for the end of the stream.
            Got::Drained(count) if count == 0 || !connection.read_closed => {}
            Got::Drained(_) | Got::Full(_) => {
                self.ready.insert(key);
            }
        }
    }

    fn hear(&mut self, kernel: &mut Kernel, now: Time, key: usize, said: Said) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let (session, via) = match (&connection.stage, &said) {
            (&Stage::Live(session), _) => (session, connection.via),
            (Stage::Closing { .. }, Said::Message(_) | Said::Nonsense(_)) => return,
            (_, Said::Released(_)) => return,
            (_, Said::Message(_)) => return self.shake(kernel, now, key, said),
            (_, Said::Nonsense(refusal)) => return self.refuse(now, key, refusal.clone()),
            (_, Said::End) => return self.forget(key),
        };
        match said {
            Said::Message(ClientMessage::Request(request)) => {
                connection.in_flight += 1;
                if self.may_call(kernel, key, session, request.call) {
                    kernel.handle_request(now, session, via, request);
                    self.take_released(kernel);
                }
            }
            Said::Released(released) => {
                if self.may_call(kernel, key, session, released.request.call) {
                    kernel.handle_released(now, released);
                }
            }
            Said::Message(ClientMessage::OneWay(message)) => {
                if let Err(refusal) = kernel.handle_one_way(now, session, message) {
                    self.end_malformed(kernel, now, key, session, refusal);
                }
                self.take_released(kernel);
            }
            Said::Message(ClientMessage::Cancel(call)) => kernel.handle_cancel(now, session, call),
            Said::Message(ClientMessage::Ping) => {
                let done = kernel.one_ways_done(session);
                self.send(key, &ServerMessage::Pong(done));
            }
            Said::Message(ClientMessage::Received(calls)) => {
                kernel.handle_received(now, session, &calls);
            }
            Said::Message(ClientMessage::Goodbye(after)) => {
                kernel.handle_goodbye(now, session, after);
            }
            Said::Message(ClientMessage::Hello(_)) => {
                let refusal = Refusal::new(ErrorKind::Malformed, "a second hello");
                self.end_malformed(kernel, now, key, session, refusal);
            }
            Said::Nonsense(refusal) => self.end_malformed(kernel, now, key, session, refusal),
            Said::End => self.hang_up(kernel, now, key, session),
        }
    }
}
