//! Containers that only hold each other.
//!
//! Counting finds no cycle: two dicts that hold each other keep their counts when nobody else
//! holds them. So an object that loses a handle and keeps others is a *suspect*, and what it
//! reaches is searched, as in trial deletion (Bacon and Rajan, "Concurrent Cycle Collection in
//! Reference Counted Systems", 2001): what has no more handles than were seen inside the search
//! is held by nothing outside of it.
//!
//! A search goes a few objects a step and other inputs come in between. That is sound because
//! garbage does not change: whatever was called, or got a root, since it was looked at is alive,
//! and with it all that it was seen to hold.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sync_proto::ObjectId;

use super::Core;
use super::table::Body;

/// Looks at objects in one step, between two inputs: some ten microseconds of work where each holds
/// little, and never more than [`HANDLES_PER_LOOK`] entries each.
const LOOKS_PER_STEP: usize = 64;

/// Entries of a container that are looked at at once.
pub(crate) const HANDLES_PER_LOOK: usize = 1024;

/// The search under way, and those to come.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    suspects: BTreeSet<ObjectId>,
    search: Option<Search>,
    /// What was found to be garbage and is to be dropped, with its interface's name.
    garbage: VecDeque<(&'static str, Body)>,
}

/// What was seen so far of what a suspect reaches, but for what clients reach anyway.
#[derive(Debug, Default)]
struct Search {
    to_see: VecDeque<ObjectId>,
    /// How far the one in front was looked at, if it holds too much for one step.
    place: u64,
    seen: BTreeMap<ObjectId, Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// How often the object had been called when it was looked at.
    calls: u64,
    /// How many handles on it were seen inside the search.
    inside: usize,
    holds: Vec<ObjectId>,
}

impl Collector {
    /// Returns whether there is something left to do.
    pub(crate) fn is_busy(&self) -> bool {
        self.search.is_some() || !self.suspects.is_empty() || !self.garbage.is_empty()
    }
}

impl Core {
    /// Looks at some more objects, and drops the cycles that were found.
    pub(super) fn collect_cycles(&mut self) {
        for _ in 0..LOOKS_PER_STEP {
            if let Some((interface, body)) = self.collector.garbage.pop_front() {
                super::run::discard(body, interface);
                self.settle();
                continue;
            }
            self.collector.suspects.extend(self.ledger.take_suspects());
            let Some(mut search) = self.collector.search.take().or_else(|| self.next_search())
            else {
                return;
            };
            match search.to_see.pop_front() {
                Some(object) => {
                    self.look_at(&mut search, object);
                    self.collector.search = Some(search);
                }
                None => self.gather_garbage(&search),
            }
        }
    }

    fn next_search(&mut self) -> Option<Search> {
        while let Some(object) = self.collector.suspects.pop_first() {
            if self.slot(object).is_some() && !self.ledger.is_rooted(object) {
                let mut search = Search::default();
                search.seen.insert(object, Seen::default());
                search.to_see.push_back(object);
                return Some(search);
            }
        }
        None
    }

    fn look_at(&self, search: &mut Search, object: ObjectId) {
        let Some(slot) = self.slot(object) else { return };
        let place = std::mem::take(&mut search.place);
        let mut holds = Vec::new();
        let mut rest = None;
        if let Body::Here(body) = &slot.body {
            // If it panics, what it holds is unknown and so counts as held from outside.
            let shown = super::run::guarded(
                || Ok(body.handles_from(place, &mut |handle| holds.push(handle.object()))),
                slot.interface.name,
            );
            rest = shown.unwrap_or_else(|_| {
                holds.clear();
                None
            });
        }
        holds.retain(|&held| !self.ledger.is_rooted(held));
        for &held in &holds {
            search.seen.entry(held).or_insert_with(|| {
                search.to_see.push_back(held);
                Seen::default()
            });
            if let Some(seen) = search.seen.get_mut(&held) {
                seen.inside += 1;
            }
        }
        if let Some(seen) = search.seen.get_mut(&object) {
            if place == 0 {
                seen.calls = slot.calls;
            }
            seen.holds.extend(holds);
        }
        if let Some(rest) = rest {
            search.place = rest;
            search.to_see.push_front(object);
        }
    }

    /// Takes what the search saw and what nothing outside of it holds out of its slots, to be
    /// dropped in the steps that follow.
    fn gather_garbage(&mut self, search: &Search) {
        let mut alive = BTreeSet::new();
        let mut reached: Vec<ObjectId> = search
            .seen
            .iter()
            .filter(|&(&object, seen)| self.is_held_outside(object, seen))
            .map(|(&object, _)| object)
            .collect();
        while let Some(object) = reached.pop() {
            if alive.insert(object)
                && let Some(seen) = search.seen.get(&object)
            {
                reached.extend(&seen.holds);
            }
        }
        let garbage: Vec<ObjectId> =
            search.seen.keys().copied().filter(|object| !alive.contains(object)).collect();
        // All of them are emptied before one is dropped: none sees another half gone.
        for object in garbage {
            if let Some(slot) = self.slot_mut(object) {
                let gone = Body::Broken("it was part of a cycle that nobody reached".to_owned());
                let body = std::mem::replace(&mut slot.body, gone);
                let interface = slot.interface.name;
                self.collector.garbage.push_back((interface, body));
            }
        }
    }

    fn is_held_outside(&self, object: ObjectId, seen: &Seen) -> bool {
        self.slot(object).is_none_or(|slot| {
            slot.calls != seen.calls
                || slot.handle.count() > seen.inside
                || self.ledger.is_rooted(object)
        })
    }
}
