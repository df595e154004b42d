//! Calls of the built-in types in a pipeline.

use std::borrow::Borrow;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sync_objects::{NumberOp, dict, list, value};
use sync_proto::{Error, Payload, Pending, Pipeline};

use crate::proxy::into_value;
use crate::{Dict, List, ListIndex, Number, Queue, Set, Value};

/// An object in a pipeline: its methods make a call and return before it is answered. It is
/// returned by the object's `later`; see [`Manager::pipeline`](crate::Manager::pipeline).
///
/// Each method does what the object's own method of that name does, and fails in the same way; the
/// result is in the [`Pending`] call.
#[derive(Debug)]
pub struct Later<'p, T> {
    object: &'p T,
    pipeline: &'p Pipeline<'p>,
}

// Derived, it would be so only where a proxy itself is `Copy`, which none is.
impl<T> Clone for Later<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Later<'_, T> {}

impl<'p, T> Later<'p, T> {
    /// Sends a call with a value that was encoded for it.
    fn with<R>(
        &self,
        value: Result<Payload, Error>,
        call: impl FnOnce(Payload) -> Pending<'p, R>,
    ) -> Pending<'p, R> {
        match value {
            Ok(value) => call(value),
            Err(error) => self.pipeline.failed(error),
        }
    }
}

macro_rules! later {
    ($($name:ident<$($param:ident),*>),*) => {$(
        impl<$($param),*> $name<$($param),*> {
            /// Returns an object that puts this object's calls into a pipeline.
            pub fn later<'p>(&'p self, pipeline: &'p Pipeline<'_>) -> Later<'p, Self> {
                Later { object: self, pipeline }
            }
        }
    )*};
}

later!(Dict<K, V>, List<T>, Queue<T>, Set<T>, Value<T>);

impl<'p, K, V> Later<'p, Dict<K, V>> {
    /// Sets the value of a key.
    pub fn set<Q, W>(&self, key: &Q, value: &W) -> Pending<'p, ()>
    where
        K: Borrow<Q>,
        V: Borrow<W>,
        Q: Serialize + ?Sized,
        W: Serialize + ?Sized,
    {
        let Self { object, pipeline } = *self;
        self.with(object.pack(key, "set"), |key| {
            self.with(object.pack(value, "set"), |value| {
                object.proxy.later(pipeline).set(key, value)
            })
        })
    }

    /// Deletes an entry; the answer is whether there was one.
    pub fn delete<Q>(&self, key: &Q) -> Pending<'p, bool>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let Self { object, pipeline } = *self;
        self.with(object.pack(key, "delete"), |key| object.proxy.later(pipeline).delete(key))
    }

    /// Asks whether there is such a key.
    pub fn contains_key<Q>(&self, key: &Q) -> Pending<'p, bool>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let Self { object, pipeline } = *self;
        self.with(object.pack(key, "contains_key"), |key| {
            object.proxy.later(pipeline).contains_key(key)
        })
    }
}

impl<'p, K, V: DeserializeOwned> Later<'p, Dict<K, V>> {
    /// Asks for the value of a key.
    pub fn get<Q>(&self, key: &Q) -> Pending<'p, Option<V>>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let Self { object, pipeline } = *self;
        self.with(object.pack(key, "get"), |key| {
            let value = object.proxy.later(pipeline).get(key);
            let read = |value| into_value(value, &dict::INTERFACE, "get");
            value.and_then(move |value| value.map(read).transpose())
        })
    }
}

impl<'p, T> Later<'p, List<T>> {
    /// Adds an item at the end.
    pub fn push<Q>(&self, item: &Q) -> Pending<'p, ()>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let Self { object, pipeline } = *self;
        self.with(object.pack(item, "push"), |item| object.proxy.later(pipeline).push(item))
    }

    /// Replaces the item at an index.
    pub fn set<Q>(&self, index: impl ListIndex, item: &Q) -> Pending<'p, ()>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let Self { object, pipeline } = *self;
        self.with(object.pack(item, "set"), |item| {
            object.proxy.later(pipeline).set(index.to_i64(), item)
        })
    }
}

impl<'p, T: DeserializeOwned> Later<'p, List<T>> {
    /// Asks for the item at an index.
    pub fn get(&self, index: impl ListIndex) -> Pending<'p, T> {
        let Self { object, pipeline } = *self;
        let item = object.proxy.later(pipeline).get(index.to_i64());
        item.and_then(|item| into_value(item, &list::INTERFACE, "get"))
    }
}

impl<'p, T> Later<'p, Queue<T>> {
    /// Puts an item in; it stands in line while the queue is full.
    pub fn put<Q>(&self, item: &Q) -> Pending<'p, ()>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let Self { object, pipeline } = *self;
        self.with(object.pack(item, "put"), |item| object.proxy.later(pipeline).put(item, 0))
    }
}

impl<'p, T: DeserializeOwned> Later<'p, Queue<T>> {
    /// Takes an item, and stands in line for it; the answer is `None` when the queue is closed and
    /// drained. Who asks for several waits for each: an item that has come, and whose call nobody
    /// waits for, is lost, also where `?` leaves at an error of another call.
    pub fn get(&self) -> Pending<'p, Option<T>> {
        let Self { object, pipeline } = *self;
        let item = object.proxy.later(pipeline).get();
        item.and_then(|item| item.map(|item| object.open(item)).transpose())
    }
}

impl<'p, T> Later<'p, Set<T>> {
    /// Adds a member; the answer is whether it is new.
    pub fn insert<Q>(&self, member: &Q) -> Pending<'p, bool>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let Self { object, pipeline } = *self;
        self.with(object.pack(member, "insert"), |member| {
            object.proxy.later(pipeline).insert(member)
        })
    }

    /// Asks whether something is a member.
    pub fn contains<Q>(&self, member: &Q) -> Pending<'p, bool>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let Self { object, pipeline } = *self;
        self.with(object.pack(member, "contains"), |member| {
            object.proxy.later(pipeline).contains(member)
        })
    }
}

impl<'p, T> Later<'p, Value<T>> {
    /// Replaces the value.
    pub fn set<Q>(&self, value: &Q) -> Pending<'p, ()>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let Self { object, pipeline } = *self;
        self.with(object.pack(value, "set"), |value| object.proxy.later(pipeline).set(value))
    }
}

impl<'p, T: DeserializeOwned> Later<'p, Value<T>> {
    /// Asks for the value.
    pub fn get(&self) -> Pending<'p, T> {
        let Self { object, pipeline } = *self;
        let value = object.proxy.later(pipeline).get();
        value.and_then(|value| into_value(value, &value::INTERFACE, "get"))
    }
}

impl<'p, T: Number> Later<'p, Value<T>> {
    /// Adds; the answer is the number before.
    pub fn fetch_add(&self, operand: T) -> Pending<'p, T> {
        let Self { object, pipeline } = *self;
        self.with(object.pack(&operand, "fetch_add"), |operand| {
            let before = object.proxy.later(pipeline).fetch(T::KIND, NumberOp::Add, operand);
            before.and_then(|before| object.unpack(&before, "fetch_add"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_in_a_pipeline_can_be_copied_into_closures() {
        fn is_copy<T: Copy>() {}
        is_copy::<Later<'_, Queue<String>>>();
    }
}
