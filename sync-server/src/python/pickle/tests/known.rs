//! Recipes that are known for what they make.

use super::{Graph, Node, sound, write};

#[test]
fn a_token_is_seen_in_every_protocol() {
    for (name, pickle) in super::corpus::corpus() {
        if !name.starts_with("token.") {
            continue;
        }
        let graph = sound(&pickle);
        let token = graph.token(graph.root).unwrap();
        assert_eq!((token.typeid, token.id), ("dict", "7f1b9943d1c0"), "{name}");
        assert_eq!(graph.text(token.address), Some("/tmp/socket"));
    }
}

#[test]
fn a_token_is_written_as_cpython_writes_it() {
    let mut graph = Graph::new();
    let address = graph.str("/tmp/socket");
    graph.root = graph.new_token("multiprocessing.managers", "dict", address, "7f1b9943d1c0");
    let (_, theirs) = super::corpus::corpus().find(|(name, _)| *name == "token.4").unwrap();
    assert_eq!(write(&graph), write(&sound(&theirs)));
}

#[test]
fn a_proxy_comes_apart_as_it_was_put_together() {
    let mut graph = Graph::new();
    let func = graph.new_global("multiprocess.managers", "ListProxy");
    let (host, port) = (graph.str("127.0.0.1"), graph.int(5000));
    let address = graph.new_tuple([host, port]);
    let token = graph.new_token("multiprocess.managers", "list", address, "1");
    let (serializer, kwds) = (graph.str("pickle"), graph.dict([]));
    graph.root = graph.new_proxy("multiprocess.managers", [func, token, serializer, kwds]);
    let again = sound(&write(&graph).unwrap());
    let proxy = again.proxy(again.root).unwrap();
    assert_eq!(proxy.module, "multiprocess.managers");
    assert_eq!(again.global(proxy.func), Some(("multiprocess.managers", "ListProxy")));
    let token = again.token(proxy.token).unwrap();
    assert_eq!((token.typeid, token.id), ("list", "1"));
    assert_eq!(again.tuple(token.address).map(<[_]>::len), Some(2));
    assert!(matches!(again.get(proxy.kwds), Node::Dict(entries) if entries.is_empty()));
}

#[test]
fn a_slice_shows_its_parts() {
    let pickle = b"\x80\x04\x8c\x08builtins\x8c\x05slice\x93K\x00K\x02N\x87R.";
    let graph = sound(pickle);
    let [start, stop, step] = graph.slice(graph.root).unwrap();
    assert_eq!(graph.get(start), &Node::Int(0));
    assert_eq!(graph.get(stop), &Node::Int(2));
    assert_eq!(graph.get(step), &Node::None);
    assert_eq!(graph.proxy(graph.root), None);
}

#[test]
fn the_maker_of_an_object_is_its_class_in_every_protocol() {
    for (name, pickle) in super::corpus::corpus() {
        if name.starts_with("plain.") {
            let graph = sound(&pickle);
            assert_eq!(graph.maker(graph.root), Some(("__main__", "Plain")), "{name}");
        }
    }
}
