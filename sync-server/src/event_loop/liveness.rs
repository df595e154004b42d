//! Which clients are still there: sessions over TCP that survive a broken connection, and end when
//! their client does not come back.

use std::time::Duration;

use sync_objects::{DisconnectReason, Kernel, Time, Via};
use sync_proto::handshake::SILENCE;
use sync_proto::{Epoch, Refusal, SessionId};

use super::EventLoop;
use crate::hub::key_of;
use crate::sessions::{Verdict, ended};

/// The shortest pause between two looks at a client, whatever the heartbeat.
const SHORTEST: Duration = Duration::from_millis(1);

impl EventLoop {
    /// Makes a connection one more of a session. The client has given up those of earlier epochs,
    /// if it says so: they are closed.
    pub(super) fn join(
        &mut self,
        kernel: &mut Kernel,
        now: Time,
        session: SessionId,
        via: Via,
        epoch: Epoch,
    ) -> Result<(), Refusal> {
        for given_up in kernel.handle_join(now, session, via, epoch)? {
            self.drop_connection(session, key_of(given_up));
        }
        if self.clients.get_mut(session).is_some_and(|client| client.is_resumable()) {
            self.expect_heartbeats(session, now);
        }
        Ok(())
    }

    /// Begins to listen for a client's heartbeats.
    pub(super) fn expect_heartbeats(&mut self, session: SessionId, now: Time) {
        let silence = self.limits.heartbeat.saturating_mul(SILENCE);
        self.clients.heard(session, now, silence);
    }

    /// Notes that bytes have come from a client over TCP.
    pub(super) fn note_heard(&mut self, now: Time) {
        let silence = self.limits.heartbeat.saturating_mul(SILENCE);
        for session in std::mem::take(&mut self.heard) {
            self.clients.heard(session, now, silence);
        }
    }

    /// Takes the connections of clients that are silent for lost. The server may have been stopped
    /// itself, or busy: a client is silent when it was so in two looks, between which all that
    /// had come was read.
    pub(super) fn judge_silence(&mut self, kernel: &mut Kernel, now: Time) {
        while let Some((session, verdict)) = self.clients.next_silent(now) {
            let unread = self.clients.connections(session).any(|key| self.is_unheard(key));
            if verdict == Verdict::Suspected || unread {
                self.clients.suspect(session, now + self.limits.heartbeat.max(SHORTEST));
                continue;
            }
            tracing::info!(%session, "a client is silent: its connections count as lost");
            let keys: Vec<usize> = self.clients.connections(session).collect();
            for key in keys {
                if let Some(connection) = self.connections.get(key) {
                    kernel.handle_connection_lost(now, session, connection.via);
                }
                self.drop_connection(session, key);
            }
        }
    }

    /// Forgets the clients whose sessions the kernel has ended. Those that are still connected get
    /// the reason.
    pub(super) fn part(&mut self) {
        let now = self.hub.now();
        for (session, reason) in self.hub.take_ended() {
            let is_left = matches!(reason, DisconnectReason::Closed);
            for key in self.clients.close(session, &reason, self.poll.registry()) {
                if is_left {
                    self.forget(key);
                } else {
                    self.refuse(now, key, ended(&reason));
                }
            }
        }
    }

    fn drop_connection(&mut self, session: SessionId, key: usize) {
        self.forget(key);
        if let Some(client) = self.clients.get_mut(session) {
            client.connections.retain(|&of| of != key);
        }
    }
}
