//! Writes Python's values as the native wire has them.

use std::collections::{HashMap, HashSet};

use num_bigint::{BigInt, Sign};
use sync_objects::VALUE_COST;
use sync_proto::cbor::{MAX_DEPTH, tag};
use sync_proto::{ErrorKind, Handle, Payload, Refusal};

use super::hash::unhashable_beside;
use super::{Resolve, recipe};
use crate::python::pickle::{Graph, Make, Node, NodeId, Object, Step};

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;

/// From how many bytes on a text or the like is referred to instead of repeated.
const LONG: usize = 64;

/// The most bytes that a value may cost, unless it is said: short parts are repeated, so that a
/// pickle that recalls them often is smaller.
const MOST_BYTES: usize = 1 << 30;

/// Converts a value of Python to what objects keep.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`], when it nests deeper than any value may; [`ErrorKind::TooLarge`],
/// when it is too long; and what `resolve` fails with.
pub fn to_payload(
    graph: &Graph,
    id: NodeId,
    resolve: &mut impl Resolve,
) -> Result<Payload, Refusal> {
    to_payload_within(graph, id, resolve, &mut { MOST_BYTES })
}

/// As [`to_payload`], with a cost of at most `room`, from which it is subtracted: the value's
/// bytes, and for each value in it what one costs its reader.
///
/// # Errors
///
/// As [`to_payload`].
pub fn to_payload_within(
    graph: &Graph,
    id: NodeId,
    resolve: &mut impl Resolve,
    room: &mut usize,
) -> Result<Payload, Refusal> {
    let mut writer = Writer {
        graph,
        resolve,
        out: Vec::new(),
        handles: Vec::new(),
        shared: survey(graph, id),
        numbers: 0,
        hashed: HashSet::new(),
        depth: 0,
        values: 0,
        most: *room,
    };
    writer.value(id)?;
    writer.check_cost()?;
    *room = room.saturating_sub(writer.cost());
    Ok(Payload::of_cbor(writer.out, writer.handles))
}

/// Finds the parts that are there more than once and are not to be repeated.
fn survey(graph: &Graph, root: NodeId) -> HashMap<NodeId, Option<u64>> {
    let mut seen = HashMap::new();
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        if is_sharable(graph.get(id)) {
            let times: &mut u32 = seen.entry(id).or_default();
            *times += 1;
            if *times > 1 {
                continue;
            }
        }
        graph.for_each_part(id, |part| open.push(part));
    }
    seen.into_iter().filter(|(_, times)| *times > 1).map(|(id, _)| (id, None)).collect()
}

/// Tells whether it matters, for its identity or its size, that a part is there but once.
fn is_sharable(node: &Node) -> bool {
    match node {
        Node::Str(text) => text.len() >= LONG,
        Node::WideStr(text) => text.as_bytes().len() >= LONG,
        Node::Bytes(bytes) => bytes.len() >= LONG,
        Node::BigInt(value) => value.bits() / 8 >= LONG as u64,
        Node::Global(global) => global.module.len() + global.name.len() >= LONG,
        Node::Tuple(items) => !items.is_empty(),
        Node::ByteArray(_)
        | Node::List(_)
        | Node::Dict(_)
        | Node::Set(_)
        | Node::FrozenSet(_)
        | Node::Object(_) => true,
        Node::None | Node::Bool(_) | Node::Int(_) | Node::Float(_) => false,
    }
}

struct Writer<'g, R> {
    graph: &'g Graph,
    resolve: &'g mut R,
    out: Vec<u8>,
    handles: Vec<Handle>,
    /// The number of each shared part, once it has been written.
    shared: HashMap<NodeId, Option<u64>>,
    numbers: u64,
    /// Tuples that are in keys.
    hashed: HashSet<NodeId>,
    depth: usize,
    /// How many values were written.
    values: usize,
    /// The most that all may cost.
    most: usize,
}

impl<R: Resolve> Writer<'_, R> {
    fn cost(&self) -> usize {
        self.values * VALUE_COST + self.out.len()
    }

    fn check_cost(&self) -> Result<(), Refusal> {
        if self.cost() <= self.most {
            return Ok(());
        }
        let why = format!("the value takes more than {} bytes", self.most);
        Err(Refusal::new(ErrorKind::TooLarge, why))
    }

    fn value(&mut self, id: NodeId) -> Result<(), Refusal> {
        self.check_cost()?;
        if self.proxy(id)? {
            return Ok(());
        }
        match self.shared.get_mut(&id) {
            Some(Some(number)) => {
                let number = *number;
                self.tag(tag::REFERENCE);
                self.head(UNSIGNED, number);
                return Ok(());
            }
            Some(number) => {
                *number = Some(self.numbers);
                self.numbers += 1;
                self.tag(tag::SHARED);
            }
            None => {}
        }
        self.values += 1;
        match self.graph.get(id) {
            Node::None => self.out.push(0xf6),
            Node::Bool(value) => self.out.push(if *value { 0xf5 } else { 0xf4 }),
            Node::Int(value) => self.integer(*value),
            Node::BigInt(value) => self.big_integer(value),
            Node::Float(value) => {
                self.out.push(0xfb);
                self.out.extend(value.to_be_bytes());
            }
            Node::Str(text) => self.string(TEXT, text.as_bytes()),
            Node::WideStr(text) => {
                self.tag(tag::WIDE_TEXT);
                self.string(BYTES, text.as_bytes());
            }
            Node::Bytes(bytes) => self.string(BYTES, bytes),
            Node::ByteArray(bytes) => {
                self.tag(tag::BYTE_ARRAY);
                self.string(BYTES, bytes);
            }
            Node::List(items) => return self.array(None, items),
            Node::Tuple(items) => return self.array(Some(tag::TUPLE), items),
            Node::Set(items) => return self.set(tag::SET, items),
            Node::FrozenSet(items) => return self.set(tag::FROZEN_SET, items),
            Node::Dict(entries) => return self.map(entries),
            Node::Global(global) => {
                self.enter()?;
                self.tag(tag::OPAQUE);
                self.head(ARRAY, 4);
                let name = format!("{}.{}", global.module, global.name);
                self.string(TEXT, name.as_bytes());
                self.head(UNSIGNED, recipe::GLOBAL);
                self.string(TEXT, global.module.as_bytes());
                self.string(TEXT, global.name.as_bytes());
                self.depth -= 1;
            }
            Node::Object(object) => return self.object(id, object),
        }
        Ok(())
    }

    /// Writes a proxy as the handle of what it stands for, if it is this manager's.
    fn proxy(&mut self, id: NodeId) -> Result<bool, Refusal> {
        let Some(proxy) = self.graph.proxy(id) else { return Ok(false) };
        let Some(token) = self.graph.token(proxy.token) else { return Ok(false) };
        let Some(handle) = self.resolve.resolve(proxy, token)? else { return Ok(false) };
        self.tag(tag::HANDLE);
        self.head(UNSIGNED, self.handles.len() as u64);
        self.handles.push(handle);
        Ok(true)
    }

    fn array(&mut self, tag: Option<u64>, items: &[NodeId]) -> Result<(), Refusal> {
        self.enter()?;
        if let Some(tag) = tag {
            self.tag(tag);
        }
        self.head(ARRAY, items.len() as u64);
        items.iter().try_for_each(|item| self.value(*item))?;
        self.depth -= 1;
        Ok(())
    }

    fn map(&mut self, entries: &[(NodeId, NodeId)]) -> Result<(), Refusal> {
        self.enter()?;
        self.head(MAP, entries.len() as u64);
        for (key, value) in entries {
            self.hashed(*key)?;
            self.value(*key)?;
            self.value(*value)?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn set(&mut self, tag: u64, items: &[NodeId]) -> Result<(), Refusal> {
        items.iter().try_for_each(|item| self.hashed(*item))?;
        self.array(Some(tag), items)
    }

    /// Refuses what cannot be where it is: no interpreter has sent it.
    fn hashed(&mut self, id: NodeId) -> Result<(), Refusal> {
        match unhashable_beside(self.graph, id, &mut self.hashed) {
            Some(class) => Err(invalid(format!("unhashable type: '{class}'"))),
            None => Ok(()),
        }
    }

    fn object(&mut self, id: NodeId, object: &Object) -> Result<(), Refusal> {
        self.enter()?;
        self.tag(tag::OPAQUE);
        let (kind, parts) = match &object.make {
            Make::Call { callable, args } => (recipe::CALL, vec![*callable, *args]),
            Make::New { class, args } => (recipe::NEW, vec![*class, *args]),
            Make::NewEx { class, args, kwargs } => (recipe::NEW_EX, vec![*class, *args, *kwargs]),
            Make::Instance { class, .. } => (recipe::INSTANCE, vec![*class]),
        };
        let steps = object.steps.iter().map(|step| match step {
            Step::SetItem(..) => 3,
            _ => 2,
        });
        let is_instance = usize::from(kind == recipe::INSTANCE);
        self.head(ARRAY, (2 + parts.len() + is_instance + steps.sum::<usize>()) as u64);
        let (module, name) = self.graph.maker(id).unwrap_or(("builtins", "object"));
        self.string(TEXT, format!("{module}.{name}").as_bytes());
        self.head(UNSIGNED, kind);
        parts.into_iter().try_for_each(|part| self.value(part))?;
        if let Make::Instance { args, .. } = &object.make {
            self.array(Some(tag::TUPLE), args)?;
        }
        for step in &object.steps {
            let (kind, part) = match step {
                Step::Append(part) => (recipe::APPEND, part),
                Step::SetItem(key, value) => {
                    self.head(UNSIGNED, recipe::SET_ITEM);
                    self.value(*key)?;
                    self.value(*value)?;
                    continue;
                }
                Step::Add(part) => (recipe::ADD, part),
                Step::State(part) => (recipe::STATE, part),
                Step::Call(part) => (recipe::CALL_STEP, part),
            };
            self.head(UNSIGNED, kind);
            self.value(*part)?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn integer(&mut self, value: i64) {
        match u64::try_from(value) {
            Ok(value) => self.head(UNSIGNED, value),
            Err(_) => self.head(NEGATIVE, !value as u64),
        }
    }

    fn big_integer(&mut self, value: &BigInt) {
        // The negative number n is written as -1 - n.
        let is_negative = value.sign() == Sign::Minus;
        let magnitude = if is_negative { -(value + 1_u8) } else { value.clone() };
        match u64::try_from(&magnitude) {
            Ok(short) => self.head(if is_negative { NEGATIVE } else { UNSIGNED }, short),
            Err(_) => {
                self.tag(if is_negative { tag::NEGATIVE } else { tag::POSITIVE });
                let (_, bytes) = magnitude.to_bytes_be();
                self.string(BYTES, &bytes);
            }
        }
    }

    fn enter(&mut self) -> Result<(), Refusal> {
        if self.depth == MAX_DEPTH {
            return Err(invalid(format!("the value is nested deeper than {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        Ok(())
    }

    fn tag(&mut self, tag: u64) {
        self.head(TAG, tag);
    }

    fn string(&mut self, major: u8, bytes: &[u8]) {
        self.head(major, bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    /// Begins an item, in the fewest bytes.
    fn head(&mut self, major: u8, number: u64) {
        let major = major << 5;
        if number < 24 {
            self.out.push(major | number as u8);
        } else if let Ok(number) = u8::try_from(number) {
            self.out.extend([major | 24, number]);
        } else if let Ok(number) = u16::try_from(number) {
            self.out.push(major | 25);
            self.out.extend(number.to_be_bytes());
        } else if let Ok(number) = u32::try_from(number) {
            self.out.push(major | 26);
            self.out.extend(number.to_be_bytes());
        } else {
            self.out.push(major | 27);
            self.out.extend(number.to_be_bytes());
        }
    }
}

fn invalid(why: String) -> Refusal {
    Refusal::new(ErrorKind::InvalidInput, why)
}
