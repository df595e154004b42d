//! Containers that only hold each other.
//!
//! Counting finds no cycle: two dicts that hold each other keep their counts when nobody else
//! holds them. So an object that loses a handle and keeps others is a *suspect*, and what it
//! reaches is searched, as in trial deletion (Bacon and Rajan, "Concurrent Cycle Collection in
//! Reference Counted Systems", 2001): what has no more handles than were seen inside the search
//! is held by nothing outside of it.
//!
//! A search goes a few objects a step, in each of its phases, and other inputs come in between.
//! That is sound because garbage does not change: whatever was called since it was looked at is
//! alive, and with it all that it was seen to hold. Whoever comes by a handle in between has it
//! from something that was called, or that was alive already.
//!
//! It finds what was garbage when it began. What becomes garbage in between may be taken for alive:
//! who held it was looked at before. So whatever loses a handle while a search goes on is a suspect
//! of a later one, even if this search comes across it. Only losses make suspects, so searches end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;

use sync_proto::ObjectId;

use super::Core;
use super::table::Body;

/// Looks at objects in one step, between two inputs: some ten microseconds of work where each holds
/// little.
const LOOKS_PER_STEP: usize = 64;

/// So many entries of a container are as much work as a look.
const HANDLES_AS_A_LOOK: usize = 16;

/// Entries of a container that are looked at at once.
pub(crate) const HANDLES_PER_LOOK: usize = 1024;

/// The search under way, and those to come.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    /// Those from before the search began: it looks at what made them suspects.
    suspects: BTreeSet<ObjectId>,
    /// Those since. It may have looked there already.
    late: BTreeSet<ObjectId>,
    search: Option<Search>,
    /// What was found to be garbage and is to be dropped, with its interface's name.
    garbage: VecDeque<(&'static str, Body)>,
}

/// What was seen so far of what a suspect reaches, but for what clients reach anyway.
#[derive(Debug, Default)]
struct Search {
    phase: Phase,
    to_see: VecDeque<ObjectId>,
    /// How far the one in front was looked at, if it holds too much for one step.
    place: u64,
    seen: BTreeMap<ObjectId, Seen>,
    /// What is alive and was not asked yet for what it holds.
    reached: Vec<ObjectId>,
    /// What was garbage, taken out of its slots: all of it, before one is dropped.
    emptied: VecDeque<(&'static str, Body)>,
}

/// What a search is at.
#[derive(Clone, Copy, Debug, Default)]
enum Phase {
    /// Looking at what the suspect reaches.
    #[default]
    Look,
    /// Finding what is held from outside; up to this object it is done.
    Judge(Option<ObjectId>),
    /// Finding what these hold.
    Reach,
    /// What is left is garbage, and can change no more.
    Empty,
}

#[derive(Debug, Default)]
struct Seen {
    was_looked_at: bool,
    is_alive: bool,
    /// How many handles on it were seen inside the search.
    inside: usize,
    holds: Vec<ObjectId>,
}

impl Search {
    fn mark_alive(&mut self, object: ObjectId) {
        if let Some(seen) = self.seen.get_mut(&object)
            && !seen.is_alive
        {
            seen.is_alive = true;
            self.reached.push(object);
        }
    }
}

impl Collector {
    /// Returns whether there is something left to do.
    pub(crate) fn is_busy(&self) -> bool {
        self.search.is_some() || !self.suspects.is_empty() || !self.garbage.is_empty()
    }

    /// Notes that an object was called by nobody who reaches it: a search that takes it for alive
    /// is followed by another one.
    pub(super) fn note_end(&mut self, object: ObjectId) {
        if self.search.is_some() {
            self.late.insert(object);
        }
    }

    fn suspect(&mut self, objects: Vec<ObjectId>) {
        if self.search.is_some() {
            self.late.extend(objects);
        } else {
            self.suspects.extend(objects);
        }
    }

    fn end_search(&mut self, search: Search) {
        self.garbage = search.emptied;
        self.suspects.append(&mut self.late);
    }

    /// Notes that an object's code runs: whoever made it run reaches it, and may change what it
    /// holds.
    pub(super) fn note_call(&mut self, object: ObjectId) {
        if let Some(search) = &mut self.search
            && search.seen.get(&object).is_some_and(|seen| seen.was_looked_at)
        {
            search.mark_alive(object);
        }
    }
}

impl Core {
    /// Looks at some more objects, and drops the cycles that were found.
    pub(super) fn collect_cycles(&mut self) {
        let mut looks = 0;
        self.collector.suspect(self.ledger.take_suspects());
        while looks < LOOKS_PER_STEP {
            looks += 1;
            if let Some((interface, body)) = self.collector.garbage.pop_front() {
                super::run::discard(body, interface);
                self.settle();
                self.collector.suspect(self.ledger.take_suspects());
                continue;
            }
            let Some(mut search) = self.collector.search.take().or_else(|| self.next_search())
            else {
                return;
            };
            match self.go_on(&mut search) {
                Some(handles) => {
                    looks += handles / HANDLES_AS_A_LOOK;
                    self.collector.search = Some(search);
                }
                None => self.collector.end_search(search),
            }
        }
    }

    /// Takes a search a small step further; returns how many handles that took, or `None` at its
    /// end.
    fn go_on(&mut self, search: &mut Search) -> Option<usize> {
        match search.phase {
            Phase::Look => match search.to_see.pop_front() {
                Some(object) => return Some(self.look_at(search, object)),
                None => search.phase = Phase::Judge(None),
            },
            Phase::Judge(done) => {
                let after = done.map_or(Bound::Unbounded, Bound::Excluded);
                match search.seen.range((after, Bound::Unbounded)).next() {
                    None => search.phase = Phase::Reach,
                    Some((&object, seen)) => {
                        search.phase = Phase::Judge(Some(object));
                        if self.is_held_outside(object, seen) {
                            search.mark_alive(object);
                        }
                    }
                }
            }
            Phase::Reach => match search.reached.pop() {
                None => search.phase = Phase::Empty,
                Some(object) => return Some(reach(search, object)),
            },
            Phase::Empty => {
                let (object, seen) = search.seen.pop_first()?;
                if !seen.is_alive {
                    self.empty(search, object);
                }
            }
        }
        Some(0)
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

    fn look_at(&mut self, search: &mut Search, object: ObjectId) -> usize {
        // What made it a suspect before the search is seen by it.
        self.collector.suspects.remove(&object);
        let place = std::mem::take(&mut search.place);
        let Some(slot) = self.slot(object) else { return 0 };
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
        let count = holds.len();
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
            seen.was_looked_at = true;
            seen.holds.extend(holds);
        }
        if let Some(rest) = rest {
            search.place = rest;
            search.to_see.push_front(object);
        }
        count
    }

    fn is_held_outside(&self, object: ObjectId, seen: &Seen) -> bool {
        self.slot(object)
            .is_none_or(|slot| slot.handle.count() > seen.inside || self.ledger.is_rooted(object))
    }

    /// Takes an object that nothing outside of the search holds out of its slot.
    fn empty(&mut self, search: &mut Search, object: ObjectId) {
        if let Some(slot) = self.slot_mut(object) {
            let gone = Body::Broken("it was part of a cycle that nobody reached".to_owned());
            let body = std::mem::replace(&mut slot.body, gone);
            search.emptied.push_back((slot.interface.name, body));
        }
    }
}

/// Marks what a living object was seen to hold as alive, some at a time; returns how many.
fn reach(search: &mut Search, object: ObjectId) -> usize {
    let Some(seen) = search.seen.get_mut(&object) else { return 0 };
    let rest = seen.holds.len().saturating_sub(HANDLES_PER_LOOK);
    let held = seen.holds.split_off(rest);
    if rest > 0 {
        search.reached.push(object);
    }
    let count = held.len();
    held.into_iter().for_each(|held| search.mark_alive(held));
    count
}
