//! The machine's stack and memo.

use super::Machine;
use crate::python::pickle::graph::{Make, Node, NodeId, Step};
use crate::python::pickle::{PickleError, opcode as op};

/// How far beyond the memoized values an index may lie: picklers count, from 0 or 1, and tools
/// that drop what is never recalled leave gaps.
const MEMO_GAP: usize = 1 << 10;

/// The values under way, with marks between them.
#[derive(Debug, Default)]
pub(super) struct Stack {
    values: Vec<NodeId>,
    /// Before which value each mark stands.
    marks: Vec<usize>,
}

/// Values that are recalled by their number.
#[derive(Debug, Default)]
pub(super) struct Memo {
    values: Vec<Option<NodeId>>,
    stored: usize,
}

impl Machine<'_> {
    /// Adds a value to the graph and puts it on the stack.
    pub(super) fn push(&mut self, node: Node) -> Result<(), PickleError> {
        if self.graph.len() >= self.limits.values {
            return Err(PickleError::TooLarge { what: "values", limit: self.limits.values });
        }
        let id = self.graph.push(node);
        self.put(id)
    }

    /// Puts a value on the stack.
    pub(super) fn put(&mut self, id: NodeId) -> Result<(), PickleError> {
        self.stack.values.push(id);
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Result<NodeId, PickleError> {
        let floor = self.stack.marks.last().copied().unwrap_or(0);
        if self.stack.values.len() <= floor {
            return Err(self.input.malformed("the stack has too few values"));
        }
        self.stack.values.pop().ok_or_else(|| self.input.malformed("the stack is empty"))
    }

    pub(super) fn top(&self) -> Result<NodeId, PickleError> {
        let floor = self.stack.marks.last().copied().unwrap_or(0);
        match self.stack.values.last() {
            Some(id) if self.stack.values.len() > floor => Ok(*id),
            _ => Err(self.input.malformed("the stack has too few values")),
        }
    }

    /// Takes the values since the last mark, and the mark.
    pub(super) fn pop_mark(&mut self) -> Result<Vec<NodeId>, PickleError> {
        match self.stack.marks.pop() {
            Some(start) => Ok(self.stack.values.split_off(start)),
            None => Err(self.input.malformed("the stack has no mark")),
        }
    }

    pub(super) fn shuffle(&mut self, opcode: u8) -> Result<(), PickleError> {
        match opcode {
            op::MARK => self.stack.marks.push(self.stack.values.len()),
            op::DUP => return self.top().and_then(|id| self.put(id)),
            op::POP_MARK => drop(self.pop_mark()?),
            // A mark right on top is what goes, as in CPython.
            _ if self.stack.marks.last() == Some(&self.stack.values.len()) => {
                self.stack.marks.pop();
            }
            _ => {
                let dropped = self.pop()?;
                self.keep_effect(dropped)?;
            }
        }
        Ok(())
    }

    /// Keeps a call whose result is dropped, if it was made to give the object below it its state:
    /// `setter(object, state)`.
    fn keep_effect(&mut self, dropped: NodeId) -> Result<(), PickleError> {
        let (Node::Object(call), Ok(object)) = (self.graph.get(dropped), self.top()) else {
            return Ok(());
        };
        let (Make::Call { args, .. }, []) = (&call.make, &call.steps[..]) else {
            return Ok(());
        };
        if !matches!(self.graph.tuple(*args), Some([first, _]) if *first == object) {
            return Ok(());
        }
        self.count_references(1)?;
        if let Node::Object(object) = self.graph.get_mut(object) {
            object.steps.push(Step::Call(dropped));
        }
        Ok(())
    }

    pub(super) fn memoize(&mut self, opcode: u8) -> Result<(), PickleError> {
        let id = self.top()?;
        let index = match opcode {
            op::MEMOIZE => self.memo.stored,
            op::PUT => self.memo_line()?,
            op::BINPUT => self.input.byte()?.into(),
            _ => self.input.u32()? as usize,
        };
        self.memo.stored += 1;
        if index > 2 * self.memo.stored + MEMO_GAP {
            return Err(self.input.malformed("the memo is far from dense"));
        }
        if index >= self.memo.values.len() {
            self.memo.values.resize(index + 1, None);
        }
        self.memo.values[index] = Some(id);
        Ok(())
    }

    pub(super) fn recall(&mut self, opcode: u8) -> Result<(), PickleError> {
        let index = match opcode {
            op::GET => self.memo_line()?,
            op::BINGET => self.input.byte()?.into(),
            _ => self.input.u32()? as usize,
        };
        match self.memo.values.get(index) {
            Some(Some(id)) => self.put(*id),
            _ => Err(self.input.malformed(format!("the memo has no {index}"))),
        }
    }

    fn memo_line(&mut self) -> Result<usize, PickleError> {
        let line = self.input.ascii_line()?;
        line.trim().parse().map_err(|_| self.input.malformed("a line is not an index of the memo"))
    }
}
