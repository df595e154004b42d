//! Namespace, Value, Array.

use sync_client::{Array, ErrorKind, Exchange, Shared, Slice, Typecode};

use super::Row::Served;
use super::{Rows, kind};

pub(super) const NAMESPACE: Rows = &[
    (
        "__getattribute__",
        Served(|manager| {
            let namespace = manager.create_namespace()?;
            namespace.set("a", &1u32)?;
            assert_eq!(namespace.get::<u32>("a")?, Some(1));
            assert_eq!(namespace.get::<u32>("z")?, None, "AttributeError");
            assert!(namespace.contains_key("a")? && !namespace.contains_key("z")?, "hasattr");
            assert_eq!(kind(namespace.get::<String>("a")), ErrorKind::WrongType);
            Ok(())
        }),
    ),
    (
        "__setattr__",
        Served(|manager| {
            let namespace = manager.create_namespace()?;
            namespace.set("b", "text")?;
            namespace.set("_a", &1u32)?;
            namespace.set("b", &2.5)?;
            assert_eq!(namespace.get::<f64>("b")?, Some(2.5));
            assert_eq!(namespace.names()?, ["_a", "b"], "`_a` is shared like any other");
            assert_eq!(kind(namespace.set("", &1)), ErrorKind::InvalidInput);
            Ok(())
        }),
    ),
    (
        "__delattr__",
        Served(|manager| {
            let namespace = manager.create_namespace()?;
            namespace.set("a", &1u32)?;
            assert!(namespace.delete("a")?);
            assert!(!namespace.delete("a")?, "AttributeError");
            Ok(())
        }),
    ),
];

pub(super) const VALUE: Rows = &[
    (
        "get",
        Served(|manager| {
            let value = manager.create_value(1.5)?;
            assert_eq!(value.get()?, 1.5);
            assert_eq!(value.fetch_add(0.5)?, 1.5);
            assert_eq!(value.get()?, 2.0);
            Ok(())
        }),
    ),
    (
        "set",
        Served(|manager| {
            let value = manager.create_value(String::from("a"))?;
            value.set("b")?;
            assert_eq!(value.swap("c")?, "b");
            assert_eq!(value.compare_exchange("b", "d")?, Exchange::Found("c".to_owned()));
            value.update(|text| text.push('!'))?;
            assert_eq!(value.get()?, "c!");
            Ok(())
        }),
    ),
];

pub(super) const ARRAY: Rows = &[
    (
        "__len__",
        Served(|manager| {
            assert_eq!(manager.create_array([1i32, 2, 3])?.len()?, 3);
            let zeros = manager.create_array_zeroed::<u8>(5)?;
            assert_eq!((zeros.len()?, zeros.to_vec()?), (5, vec![0; 5]), "an int is a length here");
            Ok(())
        }),
    ),
    (
        "__getitem__",
        Served(|manager| {
            let array = manager.create_array([0.1f32, 2.0, 3.0, 4.0])?;
            assert_eq!((array.get(0)?, array.get(-1)?), (0.1, 4.0));
            assert_eq!(array.slice(Slice::between(1, -1))?, [2.0, 3.0]);
            assert_eq!(array.slice(Slice::every(-2))?, [4.0, 2.0]);
            assert_eq!(array.slice(9..)?, [], "a slice is cut at the end");
            assert_eq!(kind(array.get(4)), ErrorKind::OutOfRange);
            assert_eq!(array.iter().collect::<Result<Vec<_>, _>>()?, array.to_vec()?);
            assert_eq!(array.typecode()?, Typecode::Float);
            Ok(())
        }),
    ),
    (
        "__setitem__",
        Served(|manager| {
            let array = manager.create_array([1i8, 2, 3])?;
            array.set(-3, -128)?;
            array.set_slice(1.., &[5, 6])?;
            assert_eq!(array.to_vec()?, [-128, 5, 6]);
            assert_eq!(kind(array.set(-4, 0)), ErrorKind::OutOfRange);
            assert_eq!(kind(array.fetch_sub(0, 1)), ErrorKind::Overflow);
            assert_eq!(
                kind(array.set_slice(.., &[1])),
                ErrorKind::InvalidInput,
                "its length stays"
            );
            let others = Array::<f64>::attach(array.handle().clone())?;
            assert_eq!(kind(others.set(0, 1.0)), ErrorKind::WrongType);
            assert_eq!(array.to_vec()?, [-128, 5, 6]);
            Ok(())
        }),
    ),
];
