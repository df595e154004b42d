//! Dict, and its iterators.

use core::marker::PhantomData;
use std::borrow::Borrow;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sync_objects::dict;
use sync_proto::{Error, Handle, Interface, Payload, Place, Shared};

use crate::proxy::{pack, pack_all};
use crate::value::Number;

mod iter;
mod read;

pub use iter::Iter;

/// A map that processes share, in insertion order.
///
/// Keys are compared as in Python, whatever the width of their numbers, and a list counts as a
/// tuple. A key that is looked up as another type (`K: Borrow<Q>`) is found only if both are
/// [encoded alike](crate#conventions). Values go in by reference and come out as copies: to change
/// one, use [`update`](Self::update), or put a proxy in its place.
///
/// ```
/// # let server = sync_server::Server::builder().spawn()?;
/// # let manager = sync_client::Manager::over(server.local()?);
/// let stock = manager.create_dict::<String, u64>()?;
/// stock.set("apples", &3)?;
/// stock.update("apples", |slot| *slot.get_or_insert(0) += 2)?;
/// assert_eq!(stock.get("apples")?, Some(5));
/// for entry in stock.iter() {
///     let (fruit, count) = entry?;
///     println!("{fruit}: {count}");
/// }
/// # Ok::<(), sync_client::Error>(())
/// ```
#[derive(Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct Dict<K, V> {
    pub(crate) proxy: dict::Proxy,
    #[serde(skip)]
    marker: PhantomData<fn() -> (K, V)>,
}

crate::proxy::common!(Dict<K, V>, dict);

impl<K, V> Dict<K, V> {
    /// Creates an empty dict at a place: a manager, or a name in it.
    ///
    /// # Errors
    /// Those of [`Place::create`].
    pub fn new(place: impl Place) -> Result<Self, Error> {
        dict::Proxy::new(place, Vec::new()).map(Self::of)
    }

    /// Creates a dict with these entries; of equal keys, the last value counts.
    ///
    /// # Errors
    /// Those of [`Place::create`]; [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when
    /// a value can't be a key (a NaN).
    pub fn from_entries<Q, W>(
        place: impl Place,
        entries: impl IntoIterator<Item = (Q, W)>,
    ) -> Result<Self, Error>
    where
        Q: Borrow<K>,
        W: Borrow<V>,
        K: Serialize,
        V: Serialize,
    {
        dict::Proxy::new(place, pack_entries::<K, V>(entries, "new")?).map(Self::of)
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when the key can't be a key.
    #[doc(alias = "__setitem__")]
    pub fn set<Q, W>(&self, key: &Q, value: &W) -> Result<(), Error>
    where
        K: Borrow<Q>,
        V: Borrow<W>,
        Q: Serialize + ?Sized,
        W: Serialize + ?Sized,
    {
        self.proxy.set(self.pack(key, "set")?, self.pack(value, "set")?)
    }

    /// Deletes an entry; returns whether there was one.
    ///
    /// # Errors
    /// Those of [`set`](Self::set).
    #[doc(alias = "__delitem__")]
    pub fn delete<Q>(&self, key: &Q) -> Result<bool, Error>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.proxy.delete(self.pack(key, "delete")?)
    }

    /// Deletes the entries of keys in one step; returns how many there were.
    ///
    /// # Errors
    /// Those of [`set`](Self::set).
    pub fn delete_many<'q, Q>(&self, keys: impl IntoIterator<Item = &'q Q>) -> Result<u64, Error>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized + 'q,
    {
        self.proxy.delete_many(pack_all::<Q>(keys, &dict::INTERFACE, "delete_many")?)
    }

    /// Returns whether there is such a key.
    ///
    /// # Errors
    /// Those of [`set`](Self::set).
    #[doc(alias("__contains__", "has_key"))]
    pub fn contains_key<Q>(&self, key: &Q) -> Result<bool, Error>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.proxy.contains_key(self.pack(key, "contains_key")?)
    }

    /// Returns how many entries there are.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn len(&self) -> Result<u64, Error> {
        self.proxy.len()
    }

    /// Returns whether there are no entries.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn is_empty(&self) -> Result<bool, Error> {
        self.proxy.is_empty()
    }

    /// Deletes all entries.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn clear(&self) -> Result<(), Error> {
        self.proxy.clear()
    }

    /// Sets the values of many keys in one step.
    ///
    /// # Errors
    /// Those of [`set`](Self::set); [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) when they
    /// don't fit into one message (which takes some 174,000 small entries): then nothing is set.
    #[doc(alias = "insert_many")]
    #[doc(alias = "update")]
    pub fn extend<Q, W>(&self, entries: impl IntoIterator<Item = (Q, W)>) -> Result<(), Error>
    where
        Q: Borrow<K>,
        W: Borrow<V>,
        K: Serialize,
        V: Serialize,
    {
        self.proxy.extend(pack_entries::<K, V>(entries, "extend")?)
    }

    /// Sets the values of all keys of another dict of the same manager, reading and setting them in
    /// one step.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a dict of another manager.
    pub fn extend_from(&self, other: &Self) -> Result<(), Error> {
        self.proxy.extend_from(other.proxy.handle().clone())
    }

    /// Adds to the number stored under a key, which is 0 if there is none; returns the sum.
    ///
    /// # Errors
    /// [`ErrorKind::Overflow`](crate::ErrorKind::Overflow) when the sum does not fit into a `V`;
    /// [`ErrorKind::WrongType`](crate::ErrorKind::WrongType) when the value is not such a number.
    /// The entry then stays as it was.
    #[doc(alias = "Counter")]
    pub fn add<Q>(&self, key: &Q, amount: V) -> Result<V, Error>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
        V: Number,
    {
        let (key, amount) = (self.pack(key, "add")?, self.pack(&amount, "add")?);
        self.unpack(&self.proxy.add(key, V::KIND, amount)?, "add")
    }

    /// Adds to the numbers stored under many keys in one step: to all of them, or to none on an
    /// error.
    ///
    /// # Errors
    /// Those of [`add`](Self::add).
    pub fn add_all<Q>(&self, amounts: impl IntoIterator<Item = (Q, V)>) -> Result<(), Error>
    where
        Q: Borrow<K>,
        K: Serialize,
        V: Number,
    {
        self.proxy.add_all(V::KIND, pack_entries::<K, V>(amounts, "add_all")?)
    }
}

fn pack_entries<K: Serialize, V: Serialize>(
    entries: impl IntoIterator<Item = (impl Borrow<K>, impl Borrow<V>)>,
    method: &'static str,
) -> Result<Vec<(Payload, Payload)>, Error> {
    let pack_entry = |(key, value): (_, _)| {
        let interface = &dict::INTERFACE;
        Ok((
            pack::<K>(Borrow::borrow(&key), interface, method)?,
            pack::<V>(Borrow::borrow(&value), interface, method)?,
        ))
    };
    entries.into_iter().map(pack_entry).collect()
}
