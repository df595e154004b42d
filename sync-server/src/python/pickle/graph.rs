//! Python values as an arena: what is inside a value is named by its index, so that sharing and
//! cycles are plain data and neither walking nor dropping recurses.

use num_bigint::BigInt;

use super::text::Wide;

/// Names a value in its [`Graph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

impl NodeId {
    /// `None`, in every graph.
    pub const NONE: Self = Self(0);
    /// `True`, in every graph.
    pub const TRUE: Self = Self(1);
    /// `False`, in every graph.
    pub const FALSE: Self = Self(2);
    /// The empty tuple, in every graph.
    pub const EMPTY_TUPLE: Self = Self(3);

    /// Returns the index in the graph.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A Python value, whose parts are named by their place in the graph.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer of machine size.
    Int(i64),
    /// An integer beyond that.
    BigInt(Box<BigInt>),
    /// A float.
    Float(f64),
    /// A text that every language can hold.
    Str(String),
    /// A text with lone surrogates.
    WideStr(Wide),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A byte string that can change.
    ByteArray(Vec<u8>),
    /// A tuple.
    Tuple(Vec<NodeId>),
    /// A list.
    List(Vec<NodeId>),
    /// A dict, in its order.
    Dict(Vec<(NodeId, NodeId)>),
    /// A set.
    Set(Vec<NodeId>),
    /// A set that cannot change.
    FrozenSet(Vec<NodeId>),
    /// A class or function, by its name.
    Global(Box<Global>),
    /// The recipe of anything else.
    Object(Box<Object>),
}

impl Node {
    /// Returns what `len` in Python says of a plain value; `None` of what has no length.
    pub fn length(&self) -> Option<usize> {
        match self {
            Self::Str(text) => Some(text.chars().count()),
            Self::WideStr(text) => Some(text.code_points().count()),
            Self::Bytes(bytes) | Self::ByteArray(bytes) => Some(bytes.len()),
            Self::Tuple(items) | Self::List(items) | Self::Set(items) | Self::FrozenSet(items) => {
                Some(items.len())
            }
            Self::Dict(entries) => Some(entries.len()),
            _ => None,
        }
    }
}

/// Where a class or function is found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Global {
    /// The module.
    pub module: String,
    /// The name in the module, with dots where it is nested.
    pub name: String,
}

/// How to make an object again, as its class told the pickler.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// How it comes to be.
    pub make: Make,
    /// What is then done to it, in this order.
    pub steps: Vec<Step>,
}

/// How an object comes to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Make {
    /// `callable(*args)`.
    Call {
        /// A class or function.
        callable: NodeId,
        /// A tuple.
        args: NodeId,
    },
    /// `class.__new__(class, *args)`.
    New {
        /// The class.
        class: NodeId,
        /// A tuple.
        args: NodeId,
    },
    /// `class.__new__(class, *args, **kwargs)`.
    NewEx {
        /// The class.
        class: NodeId,
        /// A tuple.
        args: NodeId,
        /// A dict.
        kwargs: NodeId,
    },
    /// An instance as protocols 0 and 1 make it of a class without a recipe.
    Instance {
        /// The class.
        class: NodeId,
        /// The arguments.
        args: Vec<NodeId>,
    },
}

/// What is done to an object after it came to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// `object.append(item)`.
    Append(NodeId),
    /// `object[key] = value`.
    SetItem(NodeId, NodeId),
    /// `object.add(item)`.
    Add(NodeId),
    /// `object.__setstate__(state)`, or what stands for it.
    State(NodeId),
    /// A call that is made for what it does to the object; its result is dropped.
    Call(NodeId),
}

/// A Python value with all that it contains.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    nodes: Vec<Node>,
    /// The value itself.
    pub root: NodeId,
    /// The most values that are read into it from elsewhere.
    most: usize,
}

/// The most values, unless it is said: they take a gigabyte or so.
const MOST_VALUES: usize = 1 << 24;

impl Default for Graph {
    fn default() -> Self {
        Self::new()
    }
}

impl Graph {
    /// Makes a graph whose value is `None`.
    pub fn new() -> Self {
        Self::of_at_most(MOST_VALUES)
    }

    /// Makes a graph whose value is `None`, and that is [full](Self::is_full) with `most` values.
    pub fn of_at_most(most: usize) -> Self {
        let nodes = vec![Node::None, Node::Bool(true), Node::Bool(false), Node::Tuple(Vec::new())];
        Self { most: most.saturating_add(nodes.len()), nodes, root: NodeId::NONE }
    }

    /// Returns whether there are more values than are to be read into it.
    pub fn is_full(&self) -> bool {
        self.nodes.len() > self.most
    }

    /// Adds a value.
    ///
    /// # Panics
    ///
    /// There are 2³² values already.
    pub fn push(&mut self, node: Node) -> NodeId {
        let id = u32::try_from(self.nodes.len()).expect("fewer than 2^32 values");
        self.nodes.push(node);
        NodeId(id)
    }

    /// Returns a value.
    ///
    /// # Panics
    ///
    /// The id is another graph's.
    pub fn get(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// Returns a value, to be changed.
    ///
    /// # Panics
    ///
    /// The id is another graph's.
    pub fn get_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.index()]
    }

    /// Returns how many values there are, with those that nothing refers to.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Returns false: every graph has a value.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Returns whether no value in it is of a class that only its language knows.
    pub fn is_plain(&self) -> bool {
        !self.nodes.iter().any(|node| matches!(node, Node::Global(_) | Node::Object(_)))
    }

    /// Calls `f` with each part of a value, in the order in which a pickle names them.
    pub fn for_each_part(&self, id: NodeId, mut f: impl FnMut(NodeId)) {
        match self.get(id) {
            Node::Tuple(items) | Node::List(items) | Node::Set(items) | Node::FrozenSet(items) => {
                items.iter().copied().for_each(f);
            }
            Node::Dict(entries) => entries.iter().for_each(|(key, value)| {
                f(*key);
                f(*value);
            }),
            Node::Object(object) => object.for_each_part(f),
            _ => {}
        }
    }
}

impl Object {
    /// Makes an object to which nothing is done.
    pub fn new(make: Make) -> Self {
        Self { make, steps: Vec::new() }
    }

    fn for_each_part(&self, mut f: impl FnMut(NodeId)) {
        match &self.make {
            Make::Call { callable: first, args } | Make::New { class: first, args } => {
                f(*first);
                f(*args);
            }
            Make::NewEx { class, args, kwargs } => {
                f(*class);
                f(*args);
                f(*kwargs);
            }
            Make::Instance { class, args } => {
                f(*class);
                args.iter().copied().for_each(&mut f);
            }
        }
        for step in &self.steps {
            match step {
                Step::SetItem(key, value) => {
                    f(*key);
                    f(*value);
                }
                Step::Append(part) | Step::Add(part) | Step::State(part) | Step::Call(part) => {
                    f(*part);
                }
            }
        }
    }
}

impl Global {
    /// Names a class or function.
    pub fn new(module: impl Into<String>, name: impl Into<String>) -> Self {
        Self { module: module.into(), name: name.into() }
    }
}
