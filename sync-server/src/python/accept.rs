//! New connections.

use std::io;

use sync_objects::Via;

use super::Front;
use super::auth::{Auth, Nonce};
use super::connection::{Connection, Peer, Stage};
use super::reply::Address;
use crate::door::{Knock, Round};
use crate::hub::{KEY_BITS, PYTHON, key_of};
use crate::listener::unix_peer;
use crate::sessions::Origin;
use crate::source::Source;
use crate::stream::Stream;

impl Front {
    pub(super) fn accept(&mut self) {
        let mut round = Round::Begun;
        while let Some(knock) = self.door.next(&mut round, &self.hub, self.half_open.len()) {
            match knock {
                Knock::Come(stream) => self.welcome(stream),
                Knock::MakeRoom(why) => drop(self.drop_oldest_half_open(why)),
            }
        }
    }

    /// Challenges a new connection. A peer that is not even challenged gets no reason.
    fn welcome(&mut self, stream: Stream) {
        let full = self.connections.len() >= self.limits.connections.min(1 << KEY_BITS);
        if full {
            let why = format!("there are {}, which is the limit", self.limits.connections);
            return self.strangers.log(self.hub.now(), None, why);
        }
        let ends = match ends_of(&stream, &self.strangers.uids) {
            Ok(ends) => ends,
            Err(why) => return self.strangers.log(self.hub.now(), None, why),
        };
        let (origin, limit) = (Origin::from(ends.0), self.limits.connections_per_peer);
        if self.census.count(Some(origin)) >= limit {
            let why = format!("{} has {limit} connections, which is the limit", ends.0);
            return self.strangers.log(self.hub.now(), None, why);
        }
        let mut nonce: Nonce = [0; 40];
        if let Err(error) = getrandom::fill(&mut nonce) {
            tracing::error!(%error, "no randomness: the connection is dropped");
            return;
        }
        let deadline = self.presence.now() + self.limits.handshake_timeout;
        let (auth, challenge) = Auth::new(&self.strangers.keys.current().all, &nonce);
        let entry = self.connections.vacant_entry();
        let key = entry.key();
        self.accepted += 1;
        let via = Via(PYTHON | self.accepted << KEY_BITS | key as u64);
        let stage = Stage::Auth { auth, deadline };
        let mut connection =
            Connection::new(stream, Source::Connection(key).token(), via, ends, stage);
        if let Err(error) = connection.register(self.poll.registry()) {
            tracing::error!(%error, "a Python connection cannot be watched and is dropped");
            return;
        }
        connection.push(&challenge);
        entry.insert(connection);
        self.census.add(Some(origin));
        self.dirty.insert(key);
        self.deadlines.push_back((deadline, key, via));
        self.half_open.insert(via);
        while self.half_open.len() > self.limits.half_open {
            self.drop_oldest_half_open("too many connections that have not shown the key yet");
        }
    }

    /// Drops the oldest connection that has not shown the key; returns whether there was one.
    pub(super) fn drop_oldest_half_open(&mut self, why: &'static str) -> bool {
        let Some(&oldest) = self.half_open.first() else { return false };
        self.forget(key_of(oldest));
        self.strangers.log(self.hub.now(), None, why);
        true
    }
}

/// Returns the process at the other end, and the address at which it reached the manager.
fn ends_of(stream: &Stream, uids: &[u32]) -> Result<(Peer, Address), String> {
    let unknown = |error: io::Error| format!("its address is not known: {error}");
    match stream {
        Stream::Unix(stream) => {
            let Origin::Process(pid) = unix_peer(stream, uids)? else {
                // What it holds would never pass on.
                return Err("its process cannot be watched: it is in another PID namespace; over \
                            TCP it can connect"
                    .to_owned());
            };
            let address = stream.local_addr().map_err(unknown)?;
            let path = address.as_pathname().map(|path| path.to_string_lossy().into_owned());
            Ok((Peer::Process(pid), Address::Unix(path.unwrap_or_default())))
        }
        Stream::Tcp(stream) => {
            let peer = stream.peer_addr().map_err(unknown)?;
            let own = stream.local_addr().map_err(unknown)?;
            Ok((Peer::Host(peer.ip()), Address::Tcp(own.ip().to_string(), own.port())))
        }
    }
}
