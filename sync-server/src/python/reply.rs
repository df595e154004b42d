//! What a call is answered, as a pickle.

use sync_objects::{Typecode, VALUE_COST};
use sync_proto::{Handle, Payload, Refusal};

use super::exceptions::{Arg, Exception, MEMORY_ERROR, Raise};
use super::face::Face;
use super::pickle::{self, Graph, NodeId};
use super::proxies::At;
use super::value;

/// The module of CPython's managers.
pub(crate) const MANAGERS: &str = "multiprocessing.managers";

/// What a call comes to, when nothing goes wrong.
#[derive(Debug)]
pub(crate) enum Reply {
    None,
    Bool(bool),
    Int(u64),
    Text(String),
    /// A value as an object kept it.
    Value(Payload),
    /// One that is a key or a member of a set.
    Key(Payload),
    List(Vec<Payload>),
    /// A list of keys.
    Keys(Vec<Payload>),
    /// A list of entries.
    Pairs(Vec<(Payload, Payload)>),
    /// One entry.
    Pair(Payload, Payload),
    Dict(Vec<(Payload, Payload)>),
    Set(Vec<Payload>),
    /// An iterator over keys or members, which needs no object here.
    Iterator(Vec<Payload>),
    /// A list's items from its end, as `reversed` gives them.
    Reversed(Vec<Payload>),
    /// Elements of a machine type.
    Array(Typecode, Vec<u8>),
    /// The state of a `Namespace`, or of a `Value`, as a local one has it.
    Local(&'static str, Vec<(String, Payload)>),
    /// What an operator answers that doesn't know its operand.
    NotImplemented,
    /// A new object: how it is called, and what can be called of it.
    Created(String, Option<&'static Face>),
    /// The names of methods.
    Methods(&'static Face),
    /// An object that the client makes a proxy of.
    Proxy(&'static Face, Handle),
}

/// The address at which a client reaches the manager, for the proxies that it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Unix(String),
    Tcp(String, u16),
}

/// An answer that is written.
pub(crate) struct Answer {
    pub(crate) message: Vec<u8>,
    /// The objects in it.
    pub(crate) handles: Vec<Handle>,
    /// Whether it is a reply, and no error: not every value has a form in Python.
    pub(crate) is_reply: bool,
}

impl Answer {
    /// Writes an answer, of values that cost at most `answer_max`.
    pub(crate) fn write(outcome: Result<Reply, Raise>, at: At<'_>, answer_max: usize) -> Self {
        let mut writer = Writer::new(at, answer_max);
        let put = outcome.and_then(|reply| writer.put(reply));
        let is_reply = put.is_ok();
        if let Err(raise) = put {
            writer = Writer::new(at, answer_max);
            writer.raise(raise);
        }
        match pickle::write(&writer.graph) {
            Ok(message) => Self { message, handles: writer.handles, is_reply },
            Err(error) => {
                let mut writer = Writer::new(at, answer_max);
                let text = writer.graph.str(error.to_string());
                writer.graph.reply("#UNSERIALIZABLE", text);
                // A text can be written.
                let message = pickle::write(&writer.graph).unwrap_or_default();
                Self { message, handles: Vec::new(), is_reply: false }
            }
        }
    }
}

struct Writer<'a> {
    graph: Graph,
    handles: Vec<Handle>,
    at: At<'a>,
    /// How many bytes there is room for in the values.
    room: usize,
}

impl<'a> Writer<'a> {
    fn new(at: At<'a>, answer_max: usize) -> Self {
        // Each value is a few bytes to the manager; lists that were repeated have many.
        let graph = Graph::of_at_most(answer_max / VALUE_COST);
        Self { graph, handles: Vec::new(), at, room: answer_max }
    }

    fn put(&mut self, reply: Reply) -> Result<(), Raise> {
        let mut kind = "#RETURN";
        let value = match reply {
            Reply::None => NodeId::NONE,
            Reply::Bool(value) => self.graph.bool(value),
            Reply::Int(value) => self.graph.int(value),
            Reply::Text(text) => self.graph.str(text),
            Reply::Value(payload) => self.value(&payload)?,
            Reply::Key(payload) => self.key(&payload)?,
            Reply::List(items) => self.list(&items)?,
            Reply::Keys(keys) => {
                let keys = self.keys(&keys)?;
                self.graph.list(keys)
            }
            Reply::Pairs(pairs) => {
                let pairs = pairs.iter().map(|(key, value)| self.pair(key, value));
                let pairs = pairs.collect::<Result<Vec<_>, Raise>>()?;
                self.graph.list(pairs)
            }
            Reply::Pair(key, value) => self.pair(&key, &value)?,
            Reply::Dict(entries) => {
                let entry = |(key, value): &(_, _)| Ok((self.key(key)?, self.value(value)?));
                let entries: Result<Vec<_>, Raise> = entries.iter().map(entry).collect();
                self.graph.dict(entries?)
            }
            Reply::Set(members) => {
                let members = self.keys(&members)?;
                self.graph.push(pickle::Node::Set(members))
            }
            Reply::Iterator(keys) => {
                let keys = self.keys(&keys)?;
                let keys = self.graph.list(keys);
                self.graph.new_call("builtins", "iter", [keys])
            }
            Reply::Reversed(items) => {
                let items = self.list(&items)?;
                self.graph.new_call("builtins", "reversed", [items])
            }
            Reply::Array(typecode, bytes) => {
                let (code, bytes) =
                    (self.graph.str(typecode.code().to_string()), self.graph.bytes(bytes));
                self.graph.new_call("array", "array", [code, bytes])
            }
            Reply::Local(class, state) => {
                let entry = |(name, value): &(String, _)| {
                    let name = self.graph.str(name.clone());
                    Ok((name, self.value(value)?))
                };
                let state: Result<Vec<_>, Raise> = state.iter().map(entry).collect();
                let state = self.graph.dict(state?);
                self.graph.new_instance(MANAGERS, class, state)
            }
            Reply::NotImplemented => self.graph.new_global("builtins", "NotImplemented"),
            Reply::Created(ident, face) => {
                let ident = self.graph.str(ident);
                let methods = face.into_iter().flat_map(Face::generated);
                let exposed = self.graph.tuple_of_texts(methods);
                self.graph.new_tuple([ident, exposed])
            }
            Reply::Methods(face) => self.graph.tuple_of_texts(face.generated()),
            Reply::Proxy(face, handle) => {
                kind = "#PROXY";
                let exposed = self.graph.tuple_of_texts(face.generated());
                let token = self.token(face, &handle);
                self.handles.push(handle);
                self.graph.new_tuple([exposed, token])
            }
        };
        self.graph.reply(kind, value);
        Ok(())
    }

    fn raise(&mut self, raise: Raise) {
        let (kind, value) = match raise {
            Raise::Trouble(text) => ("#TRACEBACK", self.graph.str(text)),
            Raise::Unserializable(text) => ("#UNSERIALIZABLE", self.graph.str(text)),
            Raise::Exception(Exception { class, args }) => {
                let arg = |arg: &Arg| match arg {
                    Arg::Text(text) => self.graph.str(text.clone()),
                    // What cannot be written is shown.
                    Arg::Value(value) => self.value(value).unwrap_or_else(|_| {
                        let shown = repr(value);
                        self.graph.str(shown)
                    }),
                };
                let args: Vec<_> = args.iter().map(arg).collect();
                ("#ERROR", self.graph.new_call(class.module, class.name, args))
            }
        };
        self.graph.reply(kind, value);
    }

    fn value(&mut self, payload: &Payload) -> Result<NodeId, Raise> {
        self.take_room(payload)?;
        let value = value::from_payload(payload, &mut self.graph, &mut self.at)?;
        self.handles.extend(payload.handles.iter().cloned());
        Ok(value)
    }

    /// Checks that the answer may bring one more value: what is one to the manager, and in several
    /// places of the answer, is as many to the client.
    fn take_room(&mut self, payload: &Payload) -> Result<(), Raise> {
        let room = self.room.checked_sub(payload.bytes.len());
        let too_long = "the answer is longer than it may be: ask for less at a time";
        self.room = room.ok_or_else(|| MEMORY_ERROR.with(too_long))?;
        Ok(())
    }

    fn key(&mut self, payload: &Payload) -> Result<NodeId, Raise> {
        self.take_room(payload)?;
        let key = value::key_from_payload(payload, &mut self.graph, &mut self.at)?;
        self.handles.extend(payload.handles.iter().cloned());
        Ok(key)
    }

    fn keys(&mut self, payloads: &[Payload]) -> Result<Vec<NodeId>, Raise> {
        payloads.iter().map(|payload| self.key(payload)).collect()
    }

    fn list(&mut self, payloads: &[Payload]) -> Result<NodeId, Raise> {
        let items: Result<Vec<_>, Raise> =
            payloads.iter().map(|payload| self.value(payload)).collect();
        let items = items?;
        Ok(self.graph.list(items))
    }

    fn pair(&mut self, key: &Payload, value: &Payload) -> Result<NodeId, Raise> {
        let pair = [self.key(key)?, self.value(value)?];
        Ok(self.graph.new_tuple(pair))
    }

    fn token(&mut self, face: &Face, handle: &Handle) -> NodeId {
        self.at.token(&mut self.graph, face, handle)
    }
}

/// Returns a value as Python shows it, or else why that is not shown.
pub(crate) fn repr(payload: &Payload) -> String {
    try_repr(payload).unwrap_or_else(|why| format!("<{why}>"))
}

/// Returns a value as Python shows it.
///
/// # Errors
/// The text would be too long, or is of an integer that is.
pub(crate) fn try_repr(payload: &Payload) -> Result<String, Refusal> {
    value::repr_payload(payload, &mut { At::NOWHERE })
}
