//! Messages that come late, and what waits for them: the input says when the driver goes on with
//! that, as an event loop does that has others to serve.

use sync_objects::Via;
use sync_proto::message::OneWay;
use sync_proto::{OneWayId, SessionId};

use super::World;

impl World {
    /// The next one-way message of a client is under way for long: others come before it.
    pub(super) fn delay(&mut self, client: usize) {
        if let Some(client) = &mut self.clients[client] {
            client.is_delayed = client.late.is_none();
        }
    }

    /// What was under way for long arrives.
    pub(super) fn arrive(&mut self, client: usize) {
        let late = self.clients[client].as_mut().and_then(|client| client.late.take());
        if let Some(message) = late {
            self.say(client, message);
        }
    }

    /// Hands a one-way message in. Where there is no room for it until its turn, its client goes.
    pub(super) fn say(&mut self, client: usize, message: OneWay) {
        let Some(of) = &self.clients[client] else { return };
        let (session, is_late) = (of.session, of.late.is_some());
        let may_be_early = is_late || self.kernel.is_due(session);
        if let Err(refusal) = self.kernel.handle_one_way(self.now, session, message) {
            assert!(may_be_early, "no message is missing before it: {refusal}");
            self.disconnect(client);
        }
    }

    /// Goes on with one thing that waited for a message: a message, or one of the requests.
    pub(super) fn go_on(&mut self, which: u8) {
        if which.is_multiple_of(2) {
            self.kernel.handle_due(self.now);
        } else if !self.released.is_empty() {
            let at = usize::from(which / 2) % self.released.len();
            self.hear_released(self.released[at].via);
        }
    }

    /// Hands in what was released on a client's connection, before anything else is said there.
    pub(super) fn catch_up(&mut self, client: usize) {
        let line = self.clients[client].as_ref().and_then(|client| client.line.as_ref());
        if let Some(via) = line.and_then(|line| line.via) {
            while self.hear_released(via) {}
        }
    }

    /// Hands in the first request that was released on a connection, if there is one. Those of a
    /// connection that is lost are handed in, too, some time: they do nothing.
    fn hear_released(&mut self, via: Via) -> bool {
        let first = self.released.iter().position(|released| released.via == via);
        let Some(released) = first.and_then(|at| self.released.remove(at)) else { return false };
        self.kernel.handle_released(self.now, released);
        true
    }

    /// Goes on with all that waited for a message.
    pub(super) fn finish_due(&mut self) {
        loop {
            self.drain();
            if let Some(released) = self.released.pop_front() {
                self.kernel.handle_released(self.now, released);
            } else if !self.kernel.handle_due(self.now) {
                return;
            }
        }
    }

    /// Returns whether a one-way message is due.
    pub(super) fn is_due(&self) -> bool {
        let sessions = self.clients.iter().flatten().map(|client| client.session);
        sessions.chain(self.left.iter().copied()).any(|session| self.kernel.is_due(session))
    }

    /// Checks that the messages that have come are carried out, or due.
    pub(super) fn check_one_ways(&self) {
        for client in self.clients.iter().flatten() {
            let before = |late: &OneWay| late.number.0 - 1;
            let come = OneWayId(client.late.as_ref().map_or(client.one_ways, before));
            let done = self.kernel.one_ways_done(client.session);
            let is_due = self.kernel.is_due(client.session);
            assert!(done == come || done < come && is_due, "messages go on in turn");
        }
    }

    /// A client has left: what it said is carried out, and an answer may come that it awaits no
    /// more.
    pub(super) fn leave(&mut self, session: SessionId, via: Option<Via>) {
        self.kernel.handle_connection_lost(self.now, session, via.unwrap_or_default());
        self.asked.retain(|(of, _), _| *of != session);
        self.left.insert(session);
    }
}
