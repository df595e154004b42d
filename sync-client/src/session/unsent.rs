//! One-way messages over a unix socket: sent at once, or as soon as there is a connection.

use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sync_proto::message::{ClientMessage, OneWay};
use sync_proto::{ErrorKind, OneWayId, Refusal};

use super::exchange::Failure;
use super::keeper::PAUSES;
use super::{Connection, Session};

/// How long each step of connecting may take that a one-way message is for: a manager that is
/// there takes less, and who drops a guard does not wait for one that is stopped.
const PROMPT: Duration = Duration::from_millis(50);

/// Messages that may lie unsent before who adds one waits for a connection as for a call.
const UNSENT_MAX: usize = 1024;

/// One-way messages for which there was no connection. Whoever has one next takes them along, and
/// a thread looks for one as long as there are any: somebody may wait for what they let go.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    messages: Vec<OneWay>,
    is_attended: bool,
}

impl Session {
    /// Sends a one-way message, or leaves it to whoever has a connection first.
    pub(super) fn send_soon(
        &self,
        message: impl FnOnce(OneWayId) -> OneWay,
    ) -> Result<(), Refusal> {
        if let Some(why) = self.over.get() {
            return Err(why.clone());
        }
        let connection = self.take_idle().or_else(|| self.connect_promptly());
        let Some(mut connection) = connection else {
            self.leave(message);
            return Ok(());
        };
        // Numbered last: from here to the write, others' requests wait for this one.
        let message = ClientMessage::OneWay(message(self.next_one_way()));
        connection.queue(&message, self.limit())?;
        self.write_unsent(&mut connection)?;
        self.put_by(connection);
        Ok(())
    }

    /// Writes what is queued and what was left unsent. A session without it is over.
    pub(super) fn write_unsent(&self, connection: &mut Connection) -> Result<(), Refusal> {
        self.queue_unsent(connection)?;
        self.write(connection).map_err(|(Failure::Broken(why) | Failure::Over(why))| self.end(why))
    }

    fn next_one_way(&self) -> OneWayId {
        OneWayId(self.one_ways.fetch_add(1, Ordering::SeqCst) + 1)
    }

    fn connect_promptly(&self) -> Option<Connection> {
        let patience = match self.unsent.lock().messages.len() {
            0 => PROMPT.min(self.target.patience),
            UNSENT_MAX.. => self.target.patience,
            // It was looked for just now; the thread goes on looking.
            _ => return None,
        };
        self.connect_once(patience).ok()
    }

    fn leave(&self, message: impl FnOnce(OneWayId) -> OneWay) {
        let mut unsent = self.unsent.lock();
        // Numbered under the lock: whose request waits for it takes it along.
        unsent.messages.push(message(self.next_one_way()));
        if !unsent.is_attended {
            let me = self.me.clone();
            let thread = std::thread::Builder::new().name("sync-unsent".to_owned());
            // Without a thread it waits for a call to take it along, or for the next attempt.
            unsent.is_attended = thread.spawn(move || attend(&me)).is_ok();
        }
    }

    /// Prepares what was left unsent, to go before anything else on a connection.
    pub(super) fn queue_unsent(&self, connection: &mut Connection) -> Result<(), Refusal> {
        let messages = std::mem::take(&mut self.unsent.lock().messages);
        for message in messages {
            connection.queue(&ClientMessage::OneWay(message), self.limit())?;
        }
        Ok(())
    }

    /// Returns whether nothing is left for the thread to do, which is then no more.
    fn is_all_sent(&self) -> bool {
        let mut unsent = self.unsent.lock();
        let is_done = unsent.messages.is_empty() || self.over.get().is_some();
        unsent.is_attended = !is_done;
        is_done
    }
}

/// Looks for a connection until nothing is unsent, or the session is over.
fn attend(session: &Weak<Session>) {
    let mut pause = PAUSES.0;
    loop {
        // Nobody has the session any more: it ends, and with it what it held.
        let Some(held) = session.upgrade() else { return };
        if held.is_all_sent() {
            return;
        }
        match held.connect_once(held.target.patience) {
            Ok(connection) => held.put_by(connection),
            // The manager has ended the session; else it is another one's socket.
            Err(why) if why.kind == ErrorKind::NotFound && held.is_cut_off() => {
                drop(held.end(why));
            }
            Err(_) => {
                drop(held);
                // Nobody unparks this thread; a pause cut short does no harm.
                std::thread::park_timeout(pause);
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }
}
