//! RLock: a lock that its holder may take again.
//!
//! The holder is a caller: a session and the thread in it. As in Python only that thread releases
//! the lock, as often as it took it; unlike in Python the lock passes to the next in line when the
//! holder's process dies.

use sync_proto::{ErrorKind, Refusal, Token};

use super::lock::Grant;
use crate::{Channel, Cx, Flow, Gone, Owner, interface};

interface! {
    /// A lock that the thread that holds it may take again.
    pub mod rlock = "sync.rlock" {
        new();
        /// Waits until the lock is free or the caller's own, and takes it once more. The grant is
        /// that of the first acquisition.
        fn acquire() -> Grant;
        /// Undoes one acquisition; the last one frees the lock.
        fn release();
        /// Undoes one acquisition as a holder that failed: the next holder learns that the lock was
        /// abandoned.
        fn abandon();
        /// Returns whether somebody holds the lock.
        fn is_locked() -> bool;
        /// Returns whether the calling thread holds the lock under the token.
        fn holds(token: Token) -> bool;
        /// Returns under which token the calling thread holds the lock.
        fn holding() -> Option<Token>;
        /// Frees the lock, however often the caller took it; returns how often, for `resume`.
        fn suspend(token: Token) -> u32;
        /// Waits until the lock is free, and takes it `depth` times at once.
        fn resume(depth: u32) -> Grant;
    }
}

const FREE: Channel = Channel::new(0);

#[derive(Debug, Default)]
pub(crate) struct RLock {
    holder: Option<Holder>,
    abandoned: bool,
}

#[derive(Debug)]
struct Holder {
    grant: Grant,
    depth: u32,
    /// Whether one of its acquisitions was abandoned.
    failed: bool,
}

impl RLock {
    /// Returns the holder if it is the caller.
    fn own(&mut self, cx: &Cx<'_>) -> Option<&mut Holder> {
        self.holder.as_mut().filter(|holder| cx.owner(holder.grant.token) == Some(cx.caller()))
    }

    fn take(&mut self, cx: &mut Cx<'_>, times: u32) -> Flow<Grant> {
        if let Some(holder) = self.own(cx) {
            let Some(depth) = holder.depth.checked_add(times) else {
                return Flow::refuse(ErrorKind::Overflow, "the lock was taken 2^32 - 1 times");
            };
            holder.depth = depth;
            return Flow::Done(holder.grant);
        }
        if self.holder.is_some() || cx.is_behind(FREE) {
            return Flow::Wait(FREE);
        }
        let token = cx.own(FREE, Owner::Thread);
        let grant = Grant { token, abandoned: std::mem::take(&mut self.abandoned) };
        self.holder = Some(Holder { grant, depth: times, failed: false });
        Flow::Done(grant)
    }

    fn give_back(&mut self, cx: &mut Cx<'_>, failed: bool) -> Flow<()> {
        let Some(holder) = self.own(cx) else {
            return not_held();
        };
        holder.failed |= failed;
        holder.depth -= 1;
        if holder.depth == 0 {
            self.free(cx);
        }
        Flow::Done(())
    }

    fn free(&mut self, cx: &mut Cx<'_>) {
        if let Some(holder) = self.holder.take() {
            cx.let_go(holder.grant.token);
            self.abandoned |= holder.failed;
        }
        cx.wake_in_turn(FREE);
    }
}

fn not_held<T>() -> Flow<T> {
    Flow::refuse(
        ErrorKind::NotOwner,
        "the lock is not held by this thread: it was released before, never acquired, or another \
         thread holds it",
    )
}

impl rlock::Service for RLock {
    fn new() -> Result<Self, Refusal> {
        Ok(Self::default())
    }

    fn acquire(&mut self, cx: &mut Cx<'_>) -> Flow<Grant> {
        self.take(cx, 1)
    }

    fn release(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        self.give_back(cx, false)
    }

    fn abandon(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        self.give_back(cx, true)
    }

    fn is_locked(&mut self, _: &mut Cx<'_>) -> Flow<bool> {
        Flow::Done(self.holder.is_some())
    }

    fn holds(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<bool> {
        Flow::Done(self.own(cx).is_some_and(|holder| holder.grant.token == token))
    }

    fn holding(&mut self, cx: &mut Cx<'_>) -> Flow<Option<Token>> {
        Flow::Done(self.own(cx).map(|holder| holder.grant.token))
    }

    fn suspend(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<u32> {
        let own = self.own(cx).filter(|holder| holder.grant.token == token);
        let Some(depth) = own.map(|holder| holder.depth) else {
            return not_held();
        };
        self.free(cx);
        Flow::Done(depth)
    }

    fn resume(&mut self, cx: &mut Cx<'_>, depth: u32) -> Flow<Grant> {
        if depth == 0 {
            return Flow::refuse(ErrorKind::InvalidInput, "a lock is taken at least once");
        }
        self.take(cx, depth)
    }

    fn session_gone(&mut self, cx: &mut Cx<'_>, _: &Gone) {
        // The kernel has taken the hold back already: nothing else is ever held of a lock.
        self.abandoned = true;
        self.free(cx);
    }
}
