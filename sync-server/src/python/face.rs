//! What an object looks like from Python: its typeid, its proxy, its methods.

use sync_objects::{
    array, barrier, condition, dict, event, list, lock, namespace, queue, rlock, semaphore, set,
    value,
};
use sync_proto::{Fingerprint, Interface};

use super::types::iterator::iterator;
use super::types::{self, Method};

/// How objects of an interface meet Python.
#[derive(Debug)]
pub(crate) struct Face {
    /// The name under which `SyncManager` knows the type.
    pub(crate) typeid: &'static str,
    /// The class of its proxies, or the function that makes one.
    pub(crate) proxy: &'static str,
    /// What can be called of it: everything that any version of CPython exposes.
    pub(crate) exposed: &'static [&'static str],
    interface: &'static Interface,
    /// Carries out a method.
    pub(crate) call: Method,
}

macro_rules! faces {
    ($($typeid:literal $proxy:literal $module:ident [$($exposed:literal)*])*) => {
        /// All of them.
        static FACES: &[Face] = &[$(Face {
            typeid: $typeid,
            proxy: $proxy,
            exposed: &[$($exposed),*],
            interface: &$module::INTERFACE,
            call: types::$module::call,
        }),*];
    };
}

faces! {
    "Lock" "AcquirerProxy" lock ["acquire" "release" "locked"]
    "RLock" "AcquirerProxy" rlock ["acquire" "release" "locked"]
    "Semaphore" "AcquirerProxy" semaphore ["acquire" "release" "locked"]
    "Condition" "ConditionProxy" condition [
        "acquire" "release" "locked" "wait" "notify" "notify_all"
    ]
    "Event" "EventProxy" event ["is_set" "set" "clear" "wait"]
    "Barrier" "BarrierProxy" barrier ["__getattribute__" "wait" "abort" "reset"]
    "Queue" "AutoProxy" queue [
        "empty" "full" "get" "get_nowait" "join" "put" "put_nowait" "qsize" "shutdown" "task_done"
    ]
    "Namespace" "NamespaceProxy" namespace ["__getattribute__" "__setattr__" "__delattr__"]
    "Value" "ValueProxy" value ["get" "set"]
    "Array" "ArrayProxy" array ["__len__" "__getitem__" "__setitem__"]
    "list" "ListProxy" list [
        "__add__" "__contains__" "__delitem__" "__getitem__" "__imul__" "__len__" "__mul__"
        "__reversed__" "__rmul__" "__setitem__" "append" "clear" "copy" "count" "extend" "index"
        "insert" "pop" "remove" "reverse" "sort"
    ]
    "dict" "DictProxy" dict [
        "__contains__" "__delitem__" "__getitem__" "__ior__" "__iter__" "__len__" "__or__"
        "__reversed__" "__ror__" "__setitem__" "clear" "copy" "fromkeys" "get" "items" "keys"
        "pop" "popitem" "setdefault" "update" "values"
    ]
    "set" "SetProxy" set [
        "__and__" "__class_getitem__" "__contains__" "__ge__" "__gt__" "__iand__" "__ior__"
        "__isub__" "__iter__" "__ixor__" "__le__" "__len__" "__lt__" "__or__" "__rand__" "__ror__"
        "__rsub__" "__rxor__" "__sub__" "__xor__" "add" "clear" "copy" "difference"
        "difference_update" "discard" "intersection" "intersection_update" "isdisjoint" "issubset"
        "issuperset" "pop" "remove" "symmetric_difference" "symmetric_difference_update" "union"
        "update"
    ]
    "Iterator" "IteratorProxy" iterator ["__next__" "send" "throw" "close"]
}

/// What a generated proxy must not have. Python binds a variable to what an operator in place
/// answers, or the plain one that stands in for it: that would be nothing, or a plain copy. And a
/// proxy that asked the manager for its own attributes would never find the one that asks.
const LEFT_OUT: &[&str] = &[
    "__getattribute__",
    "__setattr__",
    "__delattr__",
    "__imul__",
    "__ior__",
    "__iand__",
    "__isub__",
    "__ixor__",
    "__add__",
    "__mul__",
    "__or__",
    "__and__",
    "__sub__",
    "__xor__",
];

impl Face {
    /// Returns the methods that a proxy is generated from. The classes of proxies that Python has
    /// know their own, which are more.
    pub(crate) fn generated(&self) -> impl Iterator<Item = &'static str> {
        self.exposed.iter().copied().filter(|method| !LEFT_OUT.contains(method))
    }

    /// Returns the face of an interface; a user's own types have none.
    pub(crate) fn of(interface: Fingerprint) -> Option<&'static Self> {
        FACES.iter().find(|face| face.interface.fingerprint == interface)
    }
}
