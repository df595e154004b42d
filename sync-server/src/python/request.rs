//! What a Python client asks for.

use std::collections::HashSet;

use sync_proto::{ManagerId, ObjectId};

use super::args::Args;
use super::exceptions::{Raise, trouble};
use super::pickle::{self, Graph, Node, NodeId};

/// A request: of an object, or of the manager.
#[derive(Debug)]
pub(crate) struct Request {
    graph: Graph,
    /// The object, by what `create` called it; ignored where the manager is asked.
    ident: Option<String>,
    function: String,
    args: Vec<NodeId>,
    named: Vec<(String, NodeId)>,
}

impl Request {
    /// Reads a message.
    ///
    /// # Errors
    /// When it is no pickle that can be kept as data, or none of a request.
    pub(crate) fn read(message: &[u8]) -> Result<Self, Raise> {
        let graph = pickle::read(message, &pickle::Limits::default())
            .map_err(|error| trouble("pickle.UnpicklingError", &error.to_string()))?;
        let Node::Tuple(parts) = graph.get(graph.root) else {
            return Err(trouble("TypeError", "a request is a tuple of four"));
        };
        let &[ident, function, args, named] = &parts[..] else {
            let why = format!("a request is a tuple of four, this one has {}", parts.len());
            return Err(trouble("ValueError", &why));
        };
        let ident = match graph.get(ident) {
            Node::Str(ident) => Some(ident.clone()),
            _ => None,
        };
        let (Node::Str(function), Node::Tuple(args) | Node::List(args), Node::Dict(named)) =
            (graph.get(function), graph.get(args), graph.get(named))
        else {
            let why = "a request names a function, a tuple or list of arguments and a dict of them";
            return Err(trouble("TypeError", why));
        };
        // No dict has a key twice, and a long one that is recalled would be copied each time.
        let mut seen = HashSet::new();
        let name = |&(name, value): &(NodeId, NodeId)| match graph.get(name) {
            Node::Str(_) if !seen.insert(name) => {
                Err(trouble("TypeError", "a keyword is given twice"))
            }
            Node::Str(name) => Ok((name.clone(), value)),
            _ => Err(trouble("TypeError", "keywords must be strings")),
        };
        let named = named.iter().map(name).collect::<Result<_, _>>()?;
        let (function, args) = (function.clone(), args.clone());
        Ok(Self { ident, function, args, named, graph })
    }

    /// Returns what is called: a method of the object, or a function of the manager.
    pub(crate) fn function(&self) -> &str {
        &self.function
    }

    /// Returns the object as it was called.
    pub(crate) fn ident(&self) -> &str {
        self.ident.as_deref().unwrap_or("None")
    }

    /// Returns the object, if it can be one of this manager.
    pub(crate) fn object(&self, manager: ManagerId) -> Option<ObjectId> {
        object_of(manager, self.ident.as_deref()?)
    }

    /// Returns what it is called with.
    pub(crate) fn args(&self) -> Args<'_> {
        Args { graph: &self.graph, positional: &self.args, named: &self.named }
    }
}

/// Returns how Python clients call an object. What they call so is no other manager's object, nor
/// one of a manager that was here before.
pub(crate) fn ident_of(manager: ManagerId, object: ObjectId) -> String {
    format!("{:08x}{:08x}", manager.0 >> MANAGER_SHIFT, object.0)
}

/// Returns the object of a manager that is called so.
pub(crate) fn object_of(manager: ManagerId, ident: &str) -> Option<ObjectId> {
    let object =
        ident.get(MANAGER_DIGITS..).and_then(|digits| u64::from_str_radix(digits, 16).ok());
    // The manager itself is none of its objects.
    object
        .map(ObjectId)
        .filter(|&object| object != ObjectId::MANAGER && ident_of(manager, object) == ident)
}

/// So many digits of an ident are its manager's.
const MANAGER_DIGITS: usize = 8;

/// A manager's identity without the bits that an ident does not have.
const MANAGER_SHIFT: u32 = 96;
