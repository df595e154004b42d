//! What every proxy consists of: a handle, the object's interface, and the caller's deadline.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Call, Data, Error, ErrorKind, Handle, Interface, MethodId, Place, Refusal, Transport};

/// An object seen from a client: the part of a proxy that does not depend on its type.
#[derive(Clone, Debug)]
pub struct Remote {
    handle: Handle,
    interface: &'static Interface,
    within: Option<Duration>,
}

impl Remote {
    /// Takes a handle for an object of an interface.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`] when the object has another interface; the message shows both
    /// fingerprints.
    pub fn attach(handle: Handle, interface: &'static Interface) -> Result<Self, Error> {
        if handle.interface() != interface.fingerprint {
            let (name, ours) = (interface.name, interface.fingerprint);
            let why = format!(
                "object {} has the interface {} where {name} ({ours}) was expected: it is of \
                 another type, or the two programs were built from different versions of it",
                handle.object(),
                handle.interface(),
            );
            return Err(Refusal::new(ErrorKind::WrongType, why).during(name, "attach"));
        }
        Ok(Self { handle, interface, within: None })
    }

    /// Creates an object, or finds the one of that name.
    ///
    /// # Errors
    /// Those of [`Place::create`].
    pub fn create(
        place: impl Place,
        interface: &'static Interface,
        args: &impl Serialize,
    ) -> Result<Self, Error> {
        let handle = Data::encode(args)
            .and_then(|data| place.create(interface, data))
            .map_err(|refusal| refusal.during(interface.name, "new"))?;
        Ok(Self { handle, interface, within: None })
    }

    /// Returns the same object with a deadline for each call; if it has one already, the shorter
    /// counts.
    #[must_use]
    pub fn within(&self, timeout: Duration) -> Self {
        let within = Some(self.within.map_or(timeout, |set| set.min(timeout)));
        Self { handle: self.handle.clone(), interface: self.interface, within }
    }

    /// Returns the deadline that each call has.
    pub fn deadline(&self) -> Option<Duration> {
        self.within
    }

    /// Returns the handle on the object.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Returns the object's interface.
    pub fn interface(&self) -> &'static Interface {
        self.interface
    }

    /// Calls a method and waits for its answer.
    ///
    /// # Errors
    /// What the object or the transport refused with, and errors in encoding or decoding.
    pub fn call<R: DeserializeOwned>(
        &self,
        method: MethodId,
        args: &impl Serialize,
    ) -> Result<R, Error> {
        // Encode, wait and decode are apart: an async proxy replaces the middle one.
        self.encode(method, args)
            .and_then(|call| self.transport()?.call(call))
            .and_then(|answer| answer.into_value())
            .map_err(|refusal| self.error(method, refusal))
    }

    /// Sends a call whose answer nobody needs; see [`Transport::send`].
    ///
    /// # Errors
    /// Why it cannot be sent; not what the object answers to it.
    pub fn send(&self, method: MethodId, args: &impl Serialize) -> Result<(), Error> {
        self.encode(method, args)
            .and_then(|call| self.transport()?.send(call))
            .map_err(|refusal| self.error(method, refusal))
    }

    pub(crate) fn encode(&self, method: MethodId, args: &impl Serialize) -> Result<Call, Refusal> {
        let mut call = Call::new(self.handle.object(), method, Data::encode(args)?);
        call.timeout = self.within;
        Ok(call)
    }

    fn transport(&self) -> Result<&dyn Transport, Refusal> {
        self.handle.keeper().transport().ok_or_else(|| {
            let why = "a proxy cannot call from inside the manager; use the interface's Peer";
            Refusal::new(ErrorKind::InvalidInput, why)
        })
    }

    pub(crate) fn error(&self, method: MethodId, refusal: Refusal) -> Error {
        refusal.during(self.interface.name, self.interface.method_name(method))
    }
}

/// A typed stand-in for an object: a proxy that `interface!` made, or one built on it.
pub trait Shared: Sized {
    /// The interface that the object has.
    const INTERFACE: &'static Interface;

    /// Takes a handle on an object of this interface.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`] when the object has another interface.
    fn attach(handle: Handle) -> Result<Self, Error>;

    /// Returns the handle on the object.
    fn handle(&self) -> &Handle;
}

impl PartialEq for Remote {
    fn eq(&self, other: &Self) -> bool {
        self.handle == other.handle
    }
}

impl Eq for Remote {}

impl core::hash::Hash for Remote {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.handle.hash(state);
    }
}
