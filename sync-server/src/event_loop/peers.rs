//! How a connection becomes a session's, and how it ends.

use std::fmt::Display;
use std::os::fd::OwnedFd;

use sync_objects::{DisconnectReason, Kernel, Time};
use sync_proto::handshake::{Hello, Purpose, Resumption, Welcome};
use sync_proto::message::{ClientMessage, ServerMessage};
use sync_proto::version::{CURRENT, PREAMBLE, SECURE_PREAMBLE};
use sync_proto::{ErrorKind, Refusal, SessionId, SessionToken};

use super::{EventLoop, Said};
use crate::connection::{Connection, Stage};
use crate::sessions::{Origin, open_pidfd};
use crate::source::Source;

/// Returns the next message in what was read from a connection; its first bytes are the preamble.
pub(super) fn next(
    connection: &mut Connection,
    input: &mut &[u8],
) -> Result<Option<ClientMessage>, Refusal> {
    if let Stage::Preamble { seen } = &mut connection.stage {
        let (now, rest) = input.split_at(input.len().min(PREAMBLE.len() - seen.len()));
        seen.extend_from_slice(now);
        *input = rest;
        check_preamble(seen)?;
        if seen.len() < PREAMBLE.len() {
            return Ok(None);
        }
        connection.stage = Stage::Handshake;
    }
    connection.next(input)
}

fn check_preamble(seen: &[u8]) -> Result<(), Refusal> {
    let name = &PREAMBLE[..PREAMBLE.len() - 1];
    if !name.starts_with(&seen[..seen.len().min(name.len())]) {
        if seen.starts_with(&SECURE_PREAMBLE[..name.len()]) {
            let why = "this manager does not encrypt its connections: connect with insecure_tcp()";
            return Err(Refusal::new(ErrorKind::Unauthorized, why));
        }
        // It may be that: the bytes so far are the same.
        if SECURE_PREAMBLE.starts_with(seen) {
            return Ok(());
        }
        let why = "this is a manager of shared objects: connect with sync-client";
        return Err(Refusal::new(ErrorKind::Malformed, why));
    }
    match seen.get(name.len()) {
        Some(&theirs) if theirs != CURRENT => {
            let why = format!(
                "the client speaks version {theirs} of the protocol, this manager version \
                 {CURRENT}: build both from the same release"
            );
            Err(Refusal::new(ErrorKind::Incompatible, why))
        }
        _ => Ok(()),
    }
}

/// Checks that there are not too many from one origin.
fn check_share(
    origin: Option<Origin>,
    count: usize,
    limit: usize,
    what: &str,
) -> Result<(), Refusal> {
    match origin {
        Some(origin) if count > limit => {
            let why = format!("this {origin} has {limit} {what}, which is the limit");
            Err(Refusal::new(ErrorKind::LimitReached, why))
        }
        _ => Ok(()),
    }
}

impl EventLoop {
    /// Takes a message of a connection that is not known yet.
    pub(super) fn shake(&mut self, kernel: &mut Kernel, now: Time, key: usize, said: Said) {
        let Said::Message(message) = said else { return };
        let admitted = Hello::of(message)
            .and_then(|hello| self.has_room().map(|()| hello.purpose))
            .and_then(|purpose| self.check_connections(key).map(|()| purpose))
            .and_then(|purpose| self.admit(kernel, now, key, purpose));
        match admitted {
            Ok(welcome) => self.send(key, &ServerMessage::Welcome(welcome)),
            Err(refusal) => self.refuse(now, key, refusal),
        }
    }

    fn admit(
        &mut self,
        kernel: &mut Kernel,
        now: Time,
        key: usize,
        purpose: Purpose,
    ) -> Result<Welcome, Refusal> {
        let (session, secret) = match purpose {
            Purpose::Open(info) => {
                let origin = self.connections[key].peer;
                let (sessions, limit) = (self.clients.census(), self.limits.sessions_per_peer);
                check_share(origin, sessions.count(origin) + 1, limit, "sessions")?;
                let mut secret = [0; 16];
                getrandom::fill(&mut secret).map_err(|error| {
                    Refusal::new(ErrorKind::Io, format!("no randomness: {error}"))
                })?;
                let secret = SessionToken(u128::from_le_bytes(secret));
                let connection = &self.connections[key];
                let is_tcp = connection.is_tcp();
                let session = if is_tcp {
                    kernel.handle_connect_resumable(now, info, connection.via)?
                } else {
                    kernel.handle_connect(now, info)?
                };
                let (pidfd, registry) = (self.pidfd(origin, key), self.poll.registry());
                let watch = |client| Source::Process(client).token();
                self.clients.open(session, secret, origin, pidfd, registry, watch);
                if is_tcp {
                    self.expect_heartbeats(session, now);
                }
                (session, secret)
            }
            Purpose::Join(secret, epoch) => {
                let session = self.clients.by_token(secret)?;
                let via = self.connections[key].via;
                self.join(kernel, now, session, via, epoch)?;
                (session, secret)
            }
        };
        let client = self.clients.get_mut(session);
        let is_resumable = client.is_some_and(|client| {
            client.connections.push(key);
            client.is_resumable()
        });
        let resumption =
            Resumption { heartbeat: self.limits.heartbeat, grace: self.limits.kernel.grace };
        let connection = &mut self.connections[key];
        self.half_open.remove(&connection.via);
        connection.stage = Stage::Live(session);
        connection.set_limit(self.limits.frame());
        Ok(Welcome {
            manager: kernel.id(),
            session,
            token: secret,
            body_max: u32::try_from(self.limits.message).unwrap_or(u32::MAX),
            resumption: is_resumable.then_some(resumption),
        })
    }

    /// Opens what tells that the process has ended which a connection is of, if it is known.
    fn pidfd(&mut self, origin: Option<Origin>, key: usize) -> Option<OwnedFd> {
        let Some(Origin::Process(pid)) = origin else { return None };
        let why = "no file descriptor is left to watch a process with";
        match open_pidfd(pid, || self.drop_oldest_half_open_but(Some(key), why)) {
            Ok(pidfd) => Some(pidfd),
            Err(error) => {
                // The end of its sockets still tells, unless a child keeps them open.
                tracing::debug!(?pid, %error, "the process cannot be watched");
                None
            }
        }
    }

    fn check_connections(&self, key: usize) -> Result<(), Refusal> {
        let (origin, limit) = (self.connections[key].peer, self.limits.connections_per_peer);
        check_share(origin, self.census.count(origin), limit, "connections")
    }

    /// Tells a peer why it is not served, and closes the connection once that is written. An
    /// unauthenticated peer gets no reason.
    pub(super) fn refuse(&mut self, now: Time, key: usize, refusal: Refusal) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if !connection.is_trusted() {
            return self.turn_away(now, key, refusal);
        }
        self.strangers.log(now, connection.origin(), &refusal);
        self.half_open.remove(&connection.via);
        let deadline = self.presence.now() + self.limits.handshake_timeout;
        connection.stage = Stage::Closing { deadline };
        self.handshakes.push_back((deadline, key, connection.via));
        self.send(key, &ServerMessage::Refused(refusal));
    }

    /// Closes a stranger's connection without a word.
    pub(super) fn turn_away(&mut self, now: Time, key: usize, why: impl Display) {
        let Some(connection) = self.connections.get(key) else { return };
        self.strangers.log(now, connection.origin(), why);
        self.forget(key);
    }

    /// Ends the session of a connection that broke the protocol.
    pub(super) fn end_malformed(
        &mut self,
        kernel: &mut Kernel,
        now: Time,
        key: usize,
        session: SessionId,
        refusal: Refusal,
    ) {
        self.refuse(now, key, refusal.clone());
        if let Some(client) = self.clients.get_mut(session) {
            client.connections.retain(|&of| of != key);
        }
        self.end_session(kernel, now, session, DisconnectReason::Malformed(refusal));
    }

    /// A session's connection was closed by its client.
    pub(super) fn hang_up(
        &mut self,
        kernel: &mut Kernel,
        now: Time,
        key: usize,
        session: SessionId,
    ) {
        let connection = self.connections.get(key);
        let via = connection.map(|connection| connection.via);
        // What its answers granted, nobody would give back. A welcome grants nothing: a client may
        // have given up connecting before it came.
        let waiting = connection.is_some_and(|of| of.in_flight > 0 || of.owes_answer);
        self.forget(key);
        let Some(client) = self.clients.get_mut(session) else { return };
        client.connections.retain(|&of| of != key);
        if let (Some(via), true) = (via, client.is_resumable()) {
            kernel.handle_connection_lost(now, session, via);
            return;
        }
        if waiting {
            // What its other threads said before counts: their sockets are read first.
            self.ready.extend(client.connections.iter().copied());
            self.ended.push((session, DisconnectReason::ClosedWhileWaiting));
        } else if client.connections.is_empty() && kernel.is_due(session) {
            self.ended.push((session, DisconnectReason::Closed));
        } else if client.connections.is_empty() {
            self.end_session(kernel, now, session, DisconnectReason::Closed);
        }
    }

    pub(super) fn end_session(
        &mut self,
        kernel: &mut Kernel,
        now: Time,
        session: SessionId,
        reason: DisconnectReason,
    ) {
        kernel.handle_disconnect(now, session, reason.clone());
        for key in self.clients.close(session, &reason, self.poll.registry()) {
            self.forget(key);
        }
    }

    /// Drops a connection that belongs to no session, or whose session knows already.
    pub(super) fn forget(&mut self, key: usize) {
        if let Some(connection) = self.connections.try_remove(key) {
            self.census.remove(connection.peer);
            self.half_open.remove(&connection.via);
            self.knocking.remove(key);
        }
        // The next connection may get the same key.
        self.broken.retain(|&of| of != key);
        self.ready.remove(key);
        self.dirty.remove(key);
        self.paused.remove(key);
        self.inbox.remove(key);
        self.incoming.remove(key);
        self.outgoing.remove(key);
    }

    /// Ends what broke, whose time is up, and whose process has ended.
    pub(super) fn end_what_is_over(&mut self, kernel: &mut Kernel, now: Time) {
        for key in std::mem::take(&mut self.broken) {
            match self.connections.get(key).map(|connection| &connection.stage) {
                Some(&Stage::Live(session)) => self.hang_up(kernel, now, key, session),
                Some(_) => self.forget(key),
                None => {}
            }
        }
        for (session, reason) in std::mem::take(&mut self.ended) {
            // What the process sent before its end counts: its sockets are read first, and all
            // of it is carried out.
            let unread = self.clients.connections(session).any(|key| self.is_unheard(key));
            if unread || kernel.is_due(session) {
                self.ended.push((session, reason));
            } else {
                self.end_session(kernel, now, session, reason);
            }
        }
        let present = self.presence.now();
        while let Some(&(at, key, via)) = self.handshakes.front() {
            let connection = self.connections.get(key).filter(|of| of.via == via);
            let pending = connection.filter(|of| !matches!(of.stage, Stage::Live(_)));
            // What is settled is not waited for.
            if pending.is_some() && at > present {
                break;
            }
            self.handshakes.pop_front();
            let Some(connection) = pending else { continue };
            match connection.stage {
                Stage::Live(_) => {}
                Stage::Closing { deadline } if deadline > at => {}
                Stage::Closing { .. } => self.forget(key),
                Stage::Preamble { .. } | Stage::Handshake => {
                    let limit = self.limits.handshake_timeout;
                    let why = format!("the handshake took longer than {limit:?}");
                    self.refuse(now, key, Refusal::new(ErrorKind::TimedOut, why));
                }
            }
        }
    }
}
