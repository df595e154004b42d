//! Many calls under way on one connection.

use std::collections::BTreeMap;
use std::sync::Arc;

use sync_proto::message::{ClientMessage, Reply, ServerMessage};
use sync_proto::{Call, CallId, Data, ErrorKind, Pipe, Refusal};

use super::exchange::{Failure, Outcome};
use super::{Connection, Session};

/// About how many bytes of calls may be under way. What the manager has not read yet lies in the
/// socket's buffer: as long as all of it has room there, writing never waits for the manager
/// while the manager waits for its answers to be read. One larger call alone does no harm.
const WINDOW: usize = 64 * 1024;

/// Calls are written when so many bytes of them are ready, or when an answer is waited for.
const BATCH: usize = 16 * 1024;

/// About how many bytes a call takes beside its values.
const CALL_SIZE: usize = 64;

/// A connection with many calls under way.
#[derive(Debug)]
pub(super) struct SocketPipe {
    session: Arc<Session>,
    /// Gone when it broke.
    connection: Option<Connection>,
    /// Calls without an answer.
    asked: BTreeMap<CallId, Asked>,
    /// What all of them take.
    size: usize,
    /// Answers that nobody has waited for yet.
    answers: BTreeMap<CallId, Outcome>,
    /// Nobody waits for what stands in line.
    is_given_up: bool,
}

/// A call without an answer.
#[derive(Debug)]
struct Asked {
    /// How many bytes it takes.
    size: usize,
    /// The call, where it may have to be sent again.
    again: Option<ClientMessage>,
}

impl SocketPipe {
    pub(super) fn open(session: Arc<Session>) -> Result<Self, Refusal> {
        let connection = Some(session.connection()?);
        let (asked, answers) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { session, connection, asked, size: 0, answers, is_given_up: false })
    }

    /// Sends what is queued and takes in one answer.
    fn read(&mut self) -> Result<(), Refusal> {
        let (session, connection) = self.parts()?;
        let said = session.write(connection).and_then(|()| session.listen(connection));
        match said {
            Ok(ServerMessage::Reply(Reply { call, outcome })) => {
                if session.lifeline.is_some() {
                    connection.arrived().push(call);
                }
                let Some(asked) = self.asked.remove(&call) else {
                    let why = format!("the manager answered call {call}, which was not asked");
                    return Err(self.end(Refusal::new(ErrorKind::Malformed, why)));
                };
                self.size -= asked.size;
                if let (true, Some(connection)) = (self.asked.is_empty(), &mut self.connection) {
                    connection.confirm();
                }
                self.answers.insert(call, outcome);
                Ok(())
            }
            Ok(other) => Err(self.end(super::out_of_place(&other))),
            Err(failure) => self.go_on_after(failure),
        }
    }

    /// Sends what is queued.
    fn write(&mut self) -> Result<(), Refusal> {
        let (session, connection) = self.parts()?;
        session.write(connection).or_else(|failure| self.go_on_after(failure))
    }

    fn parts(&mut self) -> Result<(&Session, &mut Connection), Refusal> {
        match &mut self.connection {
            Some(connection) => Ok((&self.session, connection)),
            None => Err(self.session.end(ErrorKind::Disconnected.into())),
        }
    }

    fn end(&mut self, why: Refusal) -> Refusal {
        self.connection = None;
        self.session.end(why)
    }

    /// Takes another connection, where the session survives the loss of one, and asks all again
    /// that is not answered: the manager knows the calls by their numbers.
    fn go_on_after(&mut self, failure: Failure) -> Result<(), Refusal> {
        let lost = self.connection.take();
        let (lifeline, lost) = match (failure, &self.session.lifeline, lost) {
            (Failure::Broken(_), Some(lifeline), Some(lost)) => (Arc::clone(lifeline), lost),
            (Failure::Broken(why) | Failure::Over(why), ..) => return Err(self.end(why)),
        };
        self.session.lose(&lifeline, lost);
        let mut connection = self.session.join(&lifeline, true)?;
        let limit = self.session.limit();
        self.session.queue_first(&mut connection)?;
        for (&call, asked) in &self.asked {
            if let Some(again) = &asked.again {
                connection.queue(again, limit)?;
            }
            if self.is_given_up {
                connection.queue(&ClientMessage::Cancel(call), limit)?;
            }
        }
        self.connection = Some(connection);
        Ok(())
    }

    /// Gives up what stands in line, and takes in all answers: the connection can be used again,
    /// and the handles in answers that nobody wanted are released.
    fn finish(&mut self) -> Result<(), Refusal> {
        self.is_given_up = true;
        let given_up: Vec<CallId> = self.asked.keys().copied().collect();
        let (session, connection) = self.parts()?;
        for call in given_up {
            connection.queue(&ClientMessage::Cancel(call), session.limit())?;
        }
        while !self.asked.is_empty() {
            self.read()?;
        }
        for (_, answer) in std::mem::take(&mut self.answers) {
            drop(self.session.receive(answer));
        }
        Ok(())
    }
}

impl Pipe for SocketPipe {
    fn send(&mut self, call: Call) -> Result<CallId, Refusal> {
        let request = self.session.request(call)?;
        let (call, size) = (request.call, request.data.len() + CALL_SIZE);
        while !self.asked.is_empty() && self.size + size > WINDOW {
            self.read()?;
        }
        let message = ClientMessage::Request(request);
        let (session, connection) = self.parts()?;
        session.queue_first(connection)?;
        // What is too large is not queued: the connection is as good as before. What was to go
        // before it does go.
        if let Err(refusal) = connection.queue(&message, session.limit()) {
            self.write()?;
            return Err(refusal);
        }
        let (queued, again) = (connection.queued(), session.lifeline.is_some().then_some(message));
        self.asked.insert(call, Asked { size, again });
        self.size += size;
        if queued >= BATCH {
            self.write()?;
        }
        Ok(call)
    }

    fn wait(&mut self, call: CallId) -> Result<Data, Refusal> {
        loop {
            if let Some(answer) = self.answers.remove(&call) {
                return self.session.receive(answer);
            }
            self.read()?;
        }
    }
}

impl Drop for SocketPipe {
    fn drop(&mut self) {
        // In a forked child the connection is its parent's.
        if !self.session.is_own() {
            return;
        }
        let finished = self.finish();
        if let (Ok(()), Some(connection)) = (finished, self.connection.take()) {
            self.session.put_by(connection);
        }
    }
}
