//! The thread that keeps a session over TCP alive while the application computes: it sends
//! heartbeats, notices when the manager falls silent or a connection breaks that no thread is
//! using, and joins the session again.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};

use sync_proto::handshake::SILENCE;
use sync_proto::message::{ClientMessage, ServerMessage};
use sync_proto::{ErrorKind, OneWayId, Refusal};

use super::lifeline::{Lifeline, Moment};
use super::{Connection, Session, thread};
use crate::pause::PAUSES;

/// Starts the thread, on the session's first connection. It ends with the session.
pub(super) fn start(
    session: &Arc<Session>,
    lifeline: &Arc<Lifeline>,
    connection: Connection,
) -> Result<(), Refusal> {
    let (session, lifeline) = (Arc::downgrade(session), Arc::clone(lifeline));
    let started = thread::start("sync-keeper", move || run(&session, &lifeline, Some(connection)));
    started.map_err(|error| {
        Refusal::new(ErrorKind::Io, format!("the session cannot be kept alive: {error}"))
    })
}

fn run(session: &Weak<Session>, lifeline: &Lifeline, mut connection: Option<Connection>) {
    let mut pauses = PAUSES;
    let (mut sent, mut cut) = (OneWayId::NONE, BTreeSet::new());
    loop {
        // The session is borrowed for a step at a time: a thread that drops it does not wait for
        // this.
        let Some(held) = session.upgrade() else { return };
        if held.why_over().is_some() {
            return;
        }
        let asked = lifeline.now();
        let before = std::mem::replace(&mut sent, lifeline.last_one_way());
        connection = held.ask(lifeline, connection.take());
        drop(held);
        let Some(mut current) = connection.take() else {
            lifeline.pause(pauses.next());
            continue;
        };
        let answer = current.read();
        let Some(held) = session.upgrade() else { return };
        if !held.hear(lifeline, asked, answer) {
            held.lose(lifeline, current);
            continue;
        }
        drop(held);
        current.confirm();
        pauses = PAUSES;
        if !lifeline.is_done(before) {
            // It was sent before the ping before this one, and has not arrived: the connection
            // that it went on is broken, and nobody has noticed.
            lifeline.set_due();
            connection = Some(current);
            continue;
        }
        let Some(held) = session.upgrade() else { return };
        let cut_before = std::mem::replace(&mut cut, held.cut_connections(lifeline));
        if !cut.is_disjoint(&cut_before) {
            // Its thread is busy elsewhere, and the manager waits for that thread to come back.
            held.lose(lifeline, current);
            continue;
        }
        drop(held);
        // The manager has nothing to say until the next ping, unless it is the end.
        let said = current.set_patience(Some(lifeline.heartbeat())).and_then(|()| current.read());
        let Some(held) = session.upgrade() else { return };
        match said {
            Err(why) if why.kind == ErrorKind::Unresponsive => connection = Some(current),
            said => {
                held.hear(lifeline, asked, said);
                held.lose(lifeline, current);
            }
        }
    }
}

impl Session {
    /// Returns the connections that are closed by the other side, and not given up. For a moment
    /// there may be some: a manager that ends says so on all of them, one after the other.
    fn cut_connections(&self, lifeline: &Lifeline) -> BTreeSet<u64> {
        let current = lifeline.epoch();
        let cut = self.open.iter().filter(|entry| {
            let (epoch, socket) = entry.value();
            *epoch == current && !socket.is_open()
        });
        cut.map(|entry| *entry.key()).collect()
    }

    /// Sends a ping, and whatever else the manager should get; on a new connection, if need be.
    fn ask(&self, lifeline: &Lifeline, connection: Option<Connection>) -> Option<Connection> {
        let current = match connection {
            Some(mut given_up) if given_up.epoch() != lifeline.epoch() => {
                self.retire(&mut given_up);
                None
            }
            current => current,
        };
        let mut connection = match current {
            Some(connection) => connection,
            None => {
                lifeline.set_away(true);
                match self.attempt(lifeline) {
                    Ok(connection) => connection,
                    Err(why) => {
                        if super::is_final(why.kind) {
                            self.end(why);
                        }
                        return None;
                    }
                }
            }
        };
        lifeline.set_away(false);
        self.collect_arrived(lifeline);
        let patience = Some(lifeline.heartbeat() * SILENCE);
        let asked = connection
            .set_patience(patience)
            .and_then(|()| self.queue_first(&mut connection))
            .and_then(|_| connection.queue(&ClientMessage::Ping, self.limit()))
            .and_then(|()| connection.write());
        match asked {
            Ok(()) => return Some(connection),
            Err(why) if super::is_final(why.kind) => drop(self.end(why)),
            Err(_) => self.lose(lifeline, connection),
        }
        None
    }

    /// Takes the answer to a ping; returns whether it was one.
    pub(super) fn hear(
        &self,
        lifeline: &Lifeline,
        asked: Moment,
        answer: Result<ServerMessage, Refusal>,
    ) -> bool {
        match answer {
            Ok(ServerMessage::Pong(done)) => {
                lifeline.note_contact(asked);
                lifeline.note_done(done);
                true
            }
            Ok(ServerMessage::Refused(why)) => {
                self.end(why);
                false
            }
            Ok(_) | Err(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sync_proto::{Address, Epoch};
    use sync_server::Server;

    use super::*;
    use crate::session::{PATIENCE, Target};

    #[test]
    fn a_connection_that_others_gave_up_is_closed() {
        let listen = "tcp:127.0.0.1:0".parse().unwrap();
        let server = Server::builder().listen(listen).insecure_tcp().spawn().unwrap();
        let target = Target {
            address: Address::clone(server.address()),
            key: None,
            insecure_tcp: true,
            server_uid: None,
            spin: Duration::ZERO,
            patience: PATIENCE,
            unresponsive_after: None,
        };
        let session = Session::open(target, PATIENCE).unwrap();
        let lifeline = session.lifeline.as_ref().unwrap();
        let connection = session.attempt(lifeline).unwrap();
        let number = connection.number();
        assert!(session.open.contains_key(&number));
        lifeline.give_up(Epoch(0));
        assert!(session.ask(lifeline, Some(connection)).is_some(), "it has another one");
        assert!(!session.open.contains_key(&number), "nobody has a use for it");
    }
}
