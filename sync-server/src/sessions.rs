//! Which connections belong to which client process, and the watch on that process.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, OwnedFd};

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use slab::Slab;
use sync_proto::{SessionId, SessionToken};

/// One client process, as the event loop sees it.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) session: SessionId,
    pub(crate) token: SessionToken,
    /// Keys of its connections.
    pub(crate) connections: Vec<usize>,
    /// Readable once the process has ended, also if a forked child keeps the socket open.
    pidfd: Option<OwnedFd>,
    origin: Option<Origin>,
}

/// All client processes.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    clients: Slab<Client>,
    by_session: HashMap<SessionId, usize>,
    by_token: HashMap<SessionToken, usize>,
    by_origin: HashMap<Origin, usize>,
}

/// Where a client comes from, as far as it cannot choose that itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// A process of this machine.
    Process(Pid),
    /// A machine, or several behind one address.
    Address(IpAddr),
}

impl Clients {
    /// Adds a client, and watches its process if it is known; `watch` makes the poll's token from
    /// the client's key.
    pub(crate) fn open(
        &mut self,
        session: SessionId,
        token: SessionToken,
        origin: Option<Origin>,
        registry: &Registry,
        watch: impl FnOnce(usize) -> Token,
    ) {
        let entry = self.clients.vacant_entry();
        let key = entry.key();
        let peer = match origin {
            Some(Origin::Process(pid)) => Some(pid),
            _ => None,
        };
        let pidfd = peer.and_then(|pid| match watch_process(pid, registry, watch(key)) {
            Ok(pidfd) => Some(pidfd),
            Err(error) => {
                // The end of its sockets still tells, unless a child keeps them open.
                tracing::debug!(?pid, %error, "the process cannot be watched");
                None
            }
        });
        entry.insert(Client { session, token, connections: Vec::new(), pidfd, origin });
        if let Some(origin) = origin {
            *self.by_origin.entry(origin).or_default() += 1;
        }
        self.by_session.insert(session, key);
        self.by_token.insert(token, key);
    }

    /// Returns how many sessions there are from somewhere.
    pub(crate) fn count_from(&self, origin: Origin) -> usize {
        self.by_origin.get(&origin).copied().unwrap_or_default()
    }

    /// Returns the session that a token belongs to.
    pub(crate) fn by_token(&self, token: SessionToken) -> Option<SessionId> {
        self.by_token.get(&token).map(|&key| self.clients[key].session)
    }

    pub(crate) fn get_mut(&mut self, session: SessionId) -> Option<&mut Client> {
        self.by_session.get(&session).map(|&key| &mut self.clients[key])
    }

    /// Returns the session whose process is watched under a key.
    pub(crate) fn watched(&self, key: usize) -> Option<SessionId> {
        self.clients.get(key).map(|client| client.session)
    }

    /// Returns the keys of a client's connections.
    pub(crate) fn connections(&self, session: SessionId) -> impl Iterator<Item = usize> + '_ {
        let key = self.by_session.get(&session).copied();
        key.into_iter().flat_map(|key| self.clients[key].connections.iter().copied())
    }

    /// Forgets a client; returns its connections.
    pub(crate) fn close(&mut self, session: SessionId, registry: &Registry) -> Vec<usize> {
        let Some(key) = self.by_session.remove(&session) else { return Vec::new() };
        let client = self.clients.remove(key);
        self.by_token.remove(&client.token);
        if let Some(Entry::Occupied(mut count)) =
            client.origin.map(|origin| self.by_origin.entry(origin))
        {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        if let Some(pidfd) = client.pidfd {
            let _ = registry.deregister(&mut SourceFd(&pidfd.as_raw_fd()));
        }
        client.connections
    }
}

fn watch_process(pid: Pid, registry: &Registry, token: Token) -> io::Result<OwnedFd> {
    let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
    registry.register(&mut SourceFd(&pidfd.as_raw_fd()), token, Interest::READABLE)?;
    Ok(pidfd)
}
