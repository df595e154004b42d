//! The world: one manager, its clients, the network between them, and the time.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use sync_objects::{DisconnectReason, Limits, Note, Registry, Time};
use sync_proto::handshake::Purpose;
use sync_proto::message::{ClientMessage, ServerMessage};
use sync_proto::{Epoch, ErrorKind, ManagerId, SessionId, ThreadId};

use super::bomb::{Bomb, bomb};
use super::counts::{Counts, Fault};
use super::ghost::Ghost;
use super::inject::KEEPER;
use super::lifeline::Lifeline;
use super::link::Link;
use super::log::Log;
use super::process::{End, Process, bytes_of, hello, open};
use super::programs::Make;
use super::server::{Server, WireId, Wires};
use super::thread::{Runnable, Task, Thread};
use super::wire::{Read, Wire};
use crate::chance::Chance;

pub(crate) type ProcessId = u32;

/// How many one-way messages are kept that came before an earlier one.
pub(crate) const EARLY_MAX: usize = 16;

/// How many sessions there may be at once.
pub(crate) const SESSIONS_MAX: usize = 14;

/// A manager with its clients, run step by step.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) chance: Rc<Chance>,
    pub(crate) now: Rc<Cell<Time>>,
    pub(crate) ghost: Rc<Ghost>,
    pub(crate) server: Server,
    pub(crate) wires: Wires,
    pub(crate) processes: BTreeMap<ProcessId, Process>,
    /// Connections of clients that keep no rule, and that nobody reads.
    pub(crate) rogues: Vec<WireId>,
    /// Connections of dead processes that children of them keep open, until the session is over.
    pub(crate) kept_open: BTreeMap<SessionId, Vec<WireId>>,
    pub(crate) log: Log,
    pub(crate) steps: u64,
    next_wire: WireId,
    next_process: ProcessId,
    possible: Vec<Action>,
    /// New clients come over TCP.
    pub(crate) tcp: bool,
}

/// Something that can happen next.
#[derive(Clone, Copy, Debug)]
enum Action {
    /// The manager carries out what was sent on a connection.
    Up(WireId),
    /// A client reads from a connection.
    Down(ProcessId, WireId),
    /// Nobody's bytes are dropped.
    Drop(WireId),
    /// A thread continues.
    Run(ProcessId, usize),
    /// The manager is woken, for it is time.
    Timeout,
    /// The manager carries out a message that is due.
    Due,
    /// A frozen process continues.
    Thaw(ProcessId),
}

impl World {
    pub(crate) fn new(seed: u64, mut registry: Registry) -> Self {
        bomb::register::<Bomb>(&mut registry);
        let mut limits = Limits::default();
        (limits.objects, limits.sessions, limits.calls_per_session) = (48, SESSIONS_MAX, 8);
        (limits.waiters_per_object, limits.early_one_ways) = (12, EARLY_MAX);
        limits.memory = 256 * 1024;
        limits.grace = Duration::from_millis(500);
        Self {
            chance: Rc::new(Chance::new(seed)),
            now: Rc::new(Cell::new(Time::ZERO)),
            ghost: Rc::new(Ghost::default()),
            server: Server::new(registry, limits),
            wires: Wires::new(),
            processes: BTreeMap::new(),
            rogues: Vec::new(),
            kept_open: BTreeMap::new(),
            log: Log::default(),
            steps: 0,
            next_wire: 1,
            next_process: 0,
            possible: Vec::new(),
            tcp: false,
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        let mut counts = self.ghost.counts();
        counts.add(&self.server.counts);
        counts
    }

    pub(crate) fn note(&mut self, event: impl FnOnce() -> String) {
        self.log.push(self.now.get(), event());
    }

    /// Starts a client process with a program on each of its threads.
    pub(crate) fn start(&mut self, plan: Vec<(&'static str, Make)>) -> ProcessId {
        let id = self.next_process;
        self.next_process += 1;
        self.note(|| format!("process {id} starts"));
        // The keeper, which no fault meets, comes over a unix socket.
        let lifeline = (id != KEEPER && self.tcp).then(Lifeline::new);
        self.processes.insert(id, Process::new(Link::new(ManagerId(1)), plan, lifeline));
        self.connect(id, open());
        id
    }

    /// Opens a connection of a process.
    pub(crate) fn connect(&mut self, id: ProcessId, first: Vec<u8>) {
        let is_tcp = self.processes.get(&id).is_some_and(|process| process.lifeline.is_some());
        let wire = self.lay(first, is_tcp);
        if let Some(process) = self.processes.get_mut(&id) {
            process.ends.insert(wire, End::new());
        }
    }

    /// Lays a wire to the manager, on which this comes first.
    pub(crate) fn lay(&mut self, first: Vec<u8>, is_tcp: bool) -> WireId {
        let id = self.next_wire;
        self.next_wire += 1;
        let mut wire = Wire { is_tcp, ..Wire::default() };
        wire.up.write(self.now.get(), first);
        self.wires.insert(id, wire);
        self.server.accept(id);
        id
    }

    /// Lets one thing happen; returns whether anything could.
    pub(crate) fn step(&mut self) -> bool {
        self.steps += 1;
        self.look_around();
        let Some(&action) = self.chance.pick(&self.possible) else {
            return self.wait_for_something();
        };
        let now = self.now.get() + Duration::from_nanos(self.chance.next() % 20_000);
        self.now.set(now);
        match action {
            Action::Up(wire) if self.server.may_lose_released(wire) && self.chance.once_in(8) => {
                self.server.break_off(now, &mut self.wires, wire);
                self.note(|| format!("the manager sees that wire {wire} is broken"));
            }
            Action::Up(wire) => self.server.hear_next(now, &mut self.wires, wire),
            Action::Down(process, wire) => self.read(process, wire),
            Action::Drop(wire) => self.drop_bytes(wire),
            Action::Run(process, task) => self.run_task(process, task),
            Action::Timeout => self.server.handle_timeout(now, &mut self.wires),
            Action::Due => self.server.handle_due(now, &mut self.wires),
            Action::Thaw(process) => self.thaw(process),
        }
        self.hear_of_ends();
        true
    }

    /// Lists what can happen now.
    fn look_around(&mut self) {
        let now = self.now.get();
        self.possible.clear();
        let due = |at: Option<Time>| at.is_some_and(|at| at <= now);
        for (&id, wire) in &self.wires {
            if due(wire.up.ready_at()) || self.server.is_unheard(&self.wires, id) {
                self.possible.push(Action::Up(id));
            }
        }
        for (&id, process) in &self.processes {
            if let Some(until) = process.frozen_until {
                if until <= now {
                    self.possible.push(Action::Thaw(id));
                }
                continue;
            }
            for &wire in process.ends.keys() {
                if due(self.wires.get(&wire).and_then(|wire| wire.down.ready_at())) {
                    self.possible.push(Action::Down(id, wire));
                }
            }
            for (at, task) in process.tasks.iter().enumerate() {
                if task.runnable() == Runnable::Now {
                    self.possible.push(Action::Run(id, at));
                }
            }
        }
        for &wire in &self.rogues {
            if due(self.wires.get(&wire).and_then(|wire| wire.down.ready_at())) {
                self.possible.push(Action::Drop(wire));
            }
        }
        if due(self.server.kernel.poll_timeout().map(|(at, _)| at)) {
            self.possible.push(Action::Timeout);
        }
        if self.server.has_due() {
            self.possible.push(Action::Due);
        }
    }

    /// Moves the clock to the next thing that happens by itself.
    fn wait_for_something(&mut self) -> bool {
        let wires = self.wires.values();
        let wires = wires.flat_map(|wire| [wire.up.ready_at(), wire.down.ready_at()]).flatten();
        let tasks = self.processes.values().flat_map(|process| &process.tasks);
        let tasks = tasks.filter_map(|task| match task.runnable() {
            Runnable::At(at) => Some(at),
            Runnable::Now | Runnable::OnAnswer => None,
        });
        let thaws = self.processes.values().filter_map(|process| process.frozen_until);
        let kernel = self.server.kernel.poll_timeout().map(|(at, _)| at);
        let later = |&at: &Time| at > self.now.get();
        let Some(next) = wires.chain(tasks).chain(thaws).chain(kernel).filter(later).min() else {
            return false;
        };
        self.now.set(next);
        true
    }

    /// A client reads from a connection.
    fn read(&mut self, id: ProcessId, wire: WireId) {
        let Some(read) = self.wires.get_mut(&wire).map(|wire| wire.down.read()) else { return };
        let Read::Bytes(bytes) = read else {
            return self.break_off(id);
        };
        let Some(process) = self.processes.get_mut(&id) else { return };
        for message in process.cut(wire, &bytes) {
            self.hear(id, wire, message);
        }
    }

    fn hear(&mut self, id: ProcessId, wire: WireId, message: ServerMessage) {
        let Some(process) = self.processes.get_mut(&id) else { return };
        match message {
            ServerMessage::Welcome(welcome) => {
                let Some(end) = process.ends.get_mut(&wire) else { return };
                end.is_welcome = true;
                if process.session.is_none() {
                    process.session = Some((welcome.session, welcome.token));
                    self.ghost.began(welcome.session);
                    self.begin(id);
                } else {
                    self.say_again(id, wire);
                }
            }
            ServerMessage::Reply(reply) => {
                if let Some(end) = process.ends.get_mut(&wire) {
                    end.calls.remove(&reply.call);
                }
                if let Some(lifeline) = &mut process.lifeline {
                    lifeline.note_answered(reply.call);
                }
                process.link.receive(reply);
                // Handles in an answer that nobody looks at go back at once.
                self.send(id);
            }
            ServerMessage::Pong(done) => {
                if let Some(lifeline) = &mut process.lifeline {
                    lifeline.note_done(done);
                }
            }
            ServerMessage::Witnessed(..) => panic!("nobody asked for a witness"),
            ServerMessage::Refused(refusal) => {
                match refusal.kind {
                    ErrorKind::LimitReached if process.session.is_none() => {
                        self.ghost.fired(Fault::SessionLimit);
                    }
                    ErrorKind::NotFound if process.lifeline.is_some() => {
                        self.ghost.fired(Fault::LateResume);
                    }
                    _ => {}
                }
                self.lose_session(id);
            }
        }
    }

    /// A process has its session: its threads start, and it opens more connections.
    fn begin(&mut self, id: ProcessId) {
        let Some(process) = self.processes.get_mut(&id) else { return };
        let Some((session, token)) = process.session else { return };
        let plan = std::mem::take(&mut process.plan);
        for (number, (name, make)) in plan.into_iter().enumerate() {
            let thread = Thread::new(
                ThreadId(number as u64 + 1),
                session,
                process.link.clone(),
                Rc::clone(&self.chance),
                Rc::clone(&self.ghost),
                Rc::clone(&self.now),
            );
            let program = make(thread.clone());
            process.tasks.push(Task::new(name, thread, program));
        }
        for _ in 1..process.tasks.len() {
            self.connect(id, hello(Purpose::Join(token, Epoch(0))));
        }
    }

    fn run_task(&mut self, id: ProcessId, at: usize) {
        let Some(process) = self.processes.get_mut(&id) else { return };
        let outcome = process.tasks[at].run();
        let mut exits = false;
        if let Some(outcome) = outcome {
            let task = process.tasks.swap_remove(at);
            let name = task.name;
            // What it had is let go of: as any messages, these go out.
            drop(task);
            self.note(|| format!("process {id}: {name} ends"));
            if let Err(error) = outcome {
                let is_over = [ErrorKind::Disconnected, ErrorKind::ShuttingDown];
                // A process that cannot go on exits, and so lets go of what others wait for.
                exits = [ErrorKind::OutOfMemory, ErrorKind::LimitReached].contains(&error.kind());
                assert!(
                    exits && id != KEEPER || is_over.contains(&error.kind()),
                    "{name}: {error}"
                );
            }
        }
        self.send(id);
        if exits {
            self.close(id);
        } else {
            self.close_if_done(id);
        }
    }

    /// Sends what a process has to send, each message on one of its connections.
    pub(crate) fn send(&mut self, id: ProcessId) {
        let Some(process) = self.processes.get_mut(&id) else { return };
        let usable = process.usable();
        let mut messages = process.link.take_outbox();
        if let Some(lifeline) = &mut process.lifeline {
            messages.iter().for_each(|message| lifeline.keep(message));
            if usable.is_empty() {
                // It is said on the next connection.
                return;
            }
            messages.extend(lifeline.received());
            messages.extend(self.chance.once_in(8).then_some(ClientMessage::Ping));
        }
        for message in messages {
            let Some(&wire) = self.chance.pick(&usable) else { return };
            if let (ClientMessage::Request(request), Some(end)) =
                (&message, process.ends.get_mut(&wire))
            {
                end.calls.insert(request.call);
            }
            if let Some(wire) = self.wires.get_mut(&wire) {
                wire.up.write(self.now.get(), bytes_of(&message));
            }
            let said = || match &message {
                ClientMessage::Request(of) => {
                    format!("{} {}", of.call, self.server.oracle.name_of(of.object, of.method))
                }
                ClientMessage::OneWay(of) => {
                    format!("{} {}", of.number, self.server.oracle.name_of(of.object, of.method))
                }
                other => format!("{other:?}"),
            };
            if !(id == KEEPER && self.ghost.is_closing.get()) {
                self.log.push(self.now.get(), format!("process {id} on wire {wire}: {}", said()));
            }
        }
    }

    /// Closes the connections of a process that has nothing more to do; over TCP it must be able to
    /// say goodbye.
    pub(crate) fn close_if_done(&mut self, id: ProcessId) {
        let is_done = |process: &Process| {
            process.is_done() && (process.lifeline.is_none() || !process.usable().is_empty())
        };
        if id != KEEPER && self.processes.get(&id).is_some_and(is_done) {
            self.close(id);
        }
    }

    /// A process says goodbye.
    pub(crate) fn close(&mut self, id: ProcessId) {
        if let Some(process) = self.processes.get(&id)
            && let Some(lifeline) = &process.lifeline
            && let Some(wire) = self.chance.pick(&process.usable())
            && let Some(wire) = self.wires.get_mut(wire)
        {
            wire.up.write(self.now.get(), bytes_of(&lifeline.goodbye()));
        }
        self.vanish(id);
    }

    /// A process is gone: its connections are closed.
    fn vanish(&mut self, id: ProcessId) {
        let Some(process) = self.processes.remove(&id) else { return };
        self.note(|| format!("process {id} closes"));
        for wire in process.ends.keys() {
            self.hang_up(*wire);
        }
        if let Some(session) = process.session() {
            self.ghost.ended(session);
        }
    }

    /// A client closes its end of a connection.
    pub(crate) fn hang_up(&mut self, wire: WireId) {
        if let Some(wire) = self.wires.get_mut(&wire) {
            (wire.up.is_closed, wire.down.is_over) = (true, true);
        }
    }

    /// The manager has ended a process's session, or is gone: the process learns of it, and ends.
    pub(crate) fn lose_session(&mut self, id: ProcessId) {
        if let Some(process) = self.processes.get_mut(&id) {
            process.link.end_session();
        }
        self.note(|| format!("process {id} has lost its session"));
        self.vanish(id);
    }

    /// A process dies: none of its code runs any more.
    pub(crate) fn kill(&mut self, id: ProcessId) {
        if let Some(process) = self.processes.get_mut(&id) {
            process.link.end_session();
        }
        self.vanish(id);
    }

    fn thaw(&mut self, id: ProcessId) {
        if let Some(process) = self.processes.get_mut(&id) {
            process.frozen_until = None;
        }
        self.note(|| format!("process {id} goes on"));
    }

    fn drop_bytes(&mut self, wire: WireId) {
        if let Some(wire) = self.wires.get_mut(&wire)
            && wire.down.read() == Read::End
        {
            wire.up.is_closed = true;
        }
    }

    /// Reports to the ghost which sessions the manager has ended, and clears wires that are gone.
    fn hear_of_ends(&mut self) {
        for note in std::mem::take(&mut self.server.notes) {
            if let Note::SessionEnded { session, reason, .. } = &note {
                self.ghost.ended(*session);
                self.kept_open
                    .remove(session)
                    .into_iter()
                    .flatten()
                    .for_each(|id| self.hang_up(id));
                if matches!(reason, DisconnectReason::NotResumed(_)) {
                    self.ghost.fired(Fault::GracePassed);
                }
            }
            self.log.push(self.now.get(), note.to_string());
        }
        self.wires.retain(|_, wire| !(wire.up.is_over && wire.down.is_over));
        self.rogues.retain(|id| self.wires.contains_key(id));
        self.ghost.clients.set(self.processes.len() - usize::from(!self.processes.is_empty()));
    }
}
