//! dict, and the iterator that Python's dict answers with.

use std::collections::BTreeMap;

use sync_client::{Dict, Error, ErrorKind, Manager};

use super::Row::{Not, Served};
use super::{Rows, kind};

/// `{"c": 1, "a": 2, "b": 3}`.
fn stock(manager: &Manager) -> Result<Dict<String, u32>, Error> {
    manager.create_dict_from([("c", 1), ("a", 2), ("b", 3)].map(owned))
}

fn owned((key, value): (&str, u32)) -> (String, u32) {
    (key.to_owned(), value)
}

pub(super) const ROWS: Rows = &[
    (
        "__contains__",
        Served(|manager| {
            let dict = stock(manager)?;
            assert!(dict.contains_key("a")? && !dict.contains_key("z")?);
            Ok(())
        }),
    ),
    (
        "__delitem__",
        Served(|manager| {
            let dict = stock(manager)?;
            assert!(dict.delete("a")?);
            assert!(!dict.delete("a")?, "KeyError");
            assert_eq!(dict.keys()?, ["c", "b"]);
            Ok(())
        }),
    ),
    (
        "__getitem__",
        Served(|manager| {
            let dict = stock(manager)?;
            assert_eq!(dict.get("a")?, Some(2));
            assert_eq!(dict.get("z")?, None, "KeyError");
            Ok(())
        }),
    ),
    (
        "__iter__",
        Served(|manager| {
            let dict = stock(manager)?;
            let keys: Result<Vec<_>, Error> = dict.iter().map(|entry| Ok(entry?.0)).collect();
            assert_eq!(keys?, ["c", "a", "b"], "in the order of insertion");
            let large = manager.create_dict::<u32, String>()?;
            large.extend((0..50).map(|key| (key, "x".repeat(10_000))))?;
            let mut entries = large.iter();
            assert!(entries.next().is_some_and(|entry| entry.is_ok()));
            large.delete(&49)?;
            let last = entries.last().unwrap();
            assert_eq!(kind(last), ErrorKind::Changed, "changed size during iteration");
            Ok(())
        }),
    ),
    (
        "__len__",
        Served(|manager| {
            assert_eq!(stock(manager)?.len()?, 3);
            assert!(manager.create_dict::<u8, u8>()?.is_empty()?);
            Ok(())
        }),
    ),
    (
        "__setitem__",
        Served(|manager| {
            let dict = stock(manager)?;
            dict.set("c", &9)?;
            dict.set("d", &4)?;
            let entries = [("c", 9), ("a", 2), ("b", 3), ("d", 4)].map(owned);
            assert_eq!(dict.items()?, entries, "an overwritten key keeps its place");
            let by_number = manager.create_dict::<f64, u8>()?;
            assert_eq!(kind(by_number.set(&f64::NAN, &1)), ErrorKind::InvalidInput);
            let by_map = manager.create_dict::<BTreeMap<String, Vec<u32>>, u8>()?;
            let unhashable = || BTreeMap::from([("k".to_owned(), vec![1, 2])]);
            by_map.set(&unhashable(), &1)?;
            assert_eq!(by_map.get(&unhashable())?, Some(1), "in Python a TypeError");
            Ok(())
        }),
    ),
    (
        "clear",
        Served(|manager| {
            let dict = stock(manager)?;
            dict.clear()?;
            assert!(dict.is_empty()?);
            Ok(())
        }),
    ),
    (
        "copy",
        Served(|manager| {
            let dict = stock(manager)?;
            let mut copy: BTreeMap<String, u32> = dict.to_map()?;
            copy.clear();
            assert_eq!(dict.len()?, 3);
            Ok(())
        }),
    ),
    (
        "get",
        Served(|manager| {
            let dict = stock(manager)?;
            assert_eq!(dict.get("z")?.unwrap_or(7), 7);
            assert_eq!(dict.get_many(["a", "z"])?, [Some(2), None]);
            Ok(())
        }),
    ),
    (
        "items",
        Served(|manager| {
            assert_eq!(stock(manager)?.items()?, [("c", 1), ("a", 2), ("b", 3)].map(owned));
            Ok(())
        }),
    ),
    (
        "keys",
        Served(|manager| {
            assert_eq!(stock(manager)?.keys()?, ["c", "a", "b"]);
            Ok(())
        }),
    ),
    (
        "pop",
        Served(|manager| {
            let dict = stock(manager)?;
            assert_eq!(dict.remove("a")?, Some(2));
            assert_eq!(dict.remove("a")?, None, "KeyError");
            assert_eq!(dict.remove("a")?.unwrap_or(7), 7, "pop(k, default)");
            Ok(())
        }),
    ),
    (
        "popitem",
        Served(|manager| {
            let dict = stock(manager)?;
            assert_eq!(dict.pop_last()?, Some(owned(("b", 3))), "the last first");
            dict.clear()?;
            assert_eq!(dict.pop_last()?, None, "dictionary is empty");
            Ok(())
        }),
    ),
    (
        "setdefault",
        Served(|manager| {
            let dict = stock(manager)?;
            assert_eq!(dict.get_or_insert("a", &7)?, 2);
            assert_eq!(dict.get_or_insert("z", &7)?, 7);
            assert_eq!(dict.get("z")?, Some(7));
            Ok(())
        }),
    ),
    ("update", Served(updated)),
    (
        "values",
        Served(|manager| {
            assert_eq!(stock(manager)?.values()?, [1, 2, 3]);
            Ok(())
        }),
    ),
    ("__ior__", Served(updated)),
    (
        "__or__",
        Served(|manager| {
            let dict = stock(manager)?;
            let mut both: BTreeMap<String, u32> = dict.to_map()?;
            both.extend([("a", 9)].map(owned));
            assert_eq!(both, BTreeMap::from([("a", 9), ("b", 3), ("c", 1)].map(owned)));
            assert_eq!(dict.get("a")?, Some(2), "the dict stays as it is");
            Ok(())
        }),
    ),
    (
        "__ror__",
        Served(|manager| {
            let mut both = BTreeMap::from([("a", 9), ("z", 8)].map(owned));
            both.extend(stock(manager)?.items()?);
            assert_eq!(both, BTreeMap::from([("a", 2), ("b", 3), ("c", 1), ("z", 8)].map(owned)));
            Ok(())
        }),
    ),
    (
        "__reversed__",
        Served(|manager| {
            let keys = stock(manager)?.iter_reversed().map(|entry| Ok(entry?.0));
            assert_eq!(keys.collect::<Result<Vec<_>, Error>>()?, ["b", "a", "c"]);
            Ok(())
        }),
    ),
    (
        "fromkeys",
        Served(|manager| {
            let dict = manager.create_dict_from(["a", "b", "a"].map(|key| owned((key, 0))))?;
            assert_eq!(dict.items()?, [("a", 0), ("b", 0)].map(owned));
            Ok(())
        }),
    ),
];

fn updated(manager: &Manager) -> Result<(), Error> {
    let dict = stock(manager)?;
    dict.extend([("a", 9), ("d", 4)].map(owned))?;
    let entries = [("c", 1), ("a", 9), ("b", 3), ("d", 4)].map(owned);
    assert_eq!(dict.items()?, entries);
    let other = stock(manager)?;
    other.extend_from(&dict)?;
    assert_eq!(other.items()?, entries, "another shared dict, in one step");
    Ok(())
}

pub(super) const ITERATOR: Rows = &[
    (
        "__next__",
        Served(|manager| {
            let mut entries = stock(manager)?.iter();
            assert_eq!(entries.next().transpose()?, Some(owned(("c", 1))));
            assert_eq!(entries.by_ref().count(), 2);
            assert!(entries.next().is_none(), "StopIteration");
            assert!(entries.next().is_none(), "and again");
            Ok(())
        }),
    ),
    ("send", Not("a dict's iterator is no generator: Python's has no `send` to answer either")),
    ("throw", Not("a dict's iterator is no generator: Python's has no `throw` to answer either")),
    (
        "close",
        Served(|manager| {
            let dict = stock(manager)?;
            let before = manager.object_count()?;
            let mut entries = dict.iter();
            assert!(entries.next().is_some());
            assert_eq!(manager.object_count()?, before, "the manager keeps nothing for it");
            drop(entries);
            dict.clear()
        }),
    ),
];
