//! Which Python process holds what: a session of the kernel for each.
//!
//! Over a unix socket the peer's pid tells which process a connection belongs to, and a pidfd when
//! that process has ended. Over TCP nothing on the wire tells two processes of a host apart, and a
//! process may call what only its parent counts a reference on (a spawned child does). There each
//! thread's connection is a session of its own, with what it acquired, and the references of all
//! processes of a host are counted together, in a session of the host. It lives as long as a
//! thread of that host is connected, and for a while after that: a process that has not called
//! anything yet has no such connection.

use std::collections::HashMap;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Registry, Token};
use rustix::process::Pid;
use slab::Slab;
use sync_objects::{DisconnectReason, Kernel, Time};
use sync_proto::handshake::ClientInfo;
use sync_proto::{Refusal, SessionId};

use super::connection::Peer;
use crate::sessions::watch_process;

/// All clients.
#[derive(Debug, Default)]
pub(crate) struct Processes {
    processes: Slab<Process>,
    by_pid: HashMap<Pid, usize>,
    hosts: HashMap<IpAddr, Host>,
}

#[derive(Debug)]
struct Process {
    pid: Pid,
    session: SessionId,
    pidfd: OwnedFd,
}

/// The processes of a host, as far as they can be told apart: not at all.
#[derive(Debug)]
struct Host {
    session: SessionId,
    /// Connections of its threads.
    threads: usize,
    /// Since when it has none.
    idle_since: Time,
}

impl Processes {
    /// Returns the session that a peer's references are counted in, if it has one.
    pub(crate) fn session(&mut self, now: Time, peer: Peer) -> Option<SessionId> {
        match peer {
            Peer::Process(pid) => self.by_pid.get(&pid).map(|&key| self.processes[key].session),
            Peer::Host(address) => self.hosts.get_mut(&address).map(|host| {
                host.idle_since = now;
                host.session
            }),
        }
    }

    /// Begins the session of a process, and watches it by its pidfd.
    pub(crate) fn begin(
        &mut self,
        kernel: &mut Kernel,
        now: Time,
        pid: Pid,
        pidfd: OwnedFd,
        registry: &Registry,
        watch: impl FnOnce(usize) -> Token,
    ) -> Result<SessionId, Refusal> {
        let entry = self.processes.vacant_entry();
        watch_process(&pidfd, registry, watch(entry.key())).map_err(|error| {
            let why = format!("the process {pid} cannot be watched: {error}");
            Refusal::new(sync_proto::ErrorKind::Disconnected, why)
        })?;
        let session = kernel.handle_connect(now, info(pid))?;
        self.by_pid.insert(pid, entry.key());
        entry.insert(Process { pid, session, pidfd });
        Ok(session)
    }

    /// Begins the session of a host.
    pub(crate) fn begin_host(
        &mut self,
        kernel: &mut Kernel,
        now: Time,
        address: IpAddr,
    ) -> Result<SessionId, Refusal> {
        let session = kernel.handle_connect(now, of_host(address))?;
        self.hosts.insert(address, Host { session, threads: 0, idle_since: now });
        Ok(session)
    }

    /// Returns the process whose end the poll reported.
    pub(crate) fn watched(&self, key: usize) -> Option<Pid> {
        self.processes.get(key).map(|process| process.pid)
    }

    /// Forgets a process that has ended; ends its session.
    pub(crate) fn end(&mut self, kernel: &mut Kernel, now: Time, pid: Pid, registry: &Registry) {
        let Some(key) = self.by_pid.remove(&pid) else { return };
        let process = self.processes.remove(key);
        let _ = registry.deregister(&mut SourceFd(&process.pidfd.as_raw_fd()));
        kernel.handle_disconnect(now, process.session, DisconnectReason::ProcessEnded);
    }

    /// Returns how many threads of a host are connected: each has a session.
    pub(crate) fn threads(&self, address: IpAddr) -> usize {
        self.hosts.get(&address).map_or(0, |host| host.threads)
    }

    /// Notes that a thread of a host is connected.
    pub(crate) fn thread_came(&mut self, peer: Peer) {
        if let Some(host) = self.host(peer) {
            host.threads += 1;
        }
    }

    /// Notes that a thread of a host is not connected any more.
    pub(crate) fn thread_went(&mut self, now: Time, peer: Peer) {
        if let Some(host) = self.host(peer) {
            (host.threads, host.idle_since) = (host.threads.saturating_sub(1), now);
        }
    }

    /// Ends the sessions of hosts of which nobody was connected for `grace`.
    pub(crate) fn end_idle(&mut self, kernel: &mut Kernel, now: Time, grace: Duration) {
        self.hosts.retain(|address, host| {
            let is_over = host.threads == 0 && now.since(host.idle_since) >= grace;
            if is_over {
                tracing::debug!("nobody at {address} uses the manager any more");
                kernel.handle_disconnect(now, host.session, DisconnectReason::Closed);
            }
            !is_over
        });
    }

    /// Returns when a host's session may end next.
    pub(crate) fn next_idle(&self, grace: Duration) -> Option<Time> {
        let idle = self.hosts.values().filter(|host| host.threads == 0);
        idle.map(|host| host.idle_since + grace).min()
    }

    fn host(&mut self, peer: Peer) -> Option<&mut Host> {
        match peer {
            Peer::Process(_) => None,
            Peer::Host(address) => self.hosts.get_mut(&address),
        }
    }
}

/// Returns what the logs and `debug_info` say of a process.
fn info(pid: Pid) -> ClientInfo {
    let number = pid.as_raw_nonzero().get().unsigned_abs();
    let program = std::fs::read_link(format!("/proc/{number}/exe")).ok();
    ClientInfo::new(number, program)
}

/// Returns what they say of some process of a host.
pub(crate) fn of_host(address: IpAddr) -> ClientInfo {
    ClientInfo { program: format!("python at {address}"), ..ClientInfo::default() }
}
