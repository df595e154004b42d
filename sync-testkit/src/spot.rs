//! What the sessions that tests play have in common: where they create objects, and how they
//! release them.

use std::sync::Arc;

use sync_objects::{Naming, manager, release_call};
use sync_proto::{Data, Handle, Interface, Keeper, ObjectId, Place, Refusal, Shared, Transport};

/// Where an object is to be created: in a manager, or under a name in it.
#[derive(Clone, Debug)]
pub struct Spot {
    manager: manager::Proxy,
    naming: Naming,
}

impl Spot {
    pub(crate) fn new(session: Arc<dyn Keeper>, naming: Naming) -> Self {
        Self { manager: manager_of(session), naming }
    }
}

impl Place for Spot {
    fn create(self, interface: &'static Interface, data: Data) -> Result<Handle, Refusal> {
        let (name, fingerprint) = (interface.name.to_owned(), interface.fingerprint);
        self.manager.create(name, fingerprint, self.naming, data).map_err(Refusal::from)
    }
}

/// Returns the manager's own object, as a session sees it.
pub(crate) fn manager_of(session: Arc<dyn Keeper>) -> manager::Proxy {
    let handle = Handle::new(ObjectId::MANAGER, manager::INTERFACE.fingerprint, session);
    manager::Proxy::attach(handle).expect("every manager has this object")
}

/// Tells the manager that a session's last handle on an object is gone.
pub(crate) fn release(session: &impl Transport, object: ObjectId) {
    // A test that fails drops its proxies: a second panic here would hide the first.
    if object != ObjectId::MANAGER && !std::thread::panicking() {
        // A session that is over has released it, and so has a manager that is gone.
        let _ = session.send(release_call(object));
    }
}
