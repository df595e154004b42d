//! Values as Python's `repr` shows them.
//!
//! What is not plain has the form `<module.Class object>`; a call of something among the builtins
//! (`range(0, 3)`, `ValueError('x')`) is shown as that. Which characters are printable is a matter
//! of the Unicode version: the tables here are newer than those of any CPython, so a character that
//! was assigned in between is shown as it is here, and escaped there.

use std::collections::HashSet;

use thiserror::Error;

use crate::python::pickle::{Graph, Node, NodeId};

mod number;
mod text;

/// The most bytes that a text for people may have: some few shared parts could otherwise be
/// written more often than memory holds.
pub(super) const MOST_BYTES: usize = 16 << 20;

/// The most bits of an integer that is shown: 4300 digits, as in CPython.
const MOST_BITS: u64 = 14_285;

/// Says why a value has no `repr`.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ReprError {
    /// An integer is too long; CPython says so by a `ValueError`.
    #[error(
        "Exceeds the limit (4300 digits) for integer string conversion; \
         use sys.set_int_max_str_digits() to increase the limit"
    )]
    LongInteger,
    /// The text is too long.
    #[error("the string that shows the value is too long")]
    TooLong,
}

/// Returns how Python shows a text.
pub fn repr_of_str(value: &str) -> String {
    let mut out = String::new();
    text::put_text(&mut out, value.chars().map(u32::from));
    out
}

/// Returns how Python shows a float.
pub fn repr_of_float(value: f64) -> String {
    number::float(value)
}

/// Returns how Python shows a value.
///
/// # Errors
///
/// It has an integer that CPython would not show either, or the text would be out of proportion.
pub fn repr(graph: &Graph, id: NodeId) -> Result<String, ReprError> {
    let mut out = String::new();
    append(graph, id, &mut out, MOST_BYTES)?;
    Ok(out)
}

/// Appends how Python shows a value to a text, which has at most `most` bytes then.
pub(super) fn append(
    graph: &Graph,
    id: NodeId,
    out: &mut String,
    most: usize,
) -> Result<(), ReprError> {
    let mut printer = Printer { graph, out, tasks: vec![Task::Value(id)], open: HashSet::new() };
    while let Some(task) = printer.tasks.pop() {
        match task {
            Task::Text(text) => printer.out.push_str(text),
            Task::Leave(id) => drop(printer.open.remove(&id)),
            Task::Value(id) => printer.value(id)?,
            Task::Items(items, between) => printer.next_item(items, between),
            Task::Entries(entries, between) => printer.next_entry(entries, between),
        }
        if printer.out.len() > most {
            return Err(ReprError::TooLong);
        }
    }
    Ok(())
}

/// What is to be printed, the next one last.
enum Task<'g> {
    Value(NodeId),
    Text(&'static str),
    /// The items of a container that are left, and what is before them.
    Items(&'g [NodeId], &'static str),
    Entries(&'g [(NodeId, NodeId)], &'static str),
    /// A container has been printed.
    Leave(NodeId),
}

struct Printer<'g> {
    graph: &'g Graph,
    out: &'g mut String,
    tasks: Vec<Task<'g>>,
    /// The containers around what is printed.
    open: HashSet<NodeId>,
}

impl<'g> Printer<'g> {
    fn value(&mut self, id: NodeId) -> Result<(), ReprError> {
        let (graph, out) = (self.graph, &mut *self.out);
        match graph.get(id) {
            Node::None => out.push_str("None"),
            Node::Bool(true) => out.push_str("True"),
            Node::Bool(false) => out.push_str("False"),
            Node::Int(value) => out.push_str(&value.to_string()),
            Node::BigInt(value) => {
                if value.bits() > MOST_BITS {
                    return Err(ReprError::LongInteger);
                }
                out.push_str(&value.to_string());
            }
            Node::Float(value) => out.push_str(&number::float(*value)),
            Node::Str(value) if text::is_plain(value) => {
                out.extend(["'", &**value, "'"]);
            }
            Node::Str(value) => text::put_text(out, value.chars().map(u32::from)),
            Node::WideStr(value) => text::put_text(out, value.code_points()),
            Node::Bytes(bytes) => text::put_bytes(out, bytes),
            Node::ByteArray(bytes) => {
                out.push_str("bytearray(");
                text::put_byte_array(out, bytes);
                out.push(')');
            }
            Node::Tuple(items) if items.len() == 1 => self.items(id, ["(", "(...)", ",)"], items),
            Node::Tuple(items) => self.items(id, ["(", "(...)", ")"], items),
            Node::List(items) => self.items(id, ["[", "[...]", "]"], items),
            Node::Set(items) if items.is_empty() => out.push_str("set()"),
            Node::Set(items) => self.items(id, ["{", "set(...)", "}"], items),
            Node::FrozenSet(items) if items.is_empty() => out.push_str("frozenset()"),
            Node::FrozenSet(items) => {
                self.items(id, ["frozenset({", "frozenset(...)", "})"], items);
            }
            Node::Dict(entries) => self.entries(id, entries),
            Node::Global(global) => match (&*global.module, &*global.name) {
                ("builtins", name @ ("Ellipsis" | "NotImplemented")) => out.push_str(name),
                (module, name) => out.push_str(&format!("<{module}.{name}>")),
            },
            Node::Object(_) => self.object(id),
        }
        Ok(())
    }

    fn items(&mut self, id: NodeId, [open, again, close]: [&'static str; 3], items: &'g [NodeId]) {
        if self.enter(id, open, again, close) {
            self.tasks.push(Task::Items(items, ""));
        }
    }

    fn next_item(&mut self, items: &'g [NodeId], between: &str) {
        let Some((item, rest)) = items.split_first() else { return };
        self.out.push_str(between);
        self.tasks.extend([Task::Items(rest, ", "), Task::Value(*item)]);
    }

    fn entries(&mut self, id: NodeId, entries: &'g [(NodeId, NodeId)]) {
        if self.enter(id, "{", "{...}", "}") {
            self.tasks.push(Task::Entries(entries, ""));
        }
    }

    fn next_entry(&mut self, entries: &'g [(NodeId, NodeId)], between: &str) {
        let Some(((key, value), rest)) = entries.split_first() else { return };
        self.out.push_str(between);
        self.tasks.push(Task::Entries(rest, ", "));
        self.tasks.extend([Task::Value(*value), Task::Text(": "), Task::Value(*key)]);
    }

    /// Begins a container, unless it is inside itself.
    fn enter(
        &mut self,
        id: NodeId,
        open: &'static str,
        again: &'static str,
        close: &'static str,
    ) -> bool {
        // The empty tuple is the same everywhere, and in nothing.
        if !self.open.insert(id) && id != NodeId::EMPTY_TUPLE {
            self.out.push_str(again);
            return false;
        }
        self.out.push_str(open);
        self.tasks.extend([Task::Leave(id), Task::Text(close)]);
        true
    }

    fn object(&mut self, id: NodeId) {
        if let Some(text) = self.proxy(id) {
            self.out.push_str(&text);
            return;
        }
        let graph = self.graph;
        match graph.call(id) {
            Some((("builtins", "complex"), [real, imaginary])) => {
                if let (Node::Float(real), Node::Float(imaginary)) =
                    (self.graph.get(*real), self.graph.get(*imaginary))
                {
                    self.out.push_str(&number::complex(*real, *imaginary));
                    return;
                }
            }
            Some((("builtins", "range"), ends @ [_, _, step]))
                if graph.get(*step) == &Node::Int(1) =>
            {
                self.items(id, ["range(", "...", ")"], &ends[..2]);
                return;
            }
            Some((("builtins", name), args)) => {
                self.out.push_str(name);
                self.items(id, ["(", "(...)", ")"], args);
                return;
            }
            _ => {}
        }
        let (module, name) = self.graph.maker(id).unwrap_or(("builtins", "object"));
        self.out.push_str(&format!("<{module}.{name} object>"));
    }

    /// As proxies show themselves inside other values.
    fn proxy(&self, id: NodeId) -> Option<String> {
        let proxy = self.graph.proxy(id)?;
        let token = self.graph.token(proxy.token)?;
        let class = match self.graph.global(proxy.func)? {
            (_, "AutoProxy") => format!("AutoProxy[{}]", token.typeid),
            (_, class) => class.to_owned(),
        };
        let typeid = repr_of_str(token.typeid);
        Some(format!("<{class} object, typeid {typeid} at 0x{}>", token.id))
    }
}
