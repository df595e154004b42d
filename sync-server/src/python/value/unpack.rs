//! Reads what is on the native wire as Python's values.

use std::collections::HashMap;

use minicbor::Decoder;
use minicbor::data::Type;
use num_bigint::{BigInt, Sign};
use sync_proto::cbor::{self, tag};
use sync_proto::{Encoding, ErrorKind, Handle, Payload, Refusal};

use super::{Present, recipe};
use crate::python::pickle::{Global, Graph, Make, Node, NodeId, Object, Step, Wide};

/// Converts what objects keep to a value of Python, which is added to the graph.
///
/// What Python has no form for comes out as what is nearest: a nested `Some` as its content, a
/// list in a key as a tuple, and so on.
///
/// # Errors
///
/// [`ErrorKind::Malformed`], when it is no sound value; [`ErrorKind::WrongType`], when no value of
/// Python comes near it; [`ErrorKind::TooLarge`], when the graph is full; and what `present` fails
/// with.
pub fn from_payload(
    payload: &Payload,
    graph: &mut Graph,
    present: &mut impl Present,
) -> Result<NodeId, Refusal> {
    read(payload, Place::Anywhere, graph, present)
}

/// Converts a key or a set's member as [`from_payload`] does: Python has a hash for it.
///
/// # Errors
///
/// Those of [`from_payload`].
pub fn key_from_payload(
    payload: &Payload,
    graph: &mut Graph,
    present: &mut impl Present,
) -> Result<NodeId, Refusal> {
    read(payload, Place::Hashed, graph, present)
}

pub(super) fn read(
    payload: &Payload,
    place: Place,
    graph: &mut Graph,
    present: &mut impl Present,
) -> Result<NodeId, Refusal> {
    match payload.encoding {
        Encoding::Cbor => {}
        Encoding::Bytes => {
            check_room(graph)?;
            return Ok(graph.push(Node::Bytes(payload.bytes.to_vec())));
        }
        _ => return Err(malformed("an encoding that this version does not know")),
    }
    // Bounds the depth, and with it what follows; checks all references.
    cbor::validate(&payload.bytes, payload.handles.len()).map_err(malformed)?;
    let mut reader = Reader {
        tokens: Decoder::new(&payload.bytes),
        graph,
        handles: &payload.handles,
        present,
        shared: Vec::new(),
        globals: HashMap::new(),
        to_copy: payload.bytes.len(),
    };
    reader.value(place)
}

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Anywhere,
    /// In a key or a set, where Python takes only what cannot change.
    Hashed,
}

/// How many items are left of what contains them; without a number, all up to a break.
struct Left(Option<u64>);

struct Reader<'b, 'g, P> {
    tokens: Decoder<'b>,
    graph: &'g mut Graph,
    handles: &'b [Handle],
    present: &'g mut P,
    shared: Vec<NodeId>,
    /// A class that many objects are of is named once.
    globals: HashMap<Global, NodeId>,
    /// How much of recipes may still be copied. Python's own have each byte copied once at most;
    /// others may refer to a long name in a few bytes.
    to_copy: usize,
}

impl<P: Present> Reader<'_, '_, P> {
    fn value(&mut self, place: Place) -> Result<NodeId, Refusal> {
        check_room(self.graph)?;
        let kind = self.kind()?;
        if kind != Type::Tag {
            let node = self.node(kind, place)?;
            return Ok(self.push(node));
        }
        match self.tag()? {
            tag::SHARED => {
                // Its place is there before it is, for it may be inside itself.
                let slot = self.graph.push(Node::None);
                self.shared.push(slot);
                let value = self.value(place)?;
                *self.graph.get_mut(slot) = self.graph.get(value).clone();
                Ok(slot)
            }
            tag::REFERENCE => {
                let number = self.tokens.u64().map_err(malformed)?;
                let shared = usize::try_from(number).ok().and_then(|n| self.shared.get(n));
                shared.copied().ok_or_else(|| malformed("a reference to nothing"))
            }
            tag::HANDLE => {
                let index = self.tokens.u64().map_err(malformed)?;
                let handle = usize::try_from(index).ok().and_then(|n| self.handles.get(n));
                let handle = handle.ok_or_else(|| malformed("a handle that was not sent along"))?;
                self.present.present(self.graph, handle)
            }
            tag::OPAQUE => self.opaque(),
            tag => {
                let node = self.tagged(tag, place)?;
                match node {
                    Some(node) => Ok(self.push(node)),
                    // Python has no such tag, and its content is what people would look for.
                    None => self.value(place),
                }
            }
        }
    }

    fn tagged(&mut self, tag: u64, place: Place) -> Result<Option<Node>, Refusal> {
        let node = match tag {
            tag::POSITIVE | tag::NEGATIVE => {
                let value = BigInt::from_bytes_be(Sign::Plus, &self.bytes()?);
                Node::from(if tag == tag::NEGATIVE { -1 - value } else { value })
            }
            tag::BYTE_ARRAY if place == Place::Anywhere => Node::ByteArray(self.bytes()?),
            tag::BYTE_ARRAY => Node::Bytes(self.bytes()?),
            tag::WIDE_TEXT => match Wide::from_bytes(self.bytes()?) {
                Some(text) => Node::WideStr(text),
                None => return Err(malformed("a string with surrogates is malformed")),
            },
            tag::TUPLE => Node::Tuple(self.items(place)?),
            tag::SET if place == Place::Anywhere => Node::Set(self.items(Place::Hashed)?),
            tag::SET | tag::FROZEN_SET => Node::FrozenSet(self.items(Place::Hashed)?),
            _ => return Ok(None),
        };
        Ok(Some(node))
    }

    /// Reads what has no tag.
    fn node(&mut self, kind: Type, place: Place) -> Result<Node, Refusal> {
        let tokens = &mut self.tokens;
        Ok(match kind {
            Type::Bool => Node::Bool(tokens.bool().map_err(malformed)?),
            Type::F16 => Node::Float(tokens.f16().map_err(malformed)?.into()),
            Type::F32 => Node::Float(tokens.f32().map_err(malformed)?.into()),
            Type::F64 => Node::Float(tokens.f64().map_err(malformed)?),
            Type::Bytes | Type::BytesIndef => Node::Bytes(self.bytes()?),
            Type::String | Type::StringIndef => Node::Str(self.text()?),
            Type::Array | Type::ArrayIndef => match place {
                Place::Anywhere => Node::List(self.items(place)?),
                Place::Hashed => Node::Tuple(self.items(place)?),
            },
            Type::Map | Type::MapIndef => match place {
                Place::Anywhere => Node::Dict(self.entries()?),
                Place::Hashed => {
                    let why = "a map is part of a key, where Python can have no dict";
                    return Err(Refusal::new(ErrorKind::WrongType, why.to_owned()));
                }
            },
            Type::Null | Type::Undefined | Type::Simple => {
                tokens.skip().map_err(malformed)?;
                Node::None
            }
            _ => {
                let value = i128::from(tokens.int().map_err(malformed)?);
                Node::from(BigInt::from(value))
            }
        })
    }

    fn items(&mut self, place: Place) -> Result<Vec<NodeId>, Refusal> {
        let mut left = Left(self.tokens.array().map_err(malformed)?);
        let mut items = Vec::new();
        while self.more(&mut left)? {
            items.push(self.value(place)?);
        }
        Ok(items)
    }

    fn entries(&mut self) -> Result<Vec<(NodeId, NodeId)>, Refusal> {
        let mut left = Left(self.tokens.map().map_err(malformed)?);
        let mut entries = Vec::new();
        while self.more(&mut left)? {
            entries.push((self.value(Place::Hashed)?, self.value(Place::Anywhere)?));
        }
        Ok(entries)
    }

    fn opaque(&mut self) -> Result<NodeId, Refusal> {
        let mut left = Left(self.tokens.array().map_err(malformed)?);
        self.part(&mut left)?;
        let name = self.text()?;
        let foreign = || {
            let why = format!("the opaque value `{name}` was not written by Python");
            Refusal::new(ErrorKind::WrongType, why)
        };
        self.part(&mut left)?;
        let kind = self.tokens.u64().map_err(|_| foreign())?;
        let mut next = |reader: &mut Self| {
            reader.part(&mut left)?;
            reader.value(Place::Anywhere)
        };
        let make = match kind {
            recipe::GLOBAL => {
                let (module, name) = (next(self)?, next(self)?);
                let (Some(module), Some(name)) = (self.graph.text(module), self.graph.text(name))
                else {
                    return Err(foreign());
                };
                let global = Global::new(module, name);
                self.copy(global.module.len() + global.name.len())?;
                return Ok(self.global(global));
            }
            recipe::CALL => Make::Call { callable: next(self)?, args: next(self)? },
            recipe::NEW => Make::New { class: next(self)?, args: next(self)? },
            recipe::NEW_EX => {
                Make::NewEx { class: next(self)?, args: next(self)?, kwargs: next(self)? }
            }
            recipe::INSTANCE => {
                let (class, args) = (next(self)?, next(self)?);
                let args = self.graph.tuple(args).ok_or_else(foreign)?.to_vec();
                self.copy(args.len())?;
                Make::Instance { class, args }
            }
            _ => return Err(foreign()),
        };
        let mut steps = Vec::new();
        while self.more(&mut left)? {
            let kind = self.tokens.u64().map_err(|_| foreign())?;
            let mut next = || {
                self.part(&mut left)?;
                self.value(Place::Anywhere)
            };
            steps.push(match kind {
                recipe::APPEND => Step::Append(next()?),
                recipe::SET_ITEM => Step::SetItem(next()?, next()?),
                recipe::ADD => Step::Add(next()?),
                recipe::STATE => Step::State(next()?),
                recipe::CALL_STEP => Step::Call(next()?),
                _ => return Err(foreign()),
            });
        }
        Ok(self.push(Node::Object(Box::new(Object { make, steps }))))
    }

    fn global(&mut self, global: Global) -> NodeId {
        let graph = &mut *self.graph;
        let add = |global: &Global| graph.push(Node::Global(Box::new(global.clone())));
        *self.globals.entry(global).or_insert_with_key(add)
    }

    /// Adds a value, unless every graph has it.
    fn push(&mut self, node: Node) -> NodeId {
        match node {
            Node::None => NodeId::NONE,
            Node::Bool(value) => self.graph.bool(value),
            Node::Tuple(items) => self.graph.new_tuple(items),
            node => self.graph.push(node),
        }
    }

    /// Counts a copy of what is read already.
    fn copy(&mut self, size: usize) -> Result<(), Refusal> {
        self.to_copy = self.to_copy.checked_sub(size).ok_or_else(|| {
            let why = "its recipes are longer than its bytes: what is shared is not to be copied";
            Refusal::new(ErrorKind::TooLarge, why)
        })?;
        Ok(())
    }

    /// Demands a further part of a recipe.
    fn part(&mut self, left: &mut Left) -> Result<(), Refusal> {
        if self.more(left)? { Ok(()) } else { Err(malformed("a recipe that ends too early")) }
    }

    fn more(&mut self, left: &mut Left) -> Result<bool, Refusal> {
        match &mut left.0 {
            Some(0) => Ok(false),
            Some(number) => {
                *number -= 1;
                Ok(true)
            }
            None if self.kind()? == Type::Break => {
                self.tokens.skip().map_err(malformed)?;
                *left = Left(Some(0));
                Ok(false)
            }
            None => Ok(true),
        }
    }

    fn bytes(&mut self) -> Result<Vec<u8>, Refusal> {
        let chunks = self.tokens.bytes_iter().map_err(malformed)?;
        let mut bytes = Vec::new();
        for chunk in chunks {
            bytes.extend_from_slice(chunk.map_err(malformed)?);
        }
        Ok(bytes)
    }

    fn text(&mut self) -> Result<String, Refusal> {
        let chunks = self.tokens.str_iter().map_err(malformed)?;
        let mut text = String::new();
        for chunk in chunks {
            text.push_str(chunk.map_err(malformed)?);
        }
        Ok(text)
    }

    fn tag(&mut self) -> Result<u64, Refusal> {
        Ok(self.tokens.tag().map_err(malformed)?.as_u64())
    }

    fn kind(&self) -> Result<Type, Refusal> {
        self.tokens.datatype().map_err(malformed)
    }
}

fn check_room(graph: &Graph) -> Result<(), Refusal> {
    if graph.is_full() {
        let why = "there are more values in it than an answer may bring: ask for less at a time";
        return Err(Refusal::new(ErrorKind::TooLarge, why));
    }
    Ok(())
}

fn malformed(why: impl ToString) -> Refusal {
    Refusal::new(ErrorKind::Malformed, format!("a value is malformed: {}", why.to_string()))
}
