//! The committed corpus, for where there is no interpreter, and for the fuzzer's finds.

use super::{Graph, Node, NodeId, sound, write};

/// Gives the pickles of `testdata/pickles/corpus.txt` with their names.
pub(super) fn corpus() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    include_str!("../../../../testdata/pickles/corpus.txt").lines().map(|line| {
        let (name, digits) = line.split_once(' ').unwrap();
        let digits: Vec<_> = digits.chars().map(|c| c.to_digit(16).unwrap()).collect();
        (name, digits.chunks(2).map(|two| (two[0] << 4 | two[1]) as u8).collect())
    })
}

/// Tells whether two graphs are the same value: equal parts, and the same parts shared.
pub(super) fn is_same(left: &Graph, right: &Graph) -> bool {
    let mut twins = std::collections::HashMap::new();
    let mut open = vec![(left.root, right.root)];
    while let Some((l, r)) = open.pop() {
        let is_shared = is_container(left.get(l)) && l.index() > 3;
        if is_shared && let Some(twin) = twins.insert(l, r) {
            if twin != r {
                return false;
            }
            continue;
        }
        let (mut ls, mut rs) = (Vec::new(), Vec::new());
        left.for_each_part(l, |part| ls.push(part));
        right.for_each_part(r, |part| rs.push(part));
        let is_equal = match (left.get(l), right.get(r)) {
            (Node::Float(l), Node::Float(r)) => l.to_bits() == r.to_bits(),
            (l, r) if is_container(l) => std::mem::discriminant(l) == std::mem::discriminant(r),
            (l, r) => l == r,
        };
        if !is_equal || ls.len() != rs.len() {
            return false;
        }
        open.extend(ls.into_iter().zip(rs));
    }
    true
}

fn is_container(node: &Node) -> bool {
    matches!(
        node,
        Node::Tuple(_)
            | Node::List(_)
            | Node::Dict(_)
            | Node::Set(_)
            | Node::FrozenSet(_)
            | Node::Object(_)
    )
}

#[test]
fn what_was_written_reads_as_the_same_value() {
    let mut pickles = 0;
    for (name, pickle) in corpus() {
        let graph = sound(&pickle);
        let written = write(&graph).unwrap_or_else(|error| panic!("{name}: {error}"));
        let again = sound(&written);
        assert!(is_same(&graph, &again), "{name}");
        assert_eq!(write(&again).unwrap(), written, "{name}");
        pickles += 1;
    }
    assert!(pickles > 300, "{pickles} pickles");
}

#[test]
fn every_protocol_says_the_same_plain_value() {
    let plain = ["bools", "ints", "floats", "bytes", "bytearrays", "tuples", "surrogates", "keys"];
    let pickles: std::collections::HashMap<_, _> = corpus().collect();
    for name in plain {
        let of = |protocol| {
            pickles.get(format!("{name}.{protocol}").as_str()).map(|pickle| sound(pickle))
        };
        let newest = (0..=5).rev().find_map(of);
        for protocol in 0..=5 {
            if let (Some(graph), Some(newest)) = (of(protocol), &newest) {
                assert!(is_same(&graph, newest), "{name} in protocol {protocol}");
            }
        }
    }
}

#[test]
fn a_list_in_itself_is_one_list() {
    let graph = sound(b"\x80\x04]\x94(K\x01h\x00e.");
    let Node::List(items) = graph.get(graph.root) else { panic!("a list") };
    assert_eq!(items[1], graph.root);
    let written = write(&graph).unwrap();
    assert_eq!(written, b"\x80\x04]\x94(K\x01h\x00e.");
}

#[test]
fn what_is_shared_is_memoized_and_nothing_else() {
    let mut graph = Graph::new();
    let (one, two) = (graph.str("a"), graph.str("b"));
    graph.root = graph.new_tuple([one, two, one, NodeId::NONE]);
    assert_eq!(write(&graph).unwrap(), b"\x80\x04(\x8c\x01a\x94\x8c\x01bh\x00Nt.");
}
