//! How the kernel hears that the last handle on an object is gone.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use sync_proto::{Keeper, ManagerId, ObjectId, Transport};

/// Keeps the kernel's handles: those of sessions, names, tickets, and payloads inside containers.
/// The last one to go leaves its object's name here, and the kernel drops the object when it
/// settles. The mutex is never contended: the kernel is one thread's.
#[derive(Debug)]
pub(crate) struct Ledger {
    manager: ManagerId,
    unheld: Mutex<VecDeque<ObjectId>>,
}

impl Ledger {
    pub(crate) fn new(manager: ManagerId) -> Self {
        Self { manager, unheld: Mutex::default() }
    }

    /// Returns the next object that nothing holds any more.
    pub(crate) fn next(&self) -> Option<ObjectId> {
        self.unheld.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

impl Keeper for Ledger {
    fn release(&self, object: ObjectId) {
        self.unheld.lock().unwrap_or_else(PoisonError::into_inner).push_back(object);
    }

    fn manager(&self) -> ManagerId {
        self.manager
    }

    fn transport(&self) -> Option<&dyn Transport> {
        None
    }
}
