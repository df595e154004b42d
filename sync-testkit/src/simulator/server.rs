//! The manager's driver: what `sync-server`'s event loop does, over connections in memory.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use bytes::Buf;
use sync_objects::{
    DebugInfo, DisconnectReason, Kernel, Limits, Note, Outgoing, Registry, Released, Time, Via,
    manager,
};
use sync_proto::frame::{self, Decoder, FrameLimit, OutBuffer};
use sync_proto::handshake::{ClientInfo, Purpose, Resumption, Welcome};
use sync_proto::message::{ClientMessage, Reply, Request, ServerMessage};
use sync_proto::version::PREAMBLE;
use sync_proto::{
    CallId, Data, Epoch, ErrorKind, ManagerId, ObjectId, OneWayId, Refusal, SessionId,
    SessionToken, ThreadId,
};

use super::counts::{Counts, Fault};
use super::oracle::Oracle;
use super::wire::{Read, Wire};
use crate::models::decode;

mod due;
mod over;

/// The longest message that the manager accepts: small, so that a message is soon too large.
pub(crate) const MESSAGE_MAX: usize = 4096;

const FRAME: FrameLimit = FrameLimit::of_body(MESSAGE_MAX);

/// A connection's number; none is used twice.
pub(crate) type WireId = u64;

/// All connections, as the network sees them.
pub(crate) type Wires = BTreeMap<WireId, Wire>;

/// The manager with its ends of the connections.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) kernel: Kernel,
    pub(crate) oracle: Oracle,
    pub(crate) counts: Counts,
    /// What the manager would have logged since this was last looked at.
    pub(crate) notes: Vec<Note>,
    connections: BTreeMap<WireId, Connection>,
    clients: BTreeMap<SessionId, Client>,
    /// Clients that are over, and why; what they sent before is carried out first.
    ended: BTreeMap<SessionId, DisconnectReason>,
    now: Time,
}

#[derive(Debug)]
struct Connection {
    decoder: Decoder,
    stage: Stage,
    in_flight: usize,
    /// Requests that waited for a message: they are carried out before all that came after them.
    released: VecDeque<Released>,
    /// What was read and is not carried out yet.
    input: Vec<u8>,
}

#[derive(Debug)]
enum Stage {
    Preamble(Vec<u8>),
    Hello,
    Live(SessionId),
    /// Refused: what is left is sent, nothing more is read.
    Closing,
}

#[derive(Debug)]
struct Client {
    token: SessionToken,
    wires: BTreeSet<WireId>,
    is_resumable: bool,
}

impl Server {
    pub(crate) fn new(registry: Registry, limits: Limits) -> Self {
        let oracle = Oracle::new(&registry);
        Self {
            kernel: Kernel::new(registry, limits, ManagerId(1)),
            oracle,
            counts: Counts::default(),
            notes: Vec::new(),
            connections: BTreeMap::new(),
            clients: BTreeMap::new(),
            ended: BTreeMap::new(),
            now: Time::ZERO,
        }
    }

    pub(crate) fn session_count(&self) -> usize {
        self.clients.len()
    }

    pub(crate) fn accept(&mut self, wire: WireId) {
        let decoder = Decoder::new(FrameLimit::HANDSHAKE);
        let (stage, released, input) = (Stage::Preamble(Vec::new()), VecDeque::new(), Vec::new());
        let connection = Connection { decoder, stage, in_flight: 0, released, input };
        self.connections.insert(wire, connection);
    }

    /// Carries out the next thing that was sent on a connection, which is read once everything that
    /// was read before is carried out.
    pub(crate) fn hear_next(&mut self, now: Time, wires: &mut Wires, id: WireId) {
        self.now = now;
        self.take_next(wires, id);
        self.after_input(wires);
    }

    pub(crate) fn handle_timeout(&mut self, now: Time, wires: &mut Wires) {
        self.now = now;
        self.kernel.handle_timeout(now);
        self.after_input(wires);
    }

    pub(crate) fn handle_shutdown(&mut self, now: Time, wires: &mut Wires) {
        self.now = now;
        self.oracle.is_stopping = true;
        self.kernel.handle_shutdown(now);
        self.after_input(wires);
        // Who has said something already is told that nothing is done any more.
        for id in self.connections.keys().copied().collect::<Vec<_>>() {
            while self.is_unheard(wires, id) {
                self.hear_next(now, wires, id);
            }
        }
    }

    /// Returns the manager's report on itself, asked for by a session of its own.
    pub(crate) fn debug_info(&mut self) -> Option<DebugInfo> {
        let info = ClientInfo { pid: 1, program: "debug".into() };
        let session = self.kernel.handle_connect(self.now, info).ok()?;
        let data = Data::encode(&(1000u32,)).ok()?;
        let data = data.into_wire(self.kernel.id()).ok()?;
        let (object, method) = (ObjectId::MANAGER, const { manager::method("debug_info") });
        let (call, after, thread) = (CallId(1), OneWayId::NONE, ThreadId(1));
        let request = Request { call, after, thread, object, method, timeout: None, data };
        self.kernel.handle_request(self.now, session, Via(0), request);
        decode(&self.kernel.poll_reply()?.reply.outcome.ok()?)
    }

    /// The manager ends: all connections are closed.
    pub(crate) fn hang_up_all(&mut self, wires: &mut Wires) {
        self.clients.clear();
        self.ended.clear();
        for id in std::mem::take(&mut self.connections).into_keys() {
            self.forget(wires, id);
        }
    }

    fn take_next(&mut self, wires: &mut Wires, id: WireId) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if let Some(released) = connection.released.pop_front() {
            return self.hear_released(id, released);
        }
        if connection.input.is_empty() {
            let Some(wire) = wires.get_mut(&id) else { return };
            match wire.up.read() {
                Read::Bytes(bytes) => connection.input = bytes,
                Read::End => return self.take_end(wires, id),
            }
        }
        let bytes = std::mem::take(&mut connection.input);
        let mut input = &bytes[..];
        match next(connection, &mut input) {
            Ok(Some(message)) => {
                connection.input = input.to_vec();
                self.hear(wires, id, message);
            }
            Ok(None) => {}
            Err(refusal) => self.hear_nonsense(wires, id, refusal),
        }
    }

    fn hear(&mut self, wires: &mut Wires, id: WireId, message: ClientMessage) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let session = match connection.stage {
            Stage::Live(session) => session,
            Stage::Hello => return self.shake(wires, id, message),
            Stage::Preamble(_) | Stage::Closing => return,
        };
        match message {
            ClientMessage::Request(request) => {
                connection.in_flight += 1;
                let fault = self.oracle.request(self.now, session, id, &request);
                self.kernel.handle_request(self.now, session, Via(id), request);
                if let Some(fault) = fault {
                    self.counts.fired(fault);
                    if fault == Fault::Overtaken && !self.kernel.is_stopping() {
                        self.oracle.made_room(session);
                    }
                }
                self.take_released();
            }
            ClientMessage::OneWay(message) => {
                let taken = self.kernel.handle_one_way(self.now, session, message.clone());
                self.oracle.one_way(session, message, taken.is_ok());
                self.take_released();
                if let Err(refusal) = taken {
                    self.counts.fired(Fault::EarlyLimit);
                    // What it made room for itself with had its effect before the end.
                    self.after_input(wires);
                    self.hear_nonsense(wires, id, refusal);
                }
            }
            ClientMessage::Cancel(call) => {
                self.oracle.cancelled(session, call);
                self.kernel.handle_cancel(self.now, session, call);
            }
            ClientMessage::Ping => {
                let done = self.kernel.one_ways_done(session);
                self.send(wires, id, &ServerMessage::Pong(done));
            }
            ClientMessage::Received(calls) => {
                self.kernel.handle_received(self.now, session, &calls);
            }
            ClientMessage::Goodbye(after) => {
                self.kernel.handle_goodbye(self.now, session, after);
            }
            ClientMessage::Hello(_) => {
                let refusal = Refusal::new(ErrorKind::Malformed, "a second hello");
                self.hear_nonsense(wires, id, refusal);
            }
        }
    }

    fn shake(&mut self, wires: &mut Wires, id: WireId, message: ClientMessage) {
        let ClientMessage::Hello(hello) = message else {
            return self.refuse(wires, id, Refusal::new(ErrorKind::Malformed, "not a hello"));
        };
        let session = match hello.purpose {
            Purpose::Open(info) => self.open(wires, id, info),
            Purpose::Join(token, epoch) => self.join(wires, id, token, epoch),
        };
        let session = match session {
            Ok(session) => session,
            Err(refusal) => return self.refuse(wires, id, refusal),
        };
        let client = self.clients.get_mut(&session).expect("it was found");
        client.wires.insert(id);
        let (token, is_resumable) = (client.token, client.is_resumable);
        let connection = self.connections.get_mut(&id).expect("it said hello");
        connection.stage = Stage::Live(session);
        connection.decoder.set_limit(FRAME);
        let (manager, body_max) = (self.kernel.id(), MESSAGE_MAX as u32);
        let (heartbeat, grace) = (Duration::from_secs(3), Duration::from_secs(10));
        let resumption = is_resumable.then_some(Resumption { heartbeat, grace });
        let welcome = Welcome { manager, session, token, body_max, resumption };
        self.send(wires, id, &ServerMessage::Welcome(welcome));
    }

    fn open(&mut self, wires: &Wires, id: WireId, info: ClientInfo) -> Result<SessionId, Refusal> {
        let is_resumable = wires.get(&id).is_some_and(|wire| wire.is_tcp);
        let session = if is_resumable {
            self.kernel.handle_connect_resumable(self.now, info, Via(id))?
        } else {
            self.kernel.handle_connect(self.now, info)?
        };
        let token = SessionToken(u128::from(session.0) << 64 | 0x5eed);
        self.clients.insert(session, Client { token, wires: BTreeSet::new(), is_resumable });
        self.oracle.session_began(session);
        Ok(session)
    }

    fn join(
        &mut self,
        wires: &mut Wires,
        id: WireId,
        token: SessionToken,
        epoch: Epoch,
    ) -> Result<SessionId, Refusal> {
        let found = self.clients.iter().find(|(_, client)| client.token == token);
        let (&session, _) = found.ok_or(ErrorKind::NotFound)?;
        for given_up in self.kernel.handle_join(self.now, session, Via(id), epoch)? {
            self.oracle.connection_lost(session, given_up.0);
            self.drop_wire(wires, session, given_up.0);
        }
        Ok(session)
    }

    fn hear_nonsense(&mut self, wires: &mut Wires, id: WireId, refusal: Refusal) {
        let stage = self.connections.get(&id).map(|connection| &connection.stage);
        let session = match stage {
            Some(&Stage::Live(session)) => Some(session),
            Some(Stage::Closing) | None => return,
            Some(_) => None,
        };
        self.refuse(wires, id, refusal.clone());
        let Some(session) = session else { return };
        if let Some(client) = self.clients.get_mut(&session) {
            client.wires.remove(&id);
        }
        self.end_session(wires, session, DisconnectReason::Malformed(refusal));
    }

    fn refuse(&mut self, wires: &mut Wires, id: WireId, refusal: Refusal) {
        self.send(wires, id, &ServerMessage::Refused(refusal));
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.stage = Stage::Closing;
        }
        if let Some(wire) = wires.get_mut(&id) {
            wire.down.is_closed = true;
        }
    }

    /// Follows every input: a client that is over ends once everything that it sent is done, all
    /// tables agree, and the answers go out.
    fn after_input(&mut self, wires: &mut Wires) {
        self.look(wires);
        if self.end_what_is_over(wires) {
            self.look(wires);
        }
    }

    fn look(&mut self, wires: &mut Wires) {
        self.kernel.assert_settled();
        let mut ended = Vec::new();
        while let Some(note) = self.kernel.poll_note() {
            match &note {
                Note::OneWayFailed { session, object, method, refusal } => {
                    self.oracle.one_way_failed(*session, *object, method, refusal.kind);
                }
                // The kernel ends it by itself: after a goodbye, or when its grace has passed.
                Note::SessionEnded { session, commit, .. } => ended.push((*session, *commit)),
                _ => {}
            }
            self.notes.push(note);
        }
        ended.retain(|(session, _)| self.clients.contains_key(session));
        self.oracle.settle();
        let mut replies: Vec<_> = std::iter::from_fn(|| self.kernel.poll_reply()).collect();
        for (session, commit) in ended {
            // What was answered before in the same input cannot follow from it.
            let before = replies.iter().take_while(|of| of.commit <= commit).count();
            replies.drain(..before).for_each(|outgoing| self.deliver(wires, outgoing));
            self.oracle.session_ended(session);
            self.ended.remove(&session);
            let client = self.clients.remove(&session);
            client
                .into_iter()
                .flat_map(|client| client.wires)
                .for_each(|id| self.forget(wires, id));
        }
        replies.into_iter().for_each(|outgoing| self.deliver(wires, outgoing));
        self.oracle.check_lines();
        for &session in self.clients.keys() {
            let done = self.kernel.one_ways_done(session);
            self.oracle.check_one_ways(session, done, self.kernel.is_due(session));
        }
    }

    fn deliver(&mut self, wires: &mut Wires, outgoing: Outgoing) {
        let session = outgoing.session;
        assert!(self.clients.contains_key(&session), "{session} is over and is answered");
        self.oracle.reply(self.now, session, &outgoing.reply);
        self.count(&outgoing.reply);
        self.reply(wires, session, outgoing.via.0, outgoing.reply);
    }

    /// Counts faults that show in the manager's answers.
    fn count(&mut self, reply: &Reply) {
        let Err(refusal) = &reply.outcome else { return };
        match refusal.kind {
            ErrorKind::Malformed if refusal.message.contains("to two calls") => {
                self.counts.fired(Fault::DuplicateCall);
            }
            ErrorKind::LimitReached if refusal.message.contains("calls of this session") => {
                self.counts.fired(Fault::CallLimit);
            }
            ErrorKind::LimitReached if refusal.message.contains("wait for object") => {
                self.counts.fired(Fault::WaiterLimit);
            }
            ErrorKind::OutOfMemory => self.counts.fired(Fault::OutOfMemory),
            _ => {}
        }
    }

    fn reply(&mut self, wires: &mut Wires, session: SessionId, id: WireId, reply: Reply) {
        let Some(connection) = self.connections.get_mut(&id) else {
            // Its session is about to end: what its other connections said is carried out first.
            return self.counts.fired(Fault::Undelivered);
        };
        connection.in_flight -= 1;
        let call = reply.call;
        let message = ServerMessage::Reply(reply);
        let mut out = OutBuffer::new();
        let Err(refusal) = frame::encode(&message, FRAME.of_answers(), &mut out) else {
            return self.send(wires, id, &message);
        };
        self.counts.fired(Fault::AnswerTooLarge);
        let instead = Refusal::new(ErrorKind::TooLarge, refusal.message);
        if let ServerMessage::Reply(Reply { outcome: Ok(data), .. }) = &message {
            self.kernel.handle_undelivered(self.now, session, call, data, &instead);
            self.oracle.replaced(session, call, &instead);
        }
        self.send(wires, id, &ServerMessage::Reply(Reply { call, outcome: Err(instead) }));
    }

    fn send(&mut self, wires: &mut Wires, id: WireId, message: &ServerMessage) {
        let mut out = OutBuffer::new();
        frame::encode(message, FRAME.of_answers(), &mut out).expect("it fits");
        let len = out.len();
        let bytes = out.copy_to_bytes(len).to_vec();
        let Some(wire) = wires.get_mut(&id) else { return };
        if wire.down.is_over {
            self.counts.fired(Fault::Undelivered);
        }
        wire.down.write(self.now, bytes);
    }
}

/// Returns the next message in what was read; the first bytes are the preamble.
fn next(connection: &mut Connection, input: &mut &[u8]) -> Result<Option<ClientMessage>, Refusal> {
    if let Stage::Preamble(seen) = &mut connection.stage {
        let (now, rest) = input.split_at(input.len().min(PREAMBLE.len() - seen.len()));
        seen.extend_from_slice(now);
        *input = rest;
        if !PREAMBLE.starts_with(seen) {
            return Err(Refusal::new(ErrorKind::Malformed, "this is a manager"));
        }
        if seen.len() < PREAMBLE.len() {
            return Ok(None);
        }
        connection.stage = Stage::Hello;
    }
    connection.decoder.next(input)
}
