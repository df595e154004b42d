//! Takes values apart without a client.

use minicbor::Decoder;
use minicbor::data::Token;
use num_bigint::BigInt;
use sync_proto::cbor::Kind;
use sync_proto::{Encoding, Handle, Payload, Refusal};

use super::{Present, Resolve, from_payload, to_payload, type_name, unhashable};
use crate::python::pickle::{self, Graph, Node, NodeId, Proxy};

/// Returns about how many values a value on the wire has in it, with itself: what it takes to take
/// it apart.
pub(crate) fn count(payload: &Payload) -> usize {
    // The whole of a byte string is one.
    if payload.encoding == Encoding::Bytes {
        return 1;
    }
    let mut decoder = Decoder::new(&payload.bytes);
    let tokens = decoder.tokens().map_while(Result::ok);
    tokens.filter(|token| !matches!(token, Token::Tag(_) | Token::Break)).count()
}

/// Returns the two items of a value on the wire that is a tuple, a list or a text, or how many it
/// has if not two.
pub fn two(payload: &Payload) -> Option<Result<[Payload; 2], usize>> {
    let mut graph = Graph::new();
    let mut handles = Kept(Vec::new());
    let root = from_payload(payload, &mut graph, &mut handles).ok()?;
    match graph.get(root) {
        Node::Tuple(items) | Node::List(items) => Some(match items[..] {
            [first, second] => {
                let mut part = |id| to_payload(&graph, id, &mut handles).ok();
                Ok([part(first)?, part(second)?])
            }
            _ => Err(items.len()),
        }),
        // It may be long: what is in it is not asked for before it is known to be two.
        text @ Node::Str(chars) => Some(match text.length() {
            Some(2) => {
                let mut chars = chars.chars().map(|c| Payload::pack(&c).ok());
                Ok([chars.next()??, chars.next()??])
            }
            length => Err(length.unwrap_or(0)),
        }),
        _ => None,
    }
}

/// Returns a value on the wire; of one with parts, those are of use for their number only.
pub fn plain(payload: &Payload) -> Option<Node> {
    let mut graph = Graph::new();
    let root = from_payload(payload, &mut graph, &mut Kept(Vec::new())).ok()?;
    Some(graph.get(root).clone())
}

/// Returns whether nothing in a value on the wire is of a class that only Python knows.
pub fn is_plain(payload: &Payload) -> bool {
    let mut graph = Graph::new();
    let read = from_payload(payload, &mut graph, &mut Kept(Vec::new()));
    read.is_ok() && graph.is_plain()
}

/// Returns an integer's value.
pub fn whole(node: Node) -> Option<BigInt> {
    match node {
        Node::Bool(truth) => Some(u8::from(truth).into()),
        Node::Int(number) => Some(number.into()),
        Node::BigInt(number) => Some(*number),
        _ => None,
    }
}

/// Returns the float that is nearest to an integer; nothing where that is beyond all floats.
pub fn nearest_float(number: &BigInt) -> Option<f64> {
    // It is that of the digits, which are not asked for where they are too many.
    let is_near = number.bits() <= f64::MAX_EXP.unsigned_abs().into();
    let nearest = is_near.then(|| number.to_string().parse::<f64>().ok()).flatten();
    nearest.filter(|nearest| nearest.is_finite())
}

/// Returns a value on the wire that has no parts.
///
/// # Errors
/// When the value cannot be kept.
pub fn alone(node: Node) -> Result<Payload, Refusal> {
    let mut graph = Graph::new();
    let root = graph.push(node);
    to_payload(&graph, root, &mut Kept(Vec::new()))
}

/// Returns a tuple of values on the wire.
///
/// # Errors
/// When Python has no form for one of them, or the tuple cannot be kept.
pub(crate) fn tuple(items: &[Payload]) -> Result<Payload, Refusal> {
    let (mut graph, mut handles) = (Graph::new(), Kept(Vec::new()));
    let items = items.iter().map(|item| from_payload(item, &mut graph, &mut handles));
    let items = Node::Tuple(items.collect::<Result<_, _>>()?);
    let root = graph.push(items);
    to_payload(&graph, root, &mut handles)
}

/// Returns what `pick` takes out of a value on the wire.
///
/// # Errors
/// When Python has no form for the value, or the part cannot be kept; and what `pick` fails with.
pub(crate) fn picked<E: From<Refusal>>(
    payload: &Payload,
    pick: impl FnOnce(&mut Graph, NodeId) -> Result<NodeId, E>,
) -> Result<Payload, E> {
    let (mut graph, mut handles) = (Graph::new(), Kept(Vec::new()));
    let root = from_payload(payload, &mut graph, &mut handles)?;
    let part = pick(&mut graph, root)?;
    Ok(to_payload(&graph, part, &mut handles)?)
}

/// Returns the name of the class that a value on the wire has in Python, also where its kind alone
/// does not tell.
pub(crate) fn class_of(payload: &Payload) -> String {
    let mut graph = Graph::new();
    let root = from_payload(payload, &mut graph, &mut Kept(Vec::new()));
    type_name(&graph, root.unwrap_or(NodeId::NONE))
}

/// Returns the class of the part for which a value on the wire has no hash, if there is one.
pub fn unhashable_payload(payload: &Payload) -> Option<String> {
    use Kind::{Bool, Float, Integer, Null, Text, WideText};
    if matches!(payload.kind(), Null | Bool | Integer | Float | Text | WideText) {
        return None;
    }
    let mut graph = Graph::new();
    // What Python cannot have is refused when it is read.
    let root = from_payload(payload, &mut graph, &mut Kept(Vec::new())).ok()?;
    unhashable(&graph, root)
}

/// Handles that stand in a graph by their numbers.
struct Kept(Vec<Handle>);

/// Never leaves this module.
const MODULE: &str = "kept.managers";

impl Present for Kept {
    fn present(&mut self, graph: &mut Graph, handle: &Handle) -> Result<NodeId, Refusal> {
        let token = graph.new_token(MODULE, "", NodeId::NONE, &self.0.len().to_string());
        self.0.push(handle.clone());
        Ok(graph.new_proxy(MODULE, [NodeId::NONE, token, NodeId::NONE, NodeId::NONE]))
    }
}

impl Resolve for Kept {
    fn resolve(
        &mut self,
        proxy: Proxy<'_>,
        token: pickle::Token<'_>,
    ) -> Result<Option<Handle>, Refusal> {
        let number = token.id.parse::<usize>().ok().filter(|_| proxy.module == MODULE);
        Ok(number.and_then(|number| self.0.get(number)).cloned())
    }
}
