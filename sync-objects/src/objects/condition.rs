//! Condition: callers that hold a lock wait, without it, until another holder notifies them.
//!
//! A waiter has a record, under the token of what it holds of the condition; its call's note is
//! that token. So a poll for another reason is not a notification, and the kernel tells the
//! condition when a waiter dies. A notified waiter stands in the lock's line, without a deadline
//! from then on; one that dies there passes its notification on to the next waiter.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sync_proto::{ErrorKind, Handle, Refusal, Token};

use super::lock::{self, Grant};
use super::rlock::rlock;
use crate::{Channel, Cx, Flow, Gone, Time, interface};

/// What a waiter learns once it has its lock again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Woken {
    /// The lock's new grant.
    pub grant: Grant,
    /// Whether the wait ended because its time was up, not by a notification.
    pub timed_out: bool,
    /// When the wait began, by the manager's clock.
    pub began: Duration,
    /// When the caller had the lock again, by the manager's clock.
    pub ended: Duration,
}

interface! {
    /// Callers that hold a lock wait, without it, until another holder notifies them.
    pub mod condition = "sync.condition" {
        new(lock: Option<Handle>);
        /// Returns the lock: the given one, or the condition's own.
        fn lock() -> Handle;
        /// Gives up the lock, held under the token; waits to be notified, or until the time is up;
        /// takes the lock again.
        fn wait(token: Token) -> Woken;
        /// Notifies the first `count` waiters. The caller holds the lock under the token.
        fn notify(token: Token, count: u32);
    }
}

const NOTIFIED: Channel = Channel::new(0);

#[derive(Debug)]
pub(crate) struct Condition {
    is_own: bool,
    /// The lock; the condition's own is made when it is first asked for.
    lock: Option<Handle>,
    /// Who is in `wait`, including those that wait to have the lock back.
    waiters: BTreeMap<Token, Waiter>,
    /// Which of them wait to be notified, the first to come first.
    waiting: BTreeSet<Token>,
}

#[derive(Debug)]
struct Waiter {
    began: Time,
    /// How often it had taken the lock.
    depth: u32,
    timed_out: bool,
}

impl Condition {
    /// Gives up the lock; returns how often the caller had taken it.
    fn give_up(&self, cx: &mut Cx<'_>, token: Token) -> Result<u32, Refusal> {
        // Nobody holds a lock that was not made yet.
        let lock = self.lock.as_ref().ok_or_else(|| without_lock("wait"))?;
        let given_up = if is_rlock(lock) {
            rlock::Peer(lock).suspend(cx, token)?
        } else {
            lock::lock::Peer(lock).release(cx, token)?.map(|()| 1)
        };
        at_once(given_up).map_err(|refusal| match refusal.kind {
            ErrorKind::NotOwner => without_lock("wait"),
            _ => refusal,
        })
    }

    fn is_held(&self, cx: &mut Cx<'_>, token: Token) -> Result<bool, Refusal> {
        let Some(lock) = &self.lock else {
            return Ok(false);
        };
        at_once(if is_rlock(lock) {
            rlock::Peer(lock).holds(cx, token)?
        } else {
            lock::lock::Peer(lock).holds(cx, token)?
        })
    }

    fn begin(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<Woken> {
        if let Err(refusal) = cx.check_line() {
            return Flow::Refuse(refusal);
        }
        match self.give_up(cx, token) {
            Ok(depth) => {
                let me = cx.hold(1);
                self.waiters.insert(me, Waiter { began: cx.now(), depth, timed_out: false });
                self.waiting.insert(me);
                Flow::WaitThen(NOTIFIED, me.0)
            }
            Err(refusal) => Flow::Refuse(refusal),
        }
    }

    fn go_on(&mut self, cx: &mut Cx<'_>, me: Token) -> Flow<Woken> {
        let (Some(waiter), Some(lock)) = (self.waiters.get_mut(&me), &self.lock) else {
            return Flow::refuse(ErrorKind::Broken, "the condition does not know this waiter");
        };
        if self.waiting.contains(&me) {
            if !cx.timed_out() {
                return Flow::WaitThen(NOTIFIED, me.0);
            }
            self.waiting.remove(&me);
            waiter.timed_out = true;
        }
        let taken = if is_rlock(lock) {
            rlock::Peer(lock).resume(cx, waiter.depth)
        } else {
            lock::lock::Peer(lock).acquire(cx)
        };
        let (timed_out, began) = (waiter.timed_out, waiter.began.since(Time::ZERO));
        let answer = match taken {
            Ok(Flow::Wait(line) | Flow::WaitThen(line, _) | Flow::Must(line, _)) => {
                return Flow::Must(line, me.0);
            }
            Ok(Flow::Done(grant)) => {
                let ended = cx.now().since(Time::ZERO);
                Flow::Done(Woken { grant, timed_out, began, ended })
            }
            Ok(Flow::Refuse(refusal)) | Err(refusal) => Flow::Refuse(refusal),
        };
        self.waiters.remove(&me);
        cx.let_go(me);
        answer
    }

    fn notify_first(&mut self, cx: &mut Cx<'_>, count: usize) {
        for _ in 0..count.min(self.waiting.len()) {
            self.waiting.pop_first();
        }
        // The notified waiter stands in front: it came first.
        cx.wake_in_turn(NOTIFIED);
    }
}

impl condition::Service for Condition {
    fn new(lock: Option<Handle>) -> Result<Self, Refusal> {
        if lock.as_ref().is_some_and(|lock| !is_lock(lock) && !is_rlock(lock)) {
            let why = "a condition needs a Lock or an RLock, the given object is neither";
            return Err(Refusal::new(ErrorKind::WrongType, why));
        }
        let (waiters, waiting) = (BTreeMap::new(), BTreeSet::new());
        Ok(Self { is_own: lock.is_none(), lock, waiters, waiting })
    }

    fn lock(&mut self, cx: &mut Cx<'_>) -> Flow<Handle> {
        if let Some(lock) = &self.lock {
            return Flow::Done(lock.clone());
        }
        let made = cx.create(&lock::lock::INTERFACE, &());
        made.inspect(|lock| self.lock = Some(lock.clone())).into()
    }

    fn wait(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<Woken> {
        match cx.note() {
            // Tokens are counted from 1: this is the first look.
            0 => self.begin(cx, token),
            me => self.go_on(cx, Token(me)),
        }
    }

    fn notify(&mut self, cx: &mut Cx<'_>, token: Token, count: u32) -> Flow<()> {
        match self.is_held(cx, token) {
            Ok(true) => {
                self.notify_first(cx, usize::try_from(count).unwrap_or(usize::MAX));
                Flow::Done(())
            }
            Ok(false) => Flow::Refuse(without_lock("notify")),
            Err(refusal) => Flow::Refuse(refusal),
        }
    }

    fn session_gone(&mut self, cx: &mut Cx<'_>, gone: &Gone) {
        let mut unused = 0;
        for (token, _) in &gone.held {
            let dead = self.waiters.remove(token);
            let was_waiting = self.waiting.remove(token);
            if dead.is_some_and(|dead| !was_waiting && !dead.timed_out) {
                unused += 1;
            }
        }
        self.notify_first(cx, unused);
    }

    fn shape(&self) -> String {
        match &self.lock {
            Some(lock) if !self.is_own => format!("lock {}", lock.object()),
            _ => "a lock of its own".to_owned(),
        }
    }

    fn handles(&self, visit: &mut dyn FnMut(&Handle)) {
        self.lock.iter().for_each(visit);
    }
}

fn is_lock(lock: &Handle) -> bool {
    lock.interface() == lock::lock::INTERFACE.fingerprint
}

fn is_rlock(lock: &Handle) -> bool {
    lock.interface() == rlock::INTERFACE.fingerprint
}

fn without_lock(verb: &str) -> Refusal {
    let why = format!(
        "{verb} without the lock: the guard is not of this condition's lock, or the lock was \
         released or lost"
    );
    Refusal::new(ErrorKind::NotOwner, why)
}

/// Takes the answer of a peer's method that never waits.
fn at_once<T>(flow: Flow<T>) -> Result<T, Refusal> {
    match flow {
        Flow::Done(answer) => Ok(answer),
        Flow::Refuse(refusal) => Err(refusal),
        Flow::Wait(_) | Flow::WaitThen(..) | Flow::Must(..) => {
            Err(Refusal::new(ErrorKind::Broken, "the lock waits where it never does"))
        }
    }
}
