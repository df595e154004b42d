//! Proxies inside of values: objects for the manager, and proxies again for their readers.

use sync_objects::Kernel;
use sync_proto::{ErrorKind, Handle, Refusal};

use super::desk::name;
use super::face::Face;
use super::pickle::{Graph, Node, NodeId, Proxy, Token};
use super::reply::{Address, MANAGERS};
use super::request::{ident_of, object_of};
use super::value::{Present, Resolve};

/// Finds the objects of this manager by how Python calls them; another manager's stay as they
/// are. What address a proxy has does not matter: a manager may have several, and a path many
/// spellings.
#[derive(Debug)]
pub(crate) struct Known<'a>(pub(crate) &'a Kernel);

impl Resolve for Known<'_> {
    fn resolve(&mut self, _: Proxy<'_>, token: Token<'_>) -> Result<Option<Handle>, Refusal> {
        let object = object_of(self.0.id(), token.id);
        object.map(|object| name(self.0, object)).transpose()
    }
}

/// Makes proxies that reach the manager as their reader has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'a> {
    /// Where the reader has reached the manager.
    pub(crate) address: &'a Address,
    /// The protocol of the reader's own pickles.
    pub(crate) protocol: u8,
}

/// The protocol that Python uses since 3.14, which has `SetProxy`, too.
const HAS_SET_PROXY: u8 = 5;

impl At<'static> {
    /// Makes proxies that are only shown: where the manager is has no part in it.
    pub(crate) const NOWHERE: Self =
        Self { address: &Address::Unix(String::new()), protocol: HAS_SET_PROXY };
}

impl Present for At<'_> {
    fn present(&mut self, graph: &mut Graph, handle: &Handle) -> Result<NodeId, Refusal> {
        let Some(face) = Face::of(handle.interface()) else {
            let why = "the value has a proxy of a type that has no form in Python";
            return Err(Refusal::new(ErrorKind::WrongType, why));
        };
        let class = match face.proxy {
            "SetProxy" if self.protocol < HAS_SET_PROXY => "AutoProxy",
            class => class,
        };
        let func = graph.new_global(MANAGERS, class);
        let token = self.token(graph, face, handle);
        let serializer = graph.str("pickle");
        let kwds = if class == "AutoProxy" {
            let exposed = graph.tuple_of_texts(face.generated());
            let name = graph.str("exposed");
            graph.dict([(name, exposed)])
        } else {
            graph.push(Node::Dict(Vec::new()))
        };
        Ok(graph.new_proxy(MANAGERS, [func, token, serializer, kwds]))
    }
}

impl At<'_> {
    /// Adds what a client knows an object by.
    pub(crate) fn token(&self, graph: &mut Graph, face: &Face, handle: &Handle) -> NodeId {
        let address = match self.address {
            Address::Unix(path) => graph.str(path.clone()),
            Address::Tcp(host, port) => {
                let (host, port) = (graph.str(host.clone()), graph.int(*port));
                graph.new_tuple([host, port])
            }
        };
        graph.new_token(
            MANAGERS,
            face.typeid,
            address,
            &ident_of(handle.keeper().manager(), handle.object()),
        )
    }
}
