//! What must come of a schedule, found the slow way.
//!
//! The reference has one list of callers. After every input it serves who can be served, from the
//! front of each line, until nobody can: there are no wakes, so none to forget.

use core::fmt::Debug;
use std::collections::BTreeMap;
use std::time::Duration;

use sync_objects::{Error, ErrorKind, Token};
use sync_testkit::sim::SimClient;

pub(crate) type Answer = Result<i64, ErrorKind>;

/// What was granted, and what was answered then.
pub(crate) type Held = (Token, i64);

/// A type of object: the slow way to know what it does, and the proxy that really does it.
pub(crate) trait Model: Default {
    type Op: Copy + Debug + PartialEq + 'static;
    type Proxy: Clone + 'static;

    /// What may be asked for, by a party that holds something and by one that does not.
    fn ops(holds: bool) -> &'static [Self::Op];

    /// In which line a call waits, if it may wait.
    fn line(op: Self::Op) -> Option<u8>;

    /// Whether the call gives back what was granted first.
    fn gives_back(op: Self::Op) -> bool;

    /// What comes of a call now; `None`, and no change, when it must wait.
    fn look(&mut self, who: usize, op: Self::Op) -> Option<Answer>;

    /// Whether a caller need not stand behind those that wait.
    fn overtakes(&self, who: usize) -> bool {
        let _ = who;
        false
    }

    /// A party that holds something died.
    fn gone(&mut self, who: usize);

    fn attach(client: &SimClient) -> Self::Proxy;

    fn within(proxy: &Self::Proxy, timeout: Duration) -> Self::Proxy;

    /// Makes the call on the real object; returns what `look` would, and what was granted.
    fn call(
        proxy: &Self::Proxy,
        op: Self::Op,
        held: Option<Held>,
    ) -> Result<(i64, Option<Token>), Error>;
}

pub(crate) struct Waiter<Op> {
    pub(crate) call: usize,
    pub(crate) who: usize,
    pub(crate) op: Op,
    pub(crate) deadline: Option<u64>,
}

/// The object, its callers, and the time.
pub(crate) struct Reference<M: Model> {
    model: M,
    now: u64,
    pub(crate) waiting: Vec<Waiter<M::Op>>,
    /// The answers that were not taken yet, by call.
    pub(crate) answers: BTreeMap<usize, Answer>,
}

impl<M: Model> Reference<M> {
    pub(crate) fn new() -> Self {
        Self { model: M::default(), now: 0, waiting: Vec::new(), answers: BTreeMap::new() }
    }

    pub(crate) fn call(&mut self, call: usize, who: usize, op: M::Op, wait: Option<u64>) {
        let line = M::line(op);
        let is_behind = line.is_some()
            && self.waiting.iter().any(|waiter| M::line(waiter.op) == line)
            && !self.model.overtakes(who);
        let answer = if is_behind { None } else { self.model.look(who, op) };
        match answer {
            Some(answer) => _ = self.answers.insert(call, answer),
            None if wait == Some(0) => _ = self.answers.insert(call, Err(ErrorKind::TimedOut)),
            None => {
                let deadline = wait.map(|wait| self.now + wait);
                self.waiting.push(Waiter { call, who, op, deadline });
            }
        }
        self.serve();
    }

    pub(crate) fn cancel(&mut self, call: usize) {
        self.waiting.retain(|waiter| waiter.call != call);
        self.answers.insert(call, Err(ErrorKind::TimedOut));
        self.serve();
    }

    pub(crate) fn kill(&mut self, who: usize, holds: bool) {
        self.waiting.retain(|waiter| waiter.who != who);
        if holds {
            self.model.gone(who);
        }
        self.serve();
    }

    /// Lets time pass; of two whose time is up, the one that leaves first may make room for the
    /// other.
    pub(crate) fn advance(&mut self, by: u64) {
        self.now += by;
        loop {
            let due = self.waiting.iter().filter_map(|w| Some((w.deadline?, w.call)));
            match due.min() {
                Some((deadline, call)) if deadline <= self.now => self.cancel(call),
                _ => return,
            }
        }
    }

    fn serve(&mut self) {
        let mut at = 0;
        while let Some(&Waiter { call, who, op, .. }) = self.waiting.get(at) {
            let line = M::line(op);
            let is_first = self.waiting[..at].iter().all(|ahead| M::line(ahead.op) != line);
            match if is_first { self.model.look(who, op) } else { None } {
                None => at += 1,
                Some(answer) => {
                    self.answers.insert(call, answer);
                    self.waiting.remove(at);
                    at = 0;
                }
            }
        }
    }
}
