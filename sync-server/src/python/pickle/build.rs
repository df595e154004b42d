//! Values that a manager makes itself: replies, exceptions, tokens, proxies.

use num_bigint::BigInt;

use super::graph::{Global, Graph, Make, Node, NodeId, Object, Step};
use super::known::managers_call;

/// What a proxy is made of again at the other end: `RebuildProxy(func, token, serializer, kwds)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proxy<'g> {
    /// The module of `RebuildProxy`, which tells the family of the client.
    pub module: &'g str,
    /// The class of the proxy, or the function that makes one.
    pub func: NodeId,
    /// What it stands for.
    pub token: NodeId,
    /// A text, usually `pickle`.
    pub serializer: NodeId,
    /// A dict.
    pub kwds: NodeId,
}

impl Graph {
    /// Adds a bool.
    pub fn bool(&mut self, value: bool) -> NodeId {
        if value { NodeId::TRUE } else { NodeId::FALSE }
    }

    /// Adds an integer.
    pub fn int(&mut self, value: impl Into<BigInt>) -> NodeId {
        self.push(Node::from(value.into()))
    }

    /// Adds a float.
    pub fn float(&mut self, value: f64) -> NodeId {
        self.push(Node::Float(value))
    }

    /// Adds a text.
    pub fn str(&mut self, value: impl Into<String>) -> NodeId {
        self.push(Node::Str(value.into()))
    }

    /// Adds a byte string.
    pub fn bytes(&mut self, value: impl Into<Vec<u8>>) -> NodeId {
        self.push(Node::Bytes(value.into()))
    }

    /// Adds a tuple.
    pub fn new_tuple(&mut self, items: impl Into<Vec<NodeId>>) -> NodeId {
        let items = items.into();
        if items.is_empty() { NodeId::EMPTY_TUPLE } else { self.push(Node::Tuple(items)) }
    }

    /// Adds a tuple of texts.
    pub fn tuple_of_texts(&mut self, items: impl IntoIterator<Item = impl Into<String>>) -> NodeId {
        let items: Vec<_> = items.into_iter().map(|text| self.str(text)).collect();
        self.new_tuple(items)
    }

    /// Adds a list.
    pub fn list(&mut self, items: impl Into<Vec<NodeId>>) -> NodeId {
        self.push(Node::List(items.into()))
    }

    /// Adds a dict.
    pub fn dict(&mut self, entries: impl Into<Vec<(NodeId, NodeId)>>) -> NodeId {
        self.push(Node::Dict(entries.into()))
    }

    /// Adds a class or function.
    pub fn new_global(&mut self, module: impl Into<String>, name: impl Into<String>) -> NodeId {
        self.push(Node::Global(Box::new(Global::new(module, name))))
    }

    /// Adds `module.name(*args)`: an exception, a `range`, an iterator.
    pub fn new_call(
        &mut self,
        module: impl Into<String>,
        name: impl Into<String>,
        args: impl Into<Vec<NodeId>>,
    ) -> NodeId {
        let callable = self.new_global(module, name);
        let args = self.new_tuple(args);
        self.push(Node::Object(Box::new(Object::new(Make::Call { callable, args }))))
    }

    /// Adds an instance of a class that is made without arguments and then given its state.
    pub fn new_instance(
        &mut self,
        module: impl Into<String>,
        class: impl Into<String>,
        state: NodeId,
    ) -> NodeId {
        let make = Make::New { class: self.new_global(module, class), args: NodeId::EMPTY_TUPLE };
        self.push(Node::Object(Box::new(Object { make, steps: vec![Step::State(state)] })))
    }

    /// Adds what a client knows an object by; `managers` is the module of the client's family.
    pub fn new_token(&mut self, managers: &str, typeid: &str, address: NodeId, id: &str) -> NodeId {
        let (typeid, id) = (self.str(typeid), self.str(id));
        let state = self.new_tuple([typeid, address, id]);
        self.new_instance(managers, "Token", state)
    }

    /// Adds a proxy, from `func`, `token`, `serializer` and `kwds`.
    pub fn new_proxy(&mut self, managers: &str, parts: [NodeId; 4]) -> NodeId {
        self.new_call(managers, "RebuildProxy", parts)
    }

    /// Returns what a proxy is made of.
    pub fn proxy(&self, id: NodeId) -> Option<Proxy<'_>> {
        let Node::Object(object) = self.get(id) else {
            return None;
        };
        match managers_call(self, object, "RebuildProxy")? {
            (module, [func, token, serializer, kwds]) => Some(Proxy {
                module,
                func: *func,
                token: *token,
                serializer: *serializer,
                kwds: *kwds,
            }),
            _ => None,
        }
    }

    /// Makes the graph's value `(kind, value)`, which is what a manager replies.
    pub fn reply(&mut self, kind: &str, value: NodeId) {
        let kind = self.str(kind);
        self.root = self.new_tuple([kind, value]);
    }
}

impl From<BigInt> for Node {
    fn from(value: BigInt) -> Self {
        match i64::try_from(&value) {
            Ok(value) => Self::Int(value),
            Err(_) => Self::BigInt(Box::new(value)),
        }
    }
}
