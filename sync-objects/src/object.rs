//! An object as the kernel sees it, and the registry of types.

use core::fmt;
use std::collections::BTreeMap;

use sync_proto::{Data, ErrorKind, Fingerprint, Handle, Interface, MethodId, Refusal, SessionId};

use crate::{Cx, Flow};

/// An object of unknown type: what `interface!` makes of a `Service`.
pub trait Object: Send {
    /// Carries out a method, or polls it again. Afterwards the arguments are as they were before
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

    /// Learns that a session that held something of this object is gone, or has lost the answer
    /// that granted it.
    fn session_gone(&mut self, cx: &mut Cx<'_>, gone: &Gone);

    /// Returns in words the properties in which a named object must agree with the one that is
    /// asked for.
    fn shape(&self) -> String;

    /// Returns how many bytes the object keeps beside its values' own, which are counted already:
    /// [`VALUE_COST`](crate::VALUE_COST) for each value, and what it has made from its arguments.
    /// It is called after every call.
    fn weight(&self) -> usize {
        0
    }

    /// Shows the handles that the object holds from a place on, 0 at first; returns the place to go
    /// on from, or `None` at the end.
    fn handles_from(&self, place: u64, visit: &mut dyn FnMut(&Handle)) -> Option<u64>;
}

/// A session that is gone, as seen by one object of which it held something. Or a live session that
/// lost, with its connection, the answer that granted it something, or that made a call which wants
/// no answer and would have had to wait: then only what is in `held` is gone.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Gone {
    /// The session.
    pub session: SessionId,
    /// What it held: tokens that [`Cx::hold`] returned, with their counts, in the order in which
    /// they were granted. The kernel has taken them back already.
    pub held: Vec<(sync_proto::Token, u32)>,
}

/// Makes an object from its constructor's arguments.
pub type Constructor = fn(Data) -> Result<Box<dyn Object>, Refusal>;

/// The types that a manager can create. Built-in types and users' types are registered in the same
/// way: by the `register` function that [`interface!`](crate::interface) generates.
#[derive(Clone, Default)]
pub struct Registry {
    types: BTreeMap<&'static str, (&'static Interface, Constructor)>,
}

impl Registry {
    /// Makes a registry without any type.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Adds a type. It replaces an earlier one of the same name.
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
