//! Pickles: what Python programs send, kept as data.

use sync_proto::{Encoding, Handle, Refusal, cbor};
use sync_server::python::pickle::{Graph, Limits, NodeId, PickleError, Proxy, Token, read, write};
use sync_server::python::value::{Present, Resolve, from_payload, repr, to_payload};

/// Checks that bytes are refused, or are a value that survives a round trip: as a pickle, and
/// across the native protocol. Nothing recurses or allocates beyond the limits.
///
/// # Panics
/// When it does not hold.
pub fn pickle(input: &[u8]) {
    let limits = Limits { values: 10_000, references: 20_000, copied: 20_000 };
    let Ok(graph) = read(input, &limits) else { return };
    assert!(graph.len() <= limits.values);
    let _ = repr(&graph, graph.root);
    match write(&graph) {
        Ok(written) => {
            let again = read(&written, &Limits::default()).expect("what was written is a pickle");
            assert_eq!(write(&again).as_ref(), Ok(&written), "it is written as it was read");
        }
        Err(error) => assert_eq!(error, PickleError::Entangled),
    }
    crosses(&graph);
}

/// Checks that a value that the native protocol accepts comes back from it.
fn crosses(graph: &Graph) {
    let Ok(payload) = to_payload(graph, graph.root, &mut Nobody) else { return };
    if payload.encoding == Encoding::Cbor {
        assert_eq!(cbor::validate(&payload.bytes, 0), Ok(()), "what is made is well-formed");
    }
    let mut back = Graph::new();
    match from_payload(&payload, &mut back, &mut Nobody) {
        Ok(root) => back.root = root,
        // A pickle may say what Python would refuse: a dict in a set.
        Err(_) => return,
    }
    let again = to_payload(&back, back.root, &mut Nobody).expect("what came back goes again");
    let (before, after) = (payload.normalize(), again.normalize());
    // What has no normal form may say why in other words.
    assert!(before == after || before.is_err() && after.is_err());
}

/// A manager without objects.
struct Nobody;

impl Resolve for Nobody {
    fn resolve(&mut self, _: Proxy<'_>, _: Token<'_>) -> Result<Option<Handle>, Refusal> {
        Ok(None)
    }
}

impl Present for Nobody {
    fn present(&mut self, _: &mut Graph, _: &Handle) -> Result<NodeId, Refusal> {
        Ok(NodeId::NONE)
    }
}
