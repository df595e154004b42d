//! What programs know of each other without the manager, and what must be true of it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use sync_proto::{ObjectId, SessionId, ThreadId, Token};

use super::counts::{Counts, Fault};

/// The programs' common knowledge.
#[derive(Debug, Default)]
pub(crate) struct Ghost {
    state: RefCell<State>,
    counts: RefCell<Counts>,
    /// The storm is over: programs that wait for others are released.
    pub(crate) is_closing: Cell<bool>,
    /// How many usual clients there are.
    pub(crate) clients: Cell<usize>,
    /// The next number that no item had before.
    next_item: Cell<u64>,
}

#[derive(Debug, Default)]
struct State {
    live: BTreeSet<SessionId>,
    /// Which program is inside what, with how much.
    inside: BTreeMap<String, Vec<(SessionId, ThreadId, u32)>>,
    /// The greatest token that came to each place.
    tokens: BTreeMap<String, Token>,
    doing: BTreeMap<(SessionId, ThreadId), &'static str>,
    objects: BTreeMap<&'static str, ObjectId>,
    /// Items that were taken.
    taken: BTreeSet<u64>,
}

impl Ghost {
    /// Returns how many usual clients there are.
    pub(crate) fn others(&self) -> usize {
        self.clients.get()
    }

    pub(crate) fn fired(&self, fault: Fault) {
        self.counts.borrow_mut().fired(fault);
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts.borrow().clone()
    }

    pub(crate) fn began(&self, session: SessionId) {
        self.state.borrow_mut().live.insert(session);
    }

    /// A session is over, for its process or for the manager: what it was in, it is in no more.
    pub(crate) fn ended(&self, session: SessionId) {
        let mut state = self.state.borrow_mut();
        state.live.remove(&session);
        for inside in state.inside.values_mut() {
            inside.retain(|&(who, ..)| who != session);
        }
        state.doing.retain(|&(who, _), _| who != session);
    }

    /// Enters a place with this much room, with a grant: a later one has the greater token.
    pub(crate) fn enter(
        &self,
        place: &str,
        room: u32,
        who: (SessionId, ThreadId),
        much: u32,
        token: Token,
    ) {
        let mut state = self.state.borrow_mut();
        if !state.live.contains(&who.0) {
            // The manager has ended the session, and the answer was under way.
            return;
        }
        let inside = state.inside.entry(place.to_owned()).or_default();
        inside.push((who.0, who.1, much));
        let all: u32 = inside.iter().map(|&(_, _, much)| much).sum();
        assert!(all <= room, "{place} has room for {room}, and in it are {inside:?}");
        if room == 1 {
            let last = state.tokens.insert(place.to_owned(), token);
            assert!(last.is_none_or(|last| last <= token), "{place}: {token} after {last:?}");
        }
    }

    pub(crate) fn leave(&self, place: &str, (session, thread): (SessionId, ThreadId)) {
        let mut state = self.state.borrow_mut();
        if let Some(inside) = state.inside.get_mut(place)
            && let Some(at) = inside.iter().position(|&(s, t, _)| (s, t) == (session, thread))
        {
            inside.remove(at);
        }
    }

    pub(crate) fn is_inside(&self, session: SessionId) -> bool {
        self.state.borrow().inside.values().flatten().any(|&(who, ..)| who == session)
    }

    /// Says what a thread is about to do, or that it has done it.
    pub(crate) fn does(&self, who: (SessionId, ThreadId), what: Option<&'static str>) {
        let mut state = self.state.borrow_mut();
        match what {
            Some(what) if state.live.contains(&who.0) => state.doing.insert(who, what),
            _ => state.doing.remove(&who),
        };
    }

    pub(crate) fn is_doing(&self, session: SessionId, what: &str) -> bool {
        let state = self.state.borrow();
        state.doing.iter().any(|(&(who, _), &does)| who == session && does == what)
    }

    pub(crate) fn knows(&self, name: &'static str, object: ObjectId) {
        self.state.borrow_mut().objects.insert(name, object);
    }

    pub(crate) fn object(&self, name: &str) -> Option<ObjectId> {
        self.state.borrow().objects.get(name).copied()
    }

    pub(crate) fn new_item(&self) -> u64 {
        let item = self.next_item.get();
        self.next_item.set(item + 1);
        item
    }

    /// An item was taken for good: never twice.
    pub(crate) fn took(&self, item: u64) {
        let new = self.state.borrow_mut().taken.insert(item);
        assert!(new, "item {item} was taken once more");
    }
}
