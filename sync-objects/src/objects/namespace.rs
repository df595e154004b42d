//! Namespace: attributes by name, each of a type of its own.
//!
//! A dict whose keys are strings, with the same turns: an update has one attribute to itself, other
//! writers of it wait in its line, and readers don't.

use sync_proto::{ErrorKind, Handle, Payload, Refusal, Token};

use super::dict::dict::Service as _;
use super::dict::{Dict, DictPart, DictUpdate, Removed};
use crate::{Cx, Flow, Gone, interface};

interface! {
    /// Attributes by name, each of a type of its own.
    pub mod namespace = "sync.namespace" {
        new(attributes: Vec<(String, Payload)>);
        /// Returns the value of an attribute.
        fn get(name: String) -> Option<Payload>;
        /// Returns whether there is such an attribute.
        fn contains_key(name: String) -> bool;
        /// Returns all names, in alphabetical order.
        fn names() -> Vec<String>;
        /// Sets an attribute.
        fn set(name: String, value: Payload);
        /// Deletes an attribute; returns whether there was one.
        fn delete(name: String) -> bool;
        /// Takes an attribute out.
        fn remove(name: String) -> Option<Removed>;
        /// Puts back an attribute that its reader could not read; returns whether it did: not if
        /// there is one of that name again.
        fn restore(removed: Removed) -> bool;
        /// Waits for the turn to write an attribute and takes it, with the value.
        fn begin_update(name: String) -> DictUpdate;
        /// Writes the value, or deletes the attribute, and ends the turn.
        fn commit_update(token: Token, value: Option<Payload>);
        /// Ends the turn and leaves the attribute as it is.
        fn cancel_update(token: Token);
    }
}

#[derive(Debug)]
pub(crate) struct Namespace {
    attributes: Dict,
}

/// Returns a name as a dict's key.
fn key(name: &str) -> Result<Payload, Refusal> {
    if name.is_empty() {
        return Err(Refusal::new(ErrorKind::InvalidInput, "an attribute's name cannot be empty"));
    }
    Payload::pack(name)
}

/// Goes on with a name's key.
fn with<T>(name: &str, then: impl FnOnce(Payload) -> Flow<T>) -> Flow<T> {
    match key(name) {
        Ok(key) => then(key),
        Err(refusal) => Flow::Refuse(refusal),
    }
}

impl namespace::Service for Namespace {
    fn new(attributes: Vec<(String, Payload)>) -> Result<Self, Refusal> {
        let keyed = attributes.into_iter().map(|(name, value)| Ok((key(&name)?, value)));
        Ok(Self { attributes: Dict::new(keyed.collect::<Result<_, Refusal>>()?)? })
    }

    fn get(&mut self, cx: &mut Cx<'_>, name: String) -> Flow<Option<Payload>> {
        with(&name, |key| self.attributes.get(cx, key))
    }

    fn contains_key(&mut self, cx: &mut Cx<'_>, name: String) -> Flow<bool> {
        with(&name, |key| self.attributes.contains_key(cx, key))
    }

    fn names(&mut self, cx: &mut Cx<'_>) -> Flow<Vec<String>> {
        match self.attributes.page(cx, DictPart::Keys, false, None, None, u64::MAX) {
            Flow::Done(page) => {
                let names: Result<Vec<String>, _> = page.keys.iter().map(Payload::unpack).collect();
                let sorted = names.map(|mut names| {
                    names.sort_unstable();
                    names
                });
                sorted.into()
            }
            other => other.map(|_| Vec::new()),
        }
    }

    fn set(&mut self, cx: &mut Cx<'_>, name: String, value: Payload) -> Flow<()> {
        with(&name, |key| self.attributes.set(cx, key, value))
    }

    fn delete(&mut self, cx: &mut Cx<'_>, name: String) -> Flow<bool> {
        with(&name, |key| self.attributes.delete(cx, key))
    }

    fn remove(&mut self, cx: &mut Cx<'_>, name: String) -> Flow<Option<Removed>> {
        with(&name, |key| self.attributes.remove(cx, key))
    }

    fn restore(&mut self, cx: &mut Cx<'_>, removed: Removed) -> Flow<bool> {
        // Else what is no name would come in by this door.
        match removed.key.unpack::<String>().and_then(|name| key(&name)) {
            Ok(key) => self.attributes.restore(cx, Removed { key, ..removed }),
            Err(refusal) => Flow::Refuse(refusal),
        }
    }

    fn begin_update(&mut self, cx: &mut Cx<'_>, name: String) -> Flow<DictUpdate> {
        with(&name, |key| self.attributes.begin_update(cx, key))
    }

    fn commit_update(&mut self, cx: &mut Cx<'_>, token: Token, value: Option<Payload>) -> Flow<()> {
        self.attributes.commit_update(cx, token, value)
    }

    fn cancel_update(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<()> {
        self.attributes.cancel_update(cx, token)
    }

    fn session_gone(&mut self, cx: &mut Cx<'_>, gone: &Gone) {
        self.attributes.session_gone(cx, gone);
    }

    fn weight(&self) -> usize {
        // A name came as no value, which would count by itself: it has as many bytes as its form.
        self.attributes.weight() + self.attributes.normal_bytes()
    }

    fn handles(&self, visit: &mut dyn FnMut(&Handle)) {
        self.attributes.handles(visit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::tests::handle;

    #[test]
    fn every_handle_is_shown() {
        let value = |number: u64| Payload::pack(&[handle(number)]).unwrap();
        let attributes = [("a", 1), ("b", 2), ("c", 3)];
        let attributes = attributes.map(|(name, number)| (name.to_owned(), value(number)));
        let made: Namespace = namespace::Service::new(attributes.to_vec()).unwrap();
        let mut seen = Vec::new();
        namespace::Service::handles(&made, &mut |handle| seen.push(handle.object().0));
        seen.sort_unstable();
        assert_eq!(seen, [1, 2, 3]);
    }
}
