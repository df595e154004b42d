//! A call on its way: over one connection, or, when that one breaks and the session survives it,
//! over the next.

use sync_proto::message::{ClientMessage, Reply, Request, ServerMessage, WireHandle};
use sync_proto::{Data, ErrorKind, Refusal};

use super::unsent::{First, LATE};
use super::{Connection, Session, connection::Ready};

/// The answer to a call, before its handles are made.
pub(super) type Outcome = Result<Data<WireHandle>, Refusal>;

/// Why there is no answer.
pub(super) enum Failure {
    /// The connection broke.
    Broken(Refusal),
    /// There will be none: the session is over.
    Over(Refusal),
}

impl Failure {
    /// Returns why, for whom there is no other connection.
    pub(super) fn into_refusal(self) -> Refusal {
        let (Self::Broken(why) | Self::Over(why)) = self;
        why
    }
}

impl Session {
    /// Sends a request and waits for its answer. When a connection breaks of a session that
    /// survives it, the same request goes out on the next one: the manager knows it by its number.
    pub(super) fn carry(&self, request: Request) -> Result<Outcome, Refusal> {
        let (call, after) = (request.call, request.after);
        let request = ClientMessage::Request(request);
        let mut connection = self.connection()?;
        loop {
            let queued = self.go_first(&mut connection);
            if let Err(refusal) = queued.and_then(|()| connection.queue(&request, self.limit())) {
                // Nothing of it was sent: the connection is as good as before. What was to go
                // before it may be needed sooner than this connection.
                if let (Some(lifeline), true) = (&self.lifeline, connection.queued() > 0) {
                    lifeline.set_due();
                }
                self.put_by(connection);
                return Err(refusal);
            }
            let said = self.write(&mut connection).and_then(|()| self.listen(&mut connection));
            match (said, &self.lifeline) {
                (Ok(ServerMessage::Reply(Reply { call: of, outcome })), lifeline) if of == call => {
                    if let Some(lifeline) = lifeline {
                        lifeline.note_answered(after, &outcome);
                        connection.confirm();
                        connection.arrived().push(call);
                    } else if outcome.is_ok() {
                        self.note_done(after);
                    }
                    self.put_by(connection);
                    return Ok(outcome);
                }
                (Ok(other), _) => return Err(self.end(super::out_of_place(&other))),
                (Err(Failure::Broken(_)), Some(lifeline)) => {
                    self.lose(lifeline, connection);
                    connection = self.join(lifeline, true)?;
                }
                (Err(failure), _) => return Err(self.end(failure.into_refusal())),
            }
        }
    }

    /// Prepares what goes before anything else; where that is much, the most of it is sent.
    pub(super) fn go_first(&self, connection: &mut Connection) -> Result<(), Refusal> {
        let mut pauses = LATE;
        while self.queue_first(connection)? == First::Part {
            self.ask_how_far(connection)?;
            self.wait_if_ahead(&mut pauses);
        }
        Ok(())
    }

    /// Waits for the next message that answers a call. A manager that is silent for too long is
    /// asked whether it is there.
    pub(super) fn listen(&self, connection: &mut Connection) -> Result<ServerMessage, Failure> {
        loop {
            if let Some(message) = self.listen_once(connection)? {
                return Ok(message);
            }
        }
    }

    /// Waits for the next message as [`listen`](Self::listen) does; `None` is one that answers no
    /// call. A caller that does not know whether an answer is coming waits for no more.
    pub(super) fn listen_once(
        &self,
        connection: &mut Connection,
    ) -> Result<Option<ServerMessage>, Failure> {
        let mut asked_at = None;
        loop {
            match connection.read() {
                Ok(ServerMessage::Pong(done)) => {
                    match &self.lifeline {
                        Some(lifeline) => lifeline.note_done(done),
                        None => self.note_done(done),
                    }
                    return Ok(None);
                }
                Ok(ServerMessage::Refused(refusal)) => return Err(Failure::Over(refusal)),
                Ok(message) => return Ok(Some(message)),
                Err(why) if self.has_patience(&why) => {
                    // An answer that takes long to arrive is still an answer.
                    if asked_at == Some(connection.heard()) {
                        return Err(Failure::Over(self.unresponsive()));
                    }
                    asked_at = Some(connection.heard());
                    let asked = connection.queue(&ClientMessage::Ping, self.limit());
                    asked.map_err(Failure::Over)?;
                    self.write(connection)?;
                }
                Err(why) => return Err(failure(why)),
            }
        }
    }

    /// Writes what is queued and asks the manager how far it is; waits for that, where no call is
    /// under way on this connection.
    pub(super) fn ping(&self, connection: &mut Connection) -> Result<(), Failure> {
        connection.queue(&ClientMessage::Ping, self.limit()).map_err(Failure::Over)?;
        self.write(connection)?;
        while connection.awaits_pong() {
            if let Some(other) = self.listen_once(connection)? {
                return Err(Failure::Over(super::out_of_place(&other)));
            }
        }
        Ok(())
    }

    /// Writes what is queued. A manager that takes nothing for too long is not there.
    pub(super) fn write(&self, connection: &mut Connection) -> Result<(), Failure> {
        let mut left = usize::MAX;
        loop {
            match connection.write() {
                Ok(()) => return Ok(()),
                Err(why) if self.has_patience(&why) && connection.unwritten() < left => {
                    left = connection.unwritten();
                }
                Err(why) if self.has_patience(&why) => {
                    return Err(Failure::Over(self.unresponsive()));
                }
                Err(why) => return Err(failure(why)),
            }
        }
    }

    /// Writes what is queued, until all is written, which is `true`, or until the manager sends
    /// something meanwhile: perhaps it accepts no more before that is read.
    pub(super) fn write_or_hear(&self, connection: &mut Connection) -> Result<bool, Failure> {
        let mut is_silent = false;
        loop {
            if connection.write_now().map_err(failure)? {
                return Ok(true);
            }
            let ready = connection.wait(self.target.unresponsive_after).map_err(failure)?;
            match ready {
                Ready::ToRead => return Ok(false),
                Ready::ToWrite => is_silent = false,
                Ready::Nothing if is_silent => return Err(Failure::Over(self.unresponsive())),
                Ready::Nothing => is_silent = self.target.unresponsive_after.is_some(),
            }
        }
    }

    /// Returns whether it is only that the time is up which the caller has set.
    fn has_patience(&self, why: &Refusal) -> bool {
        why.kind == ErrorKind::Unresponsive && self.target.unresponsive_after.is_some()
    }

    pub(super) fn unresponsive(&self) -> Refusal {
        let limit = self.target.unresponsive_after.unwrap_or_default();
        let why = format!(
            "the manager has sent nothing for {limit:?}, and then did not answer a ping for as \
             long: it is stopped, or its machine is"
        );
        Refusal::new(ErrorKind::Unresponsive, why)
    }
}

pub(super) fn failure(why: Refusal) -> Failure {
    if super::is_final(why.kind) { Failure::Over(why) } else { Failure::Broken(why) }
}
