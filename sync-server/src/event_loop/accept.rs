//! New connections.

use sync_objects::Via;
use sync_proto::secure::{Random, Responder};
use sync_proto::{ErrorKind, Refusal};

use super::{EventLoop, KeySet};
use crate::connection::{Connection, Guard};
use crate::door::{Knock, Round};
use crate::hub::{KEY_BITS, key_of};
use crate::limits::{READS_PER_TURN, STRANGERS_PER_TURN};
use crate::listener::unix_peer;
use crate::sessions::Origin;
use crate::source::Source;
use crate::stream::Stream;

impl EventLoop {
    pub(super) fn accept(&mut self) {
        let mut round = Round::Begun;
        while let Some(knock) = self.door.next(&mut round, &self.hub, self.half_open.len()) {
            match knock {
                Knock::Come(stream) => self.welcome(stream),
                Knock::MakeRoom(why) => drop(self.drop_oldest_half_open_but(None, why)),
            }
        }
    }

    fn welcome(&mut self, stream: Stream) {
        let now = self.hub.now();
        let peer = match &stream {
            // A peer over a unix socket is known by its credentials.
            Stream::Unix(stream) => unix_peer(stream, &self.strangers.uids).map(Some),
            Stream::Tcp(stream) => {
                Ok(stream.peer_addr().ok().map(|address| Origin::Address(address.ip())))
            }
        };
        let guard = match &stream {
            Stream::Tcp(_) if !self.strangers.insecure_tcp => {
                let mut random: Random = [0; 32];
                if let Err(error) = getrandom::fill(&mut random) {
                    tracing::error!(%error, "no randomness: the connection is dropped");
                    return;
                }
                Guard::Knocking(Box::new(Responder::new(random)))
            }
            Stream::Unix(_) | Stream::Tcp(_) => Guard::Open,
        };
        let sealed = !matches!(guard, Guard::Open);
        let entry = self.connections.vacant_entry();
        let key = entry.key();
        if key >= 1 << KEY_BITS {
            return;
        }
        self.accepted += 1;
        let via = Via(self.accepted << KEY_BITS | key as u64);
        let mut connection = Connection::new(stream, guard, Source::Connection(key).token(), via);
        if let Err(error) = connection.register(self.poll.registry()) {
            tracing::error!(%error, "a connection cannot be watched and is dropped");
            return;
        }
        connection.set_limit(self.limits.first_frame());
        connection.peer = peer.as_ref().ok().copied().flatten();
        self.census.add(connection.peer);
        entry.insert(connection);
        self.handshakes.push_back((self.presence.now() + self.limits.handshake_timeout, key, via));
        self.half_open.insert(via);
        if let Err(why) = peer {
            self.refuse(now, key, Refusal::new(ErrorKind::Unauthorized, why));
        } else if !sealed && let Err(refusal) = self.has_room() {
            // A peer on an encrypted connection gets the reason as soon as it can be sent.
            self.refuse(now, key, refusal);
        }
        self.drop_half_open();
    }

    /// Of connections that have something to read, leaves some for this turn: the first, and of
    /// strangers those who have waited longest. The others come first in the next.
    pub(super) fn put_off(&mut self, asked: &mut KeySet) {
        if !self.half_open.is_empty() {
            asked.retain(|key| {
                let connection = self.connections.get(key);
                let is_stranger = connection.is_some_and(|connection| !connection.is_trusted());
                if is_stranger {
                    self.knocking.push(key);
                }
                !is_stranger
            });
        }
        asked.move_rest(READS_PER_TURN, &mut self.ready);
        // Beside the others: no crowd of clients keeps newcomers out.
        for _ in 0..STRANGERS_PER_TURN {
            let Some(key) = self.knocking.pop() else { break };
            asked.insert(key);
        }
    }

    /// Returns whether one more connection may be let in.
    pub(super) fn has_room(&self) -> Result<(), Refusal> {
        let limit = self.limits.connections;
        if self.connections.len() - self.half_open.len() < limit {
            return Ok(());
        }
        let why = format!("the manager has {limit} connections, which is the limit");
        Err(Refusal::new(ErrorKind::LimitReached, why))
    }

    /// Drops the oldest of too many connections with unfinished handshakes: an honest client is
    /// among the newest.
    fn drop_half_open(&mut self) {
        while self.half_open.len() > self.limits.half_open {
            self.drop_oldest_half_open_but(None, "too many connections with unfinished handshakes");
        }
    }

    /// Drops the oldest connection that is not let in yet, except for one that is about to be;
    /// returns whether there was one.
    pub(super) fn drop_oldest_half_open_but(&mut self, but: Option<usize>, why: &str) -> bool {
        let mut keys = self.half_open.iter().map(|&via| key_of(via));
        let Some(oldest) = keys.find(|&key| Some(key) != but) else { return false };
        self.turn_away(self.hub.now(), oldest, why);
        true
    }
}
