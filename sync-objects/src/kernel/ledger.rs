//! How the kernel learns that handles are gone, and what it knows of who holds them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sync_proto::{Handle, Keeper, ManagerId, ObjectId, Transport};

/// Keeps the kernel's handles: those of sessions, names, tickets, and payloads inside containers.
///
/// The last one to go leaves its object's name here, and the kernel drops the object when it
/// settles. One that is not the last makes its object a suspect: it may be held by nothing but
/// a cycle now. The mutex is never contended: the kernel is one thread's.
#[derive(Debug)]
pub(crate) struct Ledger {
    manager: ManagerId,
    entries: Mutex<Entries>,
    /// Something is among the unheld or the suspects: after most inputs nothing is, and nobody
    /// need look.
    has_news: AtomicBool,
}

#[derive(Debug, Default)]
struct Entries {
    unheld: VecDeque<ObjectId>,
    suspects: Vec<ObjectId>,
    /// How many sessions, names and tickets hold an object.
    roots: BTreeMap<ObjectId, usize>,
}

impl Ledger {
    pub(crate) fn new(manager: ManagerId) -> Self {
        Self { manager, entries: Mutex::default(), has_news: AtomicBool::new(false) }
    }

    /// Returns the next object that nothing holds any more.
    pub(crate) fn next_unheld(&self) -> Option<ObjectId> {
        if !self.has_news.load(Ordering::Relaxed) {
            return None;
        }
        self.entries().unheld.pop_front()
    }

    /// Returns the objects that lost a handle since the last time, and keep others.
    pub(crate) fn take_suspects(&self) -> Vec<ObjectId> {
        if !self.has_news.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let mut entries = self.entries();
        self.has_news.store(!entries.unheld.is_empty(), Ordering::Relaxed);
        std::mem::take(&mut entries.suspects)
    }

    /// Returns whether a session, a name or a ticket holds an object.
    pub(crate) fn is_rooted(&self, object: ObjectId) -> bool {
        self.entries().roots.contains_key(&object)
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keeper for Ledger {
    fn release(&self, object: ObjectId) {
        self.entries().unheld.push_back(object);
        self.has_news.store(true, Ordering::Relaxed);
    }

    fn share_dropped(&self, object: ObjectId) {
        self.entries().suspects.push(object);
        self.has_news.store(true, Ordering::Relaxed);
    }

    fn manager(&self) -> ManagerId {
        self.manager
    }

    fn transport(&self) -> Option<&dyn Transport> {
        None
    }
}

/// A handle that clients reach an object by: a session's, a name's, a ticket's. What one of them
/// holds is in use, and no cycle needs to be looked for behind it.
#[derive(Debug)]
pub(crate) struct Root {
    handle: Handle,
    ledger: Arc<Ledger>,
}

impl Root {
    pub(crate) fn new(handle: Handle, ledger: &Arc<Ledger>) -> Self {
        *ledger.entries().roots.entry(handle.object()).or_default() += 1;
        Self { handle, ledger: Arc::clone(ledger) }
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let mut entries = self.ledger.entries();
        if let Some(count) = entries.roots.get_mut(&self.handle.object()) {
            *count -= 1;
            if *count == 0 {
                entries.roots.remove(&self.handle.object());
            }
        }
    }
}
