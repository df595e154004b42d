//! Many calls under way on one connection.

use std::collections::VecDeque;
use std::sync::Arc;

use rustix::thread::sched_getaffinity;
use sync_proto::message::{ClientMessage, Reply, ServerMessage};
use sync_proto::{Call, CallId, Data, ErrorKind, Handle, Pipe, Refusal};

use super::exchange::{Failure, Outcome};
use super::unsent::{First, LATE};
use super::{Connection, Session};

/// From how many gathered bytes on calls are written: after a wait, and at the longest.
const FIRST_BATCH: usize = 1024;
const LONGEST_BATCH: usize = 16 * 1024;

/// A connection with many calls under way.
///
/// Calls are never held back for the answers to earlier ones: one that stands in line may wait for
/// one that comes after it. What is written and not answered is bounded elsewhere: by the room in
/// the socket, while the manager is behind, and by the calls that it lets wait for one connection.
/// Answers are read as they come with each batch, and while the manager accepts no more.
#[derive(Debug)]
pub(super) struct SocketPipe {
    session: Arc<Session>,
    /// Gone when it broke.
    connection: Option<Connection>,
    /// The calls whose answers nobody has taken, in the order of asking, which is that of their
    /// numbers. The first is usually the next to be taken.
    calls: VecDeque<(CallId, State)>,
    /// How many have no answer.
    asked: usize,
    batch: Batch,
    /// What answered calls kept. Releasing it may have to wait for the manager, so that is done
    /// once all is written that this one took along.
    let_go: Vec<(Handle, Vec<Handle>)>,
    /// Nobody waits for what stands in line.
    is_given_up: bool,
}

/// How far a call is.
#[derive(Debug)]
enum State {
    /// It has no answer.
    Asked {
        /// The call, where it may have to be sent again.
        again: Option<Box<ClientMessage>>,
        /// What it calls and what it brings: a release would go by another connection, and might
        /// overtake it.
        kept: (Handle, Vec<Handle>),
    },
    /// Nobody has waited for its answer yet.
    Answered(Outcome),
}

/// How many bytes of calls are gathered before they are written.
///
/// After a wait the manager may have nothing to do: the first calls are written soon, so that it
/// works on them while the next are made. Each write costs a system call, so each batch is twice as
/// long as the one before.
#[derive(Debug)]
struct Batch {
    first: usize,
    next: usize,
}

impl Batch {
    /// Makes one for a process that has so many cores: on one alone, to wake the manager early
    /// would only take this process's time.
    fn for_cores(cores: u32) -> Self {
        let first = if cores == 1 { LONGEST_BATCH } else { FIRST_BATCH };
        Self { first, next: first }
    }

    /// An answer is waited for.
    fn begin(&mut self) {
        self.next = self.first;
    }

    /// A batch is full.
    fn grow(&mut self) {
        self.next = LONGEST_BATCH.min(self.next * 2);
    }
}

impl SocketPipe {
    pub(super) fn open(session: Arc<Session>) -> Result<Self, Refusal> {
        let connection = Some(session.connection()?);
        let (calls, let_go) = (VecDeque::new(), Vec::new());
        // Where the system does not tell, there are several.
        let batch = Batch::for_cores(sched_getaffinity(None).map_or(2, |cores| cores.count()));
        Ok(Self { session, connection, calls, asked: 0, batch, let_go, is_given_up: false })
    }

    /// Sends what is queued, or waits for one message if all is sent. A caller that waits for an
    /// answer checks for it before each step: it may have been read while something was sent, and
    /// be the last to come.
    fn step(&mut self) -> Result<(), Refusal> {
        if self.connection.as_ref().is_some_and(|of| of.unwritten() > 0) {
            return self.write();
        }
        self.let_go.clear();
        self.take_in()
    }

    /// Takes along what was left unsent, for which an answer may wait where no other connection can
    /// be had, or goes one step.
    fn go_on(&mut self) -> Result<(), Refusal> {
        let is_unread = self.connection.as_ref().is_some_and(Connection::has_message);
        if !is_unread && self.session.has_unsent() {
            return self.go_first().map(drop);
        }
        self.step()
    }

    /// Waits for one message.
    fn take_in(&mut self) -> Result<(), Refusal> {
        let (session, connection) = self.parts()?;
        match session.listen_once(connection) {
            Ok(None) => Ok(()),
            Ok(Some(ServerMessage::Reply(Reply { call, outcome }))) => {
                if session.lifeline.is_some() {
                    connection.arrived().push(call);
                }
                self.answered(call, outcome)
            }
            Ok(Some(other)) => Err(self.end(super::out_of_place(&other))),
            Err(failure) => self.go_on_after(failure),
        }
    }

    /// Keeps an answer until somebody waits for it.
    fn answered(&mut self, call: CallId, outcome: Outcome) -> Result<(), Refusal> {
        let state = self.place(call).map(|at| &mut self.calls[at].1);
        let Some(state @ State::Asked { .. }) = state else {
            let why = format!("the manager answered call {call}, which was not made");
            return Err(self.end(Refusal::new(ErrorKind::Malformed, why)));
        };
        if let State::Asked { kept, .. } = std::mem::replace(state, State::Answered(outcome)) {
            self.let_go.push(kept);
        }
        self.asked -= 1;
        if let (0, Some(connection)) = (self.asked, &mut self.connection) {
            connection.confirm();
        }
        Ok(())
    }

    fn place(&self, call: CallId) -> Option<usize> {
        // Where no other thread makes calls meanwhile, their numbers have no gaps.
        let (first, _) = self.calls.front()?;
        let at = usize::try_from(call.0.checked_sub(first.0)?).ok()?;
        if self.calls.get(at).is_some_and(|&(of, _)| of == call) {
            return Some(at);
        }
        self.calls.binary_search_by_key(&call, |&(call, _)| call).ok()
    }

    /// Takes the answer of a call, if it is there.
    fn take(&mut self, call: CallId) -> Option<Outcome> {
        let at = self.place(call)?;
        let State::Answered(_) = self.calls[at].1 else { return None };
        match self.calls.remove(at) {
            Some((_, State::Answered(outcome))) => Some(outcome),
            _ => None,
        }
    }

    /// Sends what is queued, and takes in answers while the manager takes no more of it.
    fn write(&mut self) -> Result<(), Refusal> {
        if self.connection.as_ref().is_some_and(|of| of.unwritten() == 0) {
            return Ok(());
        }
        loop {
            let (session, connection) = self.parts()?;
            match session.write_or_hear(connection) {
                Ok(true) => return Ok(()),
                Ok(false) => self.take_in()?,
                Err(failure) => self.go_on_after(failure)?,
            }
        }
    }

    /// Takes in the answers that have come, so that the manager need not keep them.
    fn catch_up(&mut self) -> Result<(), Refusal> {
        while self.asked > 0 && self.parts()?.1.is_spoken_to()? {
            self.take_in()?;
            // On a new connection all is sent again.
            self.write()?;
        }
        Ok(())
    }

    /// Prepares what goes before a call; returns whether somebody may wait for it. Nobody else has
    /// it now.
    fn go_first(&mut self) -> Result<bool, Refusal> {
        let mut pauses = LATE;
        loop {
            let is_unread = self.asked > 0;
            let (session, connection) = self.parts()?;
            let first = session.queue_first(connection)?;
            match first {
                First::Nothing => return Ok(false),
                First::All if !is_unread => return Ok(true),
                First::All | First::Part => self.be_heard()?,
            }
            if first == First::All {
                return Ok(false);
            }
            self.session.wait_if_ahead(&mut pauses);
        }
    }

    /// Sends what is queued, and reads answers until the manager has read it all: it does not read
    /// from a client that leaves many answers unread. Nothing that stands in line is waited for.
    fn be_heard(&mut self) -> Result<(), Refusal> {
        let (session, connection) = self.parts()?;
        connection.queue(&ClientMessage::Ping, session.limit())?;
        self.write()?;
        while self.parts()?.1.awaits_pong() {
            self.take_in()?;
            // On a new connection all is sent again, and this first.
            self.write()?;
        }
        Ok(())
    }

    /// Checks that this process opened it: a forked child's calls would go out amid its parent's,
    /// it would take its parent's answers, or wait for locks that threads of its parent held.
    fn check_own(&self) -> Result<(), Refusal> {
        if self.session.is_own() {
            return Ok(());
        }
        let why = "the pipeline is the parent process's: make another one in this process";
        Err(Refusal::new(ErrorKind::InvalidInput, why))
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

    /// Takes another connection, where the session survives the loss of one, and sends again
    /// everything that is not answered: the manager knows the calls by their numbers.
    fn go_on_after(&mut self, failure: Failure) -> Result<(), Refusal> {
        let lost = self.connection.take();
        let (lifeline, lost) = match (failure, &self.session.lifeline, lost) {
            (Failure::Broken(_), Some(lifeline), Some(lost)) => (Arc::clone(lifeline), lost),
            (failure, ..) => return Err(self.end(failure.into_refusal())),
        };
        self.session.lose(&lifeline, lost);
        let mut connection = self.session.join(&lifeline, true)?;
        let limit = self.session.limit();
        self.session.queue_first(&mut connection)?;
        for (call, state) in &self.calls {
            let State::Asked { again, .. } = state else { continue };
            if let Some(again) = again {
                connection.queue(again, limit)?;
            }
            if self.is_given_up {
                connection.queue(&ClientMessage::Cancel(*call), limit)?;
            }
        }
        self.connection = Some(connection);
        Ok(())
    }

    /// Cancels what stands in line, and reads all answers: the connection can be used again, and
    /// the handles in answers that nobody wanted are released.
    fn finish(&mut self) -> Result<(), Refusal> {
        self.is_given_up = true;
        let is_asked = |(_, state): &&(CallId, State)| matches!(state, State::Asked { .. });
        let asked = self.calls.iter().filter(is_asked);
        let given_up: Vec<CallId> = asked.map(|&(call, _)| call).collect();
        let (session, connection) = self.parts()?;
        for call in given_up {
            connection.queue(&ClientMessage::Cancel(call), session.limit())?;
        }
        while self.asked > 0 {
            self.go_on()?;
        }
        for (_, state) in std::mem::take(&mut self.calls) {
            if let State::Answered(answer) = state {
                drop(self.session.receive(answer));
            }
        }
        Ok(())
    }
}

impl Pipe for SocketPipe {
    fn send(&mut self, target: &Handle, call: Call) -> Result<CallId, Refusal> {
        self.check_own()?;
        let kept = (target.clone(), call.data.all_handles().cloned().collect());
        let request = self.session.request(call)?;
        let call = request.call;
        let message = ClientMessage::Request(request);
        let is_urgent = self.go_first()?;
        let (session, connection) = self.parts()?;
        // What is too large is not queued: the connection is as good as before. What was to go
        // before it does go.
        if let Err(refusal) = connection.queue(&message, session.limit()) {
            self.write()?;
            return Err(refusal);
        }
        let queued = connection.queued();
        let again = session.lifeline.is_some().then(|| Box::new(message));
        self.calls.push_back((call, State::Asked { again, kept }));
        self.asked += 1;
        if is_urgent || queued >= self.batch.next {
            self.batch.grow();
            self.write()?;
            self.catch_up()?;
        }
        self.let_go.clear();
        Ok(call)
    }

    fn flush(&mut self) -> Result<(), Refusal> {
        self.check_own()?;
        self.write()
    }

    fn wait(&mut self, call: CallId) -> Result<Data, Refusal> {
        self.check_own()?;
        loop {
            if let Some(answer) = self.take(call) {
                self.let_go.clear();
                return self.session.receive(answer);
            }
            self.batch.begin();
            self.go_on()?;
        }
    }
}

impl Drop for SocketPipe {
    fn drop(&mut self) {
        // In a forked child the connection is its parent's.
        if !self.session.process.is_surely_current() {
            return;
        }
        let finished = self.finish();
        if let (Ok(()), Some(connection)) = (finished, self.connection.take()) {
            self.session.put_by(connection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_wait_the_first_calls_are_written_soon_if_the_manager_can_run_meanwhile() {
        let mut batch = Batch::for_cores(2);
        for _ in 0..2 {
            for expected in [1, 2, 4, 8, 16, 16] {
                assert_eq!(batch.next, expected * 1024);
                batch.grow();
            }
            batch.begin();
        }
        let mut batch = Batch::for_cores(1);
        assert_eq!(batch.next, LONGEST_BATCH);
        batch.grow();
        assert_eq!(batch.next, LONGEST_BATCH);
    }
}
