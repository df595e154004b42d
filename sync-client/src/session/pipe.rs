//! Many calls under way on one connection.

use std::collections::BTreeMap;
use std::sync::Arc;

use sync_proto::message::{ClientMessage, Reply, ServerMessage, WireHandle};
use sync_proto::{Call, CallId, Data, ErrorKind, Pipe, Refusal};

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
    /// Calls without an answer, and how many bytes they take.
    asked: BTreeMap<CallId, usize>,
    /// What all of them take.
    size: usize,
    /// Answers that nobody has waited for yet.
    answers: BTreeMap<CallId, Result<Data<WireHandle>, Refusal>>,
}

impl SocketPipe {
    pub(super) fn open(session: Arc<Session>) -> Result<Self, Refusal> {
        let connection = Some(session.connection()?);
        Ok(Self { session, connection, asked: BTreeMap::new(), size: 0, answers: BTreeMap::new() })
    }

    /// Does something with the connection; if that breaks it, the session is over.
    fn with<R>(
        &mut self,
        act: impl FnOnce(&mut Connection) -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        let Some(connection) = &mut self.connection else {
            return Err(self.session.end(ErrorKind::Disconnected.into()));
        };
        act(connection).map_err(|why| {
            self.connection = None;
            self.session.end(why)
        })
    }

    /// Takes in one answer.
    fn read(&mut self) -> Result<(), Refusal> {
        let message = self.with(|connection| {
            connection.write()?;
            connection.read()
        })?;
        let refusal = match message {
            ServerMessage::Reply(Reply { call, outcome }) => match self.asked.remove(&call) {
                Some(size) => {
                    self.size -= size;
                    self.answers.insert(call, outcome);
                    return Ok(());
                }
                None => {
                    let why = format!("the manager answered call {call}, which was not asked");
                    Refusal::new(ErrorKind::Malformed, why)
                }
            },
            ServerMessage::Refused(refusal) => refusal,
            other => {
                let why = format!("the manager answered a call with {other:?}");
                Refusal::new(ErrorKind::Malformed, why)
            }
        };
        self.with(|_| Err(refusal))
    }

    /// Gives up what stands in line, and takes in all answers: the connection can be used again,
    /// and the handles in answers that nobody wanted are released.
    fn finish(&mut self) -> Result<(), Refusal> {
        let given_up: Vec<CallId> = self.asked.keys().copied().collect();
        let limit = self.session.limit();
        self.with(|connection| {
            given_up
                .into_iter()
                .try_for_each(|call| connection.queue(&ClientMessage::Cancel(call), limit))
        })?;
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
        let (message, limit) = (ClientMessage::Request(request), self.session.limit());
        let Some(connection) = &mut self.connection else {
            return Err(self.session.end(ErrorKind::Disconnected.into()));
        };
        // What is too large is not queued: the connection is as good as before.
        connection.queue(&message, limit)?;
        self.asked.insert(call, size);
        self.size += size;
        self.with(
            |connection| if connection.queued() < BATCH { Ok(()) } else { connection.write() },
        )?;
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
