//! What goes out: answers into their connections' buffers, and the buffers onto the wire.

use sync_objects::Outgoing;
use sync_proto::message::{Reply, ServerMessage};
use sync_proto::{ErrorKind, Refusal};

use super::{EventLoop, KeySet};
use crate::connection::Stage;
use crate::hub::key_of;
use crate::limits::{TIME_PER_TURN, WRITE_PER_TURN};

impl EventLoop {
    /// Writes once to each connection that is owed something, for as long as a turn may take.
    pub(super) fn flush_some(&mut self, asked: &KeySet) {
        let mut dirty = std::mem::take(&mut self.dirty);
        let mut order = std::mem::take(&mut self.order);
        // Callers that were woken sleep, and are written to first: the answer to one that has just
        // asked may hand the core to that client, which would ask for more while the other still
        // waits.
        for has_asked in [false, true] {
            order.extend(dirty.iter().filter(|&key| asked.contains(key) == has_asked));
        }
        dirty.clear();
        let (mut unwritten, mut written, mut began) = (&order[..], 0, None);
        while let Some((&key, others)) = unwritten.split_first() {
            unwritten = others;
            written += self.flush(key);
            // Few bytes take no time that would be worth a look at the clock.
            if written > WRITE_PER_TURN {
                let now = self.hub.now();
                if now.since(*began.get_or_insert(now)) >= TIME_PER_TURN {
                    break;
                }
            }
        }
        // These are first in the next turn, those of which something is left come after them.
        dirty.extend(unwritten.iter().copied());
        dirty.extend(self.dirty.iter());
        order.clear();
        (self.dirty, self.order) = (dirty, order);
    }

    pub(super) fn reply(&mut self, outgoing: Outgoing) {
        let key = key_of(outgoing.via);
        let via = outgoing.via;
        let Some(connection) = self.connections.get_mut(key).filter(|of| of.via == via) else {
            return;
        };
        connection.in_flight -= 1;
        connection.owes_answer = true;
        let (pending, limit) = (connection.pending_output(), self.limits.output_hard);
        if pending > limit {
            // It is not read from for long already; what it had asked before that goes on.
            tracing::warn!(pending, limit, "a client that does not read its answers is dropped");
            self.broken.push(key);
            return;
        }
        let (witness, commit) = (self.witness, outgoing.commit);
        let message = answer(witness, commit, outgoing.reply);
        let Err(refusal) = connection.push(&message, self.limits.frame().of_answers()) else {
            self.dirty.insert(key);
            return;
        };
        // Only what reads much at once is so long: nothing was taken out to make it.
        let (ServerMessage::Reply(reply) | ServerMessage::Witnessed(_, reply)) = message else {
            return;
        };
        let Reply { call, outcome } = reply;
        let why = format!("the answer is too large to be sent in one piece: {refusal}");
        let instead = Refusal::new(ErrorKind::TooLarge, why);
        if let Ok(data) = outcome {
            self.hub.visit(|kernel, now| {
                kernel.handle_undelivered(now, outgoing.session, call, &data, &instead);
            });
        }
        self.send(key, &answer(witness, commit, Reply { call, outcome: Err(instead) }));
    }

    pub(super) fn send(&mut self, key: usize, message: &ServerMessage) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if let Err(refusal) = connection.push(message, self.limits.frame()) {
            tracing::error!(%refusal, "an answer cannot be sent");
            self.broken.push(key);
        }
        self.dirty.insert(key);
    }

    /// Writes to a connection; returns how many bytes.
    pub(super) fn flush(&mut self, key: usize) -> usize {
        let Some(connection) = self.connections.get_mut(key) else { return 0 };
        let flushed = match connection.flush(self.poll.registry()) {
            Ok(flushed) => flushed,
            Err(error) => {
                tracing::debug!(%error, "a connection broke");
                self.broken.push(key);
                return 0;
            }
        };
        if flushed.has_room {
            self.dirty.insert(key);
        }
        let pending = connection.pending_output();
        if pending == 0 {
            connection.owes_answer = false;
            self.outgoing.remove(key);
        } else {
            self.outgoing.set(self.hub.now(), key, pending);
        }
        if pending == 0 && matches!(connection.stage, Stage::Closing { .. }) {
            self.forget(key);
        } else if pending <= self.limits.output_soft / 2 && self.paused.remove(key) {
            self.ready.insert(key);
        }
        flushed.written
    }
}

/// Makes the message of a reply; where a witness is kept, with the number of its commit.
fn answer(witness: bool, commit: sync_proto::Token, reply: Reply) -> ServerMessage {
    if witness { ServerMessage::Witnessed(commit, reply) } else { ServerMessage::Reply(reply) }
}
