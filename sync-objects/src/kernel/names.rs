//! Names and tickets: how an object is reached without having been given its handle.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sync_proto::{Data, ErrorKind, Fingerprint, Handle, ObjectId, Refusal, SessionId};

use super::Core;
use super::ledger::Root;
use super::table::{Body, gone};

/// Under which name a new object is to be, and what if the name is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_enums, reason = "the kernel handles every naming there is")]
pub enum Naming {
    /// Under none: it lives as long as its handles.
    Anonymous,
    /// Under this name; an object that is there already is taken, if it is of the same type and
    /// shape.
    GetOrCreate(String),
    /// Under this name, which must be free.
    CreateNew(String),
}

/// The names, found by the name and by the object.
#[derive(Debug, Default)]
pub(crate) struct Names {
    by_name: BTreeMap<String, Root>,
    by_object: BTreeSet<(ObjectId, String)>,
}

impl Names {
    pub(crate) fn get(&self, name: &str) -> Option<&Handle> {
        self.by_name.get(name).map(Root::handle)
    }

    fn insert(&mut self, name: String, root: Root) {
        self.by_object.insert((root.handle().object(), name.clone()));
        self.by_name.insert(name, root);
    }

    fn remove(&mut self, name: String) -> bool {
        let Some(root) = self.by_name.remove(&name) else {
            return false;
        };
        self.by_object.remove(&(root.handle().object(), name));
        true
    }

    /// Returns an object's names, in order.
    pub(crate) fn of(&self, object: ObjectId) -> impl Iterator<Item = &str> {
        let from_its_first = self.by_object.range((object, String::new())..);
        let its = from_its_first.take_while(move |(of, _)| *of == object);
        its.map(|(_, name)| name.as_str())
    }
}

/// A ticket that waits to be redeemed.
#[derive(Debug)]
pub(crate) struct Issued {
    issuer: SessionId,
    root: Root,
}

impl Core {
    pub(crate) fn create(
        &mut self,
        interface: &str,
        fingerprint: Fingerprint,
        naming: Naming,
        args: Data,
    ) -> Result<Handle, Refusal> {
        let (name, may_exist) = match naming {
            Naming::Anonymous => {
                let (interface, object) = self.make(interface, fingerprint, args)?;
                return self.install(interface, object);
            }
            Naming::GetOrCreate(name) => (name, true),
            Naming::CreateNew(name) => (name, false),
        };
        if self.names.get(&name).is_none() {
            self.check_name(&name)?;
            let (interface, object) = self.make(interface, fingerprint, args)?;
            let handle = self.install(interface, object)?;
            self.names.insert(name, Root::new(handle.clone(), &self.ledger));
            return Ok(handle);
        }
        if !may_exist {
            return Err(taken(&name));
        }
        let existing = self.open(&name, interface, fingerprint)?;
        // The new object only serves to say of which shape it would have been.
        let (interface, object) = self.make(interface, fingerprint, args)?;
        let kind = interface.name;
        let wanted = super::run::guarded(|| Ok(object.shape()), kind);
        super::run::discard(object, kind);
        let wanted = wanted?;
        let found = self.shape(&existing)?;
        if found == wanted {
            return Ok(existing);
        }
        let why = format!("\"{name}\" is a {kind} of {found}, but one of {wanted} was asked for");
        Err(Refusal::new(ErrorKind::Mismatch, why))
    }

    pub(crate) fn open(
        &self,
        name: &str,
        interface: &str,
        fingerprint: Fingerprint,
    ) -> Result<Handle, Refusal> {
        let Some(handle) = self.names.get(name) else {
            let why = format!("no object has the name \"{name}\"");
            return Err(Refusal::new(ErrorKind::NotFound, why));
        };
        self.check_type(handle, interface, fingerprint, &format!("\"{name}\""))?;
        Ok(handle.clone())
    }

    pub(crate) fn publish(&mut self, name: String, handle: Handle) -> Result<(), Refusal> {
        if self.names.get(&name).is_some() {
            return Err(taken(&name));
        }
        self.check_name(&name)?;
        self.names.insert(name, Root::new(handle, &self.ledger));
        Ok(())
    }

    pub(crate) fn unpublish(&mut self, name: String) -> bool {
        self.names.remove(name)
    }

    pub(crate) fn name_list(&self) -> Vec<String> {
        self.names.by_name.keys().cloned().collect()
    }

    pub(crate) fn issue(
        &mut self,
        issuer: SessionId,
        secret: u128,
        handle: Handle,
    ) -> Result<(), Refusal> {
        if self.tickets.contains_key(&secret) {
            return Err(Refusal::new(ErrorKind::Exists, "a ticket's secret was used twice"));
        }
        let limit = self.limits.tickets;
        if self.tickets.len() >= limit {
            let why = format!("{limit} tickets wait to be redeemed, which is the limit");
            return Err(Refusal::new(ErrorKind::LimitReached, why));
        }
        self.tickets.insert(secret, Issued { issuer, root: Root::new(handle, &self.ledger) });
        if let Some(session) = self.sessions.get_mut(&issuer) {
            session.tickets.insert(secret);
        }
        Ok(())
    }

    pub(crate) fn redeem(
        &mut self,
        secret: u128,
        interface: &str,
        fingerprint: Fingerprint,
    ) -> Result<Handle, Refusal> {
        let Some(issued) = self.tickets.get(&secret) else {
            let why = "the ticket was redeemed before, or its issuer is gone";
            return Err(Refusal::new(ErrorKind::NotFound, why));
        };
        self.check_type(issued.root.handle(), interface, fingerprint, "the ticket's object")?;
        let issued = self.tickets.remove(&secret).ok_or(ErrorKind::NotFound)?;
        if let Some(session) = self.sessions.get_mut(&issued.issuer) {
            session.tickets.remove(&secret);
        }
        Ok(issued.root.handle().clone())
    }

    fn check_type(
        &self,
        handle: &Handle,
        interface: &str,
        fingerprint: Fingerprint,
        what: &str,
    ) -> Result<(), Refusal> {
        let found = self.slot(handle.object()).ok_or_else(|| gone(handle.object()))?.interface;
        if found.fingerprint == fingerprint {
            return Ok(());
        }
        let (name, theirs) = (found.name, found.fingerprint);
        let why = if name == interface {
            format!(
                "{what} is a {name} of the interface {theirs}, but {fingerprint} was asked for: \
                 the two programs were built from different versions of it"
            )
        } else {
            format!("{what} is a {name}, but a {interface} was asked for")
        };
        Err(Refusal::new(ErrorKind::Mismatch, why))
    }

    fn check_name(&self, name: &str) -> Result<(), Refusal> {
        let limit = self.limits.name_length;
        if name.is_empty() || name.len() > limit {
            let why = format!("a name has 1 to {limit} bytes, this one has {}", name.len());
            return Err(Refusal::new(ErrorKind::InvalidInput, why));
        }
        if self.names.by_name.len() >= self.limits.names {
            let why = format!("the manager has {} names, which is the limit", self.limits.names);
            return Err(Refusal::new(ErrorKind::LimitReached, why));
        }
        Ok(())
    }

    fn shape(&self, handle: &Handle) -> Result<String, Refusal> {
        let object = handle.object();
        let slot = self.slot(object).ok_or_else(|| gone(object))?;
        match &slot.body {
            Body::Here(body) => super::run::guarded(|| Ok(body.shape()), slot.interface.name),
            Body::AtWork => Err(Refusal::new(ErrorKind::InvalidInput, "the object is at work")),
            Body::Broken(why) => Err(Refusal::new(ErrorKind::Broken, why.clone())),
        }
    }
}

fn taken(name: &str) -> Refusal {
    Refusal::new(ErrorKind::Exists, format!("the name \"{name}\" is taken"))
}
