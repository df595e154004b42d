//! How connections and sessions end. A session whose client is gone ends when everything that it
//! sent is carried out.

use sync_objects::{DisconnectReason, Time, Via};
use sync_proto::SessionId;

use super::{Fault, Server, Stage, WireId, Wires};

impl Server {
    /// The pidfd says that a process has ended; its sockets may be kept open by a child of it.
    /// Returns whether its session was not over before.
    pub(crate) fn process_ended(
        &mut self,
        now: Time,
        wires: &mut Wires,
        session: SessionId,
    ) -> bool {
        self.now = now;
        if !self.clients.contains_key(&session) {
            return false;
        }
        self.end_later(session, DisconnectReason::ProcessEnded);
        self.after_input(wires);
        true
    }

    /// A client was silent for too long: its connections count as lost.
    pub(crate) fn miss_heartbeats(&mut self, now: Time, wires: &mut Wires, session: SessionId) {
        self.now = now;
        let ids = self.clients.get(&session).map(|client| client.wires.clone());
        for id in ids.into_iter().flatten() {
            self.lose_wire(wires, session, id);
        }
        self.after_input(wires);
    }

    /// A connection over TCP broke, as the manager notices when it writes: what was sent on it and
    /// is not carried out yet is lost.
    pub(crate) fn break_off(&mut self, now: Time, wires: &mut Wires, id: WireId) {
        self.now = now;
        if let Some(&Stage::Live(session)) = self.connections.get(&id).map(|of| &of.stage) {
            self.lose_wire(wires, session, id);
        }
        self.after_input(wires);
    }

    pub(super) fn drop_wire(&mut self, wires: &mut Wires, session: SessionId, id: WireId) {
        self.forget(wires, id);
        if let Some(client) = self.clients.get_mut(&session) {
            client.wires.remove(&id);
        }
    }

    /// A connection is lost of a session that can be resumed.
    fn lose_wire(&mut self, wires: &mut Wires, session: SessionId, id: WireId) {
        self.drop_wire(wires, session, id);
        self.oracle.connection_lost(session, id);
        self.kernel.handle_connection_lost(self.now, session, Via(id));
    }

    pub(super) fn take_end(&mut self, wires: &mut Wires, id: WireId) {
        let Some(connection) = self.connections.get(&id) else { return };
        let (stage, waiting) = (&connection.stage, connection.in_flight > 0);
        let &Stage::Live(session) = stage else { return self.forget(wires, id) };
        let client = self.clients.get(&session);
        if client.is_some_and(|client| client.is_resumable) {
            return self.lose_wire(wires, session, id);
        }
        self.drop_wire(wires, session, id);
        if waiting {
            // What its other threads said before counts: their sockets are read first.
            self.end_later(session, DisconnectReason::ClosedWhileWaiting);
        } else if self.clients.get(&session).is_some_and(|client| client.wires.is_empty()) {
            self.end_later(session, DisconnectReason::Closed);
        }
    }

    /// A session ends as soon as everything that its client sent is done.
    fn end_later(&mut self, session: SessionId, reason: DisconnectReason) {
        if self.kernel.is_due(session) {
            self.counts.fired(Fault::EndPutOff);
        }
        self.ended.entry(session).or_insert(reason);
    }

    /// Ends the sessions that are over and of which nothing is unheard or due; returns whether
    /// there were any.
    pub(super) fn end_what_is_over(&mut self, wires: &mut Wires) -> bool {
        let mut over = self.ended.clone();
        over.retain(|&session, _| {
            let client = self.clients.get(&session);
            let mut ids = client.into_iter().flat_map(|client| &client.wires);
            !self.kernel.is_due(session) && !ids.any(|&id| self.is_unheard(wires, id))
        });
        let any = !over.is_empty();
        for (session, reason) in over {
            self.end_session(wires, session, reason);
        }
        any
    }

    pub(super) fn end_session(
        &mut self,
        wires: &mut Wires,
        session: SessionId,
        reason: DisconnectReason,
    ) {
        self.ended.remove(&session);
        let Some(client) = self.clients.remove(&session) else { return };
        self.oracle.session_ended(session);
        self.kernel.handle_disconnect(self.now, session, reason);
        for id in client.wires {
            self.forget(wires, id);
        }
    }

    pub(super) fn forget(&mut self, wires: &mut Wires, id: WireId) {
        let gone = self.connections.remove(&id);
        if gone.is_some_and(|connection| !connection.released.is_empty()) {
            self.counts.fired(Fault::ReleasedLost);
        }
        if let Some(wire) = wires.get_mut(&id) {
            (wire.up.is_over, wire.down.is_closed) = (true, true);
        }
    }
}
