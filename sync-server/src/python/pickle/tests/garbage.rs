//! Bytes that nobody promised anything about.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::corpus::{corpus, is_same};
use super::{Limits, read, write};

/// Reads what may be a pickle, and if it is, writes it.
fn survives(bytes: &[u8]) {
    let limits = Limits { values: 10_000, references: 20_000, copied: 20_000 };
    if let Ok(graph) = read(bytes, &limits) {
        assert!(graph.len() <= limits.values);
        if let Ok(written) = write(&graph) {
            let again = read(&written, &Limits::default()).unwrap();
            assert!(is_same(&graph, &again));
        }
    }
}

/// Opcodes with sound arguments, so that chance gets past the first ones.
fn words() -> Vec<&'static [u8]> {
    vec![
        b"(",
        b"0",
        b"1",
        b"2",
        b"N",
        b"]",
        b"}",
        b")",
        b"\x8f",
        b"\x94",
        b"\x94",
        b"a",
        b"e",
        b"s",
        b"u",
        b"t",
        b"l",
        b"d",
        b"o",
        b"b",
        b"R",
        b"\x81",
        b"\x92",
        b"\x90",
        b"\x91",
        b"\x93",
        b"\x85",
        b"\x86",
        b"\x87",
        b"\x88",
        b"h\x00",
        b"h\x01",
        b"h\x02",
        b"h\x03",
        b"q\x05",
        b"h\x05",
        b"K\x07",
        b"I12\n",
        b"F1.5\n",
        b"\x8c\x01a",
        b"\x8c\x08builtins",
        b"\x8c\x03set",
        b"cbuiltins\nset\n",
        b"c_codecs\nencode\n",
        b"Va\\u00e9\n",
        b"S'x'\n",
        b"C\x01z",
        b"\x8a\x00",
        b"G\x3f\xf8\0\0\0\0\0\0",
        b"iq\nr\n",
        b"p1\n",
        b"g1\n",
        b"\x80\x02",
        b"\x80\x04",
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        survives(&bytes);
    }

    #[test]
    fn any_opcodes_are_read_or_refused(words in vec(select(words()), 0..60)) {
        let mut bytes = words.concat();
        bytes.push(b'.');
        survives(&bytes);
    }

    #[test]
    fn a_real_pickle_with_wrong_bytes_is_read_or_refused(
        which: Index,
        changes in vec((any::<Index>(), any::<u8>()), 1..4),
        cut: Option<Index>,
    ) {
        let pickles: Vec<_> = corpus().collect();
        let mut bytes = which.get(&pickles).1.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        survives(&bytes);
    }
}
