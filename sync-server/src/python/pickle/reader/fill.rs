//! Puts values into containers and objects.

use super::Machine;
use crate::python::pickle::graph::{Node, NodeId, Step};
use crate::python::pickle::{PickleError, opcode as op};

impl Machine<'_> {
    /// Makes a container of the values since the last mark.
    pub(super) fn gather(&mut self, opcode: u8) -> Result<(), PickleError> {
        let items = self.pop_mark()?;
        self.count_references(items.len())?;
        match opcode {
            op::LIST => self.push(Node::List(items)),
            op::TUPLE if items.is_empty() => self.put(NodeId::EMPTY_TUPLE),
            op::TUPLE => self.push(Node::Tuple(items)),
            op::FROZENSET => self.push(Node::FrozenSet(items)),
            _ => {
                let entries = self.entries(items)?.collect();
                self.push(Node::Dict(entries))
            }
        }
    }

    pub(super) fn short_tuple(&mut self, length: usize) -> Result<(), PickleError> {
        let mut items = vec![NodeId::NONE; length];
        for item in items.iter_mut().rev() {
            *item = self.pop()?;
        }
        self.count_references(length)?;
        self.push(Node::Tuple(items))
    }

    /// Puts the values on top of the stack into the one below them.
    pub(super) fn fill(&mut self, opcode: u8) -> Result<(), PickleError> {
        let items = match opcode {
            op::APPEND | op::BUILD => vec![self.pop()?],
            op::SETITEM => {
                let value = self.pop()?;
                vec![self.pop()?, value]
            }
            _ => self.pop_mark()?,
        };
        self.count_references(items.len())?;
        let target = self.top()?;
        match opcode {
            op::SETITEM | op::SETITEMS => {
                let entries = self.entries(items)?;
                match self.graph.get_mut(target) {
                    Node::Dict(dict) => dict.extend(entries),
                    Node::Object(object) => {
                        object.steps.extend(entries.map(|(key, value)| Step::SetItem(key, value)));
                    }
                    _ => {
                        return Err(self
                            .input
                            .malformed("entries are set in something that has none"));
                    }
                }
            }
            op::BUILD => match self.graph.get_mut(target) {
                Node::Object(object) => object.steps.extend(items.into_iter().map(Step::State)),
                _ => {
                    return Err(self
                        .input
                        .malformed("a state is given to something that has none"));
                }
            },
            op::ADDITEMS => match self.graph.get_mut(target) {
                Node::Set(set) => set.extend(items),
                Node::Object(object) => object.steps.extend(items.into_iter().map(Step::Add)),
                _ => {
                    return Err(self
                        .input
                        .malformed("items are added to something that is not a set"));
                }
            },
            _ => match self.graph.get_mut(target) {
                Node::List(list) => list.extend(items),
                Node::Object(object) => object.steps.extend(items.into_iter().map(Step::Append)),
                _ => {
                    return Err(self
                        .input
                        .malformed("items are appended to something that is not a list"));
                }
            },
        }
        Ok(())
    }

    /// Counts places in containers, which take memory without being values.
    pub(super) fn count_references(&mut self, number: usize) -> Result<(), PickleError> {
        self.references += number;
        if self.references > self.limits.references {
            let limit = self.limits.references;
            return Err(PickleError::TooLarge { what: "references", limit });
        }
        Ok(())
    }

    /// Counts what was copied into a value that a call makes: each call takes a few bytes.
    pub(super) fn count_copy(&mut self, copy: &Node) -> Result<(), PickleError> {
        match copy {
            Node::List(items) | Node::Set(items) | Node::FrozenSet(items) => {
                self.count_references(items.len())
            }
            Node::Bytes(bytes) | Node::ByteArray(bytes) => self.count_copied(bytes.len()),
            _ => Ok(()),
        }
    }

    /// Counts bytes that were copied out of other values. What an interpreter writes has each of
    /// its bytes copied once at most.
    pub(super) fn count_copied(&mut self, bytes: usize) -> Result<(), PickleError> {
        self.copied += bytes;
        let limit = self.limits.copied.max(self.input.len());
        if self.copied > limit {
            return Err(PickleError::TooLarge { what: "bytes that its calls copy", limit });
        }
        Ok(())
    }

    fn entries(
        &self,
        items: Vec<NodeId>,
    ) -> Result<impl Iterator<Item = (NodeId, NodeId)> + use<>, PickleError> {
        if !items.len().is_multiple_of(2) {
            return Err(self.input.malformed("a key has no value"));
        }
        let mut items = items.into_iter();
        Ok(std::iter::from_fn(move || Some((items.next()?, items.next()?))))
    }
}
