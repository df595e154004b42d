//! A client's thread: a program that is run step by step.

use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use sync_objects::Time;
use sync_proto::{CallId, Error, ErrorKind, SessionId, ThreadId};

use super::ghost::Ghost;
use super::link::Link;
use crate::chance::Chance;

/// What a program does; it ends, or fails when its session is over.
pub(crate) type Program = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

/// What a program sees of the world.
#[derive(Clone, Debug)]
pub(crate) struct Thread {
    pub(crate) id: ThreadId,
    pub(crate) session: SessionId,
    pub(crate) link: Arc<Link>,
    pub(crate) chance: Rc<Chance>,
    pub(crate) ghost: Rc<Ghost>,
    pub(crate) now: Rc<Cell<Time>>,
    wait: Rc<Cell<Wait>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    Ready,
    Call(CallId),
    Until(Time),
}

/// A thread with its program.
pub(crate) struct Task {
    pub(crate) name: &'static str,
    pub(crate) thread: Thread,
    program: Program,
}

/// When a task can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runnable {
    Now,
    At(Time),
    OnAnswer,
}

impl Thread {
    pub(crate) fn new(
        id: ThreadId,
        session: SessionId,
        link: Arc<Link>,
        chance: Rc<Chance>,
        ghost: Rc<Ghost>,
        now: Rc<Cell<Time>>,
    ) -> Self {
        Self { id, session, link, chance, ghost, now, wait: Rc::new(Cell::new(Wait::Ready)) }
    }

    /// Makes the one call that `run` makes, and waits for its answer.
    pub(crate) async fn call<R>(&self, run: impl Fn() -> Result<R, Error>) -> Result<R, Error> {
        let call = self.link.begin(&run)?;
        self.answer(call, run).await
    }

    /// As [`call`](Self::call), and the world may give the call up meanwhile: it then fails with
    /// "timed out", or comes to what it got to.
    pub(crate) async fn ask<R>(&self, run: impl Fn() -> Result<R, Error>) -> Result<R, Error> {
        let call = self.link.begin(&run)?;
        self.link.may_give_up(call);
        self.answer(call, run).await
    }

    /// Makes a call, and lets its proxy go while the call is under way; returns with what it was
    /// refused.
    pub(crate) async fn let_go_of<P, R>(
        &self,
        proxy: P,
        run: impl Fn(&P) -> Result<R, Error>,
    ) -> Result<Option<ErrorKind>, Error> {
        let call = self.link.begin(&|| run(&proxy))?;
        drop(proxy);
        self.wait.set(Wait::Call(call));
        poll_fn(|_| if self.link.is_answered(call) { Poll::Ready(()) } else { Poll::Pending })
            .await;
        self.wait.set(Wait::Ready);
        let refusal = self.link.take_answer(call).err();
        Ok(refusal.map(|refusal| refusal.kind))
    }

    async fn answer<R>(
        &self,
        call: CallId,
        run: impl Fn() -> Result<R, Error>,
    ) -> Result<R, Error> {
        self.wait.set(Wait::Call(call));
        poll_fn(|_| if self.link.is_answered(call) { Poll::Ready(()) } else { Poll::Pending })
            .await;
        self.wait.set(Wait::Ready);
        self.link.end(call, &run)
    }

    /// Does something else for a while.
    pub(crate) async fn pause(&self) {
        let micros = [0, 10, 200, 3_000, 40_000][self.chance.below(5)];
        let until = self.now.get() + Duration::from_micros(micros);
        self.wait.set(Wait::Until(until));
        poll_fn(|_| if self.now.get() >= until { Poll::Ready(()) } else { Poll::Pending }).await;
        self.wait.set(Wait::Ready);
    }

    /// Returns how long a call may wait: not at all, or for a short time.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_micros([0, 1, 500, 20_000, 300_000][self.chance.below(5)])
    }
}

impl Task {
    pub(crate) fn new(name: &'static str, thread: Thread, program: Program) -> Self {
        Self { name, thread, program }
    }

    pub(crate) fn runnable(&self) -> Runnable {
        match self.thread.wait.get() {
            Wait::Ready => Runnable::Now,
            Wait::Until(at) if at <= self.thread.now.get() => Runnable::Now,
            Wait::Until(at) => Runnable::At(at),
            Wait::Call(call) if self.thread.link.is_answered(call) => Runnable::Now,
            Wait::Call(_) => Runnable::OnAnswer,
        }
    }

    /// Runs the program up to its next call or pause; returns what it ended with.
    pub(crate) fn run(&mut self) -> Option<Result<(), Error>> {
        self.thread.link.run_as(self.thread.id);
        let mut context = Context::from_waker(Waker::noop());
        match self.program.as_mut().poll(&mut context) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        }
    }
}

impl core::fmt::Debug for Task {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (session, thread) = (self.thread.session, self.thread.id);
        write!(f, "{session}/{thread} {} {:?}", self.name, self.thread.wait.get())
    }
}
