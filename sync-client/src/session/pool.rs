//! The connections of a session: those that are free, and one more over a unix socket.
//!
//! How one more is had over TCP has to do with coming back, and is told there.

use std::sync::atomic::Ordering;
use std::time::Duration;

use sync_proto::handshake::Purpose;
use sync_proto::{Epoch, ErrorKind, Refusal};

use super::{Connection, Session};
use crate::pause::{PAUSES, pause};

/// Connections that are kept for later calls; one more is closed when its call is done.
const IDLE_MAX: usize = 64;

impl Session {
    /// Takes a connection that no other thread uses.
    pub(super) fn connection(&self) -> Result<Connection, Refusal> {
        match &self.lifeline {
            Some(lifeline) => self.join(lifeline, false),
            None => self.another(),
        }
    }

    pub(super) fn take_idle(&self) -> Option<Connection> {
        self.idle.lock().pop()
    }

    /// Makes a new connection one of this session's.
    pub(super) fn adopt(&self, mut connection: Connection) -> Result<Connection, Refusal> {
        connection.set_number(self.next_connection.fetch_add(1, Ordering::Relaxed));
        self.open.insert(connection.number(), (connection.epoch(), connection.socket()));
        // It was ended while this connection was made, or this epoch given up, and did not see it.
        let why = match self.over.get() {
            Some(why) => why.clone(),
            None if self.is_current(&connection) => return Ok(connection),
            None => ErrorKind::Disconnected.into(),
        };
        self.open.remove(&connection.number());
        Err(why)
    }

    pub(super) fn put_by(&self, connection: Connection) {
        if self.lifeline.is_some() {
            self.pool(connection);
        } else {
            // If it fails, the session is over.
            let _ = self.send_off(connection);
        }
    }

    /// Keeps a connection on which nothing is under way.
    pub(super) fn pool(&self, mut connection: Connection) {
        let mut idle = self.idle.lock();
        // Looked at under the lock: who gives up an epoch empties the pool afterwards.
        if self.is_current(&connection) && idle.len() < IDLE_MAX {
            idle.push(connection);
        } else {
            drop(idle);
            self.retire(&mut connection);
        }
    }

    /// Returns whether a connection's epoch is not given up.
    fn is_current(&self, connection: &Connection) -> bool {
        self.lifeline.as_ref().is_none_or(|lifeline| lifeline.epoch() == connection.epoch())
    }

    /// Takes a connection that is free, or makes one. If no more can be opened, that is no reason
    /// to end what the others hold: the error's kind does not mean the end of the session. A silent
    /// manager is waited for as in any call.
    pub(super) fn another(&self) -> Result<Connection, Refusal> {
        let limit = self.target.unresponsive_after;
        let patience = self.target.patience;
        let step = patience.min(limit.unwrap_or(patience));
        let (mut silence, mut paused) = (Duration::ZERO, Duration::ZERO);
        let mut pauses = PAUSES;
        loop {
            if let Some(why) = self.over.get() {
                return Err(why.clone());
            }
            if let Some(connection) = self.take_idle() {
                return Ok(connection);
            }
            let why = match self.connect_once(step) {
                Ok(connection) => return Ok(connection),
                Err(why) => why,
            };
            match why.kind {
                ErrorKind::Unresponsive => {
                    silence += step;
                    if limit.is_some_and(|limit| silence >= limit) {
                        return Err(self.end(self.unresponsive()));
                    }
                }
                // It says that it was long in hearing this one: it is there.
                ErrorKind::TimedOut => {}
                ErrorKind::Disconnected | ErrorKind::NotFound if self.is_cut_off() => {
                    return Err(self.end(why));
                }
                ErrorKind::Disconnected | ErrorKind::NotFound if paused < patience => {
                    let time = pauses.next();
                    pause(time);
                    paused += time;
                }
                _ => return Err(of_one(why)),
            }
        }
    }

    /// Makes one more connection of this session.
    pub(super) fn connect_once(&self, patience: Duration) -> Result<Connection, Refusal> {
        let purpose = Purpose::Join(self.welcome.token, Epoch(0));
        let (connection, _) = Connection::open(&self.target, purpose, patience)?;
        self.adopt(connection)
    }

    /// Returns whether the manager has closed all connections: it is gone, or its session is.
    pub(super) fn is_cut_off(&self) -> bool {
        !self.open.iter().any(|entry| entry.value().1.is_open())
    }
}

/// The error for a session that lives and cannot open a further connection.
pub(super) fn of_one(why: Refusal) -> Refusal {
    let ends = [
        ErrorKind::Disconnected,
        ErrorKind::NotFound,
        ErrorKind::TimedOut,
        ErrorKind::Unauthorized,
        ErrorKind::Unresponsive,
    ];
    if !ends.contains(&why.kind) {
        return why;
    }
    let why = format!("no further connection can be opened, though the session lives: {why}");
    Refusal::new(ErrorKind::Io, why)
}
