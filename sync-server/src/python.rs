//! The front end for Python: unmodified programs that use `multiprocessing.managers` are clients.
//!
//! One event loop on a thread of its own, beside the one for native clients, and over the same
//! kernel. A pickle is parsed as data: nothing that a client sends is imported or called.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use mio::{Events, Poll};
use rustix::process::Pid;
use slab::Slab;
use sync_objects::{Registry, Time, Via};
use sync_proto::ObjectId;

use crate::door::Door;
use crate::event_loop::backlog::Backlog;
use crate::event_loop::key_set::KeySet;
use crate::hub::{self, Hub, Side};
use crate::limits::Limits;
use crate::listener::Listener;
use crate::presence::Presence;
use crate::sessions::Census;
use crate::source::Source;
use crate::strangers::{Knocking, Strangers};
use connection::{Connection, READ_BUFFER};
use desk::Trays;
use processes::Processes;
use rounds::Rounds;

mod accept;
mod args;
mod auth;
pub mod bare;
mod connection;
mod control;
mod desk;
mod dispatch;
mod ends;
mod exceptions;
mod face;
mod framing;
#[cfg(test)]
mod interpreters;
pub mod pickle;
mod processes;
mod proxies;
mod reply;
mod request;
mod rounds;
mod shown;
mod turn;
mod types;
pub mod value;

/// The loop and all its sockets.
#[derive(Debug)]
pub(crate) struct Front {
    poll: Poll,
    hub: Arc<Hub>,
    limits: Limits,
    strangers: Strangers,
    door: Door,
    connections: Slab<Connection>,
    /// Where they come from.
    census: Census,
    processes: Processes,
    /// Connections that have not shown the key, the oldest first.
    half_open: BTreeSet<Via>,
    knocking: Knocking,
    /// Connections that may have more to read, or to be asked for.
    ready: BTreeSet<usize>,
    /// Connections that have something to write.
    dirty: KeySet,
    /// Bytes that were read and not carried out.
    incoming: Backlog,
    /// Bytes of answers that are not taken.
    outgoing: Backlog,
    rounds: Rounds,
    /// Processes that have ended; what their sockets still hold is read first.
    ended: Vec<Pid>,
    /// Connections whose time may be up, the earliest first.
    deadlines: VecDeque<(Time, usize, Via)>,
    /// What they are measured by.
    presence: Presence,
    accepted: u64,
    trays: Trays,
    /// Objects that are an answer as a whole, and of which no client has counted a reference yet.
    unclaimed: HashSet<ObjectId>,
    buffer: Box<[u8; READ_BUFFER]>,
}

impl Front {
    pub(crate) fn new(
        hub: &Arc<Hub>,
        listeners: Vec<Listener>,
        strangers: Strangers,
        limits: Limits,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        hub.add_python(mio::Waker::new(poll.registry(), Source::Waker.token())?);
        // Whatever could be taken in one call can be read.
        let answer_max = limits.output_total.max(2 * limits.message);
        Ok(Self {
            poll,
            hub: Arc::clone(hub),
            limits,
            strangers,
            door: Door::new(Side::Python, listeners),
            connections: Slab::new(),
            census: Census::default(),
            processes: Processes::default(),
            half_open: BTreeSet::new(),
            knocking: Knocking::default(),
            ready: BTreeSet::new(),
            dirty: KeySet::default(),
            incoming: Backlog::default(),
            outgoing: Backlog::default(),
            rounds: Rounds::default(),
            ended: Vec::new(),
            deadlines: VecDeque::new(),
            presence: Presence::default(),
            accepted: 0,
            trays: Trays::new(answer_max),
            unclaimed: HashSet::new(),
            buffer: Box::new([0; READ_BUFFER]),
        })
    }

    /// Adds the types that only Python clients need.
    pub(crate) fn register(registry: &mut Registry) {
        types::iterator::iterator::register::<types::iterator::Iterator>(registry);
    }

    /// Runs until the server is told to stop.
    ///
    /// # Errors
    /// When the system no longer reports which sockets are ready.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        let mut ended = Ok(());
        while !self.hub.is_stopping() {
            let time = self.sleep_for();
            ended = hub::wait(&mut self.poll, &mut events, time);
            if ended.is_err() {
                break;
            }
            self.presence.begin_turn(self.hub.now());
            self.sort(&events);
            self.door.open(&self.hub, self.poll.registry());
            // New connections come after the batch: no key is used twice in one.
            self.accept();
            self.turn();
            self.close_late();
        }
        self.finish(&mut events);
        ended
    }

    fn sleep_for(&self) -> Option<Duration> {
        let has_more =
            !self.ready.is_empty() || !self.dirty.is_empty() || !self.knocking.is_empty();
        if self.door.is_due() || has_more || self.rounds.has_more() || !self.ended.is_empty() {
            return Some(Duration::ZERO);
        }
        let deadline = self.deadlines.front().map(|&(at, ..)| self.presence.until(at));
        let idle = self.processes.next_idle(self.limits.python_grace);
        let [input, output] = self.culprits_due();
        let next = [idle, self.door.again(), input, output].into_iter().flatten().min();
        let next = next.map(|next| hub::until(next, self.hub.now()));
        [deadline, next].into_iter().flatten().min()
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
                    if let Some(pid) = self.processes.watched(key) {
                        let its: Vec<_> = ends::connections_of(&self.connections, pid).collect();
                        self.ready.extend(&its);
                        self.rounds.last.extend(its);
                        self.ended.push(pid);
                    }
                }
            }
        }
    }
}
