//! list.

use sync_client::{Error, ErrorKind, List, Manager, Shared, Slice};

use super::Row::Served;
use super::{Rows, kind};

fn letters(manager: &Manager) -> Result<List<String>, Error> {
    manager.create_list_from(["a", "b", "c", "d", "e"].map(String::from))
}

fn numbers<const N: usize>(manager: &Manager, numbers: [i64; N]) -> Result<List<i64>, Error> {
    manager.create_list_from(numbers)
}

pub(super) const ROWS: Rows = &[
    (
        "__add__",
        Served(|manager| {
            let list = numbers(manager, [1, 2])?;
            assert_eq!(list.concat([3])?, [1, 2, 3]);
            assert_eq!(list.to_vec()?, [1, 2], "the list stays as it is");
            Ok(())
        }),
    ),
    (
        "__contains__",
        Served(|manager| {
            let list = letters(manager)?;
            assert!(list.contains("a")? && !list.contains("z")?);
            Ok(())
        }),
    ),
    (
        "__delitem__",
        Served(|manager| {
            let list = letters(manager)?;
            assert_eq!(list.remove(-5)?, "a");
            list.delete_slice(Slice::every(2))?;
            assert_eq!(list.to_vec()?, ["c", "e"]);
            list.delete_slice(1..9)?;
            assert_eq!(list.to_vec()?, ["c"]);
            assert_eq!(kind(list.remove(1)), ErrorKind::OutOfRange);
            Ok(())
        }),
    ),
    (
        "__getitem__",
        Served(|manager| {
            let list = letters(manager)?;
            assert_eq!((list.get(0)?, list.get(-1)?), ("a".to_owned(), "e".to_owned()));
            assert_eq!(list.slice(Slice::between(1, -2))?, ["b", "c"]);
            assert_eq!(list.slice(-2..99)?, ["d", "e"], "a slice is cut at the end");
            assert_eq!(list.slice(Slice::every(2))?, ["a", "c", "e"]);
            let backwards = Slice { step: Some(-1), ..Slice::between(-2, 0) };
            assert_eq!(list.slice(backwards)?, ["d", "c", "b"]);
            assert_eq!(kind(list.slice(Slice::every(0))), ErrorKind::InvalidInput);
            assert_eq!([kind(list.get(5)), kind(list.get(-6))], [ErrorKind::OutOfRange; 2]);
            assert_eq!(list.iter().collect::<Result<Vec<_>, _>>()?, list.to_vec()?);
            Ok(())
        }),
    ),
    (
        "__len__",
        Served(|manager| {
            assert_eq!(letters(manager)?.len()?, 5);
            assert!(manager.create_list::<u8>()?.is_empty()?);
            Ok(())
        }),
    ),
    ("__mul__", Served(multiplied)),
    (
        "__reversed__",
        Served(|manager| {
            let list = letters(manager)?;
            assert_eq!(list.slice(Slice::every(-1))?, ["e", "d", "c", "b", "a"]);
            assert_eq!(list.get(0)?, "a");
            Ok(())
        }),
    ),
    ("__rmul__", Served(multiplied)),
    (
        "__setitem__",
        Served(|manager| {
            let list = numbers(manager, [0, 1, 2, 3])?;
            list.set(-1, &9)?;
            list.set_slice(1..3, [5])?;
            assert_eq!(list.to_vec()?, [0, 5, 9], "a slice may change the length");
            list.set_slice(Slice::every(2), [7, 8])?;
            assert_eq!(list.to_vec()?, [7, 5, 8]);
            assert_eq!(kind(list.set_slice(Slice::every(2), [1])), ErrorKind::InvalidInput);
            assert_eq!(kind(list.set(3, &1)), ErrorKind::OutOfRange);
            assert_eq!(list.to_vec()?, [7, 5, 8]);
            Ok(())
        }),
    ),
    (
        "append",
        Served(|manager| {
            let list = numbers(manager, [1])?;
            list.push(&2)?;
            assert_eq!(list.to_vec()?, [1, 2]);
            Ok(())
        }),
    ),
    (
        "count",
        Served(|manager| {
            let list = numbers(manager, [1, 2, 1])?;
            assert_eq!((list.count(&1)?, list.count(&7)?), (2, 0));
            Ok(())
        }),
    ),
    (
        "extend",
        Served(|manager| {
            let list = numbers(manager, [1, 2])?;
            list.extend([3])?;
            list.extend_from(&list)?;
            assert_eq!(list.to_vec()?, [1, 2, 3, 1, 2, 3]);
            Ok(())
        }),
    ),
    (
        "index",
        Served(|manager| {
            let list = numbers(manager, [7, 8, 7])?;
            assert_eq!(list.index_of(&7)?, Some(0));
            assert_eq!(list.index_of_within(&7, 1..)?, Some(2));
            assert_eq!(list.index_of_within(&7, Slice::between(1, -1))?, None, "ValueError");
            assert_eq!(list.index_of(&9)?, None, "ValueError");
            Ok(())
        }),
    ),
    (
        "insert",
        Served(|manager| {
            let list = numbers(manager, [1, 2])?;
            list.insert(-1, &9)?;
            list.insert(99, &3)?;
            list.insert(-99, &0)?;
            assert_eq!(list.to_vec()?, [0, 1, 9, 2, 3], "beyond an end is at that end");
            Ok(())
        }),
    ),
    (
        "pop",
        Served(|manager| {
            let list = numbers(manager, [1, 2, 3])?;
            assert_eq!(list.pop()?, Some(3));
            assert_eq!(list.remove(0)?, 1, "pop(0)");
            assert_eq!(kind(list.remove(1)), ErrorKind::OutOfRange);
            assert_eq!((list.pop()?, list.pop()?), (Some(2), None), "pop from empty list");
            Ok(())
        }),
    ),
    (
        "remove",
        Served(|manager| {
            let list = numbers(manager, [1, 2, 1])?;
            assert!(list.remove_item(&1)?);
            assert!(!list.remove_item(&7)?, "list.remove(x): x not in list");
            assert_eq!(list.to_vec()?, [2, 1]);
            Ok(())
        }),
    ),
    (
        "reverse",
        Served(|manager| {
            let list = numbers(manager, [1, 2, 3])?;
            list.reverse()?;
            assert_eq!(list.to_vec()?, [3, 2, 1]);
            Ok(())
        }),
    ),
    (
        "sort",
        Served(|manager| {
            let list = numbers(manager, [2, -3, 1])?;
            list.sort()?;
            assert_eq!(list.to_vec()?, [-3, 1, 2]);
            list.sort_descending()?;
            assert_eq!(list.to_vec()?, [2, 1, -3]);
            list.sort_by_key(|number| number.abs())?;
            assert_eq!(list.to_vec()?, [1, 2, -3]);
            List::<String>::attach(list.handle().clone())?.push("text")?;
            assert_eq!(kind(list.sort()), ErrorKind::WrongType, "'<' not supported");
            assert_eq!(list.slice(..3)?, [1, 2, -3]);
            Ok(())
        }),
    ),
    (
        "__imul__",
        Served(|manager| {
            let list = numbers(manager, [1, 2])?;
            list.repeat(2)?;
            assert_eq!(list.to_vec()?, [1, 2, 1, 2]);
            list.repeat(0)?;
            assert!(list.is_empty()?);
            Ok(())
        }),
    ),
    (
        "clear",
        Served(|manager| {
            let list = letters(manager)?;
            list.clear()?;
            assert_eq!(list.to_vec()?, [""; 0]);
            Ok(())
        }),
    ),
    (
        "copy",
        Served(|manager| {
            let list = numbers(manager, [1])?;
            let mut copy = list.to_vec()?;
            copy.push(2);
            assert_eq!(list.to_vec()?, [1]);
            Ok(())
        }),
    ),
];

fn multiplied(manager: &Manager) -> Result<(), Error> {
    let list = numbers(manager, [1, 2])?;
    assert_eq!(list.to_vec()?.repeat(2), [1, 2, 1, 2]);
    assert_eq!(list.len()?, 2, "the list stays as it is");
    Ok(())
}
