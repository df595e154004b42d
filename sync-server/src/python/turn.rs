//! A turn of the loop: what was read, the kernel once for all of it, what is written.

use sync_objects::{Kernel, Outgoing, Time};

use sync_proto::{ErrorKind, ObjectId, Refusal};

use super::auth::Step;
use super::connection::{Caller, Got, Stage, Waiting};
use super::desk::{Desk, Outcome, Stand};
use super::exceptions::Raise;
use super::pickle;
use super::reply::{Answer, Reply};
use super::request::Request;
use super::{Front, control, dispatch};
use crate::hub::key_of;
use crate::limits::{TIME_PER_TURN, WRITE_PER_TURN};

/// What a connection said in this turn.
#[derive(Debug)]
pub(super) enum Said {
    Request(Request),
    /// Something that is not a request: the client gets an error, and may go on.
    Nonsense(Raise),
    /// Nothing more.
    End,
}

impl Front {
    pub(super) fn turn(&mut self) {
        let mut said = self.read_some();
        self.shed(&mut said);
        let hub = std::sync::Arc::clone(&self.hub);
        hub.visit_with(|kernel, now| {
            self.trays.mail.extend(hub.python_mail());
            self.deliver(kernel, now);
            // A process that has ended stands in no line when the others are served.
            let (last_words, said): (Vec<_>, Vec<_>) =
                said.into_iter().partition(|(key, said)| self.is_over(*key, said));
            for (key, said) in last_words {
                self.hear(kernel, now, key, said);
                self.deliver(kernel, now);
            }
            self.bury(kernel, now);
            let mut said = said.into_iter();
            for (key, said) in said.by_ref() {
                self.hear(kernel, now, key, said);
                self.deliver(kernel, now);
                if self.rounds.is_over() || hub.now().since(now) >= TIME_PER_TURN {
                    break;
                }
            }
            self.leave(said);
            self.processes.end_idle(kernel, now, self.limits.python_grace);
            self.give_back(kernel, now);
            self.deliver(kernel, now);
            ((), std::mem::take(&mut self.trays.strays))
        });
        self.flush_some();
    }

    /// Reads once from a connection, and takes the next request out of what came.
    pub(super) fn read(&mut self, key: usize, said: &mut Vec<(usize, Said)>) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if connection.pending_output() > self.limits.output_soft {
            // A client must read its answers: it is read from again once it has.
            return;
        }
        if connection.is_ahead() && !connection.read_closed {
            // Nothing more is read before that is carried out: it would pile up. A connection that
            // waits, or is being closed, is checked again when that is over.
            let asks = self.take_request(key, said);
            let Some(connection) = self.connections.get(key) else { return };
            self.incoming.set(self.hub.now(), key, connection.pending_input());
            let goes_on = !matches!(connection.stage, Stage::Closing { .. });
            if asks || goes_on && connection.waiting.is_none() {
                self.ready.insert(key);
            }
            return;
        }
        let got = connection.read(&mut self.buffer).unwrap_or_else(|error| {
            tracing::debug!(%error, "a Python connection broke");
            Got::End
        });
        let asks = self.take_request(key, said);
        let Some(connection) = self.connections.get_mut(key) else { return };
        if asks {
            // What is left is of another message.
            self.incoming.remove(key);
        }
        self.incoming.set(self.hub.now(), key, connection.pending_input());
        // A client that reads nothing may live, and never close: what has come is all that counts.
        let got = if got == Got::Drained && connection.is_deaf() { Got::End } else { got };
        match got {
            Got::End if !asks || connection.waiting.is_some() => said.push((key, Said::End)),
            Got::End | Got::More => {
                self.ready.insert(key);
            }
            Got::Drained if asks && connection.has_input() || connection.read_closed => {
                self.ready.insert(key);
            }
            Got::Drained => {}
        }
    }

    /// Takes what was read: handshake messages are answered, a request goes to the kernel. Returns
    /// whether there was one.
    fn take_request(&mut self, key: usize, said: &mut Vec<(usize, Said)>) -> bool {
        loop {
            let Some(connection) = self.connections.get_mut(key) else { return false };
            if connection.waiting.is_some() {
                return false;
            }
            let message = match connection.next() {
                Ok(Some(message)) => message,
                Ok(None) => return false,
                Err(bad) => {
                    let why =
                        format!("a message is longer than {} bytes, or has no length", bad.limit);
                    self.strangers.log(self.hub.now(), connection.origin(), why);
                    // What it holds passes on, as when it had hung up.
                    said.push((key, Said::End));
                    return false;
                }
            };
            match &mut connection.stage {
                Stage::Auth { auth, deadline } => {
                    let (step, deadline) = (auth.hear(&message), *deadline);
                    self.step(key, step, deadline);
                }
                Stage::Closing { .. } => return false,
                Stage::Fresh { .. } | Stage::Object(_) => {
                    self.rounds.read += message.len();
                    connection.protocol = pickle::protocol(&message);
                    let request = Request::read(&message);
                    said.push((key, request.map_or_else(Said::Nonsense, Said::Request)));
                    return true;
                }
            }
        }
    }

    fn step(&mut self, key: usize, step: Step, deadline: Time) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        match step {
            Step::Send(message) => connection.push(&message),
            Step::Done => {
                connection.stage = Stage::Fresh { deadline };
                self.half_open.remove(&connection.via);
                connection.set_limit(self.limits.message);
            }
            Step::Refused(message, why) => {
                self.strangers.log(self.hub.now(), connection.origin(), why);
                if let Some(message) = message {
                    connection.push(message);
                }
                self.close(key);
            }
        }
        self.dirty.insert(key);
    }

    fn hear(&mut self, kernel: &mut Kernel, now: Time, key: usize, said: Said) {
        self.withdraw(kernel, now, key);
        let Some(connection) = self.connections.get_mut(key) else { return };
        // The client has counted what the last answer gave it.
        connection.in_flight.clear();
        let is_object = matches!(connection.stage, Stage::Object(_));
        match said {
            Said::End => self.hang_up(kernel, now, key),
            Said::Request(request) if is_object => self.call(kernel, now, key, &request),
            Said::Request(request) => {
                let outcome = control::run(self, kernel, now, key, &request);
                self.answer(key, outcome);
                if self.connections.get(key).is_some_and(|of| !matches!(of.stage, Stage::Object(_)))
                {
                    self.close(key);
                }
            }
            Said::Nonsense(raise) => {
                self.answer(key, Err(raise));
                if !is_object {
                    self.close(key);
                }
            }
        }
    }

    /// Carries out a method call.
    fn call(&mut self, kernel: &mut Kernel, now: Time, key: usize, request: &Request) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Stage::Object(caller) = &connection.stage else { return };
        let mut desk = desk(kernel, now, &mut self.trays, caller);
        let outcome = dispatch::call(&mut desk, request);
        self.follow(kernel, now, key, outcome);
    }

    /// Answers, or asks an object and keeps the call until that one has answered.
    fn follow(&mut self, kernel: &mut Kernel, now: Time, key: usize, outcome: Outcome) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Stage::Object(caller) = &connection.stage else { return };
        let via = connection.via;
        let (answer, undo) = match desk(kernel, now, &mut self.trays, caller).go_on(via, outcome) {
            Stand::Waits(call, then) => {
                connection.waiting = Some(Waiting { call, then });
                return;
            }
            Stand::Answered(answer, undo) => (answer, undo),
        };
        if let Ok(Reply::Proxy(_, handle)) = &answer {
            self.count(kernel, now, key, handle.object());
        }
        let is_given = self.answer(key, answer);
        let (Some(undo), Some(connection)) = (undo, self.connections.get_mut(key)) else { return };
        if is_given {
            connection.keep(undo);
        } else if let Stage::Object(caller) = &connection.stage {
            // Python has no form for it: it stays for readers that have one.
            desk(kernel, now, &mut self.trays, caller).undo(undo);
        }
    }

    /// Counts the reference that the client gives back once it has one of its own.
    fn count(&mut self, kernel: &mut Kernel, now: Time, key: usize, object: ObjectId) {
        let counted = self.session(kernel, now, key);
        if counted.is_ok_and(|session| kernel.handle_share(now, session, object).is_err()) {
            tracing::error!("an object is gone that was made for this answer");
        }
        self.unclaimed.insert(object);
        if let Some(connection) = self.connections.get_mut(key) {
            connection.offered = Some(object);
        }
    }

    /// Takes back the reference that was counted for an answer, if the client made no proxy of it:
    /// one without a manager fails to, and its thread goes on, or ends.
    pub(super) fn withdraw(&mut self, kernel: &mut Kernel, now: Time, key: usize) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Some(object) = connection.offered.take() else { return };
        if self.unclaimed.remove(&object)
            && let Some(session) = self.processes.session(now, connection.peer)
        {
            // A client may have given it back without a reference of its own.
            let _ = kernel.handle_return(now, session, object, 1);
        }
    }

    /// Goes on with the calls that objects have answered, until none is left.
    pub(super) fn deliver(&mut self, kernel: &mut Kernel, now: Time) {
        loop {
            while let Some(outgoing) = kernel.poll_reply() {
                self.trays.sort(outgoing);
            }
            let Some(outgoing) = self.trays.mail.pop_front() else { return };
            self.go_on(kernel, now, outgoing);
        }
    }

    fn go_on(&mut self, kernel: &mut Kernel, now: Time, outgoing: Outgoing) {
        let key = key_of(outgoing.via);
        let connection = self.connections.get_mut(key).filter(|of| of.via == outgoing.via);
        let waiting =
            connection.and_then(|of| of.waiting.take_if(|of| of.call == outgoing.reply.call));
        let connection = self.connections.get_mut(key);
        let (Some(Waiting { then, .. }), Some(connection)) = (waiting, connection) else {
            if let Ok(data) = &outgoing.reply.outcome {
                let gone = Refusal::new(ErrorKind::Disconnected, "the connection is closed");
                let Outgoing { session, reply, .. } = &outgoing;
                kernel.handle_undelivered(now, *session, reply.call, data, &gone);
            }
            return;
        };
        let Stage::Object(caller) = &connection.stage else { return };
        let mut desk = desk(kernel, now, &mut self.trays, caller);
        let answer = outgoing.reply.outcome.and_then(|data| desk.receive(data));
        let outcome = then(&mut desk, answer);
        self.follow(kernel, now, key, outcome);
    }

    /// Queues an answer. Returns whether it is the reply itself, and no error.
    pub(super) fn answer(&mut self, key: usize, outcome: Result<Reply, Raise>) -> bool {
        let Some(connection) = self.connections.get_mut(key) else { return false };
        let answer_max = self.trays.answer_max;
        let Answer { message, handles, is_reply } =
            Answer::write(outcome, connection.at(), answer_max);
        self.rounds.answered += message.len();
        connection.in_flight = handles;
        connection.push(&message);
        self.dirty.insert(key);
        if connection.has_input() || connection.read_closed {
            self.ready.insert(key);
        }
        is_reply
    }

    /// Writes once to each connection that is owed something, for as long as a turn may take.
    pub(super) fn flush_some(&mut self) {
        let dirty = std::mem::take(&mut self.dirty);
        let (mut unwritten, mut written, began) = (dirty.iter(), 0, self.hub.now());
        for key in unwritten.by_ref() {
            written += self.flush(key);
            if written > WRITE_PER_TURN && self.hub.now().since(began) >= TIME_PER_TURN {
                break;
            }
        }
        // These are first in the next turn, those of which something is left come after them.
        let left = std::mem::take(&mut self.dirty);
        self.dirty.extend(unwritten);
        self.dirty.extend(left.iter());
    }

    /// Writes to a connection; returns how many bytes.
    fn flush(&mut self, key: usize) -> usize {
        let Some(connection) = self.connections.get_mut(key).filter(|of| !of.is_deaf()) else {
            return 0;
        };
        let paused = connection.pending_output() > self.limits.output_soft;
        let flushed = match connection.flush(self.poll.registry()) {
            Ok(flushed) => flushed,
            Err(error) => {
                tracing::debug!(%error, "a Python connection broke");
                // It is read to its end, which says what it leaves behind: not even an answer that
                // was too long for it keeps its requests from being carried out.
                connection.give_up_output();
                self.outgoing.remove(key);
                connection.read_closed = true;
                self.ready.insert(key);
                return 0;
            }
        };
        if flushed.has_room {
            self.dirty.insert(key);
        }
        let pending = connection.pending_output();
        self.outgoing.set(self.hub.now(), key, pending);
        if pending == 0 && matches!(connection.stage, Stage::Closing { .. }) {
            self.forget(key);
        } else if paused && pending <= self.limits.output_soft {
            self.ready.insert(key);
        }
        flushed.written
    }
}

fn desk<'a>(
    kernel: &'a mut Kernel,
    now: Time,
    trays: &'a mut super::desk::Trays,
    caller: &Caller,
) -> Desk<'a> {
    Desk::new(kernel, now, trays, caller.session, caller.thread)
}
