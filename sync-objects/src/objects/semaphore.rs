//! Semaphore: permits, given out in the order of asking.
//!
//! A permit has an owner, the session that acquired it, and comes back when the owner dies. A
//! permit that is forgotten belongs to nobody and comes back only by `add`, as in Python.

use std::collections::{BTreeMap, BTreeSet};

use sync_proto::{ErrorKind, Refusal, SessionId, Token};

use crate::{Channel, Cx, Flow, Gone, interface};

interface! {
    /// A number of permits.
    pub mod semaphore = "sync.semaphore" {
        new(permits: u32, bounded: bool);
        /// Waits until `count` permits are free, and takes them together.
        fn acquire(count: u32) -> Token;
        /// Gives back what was granted under the token.
        fn release(token: Token);
        /// Adds permits; more than a bounded semaphore began with are refused.
        fn add(count: u32);
        /// Gives `count` permits back in one step, all or none, whoever holds them: the caller's
        /// own if it has some. A permit whose holder died may be given back once, until permits are
        /// acquired again: callers need not know that the holder is gone. A semaphore without a
        /// bound gets that many permits more.
        fn release_any(count: u32);
        /// Gives up what was granted under the token without returning it: it stays taken.
        fn forget(token: Token);
        /// Returns how many permits are free.
        fn available() -> u32;
        /// Returns how many permits there are at most.
        fn bound() -> Option<u32>;
    }
}

const FREE: Channel = Channel::new(0);

#[derive(Debug)]
pub(crate) struct Semaphore {
    free: u32,
    /// Permits that have an owner.
    held: u32,
    bound: Option<u32>,
    /// Permits that came back because their holders died, and were not acquired since.
    unreleased: u32,
    singles: Singles,
}

/// Grants of one permit, which anybody may give back by number: in their order, and by their
/// holders.
#[derive(Debug, Default)]
struct Singles {
    holders: BTreeMap<Token, SessionId>,
    by_holder: BTreeSet<(SessionId, Token)>,
}

/// What a grant of one permit costs beside what the kernel counts for it.
const SINGLE_COST: usize = 64;

impl Singles {
    fn add(&mut self, token: Token, holder: SessionId) {
        self.holders.insert(token, holder);
        self.by_holder.insert((holder, token));
    }

    fn remove(&mut self, token: Token) {
        if let Some(holder) = self.holders.remove(&token) {
            self.by_holder.remove(&(holder, token));
        }
    }

    /// Returns at most `count` of them, those of a session first. Costs what it
    /// returns: the session's own that it skips it has returned before.
    fn first(&self, count: usize, of: SessionId) -> Vec<Token> {
        let range = (of, Token(0))..=(of, Token(u64::MAX));
        let own = self.by_holder.range(range).map(|&(_, token)| token);
        let others = self.holders.iter().filter(|&(_, &holder)| holder != of);
        own.chain(others.map(|(&token, _)| token)).take(count).collect()
    }
}

impl Semaphore {
    fn give_back(&mut self, cx: &mut Cx<'_>, count: u32) {
        self.held -= count;
        self.free += count;
        cx.wake_in_turn(FREE);
    }

    fn take_hold(&mut self, cx: &mut Cx<'_>, token: Token) -> Result<u32, Refusal> {
        let ours = cx.owner(token).is_some_and(|owner| owner.session == cx.caller().session);
        let count = ours.then(|| cx.let_go(token)).flatten().ok_or_else(|| {
            let why = "no permit is held under this grant: it was given back before";
            Refusal::new(ErrorKind::NotOwner, why)
        })?;
        self.singles.remove(token);
        Ok(count)
    }
}

impl semaphore::Service for Semaphore {
    fn new(permits: u32, bounded: bool) -> Result<Self, Refusal> {
        let bound = bounded.then_some(permits);
        Ok(Self { free: permits, held: 0, bound, unreleased: 0, singles: Singles::default() })
    }

    fn acquire(&mut self, cx: &mut Cx<'_>, count: u32) -> Flow<Token> {
        if count == 0 {
            return Flow::refuse(ErrorKind::InvalidInput, "acquire at least one permit");
        }
        if let Some(bound) = self.bound.filter(|&bound| count > bound) {
            let why = format!("{count} permits will never be free: the semaphore has {bound}");
            return Flow::refuse(ErrorKind::InvalidInput, why);
        }
        if self.free < count || cx.is_behind(FREE) {
            return Flow::Wait(FREE);
        }
        // A grant is kept, and no value came with it that would be counted.
        if let Err(refusal) = cx.afford(1) {
            return Flow::Refuse(refusal);
        }
        self.free -= count;
        self.held += count;
        self.unreleased = self.unreleased.saturating_sub(count);
        let token = cx.hold(count);
        if count == 1 && self.bound.is_some() {
            self.singles.add(token, cx.caller().session);
        }
        Flow::Done(token)
    }

    fn release(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<()> {
        self.take_hold(cx, token).map(|count| self.give_back(cx, count)).into()
    }

    fn add(&mut self, cx: &mut Cx<'_>, count: u32) -> Flow<()> {
        if count == 0 {
            return Flow::refuse(ErrorKind::InvalidInput, "release at least one permit");
        }
        let limit = self.bound.unwrap_or(u32::MAX);
        match self.free.checked_add(self.held).and_then(|all| all.checked_add(count)) {
            Some(all) if all <= limit => {
                self.free += count;
                cx.wake_in_turn(FREE);
                Flow::Done(())
            }
            _ if self.bound.is_some() => {
                let why = format!("released too many times: the semaphore has {limit} permits");
                Flow::refuse(ErrorKind::InvalidInput, why)
            }
            _ => Flow::refuse(ErrorKind::Overflow, "a semaphore has at most 2^32 - 1 permits"),
        }
    }

    fn release_any(&mut self, cx: &mut Cx<'_>, count: u32) -> Flow<()> {
        let Some(bound) = self.bound else { return self.add(cx, count) };
        if count == 0 {
            return Flow::refuse(ErrorKind::InvalidInput, "release at least one permit");
        }
        let holds = self.singles.first(count as usize, cx.caller().session);
        let held = holds.len() as u32;
        // Then those that were forgotten, and last those whose holder died.
        let forgotten = (count - held).min(bound - self.free - self.held);
        let dead = count - held - forgotten;
        if dead > self.unreleased {
            let why = format!("released too many times: the semaphore has {bound} permits");
            return Flow::refuse(ErrorKind::InvalidInput, why);
        }
        for token in holds {
            cx.let_go(token);
            self.singles.remove(token);
        }
        self.unreleased -= dead;
        self.free += forgotten;
        self.give_back(cx, held);
        Flow::Done(())
    }

    fn forget(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<()> {
        self.take_hold(cx, token).map(|count| self.held -= count).into()
    }

    fn available(&mut self, _: &mut Cx<'_>) -> Flow<u32> {
        Flow::Done(self.free)
    }

    fn bound(&mut self, _: &mut Cx<'_>) -> Flow<Option<u32>> {
        Flow::Done(self.bound)
    }

    fn session_gone(&mut self, cx: &mut Cx<'_>, gone: &Gone) {
        gone.held.iter().for_each(|&(token, _)| self.singles.remove(token));
        let count = gone.held.iter().map(|&(_, count)| count).sum();
        // Before it is given back: the next caller in line takes it.
        self.unreleased += count;
        self.give_back(cx, count);
    }

    fn weight(&self) -> usize {
        SINGLE_COST * self.singles.holders.len()
    }

    fn shape(&self) -> String {
        self.bound.map_or("any number of permits".into(), |bound| format!("{bound} permits"))
    }
}
