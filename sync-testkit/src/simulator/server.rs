//! The manager's driver: what `sync-server`'s event loop does, over connections in memory.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Buf;
use sync_objects::{
    DebugInfo, DisconnectReason, Kernel, Limits, Note, Registry, Time, Via, manager,
};
use sync_proto::frame::{self, Decoder, FrameLimit, OutBuffer};
use sync_proto::handshake::{ClientInfo, Purpose, Welcome};
use sync_proto::message::{ClientMessage, Reply, Request, ServerMessage};
use sync_proto::version::PREAMBLE;
use sync_proto::{
    CallId, Data, ErrorKind, ManagerId, ObjectId, OneWayId, Refusal, SessionId, SessionToken,
    ThreadId,
};

use super::counts::{Counts, Fault};
use super::oracle::Oracle;
use super::wire::{Read, Wire};
use crate::models::decode;

/// The longest message that the manager takes: small, so that what is too large is soon made.
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
    now: Time,
}

#[derive(Debug)]
struct Connection {
    decoder: Decoder,
    stage: Stage,
    in_flight: usize,
}

#[derive(Debug)]
enum Stage {
    Preamble(Vec<u8>),
    Hello,
    Live(SessionId),
    /// Refused: what is left is sent, nothing more is heard.
    Closing,
}

#[derive(Debug)]
struct Client {
    token: SessionToken,
    wires: BTreeSet<WireId>,
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
            now: Time::ZERO,
        }
    }

    pub(crate) fn session_count(&self) -> usize {
        self.clients.len()
    }

    pub(crate) fn accept(&mut self, wire: WireId) {
        let decoder = Decoder::new(FrameLimit::HANDSHAKE);
        let stage = Stage::Preamble(Vec::new());
        self.connections.insert(wire, Connection { decoder, stage, in_flight: 0 });
    }

    /// Reads once from a connection.
    pub(crate) fn read(&mut self, now: Time, wires: &mut Wires, id: WireId) {
        self.now = now;
        let Some(wire) = wires.get_mut(&id) else { return };
        match wire.up.read() {
            Read::Bytes(bytes) => self.take_bytes(wires, id, &bytes),
            Read::End => self.take_end(wires, id),
        }
        self.after_input(wires);
    }

    pub(crate) fn handle_timeout(&mut self, now: Time, wires: &mut Wires) {
        self.now = now;
        self.kernel.handle_timeout(now);
        self.after_input(wires);
    }

    pub(crate) fn handle_shutdown(&mut self, now: Time, wires: &mut Wires) {
        self.now = now;
        self.kernel.handle_shutdown(now);
        self.after_input(wires);
    }

    /// The pidfd says that a process has ended; its sockets may be kept open by a child of it.
    pub(crate) fn process_ended(&mut self, now: Time, wires: &mut Wires, session: SessionId) {
        self.now = now;
        let wires_of = self.clients.get(&session).map(|client| client.wires.clone());
        for id in wires_of.into_iter().flatten() {
            self.read_all(wires, id);
        }
        self.end_session(wires, session, DisconnectReason::ProcessEnded);
        self.after_input(wires);
    }

    /// Returns what the manager tells of itself, asked as a session of its own.
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
        for id in std::mem::take(&mut self.connections).into_keys() {
            self.forget(wires, id);
        }
    }

    fn take_bytes(&mut self, wires: &mut Wires, id: WireId, mut input: &[u8]) {
        while let Some(connection) = self.connections.get_mut(&id) {
            match next(connection, &mut input) {
                Ok(Some(message)) => {
                    self.hear(wires, id, message);
                    self.after_input(wires);
                }
                Ok(None) => return,
                Err(refusal) => return self.hear_nonsense(wires, id, refusal),
            }
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
                if self.oracle.request(session, &request) {
                    self.counts.fired(Fault::Overtaken);
                }
                self.kernel.handle_request(self.now, session, Via(id), request);
            }
            ClientMessage::OneWay(message) => {
                self.oracle.one_way(session, &message);
                if let Err(refusal) = self.kernel.handle_one_way(self.now, session, message) {
                    self.counts.fired(Fault::EarlyLimit);
                    self.hear_nonsense(wires, id, refusal);
                }
            }
            ClientMessage::Cancel(call) => self.kernel.handle_cancel(self.now, session, call),
            _ => {
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
            Purpose::Open(info) => match self.kernel.handle_connect(self.now, info) {
                Ok(session) => {
                    let token = SessionToken(u128::from(session.0) << 64 | 0x5eed);
                    self.clients.insert(session, Client { token, wires: BTreeSet::new() });
                    self.oracle.session_began(session);
                    session
                }
                Err(refusal) => return self.refuse(wires, id, refusal),
            },
            Purpose::Join(token) => {
                let found = self.clients.iter().find(|(_, client)| client.token == token);
                match found {
                    Some((&session, _)) => session,
                    None => return self.refuse(wires, id, ErrorKind::Disconnected.into()),
                }
            }
        };
        let client = self.clients.get_mut(&session).expect("it was found");
        client.wires.insert(id);
        let token = client.token;
        let connection = self.connections.get_mut(&id).expect("it said hello");
        connection.stage = Stage::Live(session);
        connection.decoder.set_limit(FRAME);
        let (manager, body_max) = (self.kernel.id(), MESSAGE_MAX as u32);
        let welcome = Welcome { manager, session, token, body_max };
        self.send(wires, id, &ServerMessage::Welcome(welcome));
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

    fn take_end(&mut self, wires: &mut Wires, id: WireId) {
        let Some(connection) = self.connections.get(&id) else { return };
        let (stage, waiting) = (&connection.stage, connection.in_flight > 0);
        let &Stage::Live(session) = stage else { return self.forget(wires, id) };
        self.forget(wires, id);
        let Some(client) = self.clients.get_mut(&session) else { return };
        client.wires.remove(&id);
        if waiting {
            // What its other threads said before counts: their sockets are read first.
            for other in client.wires.clone() {
                self.read_all(wires, other);
            }
            self.end_session(wires, session, DisconnectReason::ClosedWhileWaiting);
        } else if client.wires.is_empty() {
            self.end_session(wires, session, DisconnectReason::Closed);
        }
    }

    /// Reads all that a client wrote to a connection before it closed another one.
    fn read_all(&mut self, wires: &mut Wires, id: WireId) {
        while let Some(wire) = wires.get_mut(&id)
            && wire.up.bytes_under_way() > 0
            && let Read::Bytes(bytes) = wire.up.read()
        {
            self.take_bytes(wires, id, &bytes);
        }
    }

    fn end_session(&mut self, wires: &mut Wires, session: SessionId, reason: DisconnectReason) {
        let Some(client) = self.clients.remove(&session) else { return };
        self.oracle.session_ended(session);
        self.kernel.handle_disconnect(self.now, session, reason);
        for id in client.wires {
            self.forget(wires, id);
        }
    }

    fn forget(&mut self, wires: &mut Wires, id: WireId) {
        self.connections.remove(&id);
        if let Some(wire) = wires.get_mut(&id) {
            (wire.up.is_over, wire.down.is_closed) = (true, true);
        }
    }

    /// What follows every input: all tables agree, and the answers go out.
    fn after_input(&mut self, wires: &mut Wires) {
        self.kernel.assert_settled();
        while let Some(note) = self.kernel.poll_note() {
            if let Note::OneWayFailed { session, object, method, .. } = &note {
                self.oracle.one_way_failed(*session, *object, method);
            }
            self.notes.push(note);
        }
        self.oracle.settle();
        while let Some(outgoing) = self.kernel.poll_reply() {
            let session = outgoing.session;
            assert!(self.clients.contains_key(&session), "{session} is over and is answered");
            self.oracle.reply(session, &outgoing.reply);
            self.count(&outgoing.reply);
            self.reply(wires, session, outgoing.via.0, outgoing.reply);
        }
        self.oracle.check_lines();
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
        if let ServerMessage::Reply(Reply { outcome: Ok(data), .. }) = &message {
            self.kernel.handle_undelivered(self.now, session, data);
        }
        let outcome = Err(Refusal::new(ErrorKind::TooLarge, refusal.message));
        self.send(wires, id, &ServerMessage::Reply(Reply { call, outcome }));
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
