//! What waited for a message that came late, and is carried out when the world lets it be: others'
//! messages, ends and times come in between, as in a busy event loop.

use sync_objects::{Released, Time};

use super::{Server, Stage, WireId, Wires};

impl Server {
    /// Returns whether a one-way message is due.
    pub(crate) fn has_due(&self) -> bool {
        self.clients.keys().any(|&session| self.kernel.is_due(session))
    }

    /// Carries out a one-way message that is due.
    pub(crate) fn handle_due(&mut self, now: Time, wires: &mut Wires) {
        self.now = now;
        self.kernel.handle_due(now);
        self.oracle.due();
        self.take_released();
        self.after_input(wires);
    }

    /// Has requests that waited for a message carried out next on their connections. Where a
    /// connection is gone, nobody would get the answer.
    pub(super) fn take_released(&mut self) {
        while let Some(released) = self.kernel.poll_released() {
            let (session, id) = (released.session, released.via.0);
            self.oracle.given_out(session, released.request.call);
            match self.connections.get_mut(&id) {
                Some(connection) => connection.released.push_back(released),
                None => self.oracle.dropped(session, id, released.request.call),
            }
        }
    }

    pub(super) fn hear_released(&mut self, id: WireId, released: Released) {
        let stage = self.connections.get(&id).map(|connection| &connection.stage);
        if let Some(&Stage::Live(session)) = stage {
            self.oracle.released(session, id, released.request.call);
            self.kernel.handle_released(self.now, released);
        }
    }

    /// Returns whether a request is to be heard on a connection that waited for a message, and may
    /// be lost with it: its client would say it again.
    pub(crate) fn may_lose_released(&self, id: WireId) -> bool {
        let Some(connection) = self.connections.get(&id) else { return false };
        let Stage::Live(session) = connection.stage else { return false };
        let client = self.clients.get(&session);
        !connection.released.is_empty() && client.is_some_and(|client| client.is_resumable)
    }

    /// Returns whether something was said on a connection that is not heard yet, and will be
    /// without a word from the network.
    pub(crate) fn is_unheard(&self, wires: &Wires, id: WireId) -> bool {
        let Some(connection) = self.connections.get(&id) else { return false };
        if !connection.released.is_empty() || !connection.input.is_empty() {
            return true;
        }
        // What a client wrote before it closed another connection, or died, is there to be read.
        let is_over = matches!(connection.stage, Stage::Live(of) if self.ended.contains_key(&of));
        is_over && wires.get(&id).is_some_and(|wire| wire.up.bytes_under_way() > 0)
    }
}
