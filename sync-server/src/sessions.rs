//! Which connections belong to which client process, and the watch on that process.

use core::fmt;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use slab::Slab;
use sync_objects::{DisconnectReason, Time};
use sync_proto::{ErrorKind, Refusal, SessionId, SessionToken};

use crate::listener::is_out_of_files;

/// One client process, as the event loop sees it.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) session: SessionId,
    pub(crate) token: SessionToken,
    /// Keys of its connections.
    pub(crate) connections: Vec<usize>,
    /// Whether it is silent, if its session is one that survives broken connections.
    pulse: Option<Pulse>,
    /// Readable once the process has ended, even if a forked child keeps the socket open.
    pidfd: Option<OwnedFd>,
    origin: Option<Origin>,
}

/// When a client over TCP last sent something.
#[derive(Clone, Copy, Debug)]
struct Pulse {
    /// When it will have been silent for too long.
    silent_at: Time,
    /// When that is looked at; a check that is due early sets the next.
    check_at: Time,
    suspected: bool,
}

/// What a look at a silent client says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is silent for the first time.
    Suspected,
    /// It is silent still.
    Silent,
}

/// All client processes.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    clients: Slab<Client>,
    by_session: HashMap<SessionId, usize>,
    by_token: HashMap<SessionToken, usize>,
    by_origin: Census,
    /// Clients over TCP that are connected, by when they are checked.
    checks: BTreeSet<(Time, SessionId)>,
    /// Why the latest sessions ended: a client that comes back too late gets the reason.
    ended: VecDeque<(SessionToken, Refusal)>,
}

/// Where a client comes from, as far as it cannot choose that itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// A process of this machine.
    Process(Pid),
    /// Some process of a user which this process cannot see: it is in another PID namespace.
    User(u32),
    /// A machine, or several behind one address.
    Address(IpAddr),
}

/// How many there are from where; those whose origin is not known are not counted.
#[derive(Debug, Default)]
pub(crate) struct Census(HashMap<Origin, usize>);

/// Ended sessions that are remembered.
const ENDED_MAX: usize = 1024;

impl Clients {
    /// Adds a client, and watches its process if there is a pidfd of it; `watch` makes the poll's
    /// token from the client's key.
    pub(crate) fn open(
        &mut self,
        session: SessionId,
        token: SessionToken,
        origin: Option<Origin>,
        pidfd: Option<OwnedFd>,
        registry: &Registry,
        watch: impl FnOnce(usize) -> Token,
    ) {
        let entry = self.clients.vacant_entry();
        let key = entry.key();
        if let Some(pidfd) = &pidfd
            && let Err(error) = watch_process(pidfd, registry, watch(key))
        {
            // The end of its sockets still tells, unless a child keeps them open.
            tracing::debug!(?origin, %error, "the process cannot be watched");
        }
        let pulse = None;
        entry.insert(Client { session, token, connections: Vec::new(), pulse, pidfd, origin });
        self.by_origin.add(origin);
        self.by_session.insert(session, key);
        self.by_token.insert(token, key);
    }

    /// Returns how many sessions there are from where.
    pub(crate) fn census(&self) -> &Census {
        &self.by_origin
    }

    /// Returns the session that a token belongs to; one that has ended says why.
    pub(crate) fn by_token(&self, token: SessionToken) -> Result<SessionId, Refusal> {
        if let Some(&key) = self.by_token.get(&token) {
            return Ok(self.clients[key].session);
        }
        let ended = self.ended.iter().find(|(of, _)| *of == token);
        Err(ended.map_or_else(
            || Refusal::new(ErrorKind::NotFound, "the manager knows no such session: it ended"),
            |(_, why)| why.clone(),
        ))
    }

    /// Notes that a client over TCP sent something; after `silence` it is checked.
    pub(crate) fn heard(&mut self, session: SessionId, now: Time, silence: Duration) {
        let Some(&key) = self.by_session.get(&session) else { return };
        let silent_at = now + silence;
        let pulse = &mut self.clients[key].pulse;
        let check_at = pulse.map_or(silent_at, |pulse| pulse.check_at);
        *pulse = Some(Pulse { silent_at, check_at, suspected: false });
        self.checks.insert((check_at, session));
    }

    /// Returns when the next client over TCP is to be looked at.
    pub(crate) fn next_check(&self) -> Option<Time> {
        self.checks.first().map(|&(at, _)| at)
    }

    /// Returns the next client that has been silent for too long. It is not checked again, unless
    /// it sends something or is only suspected.
    pub(crate) fn next_silent(&mut self, now: Time) -> Option<(SessionId, Verdict)> {
        while let Some(&(at, session)) = self.checks.first().filter(|&&(at, _)| at <= now) {
            self.checks.remove(&(at, session));
            let Some(&key) = self.by_session.get(&session) else { continue };
            let client = &mut self.clients[key];
            let Some(pulse) = &mut client.pulse else { continue };
            pulse.check_at = pulse.silent_at;
            if client.connections.is_empty() {
                // Its loss is known already.
            } else if pulse.silent_at > now {
                self.checks.insert((pulse.silent_at, session));
            } else if pulse.suspected {
                return Some((session, Verdict::Silent));
            } else {
                return Some((session, Verdict::Suspected));
            }
        }
        None
    }

    /// Has a silent client looked at once more.
    pub(crate) fn suspect(&mut self, session: SessionId, check_at: Time) {
        let Some(&key) = self.by_session.get(&session) else { return };
        if let Some(pulse) = &mut self.clients[key].pulse {
            (pulse.check_at, pulse.suspected) = (check_at, true);
            self.checks.insert((check_at, session));
        }
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
    pub(crate) fn close(
        &mut self,
        session: SessionId,
        why: &DisconnectReason,
        registry: &Registry,
    ) -> Vec<usize> {
        let Some(key) = self.by_session.remove(&session) else { return Vec::new() };
        let client = self.clients.remove(key);
        self.by_token.remove(&client.token);
        self.by_origin.remove(client.origin);
        if let Some(pulse) = client.pulse {
            self.checks.remove(&(pulse.check_at, session));
            self.ended.truncate(ENDED_MAX - 1);
            self.ended.push_front((client.token, ended(why)));
        }
        if let Some(pidfd) = client.pidfd {
            let _ = registry.deregister(&mut SourceFd(&pidfd.as_raw_fd()));
        }
        client.connections
    }
}

impl Census {
    pub(crate) fn add(&mut self, origin: Option<Origin>) {
        if let Some(origin) = origin {
            *self.0.entry(origin).or_default() += 1;
        }
    }

    pub(crate) fn remove(&mut self, origin: Option<Origin>) {
        let Some(Entry::Occupied(mut count)) = origin.map(|origin| self.0.entry(origin)) else {
            return;
        };
        *count.get_mut() -= 1;
        if *count.get() == 0 {
            count.remove();
        }
    }

    /// Returns how many there are from somewhere.
    pub(crate) fn count(&self, origin: Option<Origin>) -> usize {
        origin.and_then(|origin| self.0.get(&origin)).copied().unwrap_or_default()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Process(_) => "process",
            Self::User(_) => "user, whose processes are in another PID namespace,",
            Self::Address(_) => "address",
        })
    }
}

impl Client {
    /// Returns whether its session survives broken connections.
    pub(crate) const fn is_resumable(&self) -> bool {
        self.pulse.is_some()
    }
}

/// The error for a client whose session has ended.
pub(crate) fn ended(reason: &DisconnectReason) -> Refusal {
    // Not `Disconnected`, after which a client may try again.
    Refusal::new(ErrorKind::NotFound, format!("the session has ended: {reason}"))
}

/// Opens what tells that a process has ended. If no file descriptor is left, strangers make room
/// one by one: `make_room` drops one and returns whether there was one.
pub(crate) fn open_pidfd(pid: Pid, mut make_room: impl FnMut() -> bool) -> io::Result<OwnedFd> {
    loop {
        match pidfd_open(pid, PidfdFlags::empty()).map_err(io::Error::from) {
            Err(error) if is_out_of_files(&error) && make_room() => {}
            opened => return opened,
        }
    }
}

/// Has the poll say when a process has ended.
pub(crate) fn watch_process(pidfd: &OwnedFd, registry: &Registry, token: Token) -> io::Result<()> {
    registry.register(&mut SourceFd(&pidfd.as_raw_fd()), token, Interest::READABLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENCE: Duration = Duration::from_secs(6);

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    /// A client that sent something at the beginning, and is connected.
    fn client() -> Clients {
        let poll = mio::Poll::new().unwrap();
        let mut clients = Clients::default();
        let watch = |_| unreachable!("its process is not known");
        clients.open(SessionId(1), SessionToken(9), None, None, poll.registry(), watch);
        clients.get_mut(SessionId(1)).unwrap().connections.push(4);
        clients.heard(SessionId(1), at(0), SILENCE);
        clients
    }

    #[test]
    fn a_client_is_silent_only_in_the_second_look() {
        let mut clients = client();
        assert_eq!(clients.next_silent(at(5)), None);
        assert_eq!(clients.next_silent(at(6)), Some((SessionId(1), Verdict::Suspected)));
        clients.suspect(SessionId(1), at(8));
        assert_eq!(clients.next_silent(at(7)), None);
        assert_eq!(clients.next_silent(at(8)), Some((SessionId(1), Verdict::Silent)));
        assert_eq!(clients.next_check(), None, "it is looked at no more");
    }

    #[test]
    fn a_suspect_that_is_heard_of_is_none() {
        let mut clients = client();
        assert_eq!(clients.next_silent(at(6)), Some((SessionId(1), Verdict::Suspected)));
        clients.suspect(SessionId(1), at(8));
        clients.heard(SessionId(1), at(7), SILENCE);
        assert_eq!(clients.next_silent(at(12)), None);
        assert_eq!(clients.next_silent(at(13)), Some((SessionId(1), Verdict::Suspected)));
    }

    #[test]
    fn a_session_that_ended_says_why_and_only_the_latest_are_remembered() {
        let (poll, mut clients) = (mio::Poll::new().unwrap(), Clients::default());
        let reason = DisconnectReason::NotResumed(SILENCE);
        for session in 0..2_000 {
            let (id, token) = (SessionId(session), SessionToken(session.into()));
            clients.open(id, token, None, None, poll.registry(), |_| unreachable!("not known"));
            clients.heard(id, at(0), SILENCE);
            assert_eq!(clients.by_token(token).unwrap(), id);
            clients.close(id, &reason, poll.registry());
        }
        assert_eq!(clients.next_check(), None);
        let why = |token| clients.by_token(SessionToken(token)).unwrap_err().to_string();
        assert!(why(1_999).contains("did not come back within 6s"), "{}", why(1_999));
        assert!(why(0).contains("knows no such session"), "{}", why(0));
    }
}
