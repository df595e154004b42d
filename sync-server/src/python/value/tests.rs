//! Values, against what CPython makes of them.

use sync_proto::cbor::{compare, normalize, validate};
use sync_proto::{Handle, Payload, Refusal};

use super::{Present, Resolve, from_payload, repr, to_payload};
use crate::python::interpreters::{interpreters, run};
use crate::python::pickle::{Graph, Limits, NodeId, Proxy, Token, read, write};

mod crossing;
mod shown;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/pickles/pickles.py");

/// A manager without objects.
struct Nobody;

impl Resolve for Nobody {
    fn resolve(&mut self, _: Proxy<'_>, _: Token<'_>) -> Result<Option<Handle>, Refusal> {
        Ok(None)
    }
}

impl Present for Nobody {
    fn present(&mut self, _: &mut Graph, _: &Handle) -> Result<NodeId, Refusal> {
        panic!("a handle in a value without proxies")
    }
}

fn read_all(pickle: &[u8]) -> Graph {
    read(pickle, &Limits::default()).unwrap()
}

fn pack(graph: &Graph) -> Payload {
    let payload = to_payload(graph, graph.root, &mut Nobody).unwrap();
    validate(&payload.bytes, 0).unwrap();
    payload
}

fn unpack(payload: &Payload) -> Graph {
    let mut graph = Graph::new();
    graph.root = from_payload(payload, &mut graph, &mut Nobody).unwrap();
    graph
}

fn from_hex(digits: &str) -> Vec<u8> {
    let digits: Vec<_> = digits.chars().map(|c| c.to_digit(16).unwrap()).collect();
    digits.chunks(2).map(|two| (two[0] << 4 | two[1]) as u8).collect()
}

#[test]
fn every_value_crosses_the_wire_as_it_was() {
    for python in interpreters() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_str().unwrap();
        run(&python, &[SCRIPT, "dump", path]);
        let mut pickles = 0;
        for entry in directory.path().read_dir().unwrap() {
            let theirs = entry.unwrap().path();
            let payload = pack(&read_all(&std::fs::read(&theirs).unwrap()));
            let graph = unpack(&payload);
            assert_eq!(pack(&graph).bytes, payload.bytes, "{}", theirs.display());
            std::fs::write(theirs.with_extension("out"), write(&graph).unwrap()).unwrap();
            pickles += 1;
        }
        let said = run(&python, &[SCRIPT, "check", path]);
        assert_eq!(said.trim(), format!("checked {pickles} wrong 0"), "{}", python.display());
    }
}

#[test]
fn equality_and_order_are_those_of_cpython() {
    for python in interpreters() {
        let mut pairs = 0;
        for line in run(&python, &[SCRIPT, "compare"]).lines() {
            let [left, right, equal, order] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("four words in {line}");
            };
            let graphs = [left, right].map(|digits| read_all(&from_hex(digits)));
            let shown = graphs.each_ref().map(|graph| repr(graph, graph.root).unwrap());
            let normal = graphs.map(|graph| normalize(&pack(&graph).bytes, &[]));
            let [left, right] = &normal;
            assert_eq!(left.is_ok() && left == right, equal == "True", "{shown:?}");
            if let (Ok(left), Ok(right)) = (left, right)
                && order != "?"
            {
                let ours = match compare(left, right) {
                    Ok(order) if order.is_lt() => "<",
                    Ok(_) => ">=",
                    Err(_) => "error",
                };
                assert_eq!(ours, order, "{shown:?}");
            }
            pairs += 1;
        }
        assert!(pairs > 1000, "{pairs} pairs");
    }
}
