//! Deadlocks: callers that wait for each other in a cycle.
//!
//! A caller in a line that has owners ([`Cx::own`](crate::Cx::own)) waits for each of them. An
//! owner blocks it for ever only if the owner itself waits; so a cycle closes when a caller begins
//! to wait, and one walk from there, along the waiting callers, finds it. A change of owner closes
//! no cycle: a caller that was just served does not wait.
//!
//! A wait with a deadline ends by itself and is not part of a deadlock. A thread number with
//! several calls in flight is a client that goes on while they wait: it is not part of one either.

use std::collections::{BTreeMap, BTreeSet};

use smallvec::SmallVec;
use sync_proto::{ErrorKind, Refusal, Token};

use super::calls::{Blocked, CallKey, Stance};
use super::holds::{Hold, Owned};
use super::report::WAITS_MAX;
use super::{Core, Note};
use crate::Caller;

/// What is done about a deadlock that a call's wait would close.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "it is told, or refused as well")]
pub enum Deadlocks {
    /// The operator is informed; the callers wait.
    #[default]
    Report,
    /// The caller whose wait would close it is refused with [`ErrorKind::Deadlock`], and the others
    /// go on. A caller that must retake its lock, after a Condition's wait, is not refused.
    Refuse,
}

/// How many owners the search visits when a caller begins to wait: a cycle of more callers is only
/// reported by `debug_info`, so that waiting in a long row of locks does not cost everybody else
/// time.
const SEARCH_MAX: usize = 256;

/// How many owners all searches of one input visit together: each of thousands of callers that are
/// woken at once and then wait in another line would walk the same long row.
const SEARCH_ALL_MAX: usize = 4096;

/// How many cycles `debug_info` lists.
const CIRCLES_MAX: usize = 100;

/// Who waits.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    pub(crate) policy: Deadlocks,
    by_caller: BTreeSet<(Caller, CallKey)>,
    /// How many owners may still be visited in this input.
    left: usize,
    /// How many cycles were found.
    pub(crate) found: u64,
}

impl Waits {
    pub(crate) fn begin_input(&mut self) {
        self.left = SEARCH_ALL_MAX;
    }

    pub(crate) fn join(&mut self, caller: Caller, key: CallKey) {
        self.by_caller.insert((caller, key));
    }

    pub(crate) fn leave(&mut self, caller: Caller, key: CallKey) {
        self.by_caller.remove(&(caller, key));
    }

    /// Returns the call that a caller waits in, if that is all it does.
    fn only_call(&self, caller: Caller) -> Option<CallKey> {
        let mut calls = self.by_caller.range((caller, CallKey::FIRST)..=(caller, CallKey::LAST));
        let &(_, only) = calls.next()?;
        calls.next().is_none().then_some(only)
    }
}

/// Calls of which each waits for the next one's caller, and the last for the first one's.
pub(super) type Circle = Vec<CallKey>;

/// A walk along waiting callers.
struct Search<'k> {
    core: &'k Core,
    /// Whether waits that end by themselves count.
    deadlines: bool,
    /// Where it has been, and whether that is on the path it walks.
    entered: BTreeMap<CallKey, bool>,
    path: Vec<(CallKey, SmallVec<[CallKey; 1]>)>,
    left: usize,
}

impl<'k> Search<'k> {
    fn new(core: &'k Core, deadlines: bool, left: usize) -> Self {
        Self { core, deadlines, entered: BTreeMap::new(), path: Vec::new(), left }
    }

    /// Shows the cycles that can be reached from a call and were not shown before; one that the
    /// call is part of begins with it.
    fn walk(&mut self, from: CallKey, mut show: impl FnMut(Circle)) {
        self.enter(from);
        while let Some((key, ahead)) = self.path.last_mut() {
            let key = *key;
            match ahead.pop() {
                None => {
                    self.entered.insert(key, false);
                    self.path.pop();
                }
                Some(next) => match self.entered.get(&next) {
                    None => self.enter(next),
                    Some(false) => {}
                    Some(true) => {
                        let keys = self.path.iter().map(|&(key, _)| key);
                        show(keys.skip_while(|&key| key != next).collect());
                    }
                },
            }
        }
    }

    fn enter(&mut self, key: CallKey) {
        if self.entered.contains_key(&key) {
            return;
        }
        let mut ahead = SmallVec::new();
        if let Some(call) = self.core.call(key).filter(|call| self.counts(key, call)) {
            for (_, _, owner) in self.core.owners_before(call) {
                if self.left == 0 {
                    break;
                }
                self.left -= 1;
                ahead.extend(self.core.waits.only_call(owner.caller));
            }
        }
        self.entered.insert(key, true);
        self.path.push((key, ahead));
    }

    fn counts(&self, key: CallKey, call: &Blocked) -> bool {
        (self.deadlines || call.deadline.is_none())
            && self.core.waits.only_call(call.caller) == Some(key)
    }
}

impl Core {
    /// Returns the holds that a call waits to see the end of.
    pub(super) fn owners_before<'k>(
        &'k self,
        call: &'k Blocked,
    ) -> impl Iterator<Item = (Token, Owned, &'k Hold)> {
        let place = call.place.and_then(|place| Some((self.slot(place.object)?, place.channel)));
        place.into_iter().flat_map(|(slot, channel)| {
            let awaited = slot.owners.range((channel, Token(0))..=(channel, Token(u64::MAX)));
            awaited.filter_map(|&(_, token)| {
                let hold = slot.holds.get(&token)?;
                Some((token, hold.owns?, hold))
            })
        })
    }

    /// Checks whether a call that has just begun to wait closed a cycle.
    pub(super) fn look_for_deadlock(&mut self, key: CallKey) {
        let left = self.waits.left.min(SEARCH_MAX);
        if left == 0 {
            return;
        }
        let mut circle = None;
        let mut search = Search::new(self, false, left);
        search.walk(key, |found| {
            // Others were there before, and told when they closed.
            if found.first() == Some(&key) {
                circle.get_or_insert(found);
            }
        });
        let looked_at = left - search.left;
        self.waits.left -= looked_at;
        let Some(circle) = circle else {
            return;
        };
        self.waits.found += 1;
        let deadlock = self.deadlock_info(&circle, WAITS_MAX);
        // A call that was polled before it went on waiting may have left something behind, as a
        // Condition's waiter that gave up its lock.
        let may_refuse = self.call(key).is_some_and(|call| call.stance == Stance::Wait);
        let refused = may_refuse && self.waits.policy == Deadlocks::Refuse;
        if refused {
            let why = format!(
                "waiting would close a {deadlock}; release what is held and start again, or take \
                 locks in the same order everywhere"
            );
            self.finish(key, Err(Refusal::new(ErrorKind::Deadlock, why)));
        }
        self.notes.push_back(Note::Deadlock { deadlock, refused });
    }

    /// Returns the cycles that exist now, at least one of those that share a call, including those
    /// that a deadline will end.
    pub(super) fn circles(&self) -> Vec<Circle> {
        let mut circles = Vec::new();
        let mut search = Search::new(self, true, usize::MAX);
        for (key, _) in self.waiting_calls() {
            search.walk(key, |circle| {
                if circles.len() < CIRCLES_MAX {
                    circles.push(circle);
                }
            });
        }
        circles
    }
}
