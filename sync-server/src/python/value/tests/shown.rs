//! `repr`, held to CPython's.

use super::*;
use crate::python::value::{ReprError, repr_of_str, repr_payload};

#[test]
fn plain_values_are_shown_as_cpython_shows_them() {
    for python in interpreters() {
        let mut values = 0;
        for line in run(&python, &[SCRIPT, "reprs"]).lines() {
            let (pickle, theirs) = line.split_once(' ').unwrap();
            let graph = read_all(&from_hex(pickle));
            let ours = repr(&graph, graph.root).unwrap();
            let theirs = String::from_utf8(from_hex(theirs)).unwrap();
            let at = ours.chars().zip(theirs.chars()).position(|(ours, theirs)| ours != theirs);
            let near = |text: &str| {
                text.chars().skip(at.unwrap_or(0).saturating_sub(20)).take(60).collect::<String>()
            };
            assert!(ours == theirs, "{} is not {}", near(&ours), near(&theirs));
            values += 1;
        }
        assert!(values > 30, "{values} values");
    }
}

#[test]
fn floats_have_the_fewest_digits_and_never_look_like_integers() {
    for (value, shown) in [
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e+16"),
        (1.5e-5, "1.5e-05"),
        (0.0001, "0.0001"),
        (f64::NAN, "nan"),
        (f64::NEG_INFINITY, "-inf"),
        (5e-324, "5e-324"),
        (1e300, "1e+300"),
    ] {
        let mut graph = Graph::new();
        let id = graph.float(value);
        assert_eq!(repr(&graph, id).unwrap(), shown);
    }
}

#[test]
fn texts_choose_their_quotes() {
    for (text, shown) in [
        ("a", "'a'"),
        ("it's", "\"it's\""),
        ("it's \"it\"", "'it\\'s \"it\"'"),
        ("\n\u{7f}\u{a0}ü\u{200b}", "'\\n\\x7f\\xa0ü\\u200b'"),
        ("\u{1f600}\u{e0001}", "'\u{1f600}\\U000e0001'"),
    ] {
        assert_eq!(repr_of_str(text), shown);
    }
}

#[test]
fn proxies_and_opaque_values_have_their_documented_form() {
    let mut graph = Graph::new();
    let func = graph.new_global("multiprocessing.managers", "ListProxy");
    let token = graph.new_token("multiprocessing.managers", "list", NodeId::NONE, "7f");
    let (name, kwds) = (graph.str("pickle"), graph.dict([]));
    let proxy = graph.new_proxy("multiprocessing.managers", [func, token, name, kwds]);
    let text = graph.str("1.00");
    let number = graph.new_call("decimal", "Decimal", [text]);
    let id = graph.list([proxy, number, func]);
    assert_eq!(
        repr(&graph, id).unwrap(),
        "[<ListProxy object, typeid 'list' at 0x7f>, <decimal.Decimal object>, \
         <multiprocessing.managers.ListProxy>]"
    );
}

#[test]
fn a_text_out_of_proportion_is_refused() {
    let mut graph = Graph::new();
    let mut id = graph.str("x".repeat(1 << 20));
    for _ in 0..60 {
        id = graph.list([id, id]);
    }
    assert_eq!(repr(&graph, id), Err(ReprError::TooLong));
    let one = super::super::super::pickle::BigInt::from(1);
    let long = graph.int(one << 20_000);
    assert_eq!(repr(&graph, long), Err(ReprError::LongInteger));
}

#[test]
fn what_rust_wrote_is_shown_as_python_would_see_it() {
    let payload = Payload::pack(&(1, "a", vec![Some(2.0), None], ())).unwrap();
    let shown = repr_payload(&payload, &mut Nobody).unwrap();
    assert_eq!(shown, "(1, 'a', [2.0, None], None)");
}
