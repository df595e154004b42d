//! Recipes that are known for what they make: plain values that a protocol has no opcode for,
//! and what a manager's clients send of proxies and indices.

use super::graph::{Graph, Make, Node, NodeId, Object, Step};

/// What a manager's client knows an object by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'g> {
    /// The name of its type in the client's registry.
    pub typeid: &'g str,
    /// The address of its manager: a text, or a tuple of host and port.
    pub address: NodeId,
    /// Its name in its manager.
    pub id: &'g str,
}

/// What a container of the standard library holds.
#[derive(Debug)]
pub enum Contents<'g> {
    /// Of an `OrderedDict`, `defaultdict` or `Counter`.
    Entries(Vec<(NodeId, NodeId)>),
    /// Of a `deque`.
    Items(Vec<NodeId>),
    /// Of an `array.array`: its typecode, and its bytes as the client's machine has them.
    Numbers(&'g str, &'g [u8]),
}

/// An iterator that Python has itself, and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Iteration<'g> {
    /// Over a container, whose place is that of the next item.
    Over {
        /// What it iterates over.
        container: NodeId,
        /// Whether it goes backwards.
        is_reversed: bool,
        /// Where it is; `None` at its beginning.
        place: Option<i64>,
    },
    /// `enumerate` of an iterator, and the next number.
    Enumerate(NodeId, i64),
    /// `zip` of iterators, and whether they must end together.
    Zip(&'g [NodeId], bool),
}

/// The plain value that a call makes, where one is known.
pub(super) fn plain(graph: &Graph, callable: NodeId, args: NodeId) -> Option<Node> {
    let (Node::Global(global), Node::Tuple(args)) = (graph.get(callable), graph.get(args)) else {
        return None;
    };
    match (&*global.module, &*global.name) {
        ("builtins", "set") => elements(graph, args).map(Node::Set),
        ("builtins", "frozenset") => elements(graph, args).map(Node::FrozenSet),
        // What a manager's client sends of a dict's views.
        ("builtins", "list") if args.len() == 1 => elements(graph, args).map(Node::List),
        ("builtins", "bytearray") => byte_string(graph, args).map(Node::ByteArray),
        ("builtins", "bytes") => args.is_empty().then(|| Node::Bytes(Vec::new())),
        ("_codecs", "encode") => match args[..] {
            [_, _] => byte_string(graph, args).map(Node::Bytes),
            _ => None,
        },
        _ => None,
    }
}

fn elements(graph: &Graph, args: &[NodeId]) -> Option<Vec<NodeId>> {
    match args {
        [] => Some(Vec::new()),
        [list] => match graph.get(*list) {
            Node::List(items) => Some(items.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// Bytes that came as bytes, or as a text with the name of Latin-1.
fn byte_string(graph: &Graph, args: &[NodeId]) -> Option<Vec<u8>> {
    match args.iter().map(|id| graph.get(*id)).collect::<Vec<_>>()[..] {
        [] => Some(Vec::new()),
        [Node::Bytes(bytes)] => Some(bytes.clone()),
        [Node::Str(text), Node::Str(codec)] if matches!(&**codec, "latin-1" | "latin1") => {
            text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
        }
        _ => None,
    }
}

impl Graph {
    /// Returns the module and name of a class or function.
    pub fn global(&self, id: NodeId) -> Option<(&str, &str)> {
        match self.get(id) {
            Node::Global(global) => Some((&global.module, &global.name)),
            _ => None,
        }
    }

    /// Returns the class or function that makes an object: of a nested recipe, the innermost.
    pub fn maker(&self, id: NodeId) -> Option<(&str, &str)> {
        // Bounded, for a recipe can be its own maker.
        const FAR: usize = 8;
        let mut id = id;
        for _ in 0..FAR {
            let Node::Object(object) = self.get(id) else {
                break;
            };
            id = match &object.make {
                Make::Call { callable, args } => match self.reconstructed(*callable, *args) {
                    Some(class) => class,
                    None => *callable,
                },
                Make::New { class, .. }
                | Make::NewEx { class, .. }
                | Make::Instance { class, .. } => *class,
            };
        }
        self.global(id)
    }

    /// Returns a tuple's items.
    pub fn tuple(&self, id: NodeId) -> Option<&[NodeId]> {
        match self.get(id) {
            Node::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// Returns a text, unless it has lone surrogates.
    pub fn text(&self, id: NodeId) -> Option<&str> {
        match self.get(id) {
            Node::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the class and arguments of a call that makes an object to which nothing more is
    /// done: a `range`, a `slice`, a `complex`, an exception.
    pub fn call(&self, id: NodeId) -> Option<((&str, &str), &[NodeId])> {
        let Node::Object(object) = self.get(id) else {
            return None;
        };
        match (&object.make, &object.steps[..]) {
            (Make::Call { callable, args }, []) => {
                Some((self.global(*callable)?, self.tuple(*args)?))
            }
            _ => None,
        }
    }

    /// Returns what an iterator iterates over, and where it is.
    pub fn iteration(&self, id: NodeId) -> Option<Iteration<'_>> {
        let Node::Object(object) = self.get(id) else {
            return None;
        };
        let Object { make: Make::Call { callable, args }, steps } = &**object else {
            return None;
        };
        let state = match steps[..] {
            [] => None,
            [Step::State(state)] => Some(self.get(state)),
            _ => return None,
        };
        match (self.global(*callable)?, self.tuple(*args)?, state) {
            (("builtins", way @ ("iter" | "reversed")), &[container], state) => {
                let place = match state {
                    None => None,
                    Some(Node::Int(place)) => Some(*place),
                    Some(_) => return None,
                };
                Some(Iteration::Over { container, is_reversed: way == "reversed", place })
            }
            (("collections" | "_collections", "_deque_iterator"), &[container, place], None) => {
                let &Node::Int(place) = self.get(place) else { return None };
                Some(Iteration::Over { container, is_reversed: false, place: Some(place) })
            }
            (("builtins", "enumerate"), &[inner, number], None) => match *self.get(number) {
                // What comes of counting on is in the machine's range, too.
                Node::Int(number) if number < i64::MAX / 2 => {
                    Some(Iteration::Enumerate(inner, number))
                }
                _ => None,
            },
            (("builtins", "zip"), inner, None) => Some(Iteration::Zip(inner, false)),
            (("builtins", "zip"), inner, Some(Node::Bool(is_strict))) => {
                Some(Iteration::Zip(inner, *is_strict))
            }
            _ => None,
        }
    }

    /// Returns what a container of the standard library holds that is no plain value.
    pub fn contents(&self, id: NodeId) -> Option<Contents<'_>> {
        let Node::Object(object) = self.get(id) else {
            return None;
        };
        let Object { make: Make::Call { callable, args }, steps } = &**object else {
            return None;
        };
        let args = self.tuple(*args)?;
        match self.global(*callable)? {
            ("collections", "OrderedDict" | "defaultdict") => {
                let entry = |step: &Step| match *step {
                    Step::SetItem(key, value) => Some((key, value)),
                    _ => None,
                };
                steps.iter().map(entry).collect::<Option<_>>().map(Contents::Entries)
            }
            ("collections", "Counter") if steps.is_empty() => match args.first() {
                Some(&counts) => match self.get(counts) {
                    Node::Dict(counts) => Some(Contents::Entries(counts.clone())),
                    _ => None,
                },
                None => Some(Contents::Entries(Vec::new())),
            },
            ("collections", "deque") => {
                let item = |step: &Step| match *step {
                    Step::Append(item) => Some(item),
                    _ => None,
                };
                steps.iter().map(item).collect::<Option<_>>().map(Contents::Items)
            }
            // What a manager's client sends, as `multiprocessing.managers` has it.
            ("array", "array") if steps.is_empty() => match *args {
                [code, bytes] => match (self.get(code), self.get(bytes)) {
                    (Node::Str(code), Node::Bytes(bytes)) => Some(Contents::Numbers(code, bytes)),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns start, stop and step of a slice.
    pub fn slice(&self, id: NodeId) -> Option<[NodeId; 3]> {
        match self.call(id)? {
            (("builtins", "slice"), [start, stop, step]) => Some([*start, *stop, *step]),
            _ => None,
        }
    }

    /// Returns what a token holds; its class may be of any of the modules that have this protocol.
    pub fn token(&self, id: NodeId) -> Option<Token<'_>> {
        let Node::Object(object) = self.get(id) else {
            return None;
        };
        let (
            Make::New { class, args } | Make::Call { callable: class, args },
            [Step::State(state)],
        ) = (&object.make, &object.steps[..])
        else {
            return None;
        };
        let class = self.reconstructed(*class, *args).unwrap_or(*class);
        let (module, "Token") = self.global(class)? else {
            return None;
        };
        let [typeid, address, id] = self.tuple(*state)? else {
            return None;
        };
        module.ends_with("managers").then_some(())?;
        Some(Token { typeid: self.text(*typeid)?, address: *address, id: self.text(*id)? })
    }

    /// The class in `copyreg._reconstructor(class, object, None)`, which protocols 0 and 1 use.
    fn reconstructed(&self, callable: NodeId, args: NodeId) -> Option<NodeId> {
        match self.global(callable)? {
            ("copyreg", "_reconstructor" | "__newobj__") => self.tuple(args)?.first().copied(),
            _ => None,
        }
    }
}

/// Tells whether an object is made by a call of this function of a module named `…managers`.
pub(super) fn managers_call<'g>(
    graph: &'g Graph,
    object: &Object,
    function: &str,
) -> Option<(&'g str, &'g [NodeId])> {
    let (Make::Call { callable, args }, []) = (&object.make, &object.steps[..]) else {
        return None;
    };
    let (module, name) = graph.global(*callable)?;
    (name == function && module.ends_with("managers")).then_some((module, graph.tuple(*args)?))
}
