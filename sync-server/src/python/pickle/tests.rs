//! Pickles, against what CPython makes of them.
//!
//! `testdata/pickles` has real pickles and the script that made them.

use super::{Graph, Limits, Node, NodeId, PickleError, read, write};
use crate::python::interpreters::{interpreters, run};

mod corpus;
mod garbage;
mod hostile;
mod known;

/// Reads a pickle that must be sound.
fn sound(bytes: &[u8]) -> Graph {
    read(bytes, &Limits::default()).unwrap()
}

/// Reads a pickle that must not be.
fn refused(bytes: &[u8]) -> PickleError {
    read(bytes, &Limits::default()).unwrap_err()
}

#[test]
fn cpython_finds_every_value_as_it_was() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/pickles/pickles.py");
    for python in interpreters() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_str().unwrap();
        run(&python, &[script, "dump", path]);
        let mut pickles = 0;
        for entry in directory.path().read_dir().unwrap() {
            let theirs = entry.unwrap().path();
            let bytes = std::fs::read(&theirs).unwrap();
            let ours = write(&sound(&bytes)).unwrap();
            std::fs::write(theirs.with_extension("out"), ours).unwrap();
            pickles += 1;
        }
        let said = run(&python, &[script, "check", path]);
        assert_eq!(said.trim(), format!("checked {pickles} wrong 0"), "{}", python.display());
    }
}

#[test]
fn old_names_are_those_that_cpython_knows() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/pickles/pickles.py");
    for python in interpreters() {
        for line in run(&python, &[script, "renames"]).lines() {
            let [module, name, new_module, new_name] =
                line.split_whitespace().collect::<Vec<_>>()[..]
            else {
                panic!("four names in {line}");
            };
            let graph = sound(format!("c{module}\n{name}\n.").as_bytes());
            assert_eq!(graph.global(graph.root), Some((new_module, new_name)), "{line}");
        }
    }
}
