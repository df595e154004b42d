//! The end: callers that wait get an error, and what can be written is written.

use std::time::Duration;

use mio::Events;
use sync_objects::Time;
use sync_proto::ErrorKind;
use sync_proto::message::ServerMessage;

use super::EventLoop;
use crate::connection::{Connection, Stage};
use crate::hub;
use crate::limits::LAST_WORDS;

impl EventLoop {
    pub(super) fn finish(mut self, events: &mut Events) {
        tracing::info!("shutting down");
        let hub = std::sync::Arc::clone(&self.hub);
        let mut replies = Vec::new();
        hub.turn(|kernel, now| kernel.handle_shutdown(now), &mut replies);
        for outgoing in replies {
            self.reply(outgoing);
        }
        let end = hub.now() + LAST_WORDS;
        self.answer_what_was_said(end);
        self.tell_tcp_clients();
        loop {
            for key in std::mem::take(&mut self.dirty).iter() {
                self.flush(key);
            }
            for key in std::mem::take(&mut self.broken) {
                self.forget(key);
            }
            let unwritten = self.connections.iter().any(|(_, of)| of.pending_output() > 0);
            let left = end.since(hub.now());
            let wait = if self.dirty.is_empty() { left } else { Duration::ZERO };
            if !unwritten
                || left.is_zero()
                || hub::wait(&mut self.poll, events, Some(wait)).is_err()
            {
                return;
            }
            self.sort(events);
        }
    }

    /// Reads what clients have said already, and tells those who ask for something that nothing is
    /// done any more: they need not guess whether it was.
    fn answer_what_was_said(&mut self, end: Time) {
        self.ready.extend(self.connections.iter().map(|(key, _)| key));
        loop {
            self.turn();
            let is_heard = self.ready.is_empty() && !self.inbox.has_others(&self.paused);
            if is_heard || self.hub.now() >= end {
                return;
            }
        }
    }

    /// Tells clients over TCP that this is no broken connection, after which they would come back.
    fn tell_tcp_clients(&mut self) {
        let live = |of: &Connection| of.is_tcp() && matches!(of.stage, Stage::Live(_));
        let connections = self.connections.iter().filter(|(_, of)| live(of));
        let keys: Vec<usize> = connections.map(|(key, _)| key).collect();
        for key in keys {
            self.send(key, &ServerMessage::Refused(ErrorKind::ShuttingDown.into()));
        }
    }
}
