//! How connections and processes end.

use std::time::Duration;

use mio::Events;
use rustix::process::Pid;
use slab::Slab;
use sync_objects::{DisconnectReason, Kernel, Time};

use super::Front;
use super::connection::{Caller, Connection, Peer, Stage};
use super::desk::Desk;
use super::turn::Said;
use crate::hub;
use crate::limits::LAST_WORDS;

/// Returns the keys of a process's connections.
pub(super) fn connections_of(
    connections: &Slab<Connection>,
    pid: Pid,
) -> impl Iterator<Item = usize> + '_ {
    let of_it = move |of: &Connection| of.peer == Peer::Process(pid);
    connections.iter().filter(move |(_, of)| of_it(of)).map(|(key, _)| key)
}

impl Front {
    /// Forgets a connection.
    pub(super) fn forget(&mut self, key: usize) -> Option<Connection> {
        let connection = self.connections.try_remove(key)?;
        self.half_open.remove(&connection.via);
        self.knocking.remove(key);
        self.census.remove(Some(connection.peer.into()));
        self.incoming.remove(key);
        self.outgoing.remove(key);
        self.rounds.last.remove(&key);
        Some(connection)
    }

    /// A connection was closed by its peer, or broke.
    pub(super) fn hang_up(&mut self, kernel: &mut Kernel, now: Time, key: usize) {
        let is_gone = self.connections.get(key).is_some_and(|of| matches!(of.peer, Peer::Host(_)));
        self.end(kernel, now, key, is_gone);
    }

    /// Ends a connection of a process that is gone, or of one that may live all the same: a signal
    /// got its thread out of the call. A process that is killed closes its sockets a moment before
    /// its pidfd tells of it, and is taken for alive until then.
    fn end(&mut self, kernel: &mut Kernel, now: Time, key: usize, is_gone: bool) {
        self.withdraw(kernel, now, key);
        let Some(mut connection) = self.forget(key) else { return };
        let Stage::Object(Caller { session, .. }) = connection.stage else { return };
        // Nobody waits for the answer any more, and what is taken back is not for who has gone.
        match connection.waiting.take() {
            // It takes nothing with it: no lock that it would have retaken.
            Some(waiting) if is_gone => kernel.handle_abandoned(now, session, waiting.call),
            Some(waiting) => kernel.handle_cancel(now, session, waiting.call),
            None => {}
        }
        self.take_back(kernel, now, &mut connection);
        // What a process has is its own until its pidfd tells otherwise.
        if let Peer::Host(_) = connection.peer {
            self.processes.thread_went(now, connection.peer);
            kernel.handle_disconnect(now, session, DisconnectReason::Closed);
        }
    }

    /// Ends the sessions of processes that have ended, and forgets their connections.
    pub(super) fn bury(&mut self, kernel: &mut Kernel, now: Time) {
        for pid in std::mem::take(&mut self.ended) {
            if !self.has_spoken(pid) {
                self.ended.push(pid);
                continue;
            }
            let keys: Vec<usize> = connections_of(&self.connections, pid).collect();
            for key in keys {
                self.end(kernel, now, key, true);
                // What one of its calls gave back to another is given back there.
                self.deliver(kernel, now);
            }
            self.processes.end(kernel, now, pid, self.poll.registry());
        }
    }

    /// Returns whether this is what a client says that has ended.
    pub(super) fn is_over(&self, key: usize, said: &Said) -> bool {
        let peer = self.connections.get(key).map(|connection| connection.peer);
        let ended = |peer| matches!(peer, Peer::Process(pid) if self.ended.contains(&pid));
        matches!(said, Said::End) || peer.is_some_and(ended)
    }

    /// Takes back what answers took out that were not written.
    fn take_back(&mut self, kernel: &mut Kernel, now: Time, connection: &mut Connection) {
        let undos = connection.take_undos();
        let Stage::Object(caller) = &connection.stage else { return };
        let mut desk = Desk::new(kernel, now, &mut self.trays, caller.session, caller.thread);
        for undo in undos {
            desk.undo(undo);
        }
    }

    /// Gives back the references that the front itself does not need any more.
    pub(super) fn give_back(&mut self, kernel: &mut Kernel, now: Time) {
        loop {
            let returned = std::mem::take(&mut *self.trays.returned.lock());
            if returned.is_empty() {
                return;
            }
            for (session, object) in returned {
                // A session that is gone has given everything back.
                let _ = kernel.handle_return(now, session, object, 1);
            }
        }
    }

    /// Sends what is left on a connection, and closes it.
    pub(super) fn close(&mut self, key: usize) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let deadline = self.presence.now() + self.limits.handshake_timeout;
        connection.stage = Stage::Closing { deadline };
        self.half_open.remove(&connection.via);
        self.deadlines.push_back((deadline, key, connection.via));
        self.dirty.insert(key);
    }

    /// Returns how many bytes may be unfinished, and how many unread, on all connections.
    fn totals(&self) -> (usize, usize) {
        let input = self.limits.input_total.max(self.limits.message);
        // One answer may be as long as it may, whatever the sum is.
        (input, self.limits.output_total.max(self.trays.answer_max))
    }

    /// Returns when there will be connections to hang up on because of that.
    pub(super) fn culprits_due(&self) -> [Option<Time>; 2] {
        let (input, output) = self.totals();
        [self.incoming.next_culprit(input), self.outgoing.next_culprit(output)]
    }

    /// Hangs up where unread or unfinished data has waited longest, for as long as there is too
    /// much of it in all.
    pub(super) fn shed(&mut self, said: &mut Vec<(usize, Said)>) {
        let now = self.hub.now();
        let (limit, output_max) = self.totals();
        while let Some((key, bytes)) = self.incoming.culprit(now, limit) {
            self.incoming.remove(key);
            let origin = self.connections.get(key).and_then(Connection::origin);
            let why = format!(
                "unfinished messages take more than {limit} bytes in total, and the {bytes} of \
                 this connection have been under way longest"
            );
            self.strangers.log(now, origin, why);
            said.push((key, Said::End));
        }
        let limit = output_max;
        while let Some((key, bytes)) = self.outgoing.culprit(now, limit) {
            self.outgoing.remove(key);
            let origin = self.connections.get(key).and_then(Connection::origin);
            let why = format!(
                "unread answers take more than {limit} bytes in total, and the {bytes} of this \
                 connection have waited longest"
            );
            self.strangers.log(now, origin, why);
            said.push((key, Said::End));
        }
    }

    /// Closes connections whose time is up.
    pub(super) fn close_late(&mut self) {
        let now = self.presence.now();
        while let Some(&(at, key, via)) = self.deadlines.front() {
            let connection = self.connections.get(key).filter(|of| of.via == via);
            let pending = connection.filter(|of| !matches!(of.stage, Stage::Object(_)));
            // What is settled is not waited for.
            if pending.is_some() && at > now {
                return;
            }
            self.deadlines.pop_front();
            if let Some(why) = pending.and_then(|of| of.late(at)) {
                let origin = self.connections[key].origin();
                self.strangers.log(self.hub.now(), origin, why);
                self.forget(key);
            }
        }
    }

    /// Writes what can be written; who still waits finds the connection closed, as with CPython's
    /// own server.
    pub(super) fn finish(mut self, events: &mut Events) {
        let end = self.hub.now() + LAST_WORDS;
        loop {
            self.flush_some();
            let unwritten = self.connections.iter().any(|(_, of)| of.pending_output() > 0);
            let left = end.since(self.hub.now());
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
}
