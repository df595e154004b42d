//! What is carried out in one turn: some of each connection, so that nobody waits long for the
//! others.
//!
//! What a connection said beyond that stays in its inbox, and the connection is not read before
//! the inbox is empty: a client that says much waits for itself.

use sync_objects::{Kernel, Time};
use sync_proto::message::{Reply, ServerMessage};
use sync_proto::{CallId, ErrorKind, Refusal, SessionId};

use super::{EventLoop, KeySet, Said};
use crate::hub::key_of;
use crate::limits::{
    CALLS_PER_TURN, OUTPUT_PER_TURN, STRANGERS_PER_TURN, TIME_PER_CONNECTION, TIME_PER_TURN,
};

impl EventLoop {
    /// Carries out what connections said, up to what one turn may take; each has its turn once.
    /// Adds them to those who asked.
    pub(super) fn work(&mut self, kernel: &mut Kernel, now: Time, asked: &mut KeySet) {
        self.inbox.forget_some(now);
        let (mut time, mut served) = (now, std::mem::take(&mut self.served));
        let mut strangers = 0..STRANGERS_PER_TURN;
        while time.since(now) < TIME_PER_TURN && kernel.unsent_bytes() < OUTPUT_PER_TURN {
            // A few strangers in each turn, first: no crowd of them keeps clients waiting for
            // long, and no crowd of clients keeps newcomers out.
            let stranger = strangers.next().and_then(|_| self.inbox.next_stranger());
            let Some(key) = stranger.or_else(|| self.inbox.next()) else { break };
            let began = time;
            time = self.work_for(kernel, now, key, began);
            served.push((key, time.since(began)));
        }
        self.work_for_due(kernel, now, time);
        for (key, worked) in served.drain(..) {
            // It may have ended, and is nobody then.
            if !self.connections.contains(key) {
                continue;
            }
            asked.insert(key);
            self.inbox.line_up(key, worked);
            if self.inbox.is_to_be_read(key) {
                self.ready.insert(key);
            }
        }
        self.served = served;
    }

    /// Carries out one-way messages that waited for others, as much as of one connection.
    fn work_for_due(&mut self, kernel: &mut Kernel, now: Time, began: Time) {
        while kernel.handle_due(now) && self.hub.now().since(began) < TIME_PER_CONNECTION {}
        self.take_released(kernel);
    }

    /// Has requests that waited for a message carried out next on their connections.
    pub(super) fn take_released(&mut self, kernel: &mut Kernel) {
        while let Some(released) = kernel.poll_released() {
            let (key, via) = (key_of(released.via), released.via);
            if self.connections.get(key).is_some_and(|connection| connection.via == via) {
                self.inbox.push_released(key, Said::Released(released));
            }
        }
    }

    /// Returns whether a connection may have so many calls as it has with this one, and refuses it
    /// otherwise. Those that wait for a one-way message are not counted: they stand in no line, and
    /// are looked at again when they would.
    pub(super) fn may_call(
        &mut self,
        kernel: &Kernel,
        key: usize,
        session: SessionId,
        call: CallId,
    ) -> bool {
        let limit = self.limits.calls_per_connection;
        let Some(connection) = self.connections.get_mut(key) else { return false };
        if connection.in_flight <= limit {
            return true;
        }
        let early = kernel.held_back(session, connection.via) + self.inbox.released(key);
        // One that was sent before, on a connection that broke, has its place or its answer.
        if connection.in_flight <= limit + early || kernel.is_known(session, call) {
            return true;
        }
        connection.in_flight -= 1;
        let why = format!("{limit} calls of this connection wait, which is the limit");
        let outcome = Err(Refusal::new(ErrorKind::LimitReached, why));
        self.send(key, &ServerMessage::Reply(Reply { call, outcome }));
        false
    }

    /// Returns whether something that a connection sent is not carried out yet, and will be: not if
    /// the client does not read its answers.
    pub(super) fn is_unheard(&self, key: usize) -> bool {
        self.ready.contains(key) || self.inbox.has(key) && !self.paused.contains(key)
    }

    /// Carries out some of what one connection said; returns when that was done.
    fn work_for(&mut self, kernel: &mut Kernel, now: Time, key: usize, began: Time) -> Time {
        let mut time = began;
        let unsent = kernel.unsent_bytes();
        let pending = self.connections.get(key).map_or(0, super::Connection::pending_output);
        if pending > self.limits.output_soft {
            self.paused.insert(key);
            return time;
        }
        let held = self.inbox.bytes(key);
        for _ in 0..CALLS_PER_TURN {
            let owed = pending + kernel.unsent_bytes().saturating_sub(unsent);
            if owed > self.limits.output_soft || time.since(began) >= TIME_PER_CONNECTION {
                break;
            }
            let Some(said) = self.inbox.pop(key) else { break };
            self.hear(kernel, now, key, said);
            time = self.hub.now();
        }
        if let Some(connection) = self.connections.get(key).filter(|_| held > 0) {
            // It goes on: what is left begins to wait anew.
            self.incoming.remove(key);
            self.incoming.set(now, key, connection.pending_input() + self.inbox.bytes(key));
        }
        time
    }

    /// Returns when there will be connections to end that make the server keep too much.
    pub(super) fn culprits_due(&self) -> [Option<Time>; 2] {
        let (input, output) = (self.input_max(), self.limits.output_total);
        [self.incoming.next_culprit(input), self.outgoing.next_culprit(output)]
    }

    fn input_max(&self) -> usize {
        self.limits.input_total.max(self.limits.message)
    }

    /// Ends the connections that make the server keep too much.
    pub(super) fn shed(&mut self) {
        let limit = self.input_max();
        if !self.incoming.is_over(limit) && !self.outgoing.is_over(self.limits.output_total) {
            return;
        }
        let now = self.hub.now();
        while let Some((key, bytes)) = self.incoming.culprit(now, limit) {
            self.incoming.remove(key);
            if self.inbox.bytes(key) > 0 {
                tracing::warn!(
                    bytes,
                    limit,
                    "waiting messages exceed the limit in total: the client that has had some for \
                     longest is dropped"
                );
                self.broken.push(key);
                continue;
            }
            let why = format!(
                "unfinished messages take more than {limit} bytes in total, and the {bytes} of \
                 this connection have been under way longest: send faster, or less"
            );
            let refusal = Refusal::new(ErrorKind::OutOfMemory, why);
            if let Some(connection) = self.connections.get_mut(key) {
                connection.discard_input();
                self.inbox.push(key, Said::Nonsense(refusal), false);
                self.ready.insert(key);
            }
        }
        let limit = self.limits.output_total;
        while let Some((key, bytes)) = self.outgoing.culprit(now, limit) {
            self.outgoing.remove(key);
            tracing::warn!(
                bytes,
                limit,
                "unread answers exceed the limit in total: the slowest client is dropped"
            );
            self.broken.push(key);
        }
    }
}
