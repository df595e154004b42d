//! Requests that are held back for a one-way message, each with its time.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::time::Duration;

use sync_proto::{CallId, OneWayId};

use crate::kernel::timers::{TimerKey, Timers};
use crate::kernel::{Released, Via};

/// Those of one session. Taking one out always stops its timer: there is no other way to it.
#[derive(Debug, Default)]
pub(crate) struct AllHeldBack {
    by_turn: BTreeMap<Turn, Timed>,
    /// Where each of them is.
    turns: BTreeMap<CallId, Turn>,
    /// Which of them came on each connection.
    by_via: BTreeMap<Via, BTreeSet<CallId>>,
    next: u64,
}

/// When a request's turn comes: after which one-way message, and after how many other requests.
type Turn = (OneWayId, u64);

/// A request whose time passes.
#[derive(Debug)]
struct Timed {
    held: Released,
    deadline: Option<TimerKey>,
}

impl AllHeldBack {
    pub(super) fn len(&self) -> usize {
        self.by_turn.len()
    }

    /// Returns how many of them came on a connection.
    pub(crate) fn count(&self, via: Via) -> usize {
        self.by_via.get(&via).map_or(0, BTreeSet::len)
    }

    pub(super) fn has_call(&self, call: CallId) -> bool {
        self.turns.contains_key(&call)
    }

    /// Puts one in, behind all whose turn has come when one-way messages are done up to here.
    pub(super) fn put(&mut self, held: Released, done: OneWayId, deadline: Option<TimerKey>) {
        let turn = (held.request.after.max(done), self.next);
        self.next += 1;
        self.turns.insert(held.request.call, turn);
        self.by_via.entry(held.via).or_default().insert(held.request.call);
        self.by_turn.insert(turn, Timed { held, deadline });
    }

    /// Returns after which one-way message the next one's turn comes.
    pub(super) fn first(&self) -> Option<OneWayId> {
        self.by_turn.first_key_value().map(|(&(after, _), _)| after)
    }

    /// Has one stand in no line when its turn comes. Until then its own time passes.
    pub(crate) fn hurry(&mut self, call: CallId) {
        let timed = self.turns.get(&call).and_then(|turn| self.by_turn.get_mut(turn));
        if let Some(timed) = timed {
            timed.held.request.timeout = Some(Duration::ZERO);
        }
    }

    /// Takes the next request out whose turn has come, when one-way messages are done up to here.
    pub(crate) fn take_next(&mut self, done: OneWayId, timers: &mut Timers) -> Option<Released> {
        let next = self.by_turn.first_entry().filter(|next| next.key().0 <= done)?;
        let call = next.get().held.request.call;
        self.take(call, timers)
    }

    /// Takes one out whose time is up, unless its turn has come when one-way messages are done up
    /// to here.
    pub(super) fn time_out(
        &mut self,
        call: CallId,
        done: OneWayId,
        timers: &mut Timers,
    ) -> Option<Released> {
        let turn = self.turns.get(&call).filter(|turn| turn.0 > done);
        turn.is_some().then(|| self.take(call, timers)).flatten()
    }

    fn take(&mut self, call: CallId, timers: &mut Timers) -> Option<Released> {
        let turn = self.turns.remove(&call)?;
        let held = self.by_turn.remove(&turn).map(|timed| timed.release(timers))?;
        if let Entry::Occupied(mut of_via) = self.by_via.entry(held.via) {
            of_via.get_mut().remove(&call);
            if of_via.get().is_empty() {
                of_via.remove();
            }
        }
        Some(held)
    }

    /// Drops those that came on a connection that is lost.
    pub(crate) fn drop_those_of(&mut self, via: Via, timers: &mut Timers) {
        for call in self.by_via.remove(&via).unwrap_or_default() {
            self.take(call, timers);
        }
    }

    /// Takes all out, because the manager or the session ends.
    pub(crate) fn take_all(&mut self, timers: &mut Timers) -> Vec<Released> {
        self.turns.clear();
        self.by_via.clear();
        let all = std::mem::take(&mut self.by_turn).into_values();
        all.map(|timed| timed.release(timers)).collect()
    }
}

impl Timed {
    fn release(self, timers: &mut Timers) -> Released {
        if let Some(deadline) = self.deadline {
            timers.clear(deadline);
        }
        self.held
    }
}
