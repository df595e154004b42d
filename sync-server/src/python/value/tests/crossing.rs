//! What Python puts and Rust gets, and the other way round.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sync_objects::VALUE_COST;
use sync_proto::cbor::{SET, tag};
use sync_proto::{Encoding, ErrorKind, Fingerprint, Keeper, ManagerId, ObjectId, Transport};

use super::*;
use crate::python::value::{repr_payload, to_payload_within, two, type_name, type_name_of};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Job {
    name: String,
    sizes: Vec<u64>,
    at: (f64, i8),
    done: Option<bool>,
    state: State,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum State {
    Idle,
    Running { since: u32 },
    Failed(String),
}

fn shown(value: impl Serialize) -> String {
    repr_payload(&Payload::pack(&value).unwrap(), &mut Nobody).unwrap()
}

#[test]
fn a_struct_is_a_dict_and_comes_back() {
    for state in [State::Idle, State::Running { since: 3 }, State::Failed("no".into())] {
        let job = Job { name: "ä".into(), sizes: vec![1, 2], at: (0.5, -1), done: None, state };
        let payload = Payload::pack(&job).unwrap();
        let graph = unpack(&payload);
        let pickle = write(&graph).unwrap();
        let back = pack(&read_all(&pickle));
        assert_eq!(back.unpack::<Job>().unwrap(), job);
    }
    let running = State::Running { since: 3 };
    assert_eq!(shown((State::Idle, running)), "('Idle', {'Running': {'since': 3}})");
}

/// A set that can be a key.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Distinct;

impl Serialize for Distinct {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(SET, &vec![1])
    }
}

#[test]
fn every_kind_of_rust_has_one_in_python() {
    assert_eq!(shown((u128::MAX, i128::MIN)), format!("({}, {})", u128::MAX, i128::MIN));
    assert_eq!(shown(('c', true, (), 1.5_f32)), "('c', True, None, 1.5)");
    assert_eq!(shown(vec![Some(Some(1)), Some(None), None]), "[1, None, None]");
    assert_eq!(shown(BTreeMap::from([(vec![1, 2], "v")])), "{(1, 2): 'v'}");

    struct Members(Vec<Vec<u8>>);
    impl Serialize for Members {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_newtype_struct(SET, &self.0)
        }
    }
    assert_eq!(shown(Members(vec![vec![1]])), "{(1,)}");
    assert_eq!(shown(BTreeMap::from([(Distinct, 1)])), "{frozenset({1}): 1}");
    assert_eq!(shown(BTreeMap::from([(1, Members(vec![]))])), "{1: set()}");
}

#[test]
fn a_map_in_a_key_has_no_place_in_python() {
    let map = BTreeMap::from([(BTreeMap::from([(1, 2)]), 3)]);
    let error = repr_payload(&Payload::pack(&map).unwrap(), &mut Nobody).unwrap_err();
    assert_eq!(error.kind, ErrorKind::WrongType);
}

#[test]
fn what_rust_has_no_type_for_is_named() {
    let mut graph = Graph::new();
    let text = graph.str("1.0");
    graph.root = graph.new_call("decimal", "Decimal", [text]);
    let error = pack(&graph).unpack::<f64>().unwrap_err().to_string();
    assert!(error.contains("found opaque value \"decimal.Decimal\" where f64"), "{error}");
    assert_eq!(type_name(&graph, graph.root), "Decimal");
    assert_eq!(type_name_of(&pack(&graph)), "Decimal");
    let wide = read_all(b"\x80\x04\x8c\x03\xed\xa0\x80.");
    let error = pack(&wide).unpack::<String>().unwrap_err().to_string();
    assert!(error.contains("found string with lone surrogates"), "{error}");
}

#[test]
fn a_name_that_is_shared_is_not_copied_as_often_as_it_is_referred_to() {
    let text = [&[0xd8, tag::SHARED as u8, 0x79, 0x03, 0xe8][..], &[b'x'; 1000]].concat();
    let again = [0xd8, tag::REFERENCE as u8, 0];
    let class = |name: &[u8]| [&class_begins()[..], &again, name].concat();
    let read = |classes: &[Vec<u8>]| {
        let head = [0x81 + classes.len() as u8];
        let bytes = [&head, &text[..], &classes.concat()].concat();
        let payload = Payload::new(Encoding::Cbor, bytes.into(), Vec::new());
        from_payload(&payload, &mut Graph::new(), &mut Nobody).map_err(|refusal| refusal.kind)
    };
    assert!(read(&[class(b"\x61a")]).is_ok());
    assert_eq!(read(&[class(b"\x61a"), class(b"\x61b")]), Err(ErrorKind::TooLarge));
}

/// Begins the recipe of a class: its name for people, its kind.
fn class_begins() -> Vec<u8> {
    [&[0xd9][..], &(tag::OPAQUE as u16).to_be_bytes(), &[0x84, 0x61, b'a', 0]].concat()
}

#[test]
fn no_more_values_are_read_than_there_is_room_for() {
    let payload = Payload::pack(&vec![7; 100]).unwrap();
    let read = |most| from_payload(&payload, &mut Graph::of_at_most(most), &mut Nobody);
    assert!(read(101).is_ok());
    assert_eq!(read(98).unwrap_err().kind, ErrorKind::TooLarge);
}

#[test]
fn no_more_is_written_than_there_is_room_for() {
    let mut graph = Graph::new();
    let one = graph.int(1);
    let list = graph.list(vec![one; 100]);
    let write = |mut room: usize| {
        let written = to_payload_within(&graph, list, &mut Nobody, &mut room);
        written.map(|_| room).map_err(|refusal| refusal.kind)
    };
    // A list of two bytes, and its items of one.
    assert_eq!(write(10_000), Ok(10_000 - 101 * VALUE_COST - 102));
    assert_eq!(write(8000), Err(ErrorKind::TooLarge));
    let text = graph.str("x".repeat(200));
    let room = &mut 100;
    assert!(to_payload_within(&graph, text, &mut Nobody, room).is_err());
}

#[test]
fn what_is_shared_is_read_by_rust_as_if_it_were_not() {
    let graph = read_all(b"\x80\x04](]\x94K\x01ah\x00h\x00e.");
    let payload = pack(&graph);
    assert_eq!(payload.unpack::<Vec<Vec<u8>>>().unwrap(), [[1], [1], [1]]);
    assert_eq!(payload.bytes[..3], [0x83, 0xd8, tag::SHARED as u8]);
    // Short texts are never worth it.
    let graph = read_all(b"\x80\x04](\x8c\x01a\x94h\x00e.");
    assert_eq!(&pack(&graph).bytes[..], b"\x82\x61a\x61a");
}

#[test]
fn depth_ends_where_it_ends_for_everybody() {
    let nested = |depth: usize| {
        let mut graph = Graph::new();
        for _ in 0..depth {
            graph.root = graph.list([graph.root]);
        }
        graph
    };
    let deepest = nested(128);
    validate(&pack(&deepest).bytes, 0).unwrap();
    assert_eq!(unpack(&pack(&deepest)).len(), deepest.len());
    let deeper = nested(129);
    let error = to_payload(&deeper, deeper.root, &mut Nobody).unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidInput);
    assert!(error.to_string().contains("nested deeper than 128"), "{error}");
}

#[test]
fn what_has_no_hash_is_no_key_however_often_its_parts_are_shared() {
    for pickle in [&b"}]K\x01s."[..], b"}](K\x01e\x85K\x01s.", b"\x8f(}\x90.", b"(\x8f\x91."] {
        let graph = read_all(pickle);
        let error = to_payload(&graph, graph.root, &mut Nobody).unwrap_err().to_string();
        assert!(error.contains("unhashable type: '"), "{error}");
    }
    let mut graph = Graph::new();
    let mut key = graph.int(1);
    for _ in 0..60 {
        key = graph.new_tuple([key, key]);
    }
    graph.root = graph.dict([(key, key), (NodeId::NONE, key)]);
    assert!(pack(&graph).bytes.len() < 1000);
}

#[test]
fn an_opaque_value_of_another_language_is_refused() {
    for digits in ["d99906 81 61 78", "d99906 80", "d99906 82 61 78 18 63", "d99906 82 61 78 f6"] {
        let bytes = from_hex(&digits.replace(' ', ""));
        let mut payload = pack(&Graph::new());
        payload.bytes = bytes.into();
        let error = from_payload(&payload, &mut Graph::new(), &mut Nobody).unwrap_err();
        assert!(matches!(error.kind, ErrorKind::WrongType | ErrorKind::Malformed), "{error}");
    }
}

/// Keeps nothing, for handles that nobody calls.
#[derive(Debug)]
struct Idle;

impl Keeper for Idle {
    fn release(&self, _: ObjectId) {}

    fn manager(&self) -> ManagerId {
        ManagerId(7)
    }

    fn transport(&self) -> Option<&dyn Transport> {
        None
    }
}

/// A manager whose objects are named by their numbers.
struct Objects;

impl Resolve for Objects {
    fn resolve(&mut self, _: Proxy<'_>, token: Token<'_>) -> Result<Option<Handle>, Refusal> {
        let number = token.id.parse().ok().map(ObjectId);
        Ok(number.map(|object| Handle::new(object, Fingerprint(1), Arc::new(Idle))))
    }
}

impl Present for Objects {
    fn present(&mut self, graph: &mut Graph, handle: &Handle) -> Result<NodeId, Refusal> {
        let id = handle.object().0.to_string();
        let token = graph.new_token("multiprocessing.managers", "list", NodeId::NONE, &id);
        let func = graph.new_global("multiprocessing.managers", "ListProxy");
        let (serializer, kwds) = (graph.str("pickle"), graph.dict([]));
        Ok(graph.new_proxy("multiprocessing.managers", [func, token, serializer, kwds]))
    }
}

fn proxies(ids: &[&str]) -> Graph {
    let mut graph = Graph::new();
    let items: Vec<_> = ids
        .iter()
        .map(|id| {
            let token = graph.new_token("multiprocessing.managers", "list", NodeId::NONE, id);
            let func = graph.new_global("multiprocessing.managers", "ListProxy");
            let (serializer, kwds) = (graph.str("pickle"), graph.dict([]));
            graph.new_proxy("multiprocessing.managers", [func, token, serializer, kwds])
        })
        .collect();
    graph.root = graph.list(items);
    graph
}

#[test]
fn a_proxy_is_a_handle_and_comes_back() {
    let graph = proxies(&["5", "6"]);
    let payload = to_payload(&graph, graph.root, &mut Objects).unwrap();
    assert_eq!(payload.handles.iter().map(|h| h.object().0).collect::<Vec<_>>(), [5, 6]);
    assert_eq!(&payload.bytes[..], b"\x82\xd9\x99\x05\x00\xd9\x99\x05\x01");
    let mut back = Graph::new();
    back.root = from_payload(&payload, &mut back, &mut Objects).unwrap();
    assert_eq!(write(&back).unwrap().len(), write(&graph).unwrap().len());
}

#[test]
fn a_proxy_of_another_manager_is_kept_as_it_came() {
    let graph = proxies(&["of another"]);
    let payload = to_payload(&graph, graph.root, &mut Objects).unwrap();
    assert!(payload.handles.is_empty());
    let back = unpack(&payload);
    assert_eq!(write(&back).unwrap(), write(&graph).unwrap());
}

#[test]
fn a_pair_comes_apart_with_its_own_handles() {
    let graph = proxies(&["5", "6"]);
    let payload = to_payload(&graph, graph.root, &mut Objects).unwrap();
    let [key, value] = two(&payload).unwrap().unwrap();
    assert_eq!(*key.handles, payload.handles[..1]);
    assert_eq!(*value.handles, payload.handles[1..]);
    assert_eq!(key.bytes, value.bytes);
    // Both are one list: each part says it whole.
    let graph = read_all(b"\x80\x04]\x94K\x01ah\x00\x86.");
    let [key, value] = two(&pack(&graph)).unwrap().unwrap();
    assert_eq!((&key.bytes[..], &value.bytes[..]), (&b"\x81\x01"[..], &b"\x81\x01"[..]));
    assert_eq!(two(&pack(&read_all(b"\x80\x04K\x01K\x02K\x03\x87."))), Some(Err(3)));
    assert_eq!(two(&pack(&read_all(b"\x80\x04K\x01."))), None);
}
