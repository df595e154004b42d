//! Lock: held by one caller at a time, passed on in the order of asking.
//!
//! Differences from Python's `threading.Lock`: a lock has an owner, the session that acquired it,
//! and passes to the next in line when the owner dies; among Rust programs only the owner's process
//! can release it. Python programs release it as Python does, whoever holds it (`release_any`).

use serde::{Deserialize, Serialize};
use sync_proto::{ErrorKind, Refusal, Token};

use crate::{Channel, Cx, Flow, Gone, Owner, interface};

/// What a lock's new holder learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Grant {
    /// The grant's fencing token: greater than that of every earlier grant.
    pub token: Token,
    /// Whether the previous holder died, or panicked, while it held the lock: what the lock
    /// protects may be in an inconsistent state.
    pub abandoned: bool,
}

interface! {
    /// A lock that one caller holds at a time.
    pub mod lock = "sync.lock" {
        new();
        /// Waits until the lock is free, and takes it.
        fn acquire() -> Grant;
        /// Releases what was granted under the token.
        fn release(token: Token);
        /// Releases the lock, whichever thread of the caller's session acquired it.
        fn release_held();
        /// Releases the lock, whoever holds it. A lock whose holder died may be released once until
        /// it is acquired again: callers need not know that the holder is gone.
        fn release_any();
        /// Releases as a holder that failed: the next holder learns that the lock was abandoned.
        fn abandon(token: Token);
        /// Returns whether somebody holds the lock.
        fn is_locked() -> bool;
        /// Returns whether the caller's session holds the lock under the token.
        fn holds(token: Token) -> bool;
        /// Returns under which token the caller's session holds the lock.
        fn holding() -> Option<Token>;
    }
}

const FREE: Channel = Channel::new(0);

#[derive(Debug, Default)]
pub(crate) struct Lock {
    holder: Option<Token>,
    abandoned: bool,
    /// The holder died, and nobody has acquired the lock since, or released it in its place.
    unreleased: bool,
}

impl Lock {
    fn give_up(&mut self, cx: &mut Cx<'_>, token: Token, abandoned: bool) -> Flow<()> {
        if !is_ours(cx, token) {
            return not_held();
        }
        cx.let_go(token);
        self.pass_on(cx, abandoned);
        Flow::Done(())
    }

    fn pass_on(&mut self, cx: &mut Cx<'_>, abandoned: bool) {
        self.holder = None;
        self.abandoned |= abandoned;
        cx.wake_in_turn(FREE);
    }
}

fn is_ours(cx: &Cx<'_>, token: Token) -> bool {
    cx.owner(token).is_some_and(|owner| owner.session == cx.caller().session)
}

fn not_held() -> Flow<()> {
    Flow::refuse(
        ErrorKind::NotOwner,
        "the lock is not held by this process: it was released before, or never acquired",
    )
}

impl lock::Service for Lock {
    fn new() -> Result<Self, Refusal> {
        Ok(Self::default())
    }

    fn acquire(&mut self, cx: &mut Cx<'_>) -> Flow<Grant> {
        if self.holder.is_some() || cx.is_behind(FREE) {
            return Flow::Wait(FREE);
        }
        let token = cx.own(FREE, Owner::Process);
        self.holder = Some(token);
        self.unreleased = false;
        Flow::Done(Grant { token, abandoned: std::mem::take(&mut self.abandoned) })
    }

    fn release(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<()> {
        self.give_up(cx, token, false)
    }

    fn release_held(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        match cx.held_by_session().first() {
            Some(&token) => self.give_up(cx, token, false),
            None => not_held(),
        }
    }

    fn release_any(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        if let Some(token) = self.holder {
            cx.let_go(token);
            self.pass_on(cx, false);
        } else if !std::mem::take(&mut self.unreleased) {
            return Flow::refuse(ErrorKind::NotOwner, "nobody holds the lock");
        }
        Flow::Done(())
    }

    fn abandon(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<()> {
        self.give_up(cx, token, true)
    }

    fn is_locked(&mut self, _: &mut Cx<'_>) -> Flow<bool> {
        Flow::Done(self.holder.is_some())
    }

    fn holds(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<bool> {
        Flow::Done(is_ours(cx, token))
    }

    fn holding(&mut self, cx: &mut Cx<'_>) -> Flow<Option<Token>> {
        Flow::Done(cx.held_by_session().first().copied())
    }

    fn session_gone(&mut self, cx: &mut Cx<'_>, _: &Gone) {
        self.unreleased = true;
        self.pass_on(cx, true);
    }
}
