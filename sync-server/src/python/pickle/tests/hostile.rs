//! Pickles made to hurt their reader.

use super::{Graph, Limits, Node, PickleError, read, refused, sound, write};

#[test]
fn depth_costs_no_stack() {
    const DEEP: usize = 100_000;
    for (open, close) in [("]", "a"), ("", "\u{0085}"), ("c\u{0061}\nb\n", "\u{0085}R")] {
        // Latin-1, as all opcodes are.
        let bytes = |text: &str| text.chars().map(|c| c as u8).collect::<Vec<_>>();
        let mut pickle = b"\x80\x04".to_vec();
        pickle.extend(bytes(open).repeat(DEEP));
        pickle.extend(b"K\x07");
        pickle.extend(bytes(close).repeat(DEEP));
        pickle.push(b'.');
        let graph = sound(&pickle);
        let again = sound(&write(&graph).unwrap());
        assert!(super::corpus::is_same(&graph, &again));
    }
}

#[test]
fn values_and_references_are_counted() {
    let limits = Limits { values: 100, references: 100, ..Limits::default() };
    let lists = [&b"]".repeat(101)[..], b"."].concat();
    let error = read(&lists, &limits).unwrap_err();
    assert_eq!(error, PickleError::TooLarge { what: "values", limit: 100 });
    let mut doubled = b"](NNNNNNNNNNe".to_vec();
    doubled.extend(b"(NNNNNNNNNNNe".repeat(10));
    doubled.push(b'.');
    let error = read(&doubled, &limits).unwrap_err();
    assert_eq!(error, PickleError::TooLarge { what: "references", limit: 100 });
}

/// A byte string, memoized, and calls that each copy it.
fn copied(length: usize, global: &[u8], times: usize) -> Vec<u8> {
    let mut pickle = [global, b"\x94B"].concat();
    pickle.extend(u32::try_from(length).unwrap().to_le_bytes());
    pickle.resize(pickle.len() + length, b'x');
    pickle.extend(b"\x85\x94");
    pickle.extend(b"h\x00h\x01R0".repeat(times));
    pickle.extend(b"N.");
    pickle
}

#[test]
fn what_calls_and_names_copy_is_counted() {
    let limits = Limits { copied: 4000, ..Limits::default() };
    let error = PickleError::TooLarge { what: "bytes that its calls copy", limit: 4000 };
    let byte_array = b"\x80\x04cbuiltins\nbytearray\n";
    assert!(read(&copied(1000, byte_array, 4), &limits).is_ok());
    assert_eq!(read(&copied(1000, byte_array, 5), &limits), Err(error.clone()));
    // A pickle may always copy as much as it has itself.
    assert!(read(&copied(5000, byte_array, 1), &limits).is_ok());
    let encoded = [&b"\x80\x04c_codecs\nencode\n\x94X\xe8\x03\0\0"[..], &[b'x'; 1000]].concat();
    let encoded =
        [&encoded[..], b"\x8c\x06latin1\x86\x94", &b"h\0h\x01R0".repeat(5), b"N."].concat();
    assert_eq!(read(&encoded, &limits), Err(error.clone()));
    let named = [&b"\x80\x04X\xe8\x03\0\0"[..], &[b'x'; 1000], b"\x94"].concat();
    let named = [&named[..], &b"h\0h\0\x930".repeat(3), b"N."].concat();
    assert_eq!(read(&named, &limits), Err(error));
    let limits = Limits { references: 30, ..limits };
    for class in ["set", "frozenset", "list"] {
        let list = format!("\u{80}\u{4}cbuiltins\n{class}\n\u{94}](NNNNNNNNNNe\u{85}\u{94}");
        let mut listed: Vec<_> = list.chars().map(|c| c as u8).collect();
        listed.extend(b"h\0h\x01R0".repeat(2));
        listed.extend(b"N.");
        let error = PickleError::TooLarge { what: "references", limit: 30 };
        assert_eq!(read(&listed, &limits), Err(error), "{class}");
    }
}

#[test]
fn a_length_beyond_the_bytes_allocates_nothing() {
    for pickle in [
        &b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7fabc."[..],
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\xffabc.",
        b"\x96\xff\xff\xff\xff\xff\xff\xff\xffabc.",
        b"X\xff\xff\xff\xffabc.",
        b"B\xff\xff\xff\xffabc.",
        b"\x8b\xff\xff\xff\x7fabc.",
        b"\x95\xff\xff\xff\xff\xff\xff\xff\xffN.",
        b"Nr\xff\xff\xff\xff.",
        b"Np4000000000\n.",
    ] {
        assert!(matches!(refused(pickle), PickleError::Malformed { .. }), "{pickle:?}");
    }
}

#[test]
fn what_only_an_interpreter_could_give_is_refused() {
    for (pickle, word) in [
        (&b"P7\n."[..], "persistent"),
        (b"NQ.", "persistent"),
        (b"\x82\x01.", "registry"),
        (b"\x83\x01\x00.", "registry"),
        (b"\x84\x01\x00\x00\x00.", "registry"),
        (b"\x97.", "buffers"),
        (b"\x98.", "buffers"),
    ] {
        let error = refused(pickle).to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn what_is_no_pickle_is_refused_at_its_place() {
    for (pickle, offset) in [
        (&b""[..], 0),
        (b"N", 1),
        (b"N.N", 2),
        (b"\x80\x06N.", 2),
        (b"a.", 1),
        (b"N(a.", 3),
        (b"Na.", 2),
        (b"NNb.", 3),
        (b"](Ns.", 4),
        (b"}(Nu.", 4),
        (b"h\x00.", 2),
        (b"I1x\n.", 4),
        (b"K\x01)R", 4),
        (b"NNR.", 3),
        (b"\x8c\x01\xff.", 3),
        (b"U\x01\xff.", 3),
        (b"Vab", 1),
        (b"\xff.", 1),
        (b"(o.", 2),
        (b"NN\x93.", 3),
    ] {
        match refused(pickle) {
            PickleError::Malformed { offset: found, .. } => {
                assert_eq!(found, offset, "{pickle:?}");
            }
            other => panic!("{pickle:?}: {other}"),
        }
    }
}

#[test]
fn an_integer_with_too_many_digits_is_refused_in_no_time() {
    let digits = "7".repeat(4300);
    let graph = sound(format!("L{digits}L\n.").as_bytes());
    assert!(matches!(graph.get(graph.root), Node::BigInt(value) if value.to_string() == digits));
    let long = format!("I{}\n.", "7".repeat(10_000_000));
    assert!(matches!(refused(long.as_bytes()), PickleError::Malformed { .. }));
}

#[test]
fn what_contains_itself_too_often_is_refused() {
    // A tuple of lists that each hold the tuple: each is written in the midst of the last.
    let mut graph = Graph::new();
    let lists: Vec<_> = (0..20_000).map(|_| graph.list([])).collect();
    let tuple = graph.new_tuple(lists.clone());
    for list in lists {
        *graph.get_mut(list) = Node::List(vec![tuple]);
    }
    graph.root = tuple;
    assert_eq!(write(&graph), Err(PickleError::Entangled));
    // No pickle can say this at all.
    let mut graph = Graph::new();
    let tuple = graph.new_tuple([super::NodeId::NONE]);
    *graph.get_mut(tuple) = Node::Tuple(vec![tuple]);
    graph.root = tuple;
    assert_eq!(write(&graph), Err(PickleError::Entangled));
}
