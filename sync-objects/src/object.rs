//! An object as the kernel sees it, and the registry of types.

use core::fmt;
use std::collections::BTreeMap;

use sync_proto::{Data, ErrorKind, Fingerprint, Handle, Interface, MethodId, Refusal, SessionId};

use crate::{Cx, Flow};

/// An object whose type is not known: what `interface!` makes of a `Service`.
pub trait Object: Send {
    /// Carries out a method, or polls it again. The arguments are as they were afterwards
    /// ([`Data::look`]).
    ///
    /// # Errors
    /// When the arguments don't decode, or there is no such method.
    fn call(
        &mut self,
        cx: &mut Cx<'_>,
        method: MethodId,
        data: &mut Data,
    ) -> Result<Flow<Data>, Refusal>;

    /// Hears that a session that held something of this object is gone, or has lost the answer
    /// that granted it.
    fn session_gone(&mut self, cx: &mut Cx<'_>, gone: &Gone);

    /// Returns what a named object must have in common with what is asked for, in words.
    fn shape(&self) -> String;

    /// Returns how many bytes the object keeps beside its values' own, which are counted already:
    /// [`VALUE_COST`](crate::VALUE_COST) for each value, and what it made of its arguments. It is
    /// asked after every call.
    fn weight(&self) -> usize {
        0
    }

    /// Shows the handles that the object holds from a place on; returns the place to go on from,
    /// or `None` at the end. It begins at 0.
    fn handles_from(&self, place: u64, visit: &mut dyn FnMut(&Handle)) -> Option<u64>;
}

/// A session that is gone, seen by one object that it held something of. Or one that lives and has
/// lost with its connection the answer that granted it something, or wanted none and would have had
/// to wait: only what is in `held` is gone.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Gone {
    /// The session.
    pub session: SessionId,
    /// What it held: tokens that [`Cx::hold`] gave, with their counts, in the order they were
    /// given. The kernel has taken them back already.
    pub held: Vec<(sync_proto::Token, u32)>,
}

/// Makes an object from its constructor's arguments.
pub type Constructor = fn(Data) -> Result<Box<dyn Object>, Refusal>;

/// The types that a manager can make. Built-ins and users' types come in by the same door:
/// the `register` function that [`interface!`](crate::interface) makes.
#[derive(Clone, Default)]
pub struct Registry {
    types: BTreeMap<&'static str, (&'static Interface, Constructor)>,
}

impl Registry {
    /// Makes a registry without any type.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Adds a type. A later one of the same name takes the place of the earlier.
    pub fn register(&mut self, interface: &'static Interface, constructor: Constructor) {
        self.types.insert(interface.name, (interface, constructor));
    }

    /// Returns the interfaces that are registered, by name.
    pub fn interfaces(&self) -> impl Iterator<Item = &'static Interface> {
        self.types.values().map(|&(interface, _)| interface)
    }

    pub(crate) fn find(
        &self,
        name: &str,
        fingerprint: Fingerprint,
    ) -> Result<(&'static Interface, Constructor), Refusal> {
        let Some(&(interface, constructor)) = self.types.get(name) else {
            let why =
                format!("this manager has no type {name}: register it where the server is started");
            return Err(Refusal::new(ErrorKind::NotFound, why));
        };
        if interface.fingerprint != fingerprint {
            let why = format!(
                "the manager's {name} has the interface {}, the client's {fingerprint}: the two \
                 were built from different versions of it",
                interface.fingerprint
            );
            return Err(Refusal::new(ErrorKind::Mismatch, why));
        }
        Ok((interface, constructor))
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.types.keys()).finish()
    }
}
