//! What a driver needs whose clients name objects by number or by a published name, without
//! having been given a handle first.

use sync_proto::{ErrorKind, Handle, Interface, ObjectId, Refusal, SessionId};

use super::table::gone;
use super::{Core, Kernel};
use crate::Time;

impl Kernel {
    /// Gives a session one more handle on an object that lives.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the object is gone; [`ErrorKind::Disconnected`] when the
    /// session is; [`ErrorKind::OutOfMemory`] when it has very many and the manager no room.
    pub fn handle_share(
        &mut self,
        now: Time,
        session: SessionId,
        object: ObjectId,
    ) -> Result<&'static Interface, Refusal> {
        self.core.advance(now);
        self.core.share(session, object)
    }

    /// Takes handles back that a session dropped.
    ///
    /// # Errors
    /// [`ErrorKind::NotOwner`] when the session has fewer, or is gone.
    pub fn handle_return(
        &mut self,
        now: Time,
        session: SessionId,
        object: ObjectId,
        count: u64,
    ) -> Result<(), Refusal> {
        self.core.advance(now);
        let returned = self.core.take_back(session, object, count);
        self.core.finish_input();
        returned
    }

    /// Returns the type of an object; `None` when it is gone.
    pub fn interface_of(&self, object: ObjectId) -> Option<&'static Interface> {
        self.core.slot(object).map(|slot| slot.interface)
    }

    /// Returns the object that was published under a name.
    pub fn named(&self, name: &str) -> Option<ObjectId> {
        self.core.names.get(name).map(Handle::object)
    }
}

impl Core {
    fn share(
        &mut self,
        session: SessionId,
        object: ObjectId,
    ) -> Result<&'static Interface, Refusal> {
        let slot = self.slot(object).ok_or_else(|| gone(object))?;
        let (interface, handle) = (slot.interface, slot.handle.upgrade());
        let handle = handle.ok_or_else(|| gone(object))?;
        self.check_handles(session)?;
        let session = self.sessions.get_mut(&session).ok_or(ErrorKind::Disconnected)?;
        session.give(&handle, &self.ledger, &self.meter);
        Ok(interface)
    }
}
