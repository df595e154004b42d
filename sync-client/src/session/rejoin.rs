//! Coming back: a session over TCP whose connections broke reconnects and goes on.

use std::time::Duration;

use sync_proto::handshake::{Purpose, SILENCE};
use sync_proto::message::{ClientMessage, OneWay, RECEIVED_MAX};
use sync_proto::{ErrorKind, OneWayId, Refusal};

use super::exchange::{Failure, failure};
use super::lifeline::Lifeline;
use super::pool::of_one;
use super::unsent::{First, LATE};
use super::{Connection, Session, is_final};
use crate::pause::PAUSES;

/// The least that an attempt to connect may take, however short the heartbeat.
const PATIENCE_MIN: Duration = Duration::from_secs(1);

/// From this many bytes on, a one-way message is large: its sender can wait for the manager to have
/// it when much is kept already.
const LARGE: usize = 64 * 1024;

impl Session {
    /// Connects to the session again, once.
    pub(super) fn attempt(&self, lifeline: &Lifeline) -> Result<Connection, Refusal> {
        self.connect(lifeline, patience(lifeline, lifeline.left()))
    }

    fn connect(&self, lifeline: &Lifeline, patience: Duration) -> Result<Connection, Refusal> {
        let (epoch, asked) = (lifeline.epoch(), lifeline.now());
        let purpose = Purpose::Join(self.welcome.token, epoch);
        let (mut connection, _) = Connection::open(&self.target, purpose, patience)?;
        lifeline.note_contact(asked);
        connection.set_epoch(epoch);
        self.adopt(connection)
    }

    /// Takes a connection: one that is free, or a new one, as soon as the manager can be reached. A
    /// call `in_flight` must be able to go on, or the session is over: nobody would get its answer.
    pub(super) fn join(&self, lifeline: &Lifeline, in_flight: bool) -> Result<Connection, Refusal> {
        let began = lifeline.now();
        let mut pauses = PAUSES;
        loop {
            if let Some(why) = self.why_over() {
                return Err(why);
            }
            if let Some(connection) = self.take_idle() {
                return Ok(connection);
            }
            match self.attempt(lifeline) {
                Ok(connection) => return Ok(connection),
                Err(why) if in_flight && is_final(why.kind) => return Err(self.end(why)),
                Err(why) if why.kind == ErrorKind::NotFound => return Err(self.end(why)),
                // One connection too many is no reason to end what the others hold.
                Err(why) if !in_flight && is_full(why.kind) => return Err(why),
                Err(why) if is_final(why.kind) => return Err(why),
                Err(why) if !in_flight && lifeline.is_long_ago(began) => return Err(of_one(why)),
                Err(_) => lifeline.pause(pauses.next()),
            }
        }
    }

    /// Gives up a connection that broke, and all others of its epoch: what they have brought to the
    /// manager is not known. Threads that wait on one of them reconnect by themselves.
    pub(super) fn lose(&self, lifeline: &Lifeline, mut connection: Connection) {
        let epoch = connection.epoch();
        self.retire(&mut connection);
        if !lifeline.give_up(epoch) {
            return;
        }
        for entry in &self.open {
            let (of, socket) = entry.value();
            if *of <= epoch {
                socket.shutdown();
            }
        }
        let idle = std::mem::take(&mut *self.idle.lock());
        for mut connection in idle {
            self.retire(&mut connection);
        }
    }

    /// Closes a connection; what arrived on it is acknowledged on another.
    pub(super) fn retire(&self, connection: &mut Connection) {
        self.open.remove(&connection.number());
        if let Some(lifeline) = &self.lifeline {
            lifeline.note_arrived(&mut connection.unconfirmed());
        }
    }

    /// Collects what arrived on connections that nobody uses for now.
    pub(super) fn collect_arrived(&self, lifeline: &Lifeline) {
        for connection in self.idle.lock().iter_mut() {
            lifeline.note_arrived(connection.arrived());
        }
    }

    /// Prepares what goes before anything else on a connection: messages that may not have
    /// arrived, and which answers have.
    pub(super) fn queue_first(&self, connection: &mut Connection) -> Result<First, Refusal> {
        let Some(lifeline) = &self.lifeline else { return self.queue_unsent(connection) };
        let due = lifeline.take_due(connection.epoch());
        let first = if due.is_empty() { First::Nothing } else { First::All };
        for message in due {
            connection.queue(&ClientMessage::OneWay(message), self.limit())?;
        }
        let mut arrived = std::mem::take(connection.arrived());
        lifeline.take_arrived(&mut arrived);
        if arrived.is_empty() {
            return Ok(first);
        }
        connection.note_acknowledged(&arrived);
        for some in arrived.chunks(RECEIVED_MAX) {
            connection.queue(&ClientMessage::Received(some.to_vec()), self.limit())?;
        }
        Ok(first)
    }

    /// Sends a one-way message of this many bytes, which arrives even if this connection breaks.
    pub(super) fn send_surely(
        &self,
        lifeline: &Lifeline,
        len: usize,
        message: impl FnOnce(OneWayId) -> OneWay,
    ) -> Result<(), Refusal> {
        if let Some(why) = self.why_over() {
            return Err(why);
        }
        let is_large = len >= LARGE;
        let idle = self.take_idle();
        let message = if idle.is_none() && !is_large {
            let Some(message) = lifeline.leave(message) else { return Ok(()) };
            message
        } else {
            message
        };
        let mut connection = idle.map_or_else(|| self.attempt(lifeline), Ok);
        let mut pauses = PAUSES;
        // A release never waits here: others may wait for it with all connections there are.
        // What is kept the keeper sends, too, and then there is room.
        while connection.is_err() && is_large && lifeline.is_heavy() {
            if let Some(why) = self.why_over() {
                return Err(why);
            }
            lifeline.pause(pauses.next());
            connection = self.take_idle().map_or_else(|| self.attempt(lifeline), Ok);
        }
        // Numbered last: from here to the write, others' requests wait for this one.
        let message = lifeline.keep(message);
        let Ok(mut connection) = connection else {
            lifeline.set_due();
            return Ok(());
        };
        if connection.epoch() != lifeline.epoch() {
            self.retire(&mut connection);
            lifeline.set_due();
            return Ok(());
        }
        let sent = connection
            .queue(&ClientMessage::OneWay(message), self.limit())
            .and_then(|()| self.queue_first(&mut connection))
            .and_then(|_| connection.write())
            .map_err(failure);
        let sent = sent.and_then(|()| {
            // It is behind this message on its connection. Small ones of other threads do not wait.
            let is_waited_for = is_large && lifeline.is_heavy();
            if is_waited_for { self.ping(&mut connection) } else { Ok(()) }
        });
        match sent.and_then(|()| self.make_room(lifeline, &mut connection)) {
            Ok(()) => self.put_by(connection),
            Err(Failure::Over(why)) => return Err(self.end(why)),
            Err(Failure::Broken(_)) => self.lose(lifeline, connection),
        }
        Ok(())
    }

    /// Waits until fewer one-way messages are kept: more of them could reach the manager before one
    /// that is late, and it ends the session of a client that sends too many.
    fn make_room(&self, lifeline: &Lifeline, connection: &mut Connection) -> Result<(), Failure> {
        let (mut pauses, mut before) = (LATE, None);
        while lifeline.is_full() {
            self.queue_first(connection).map_err(failure)?;
            self.ping(connection)?;
            if !lifeline.is_full() {
                break;
            }
            let first = lifeline.first_kept();
            if std::mem::replace(&mut before, first) == first {
                // The next one does not arrive: its connection broke, and nobody has noticed.
                lifeline.set_due();
            }
            lifeline.pause(pauses.next());
        }
        Ok(())
    }

    /// Tells the manager that this process will not come back, so that it does not wait for it;
    /// before that, makes sure that it has all one-way messages. Both may take as long as
    /// connecting.
    pub(super) fn say_goodbye(&self, lifeline: &Lifeline) {
        let (began, last) = (lifeline.now(), lifeline.last_one_way());
        let mut pauses = PAUSES;
        while self.why_over().is_none() {
            let left = self.target.patience.saturating_sub(lifeline.since(began));
            if left.is_zero() {
                return;
            }
            let patience = patience(lifeline, left);
            let connection = self.take_idle().map_or_else(|| self.connect(lifeline, patience), Ok);
            match connection {
                Ok(mut connection) => match self.part(lifeline, &mut connection, last, patience) {
                    Ok(true) => return,
                    // One is late on another connection, or on one that broke unnoticed.
                    Ok(false) => {
                        lifeline.set_due();
                        // Calls that take it have a limit of their own.
                        match connection.set_patience(self.target.unresponsive_after) {
                            Ok(()) => self.pool(connection),
                            Err(_) => self.lose(lifeline, connection),
                        }
                    }
                    Err(_) => self.lose(lifeline, connection),
                },
                Err(why) if is_final(why.kind) || lifeline.is_done(last) => return,
                Err(_) => {}
            }
            lifeline.pause(pauses.next());
        }
    }

    /// Says goodbye, unless the one-way messages up to the last are not all carried out.
    fn part(
        &self,
        lifeline: &Lifeline,
        connection: &mut Connection,
        last: OneWayId,
        patience: Duration,
    ) -> Result<bool, Refusal> {
        connection.set_patience(Some(patience))?;
        self.queue_first(connection)?;
        if !lifeline.is_done(last) {
            let asked = lifeline.now();
            connection.queue(&ClientMessage::Ping, self.limit())?;
            connection.write()?;
            let answer = connection.read();
            if !self.hear(lifeline, asked, answer) {
                return Err(ErrorKind::Disconnected.into());
            }
            if !lifeline.is_done(last) {
                return Ok(false);
            }
        }
        // If it does not arrive, the manager notices the loss later.
        connection.queue(&ClientMessage::Goodbye(lifeline.last_one_way()), self.limit())?;
        connection.write()?;
        Ok(true)
    }
}

/// Returns how long a step of connecting may take, of the time that is left.
fn patience(lifeline: &Lifeline, left: Duration) -> Duration {
    let patience = (lifeline.heartbeat() * SILENCE).max(PATIENCE_MIN).min(left);
    // To the system, a timeout of zero means no timeout at all.
    patience.max(Duration::from_millis(1))
}

/// Returns whether no further connection can be opened, here or there.
fn is_full(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::LimitReached | ErrorKind::Io)
}
