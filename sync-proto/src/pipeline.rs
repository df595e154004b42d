//! Many calls under way at once: sent one after another, answered together.

use core::cell::RefCell;
use core::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Call, CallId, Data, Error, ErrorKind, Handle, MethodId, Refusal, Remote, Transport};

/// Carries calls of which many are under way at once: what a [`Transport`] provides for a
/// [`Pipeline`]. When dropped, it cancels the calls that wait, and reads the remaining answers.
pub trait Pipe: fmt::Debug {
    /// Sends a call to the target, behind those sent before. May wait until the manager accepts it,
    /// but not for the answers to those: they may depend on it. Until it is answered, it keeps the
    /// handles on the target and on what it brings: their release goes another way and might
    /// overtake it.
    ///
    /// # Errors
    /// Why it cannot be sent; [`ErrorKind::Disconnected`] when the session is over.
    fn send(&mut self, target: &Handle, call: Call) -> Result<CallId, Refusal>;

    /// Sends the calls that it has gathered, if it gathers any.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`] when the session is over.
    fn flush(&mut self) -> Result<(), Refusal> {
        Ok(())
    }

    /// Waits for the answer to a call, and returns it, once.
    ///
    /// # Errors
    /// Those of [`Transport::call`].
    fn wait(&mut self, call: CallId) -> Result<Data, Refusal>;
}

/// Makes calls without waiting for the answers to those before: many calls, and one wait for all of
/// them. They are gathered, and sent when they are many, when an answer is waited for that has not
/// come, by [`flush`](Self::flush), and in the end.
///
/// They are carried out in the order in which they were made, but one that must stand in line does
/// not hold up those behind it. The manager limits how many calls of one pipeline may stand in
/// line (`--max-calls-per-connection`); more of them fail with [`ErrorKind::LimitReached`].
pub struct Pipeline<'t> {
    transport: &'t dyn Transport,
    pipe: RefCell<Option<Box<dyn Pipe>>>,
}

impl<'t> Pipeline<'t> {
    /// Makes a pipeline to a manager; a connection is taken for it with the first call.
    pub fn new(transport: &'t dyn Transport) -> Self {
        Self { transport, pipe: RefCell::new(None) }
    }

    /// Makes a call; its result, or the error that it could not be sent, goes to the caller that
    /// waits for its answer.
    pub fn call<'p, R: DeserializeOwned>(
        &'p self,
        remote: &'p Remote,
        method: MethodId,
        args: &impl Serialize,
    ) -> Pending<'p, R> {
        let sent = self
            .check(remote)
            .and_then(|()| remote.encode(method, args))
            .and_then(|call| self.with_pipe(|pipe| pipe.send(remote.handle(), call)))
            .map_err(|refusal| remote.error(method, refusal));
        let decode = Decode::Whole { remote, method, read: Data::into_value };
        Pending { pipeline: self, sent, decode }
    }

    /// Sends the calls that were gathered and not sent yet, for a caller that waits for what they
    /// bring about in another way than for their answers.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`] when the session is over.
    pub fn flush(&self) -> Result<(), Error> {
        match &mut *self.pipe.borrow_mut() {
            Some(pipe) => Ok(pipe.flush()?),
            None => Ok(()),
        }
    }

    /// Returns a call that failed before it was sent.
    pub fn failed<R>(&self, error: Error) -> Pending<'_, R> {
        let decode = Decode::By(Box::new(|_| unreachable!("it was not sent")));
        Pending { pipeline: self, sent: Err(error), decode }
    }

    fn check(&self, remote: &Remote) -> Result<(), Refusal> {
        let theirs = remote.handle().keeper().transport();
        if theirs.is_some_and(|theirs| self.transport.is_session_of(theirs)) {
            return Ok(());
        }
        let why = "the object was reached through another session than the pipeline's: make the \
                   pipeline with the Manager that it comes from";
        Err(Refusal::new(ErrorKind::InvalidInput, why))
    }

    fn with_pipe<R>(
        &self,
        act: impl FnOnce(&mut dyn Pipe) -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        let mut pipe = self.pipe.borrow_mut();
        let pipe = match &mut *pipe {
            Some(pipe) => pipe,
            none => none.insert(self.transport.pipe()?),
        };
        act(&mut **pipe)
    }
}

/// A call that is under way in a [`Pipeline`].
#[must_use = "what came of the call is lost, and the call is given up if it stands in line"]
pub struct Pending<'p, R> {
    pipeline: &'p Pipeline<'p>,
    sent: Result<CallId, Error>,
    decode: Decode<'p, R>,
}

type Answer = Result<Data, Refusal>;

/// How the answer is read.
enum Decode<'p, R> {
    /// As what the method answers with.
    Whole { remote: &'p Remote, method: MethodId, read: fn(Data) -> Result<R, Refusal> },
    /// As something that is made from it.
    By(Box<dyn FnOnce(Answer) -> Result<R, Error> + 'p>),
}

impl<R> Decode<'_, R> {
    fn run(self, answer: Answer) -> Result<R, Error> {
        match self {
            Self::Whole { remote, method, read } => {
                answer.and_then(read).map_err(|refusal| remote.error(method, refusal))
            }
            Self::By(decode) => decode(answer),
        }
    }
}

impl<'p, R> Pending<'p, R> {
    /// Waits for the answer.
    ///
    /// # Errors
    /// Those of the call, including why it could not be sent.
    pub fn wait(self) -> Result<R, Error> {
        let call = self.sent?;
        self.decode.run(self.pipeline.with_pipe(|pipe| pipe.wait(call)))
    }

    /// Maps the answer, once it is waited for.
    pub fn and_then<S>(self, f: impl FnOnce(R) -> Result<S, Error> + 'p) -> Pending<'p, S>
    where
        R: 'p,
    {
        let Self { pipeline, sent, decode } = self;
        let decode = Decode::By(Box::new(move |answer| decode.run(answer).and_then(f)));
        Pending { pipeline, sent, decode }
    }
}

impl fmt::Debug for Pipeline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline").field("pipe", &self.pipe).finish_non_exhaustive()
    }
}

impl<R> fmt::Debug for Pending<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pending({:?})", self.sent)
    }
}
