//! The dict's methods that read: keys and values as the types that the user asked for.

use std::borrow::Borrow;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sync_objects::{DictPage, DictPart, Removed, dict};
use sync_proto::{Error, ErrorKind, Payload};

use super::{Dict, Iter};
use crate::proxy::{pack_all, read_or_restore};
use crate::update::update;
use crate::value::Exchange;

impl<K, V: DeserializeOwned> Dict<K, V> {
    /// Returns the value of a key.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`] when the value is not a `V`.
    #[doc(alias = "__getitem__")]
    pub fn get<Q>(&self, key: &Q) -> Result<Option<V>, Error>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let value = self.proxy.get(self.pack(key, "get")?)?;
        let read = |value| crate::proxy::into_value(value, &dict::INTERFACE, "get");
        value.map(read).transpose()
    }

    /// Returns the values of keys, in the keys' order.
    ///
    /// # Errors
    /// Those of [`get`](Self::get).
    pub fn get_many<'q, Q>(
        &self,
        keys: impl IntoIterator<Item = &'q Q>,
    ) -> Result<Vec<Option<V>>, Error>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized + 'q,
    {
        let values = self.proxy.get_many(pack_all::<Q>(keys, &dict::INTERFACE, "get_many")?)?;
        values.iter().map(|value| self.unpack_some(value.as_ref(), "get_many")).collect()
    }

    /// Sets the value of a key and returns the one before.
    ///
    /// # Errors
    /// Those of [`set`](Self::set); [`ErrorKind::WrongType`] when the one before is not a `V`: then
    /// it is put back, unless somebody has written meanwhile.
    pub fn insert<Q, W>(&self, key: &Q, value: &W) -> Result<Option<V>, Error>
    where
        K: Borrow<Q>,
        V: Borrow<W>,
        Q: Serialize + ?Sized,
        W: Serialize + ?Sized,
    {
        let key = self.pack(key, "insert")?;
        let value = self.pack(value, "insert")?;
        let before = self.proxy.insert(key.clone(), value.clone())?;
        let read = |before: &Option<Payload>| self.unpack_some(before.as_ref(), "insert");
        read_or_restore(&self.proxy, before, read, |proxy, before| {
            let begun = match proxy.begin_update(key.clone()) {
                // The caller is inside an update of its own.
                Err(error) if error.kind() == ErrorKind::InvalidInput => {
                    let outcome = proxy.compare_exchange(key, Some(value), before)?;
                    return Ok(outcome.is_ok());
                }
                begun => begun?,
            };
            let update = update!(proxy, begun.token);
            // Byte by byte: a value that equals nothing is its own still.
            if begun.value != Some(value) {
                return Ok(false);
            }
            update.commit(|token| proxy.commit_update(token, before)).map(|()| true)
        })
    }

    /// Takes out an entry and returns its value.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`] when the value is not a `V`; the entry then stays.
    #[doc(alias = "pop")]
    pub fn remove<Q>(&self, key: &Q) -> Result<Option<V>, Error>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let Some(removed) = self.proxy.remove(self.pack(key, "remove")?)? else { return Ok(None) };
        self.read_or_restore(removed, |removed| self.unpack(&removed.value, "remove")).map(Some)
    }

    /// Returns the value of a key, after setting it to this one if there is none.
    ///
    /// # Errors
    /// Those of [`get`](Self::get) and [`set`](Self::set).
    #[doc(alias = "setdefault")]
    pub fn get_or_insert<Q, W>(&self, key: &Q, value: &W) -> Result<V, Error>
    where
        K: Borrow<Q>,
        V: Borrow<W>,
        Q: Serialize + ?Sized,
        W: Serialize + ?Sized,
    {
        let method = "get_or_insert";
        let value = self.proxy.get_or_insert(self.pack(key, method)?, self.pack(value, method)?)?;
        self.unpack(&value, method)
    }

    /// Replaces the value of a key if it equals the expected one, where `None` means no entry.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`] when what was found is not a `V`.
    pub fn compare_exchange<Q, W>(
        &self,
        key: &Q,
        expected: Option<&W>,
        new: Option<&W>,
    ) -> Result<Exchange<Option<V>>, Error>
    where
        K: Borrow<Q>,
        V: Borrow<W>,
        Q: Serialize + ?Sized,
        W: Serialize + ?Sized,
    {
        let method = "compare_exchange";
        let pack = |value: Option<&W>| value.map(|value| self.pack(value, method)).transpose();
        let (expected, new) = (pack(expected)?, pack(new)?);
        match self.proxy.compare_exchange(self.pack(key, method)?, expected, new)? {
            Ok(_) => Ok(Exchange::Done),
            Err(found) => self.unpack_some(found.as_ref(), method).map(Exchange::Found),
        }
    }

    /// Changes an entry in turn: `change` gets the value, or `None` if there is none, and leaves
    /// what is to be stored. It runs here, once, while other writers of this entry wait in line;
    /// readers and other entries don't. If it panics, or this process dies in it, nothing changes.
    ///
    /// What `change` returns is returned, and does not matter otherwise: to change nothing on an
    /// error, use [`try_update`](Self::try_update).
    ///
    /// # Errors
    /// [`ErrorKind::Changed`] when `change` itself wrote to this entry
    /// through a proxy; [`ErrorKind::InvalidInput`] for an update
    /// inside an update of the same entry; [`ErrorKind::WrongType`]
    /// when the value is not a `V`.
    pub fn update<Q, R>(
        &self,
        key: &Q,
        change: impl FnOnce(&mut Option<V>) -> R,
    ) -> Result<R, Error>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
        V: Serialize,
    {
        self.try_update(key, |slot| Ok(change(slot)))
    }

    /// Does the same as [`update`](Self::update) if `change` returns `Ok`; if it returns an error,
    /// nothing changes, and that is returned.
    ///
    /// # Errors
    /// Those of `change`, and of [`update`](Self::update).
    pub fn try_update<Q, R, E: From<Error>>(
        &self,
        key: &Q,
        change: impl FnOnce(&mut Option<V>) -> Result<R, E>,
    ) -> Result<R, E>
    where
        K: Borrow<Q>,
        Q: Serialize + ?Sized,
        V: Serialize,
    {
        let begun = self.proxy.begin_update(self.pack(key, "update")?)?;
        let update = update!(self.proxy, begun.token);
        let mut slot = self.unpack_some(begun.value.as_ref(), "update")?;
        let result = change(&mut slot)?;
        let value = slot.map(|value| self.pack(&value, "update")).transpose()?;
        update.commit(|token| self.proxy.commit_update(token, value))?;
        Ok(result)
    }

    /// Returns all values, in the order of their keys, as they were at one moment.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] when they don't fit into one message: [`iter`](Self::iter) reads
    /// them in pages; [`ErrorKind::WrongType`] when a value is not a `V`.
    pub fn values(&self) -> Result<Vec<V>, Error> {
        let page = self.whole(DictPart::Values)?;
        page.values.iter().map(|value| self.unpack(value, "values")).collect()
    }

    fn unpack_some(
        &self,
        value: Option<&Payload>,
        method: &'static str,
    ) -> Result<Option<V>, Error> {
        value.map(|value| self.unpack(value, method)).transpose()
    }
}

impl<K, V> Dict<K, V> {
    /// A value that its reader cannot read stays where it was.
    fn read_or_restore<T>(
        &self,
        removed: Removed,
        read: impl FnOnce(&Removed) -> Result<T, Error>,
    ) -> Result<T, Error> {
        read_or_restore(&self.proxy, removed, read, |proxy, removed| proxy.restore(removed))
    }

    fn whole(&self, part: DictPart) -> Result<DictPage, Error> {
        self.proxy.page(part, false, None, None, u64::MAX)
    }
}

impl<K: DeserializeOwned, V> Dict<K, V> {
    /// Returns all keys, in order, as they were at one moment.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] when they don't fit into one message: [`iter`](Self::iter) reads
    /// them in pages; [`ErrorKind::WrongType`] when a key is not a `K`.
    pub fn keys(&self) -> Result<Vec<K>, Error> {
        let page = self.whole(DictPart::Keys)?;
        page.keys.iter().map(|key| self.unpack(key, "keys")).collect()
    }
}

impl<K: DeserializeOwned, V: DeserializeOwned> Dict<K, V> {
    /// Returns all entries, in order, as they were at one moment.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] when they don't fit into one message: [`iter`](Self::iter) reads
    /// them in pages; [`ErrorKind::WrongType`] when a key is not a `K` or a value not a `V`.
    pub fn items(&self) -> Result<Vec<(K, V)>, Error> {
        self.entries("items")
    }

    /// Returns all entries, as they were at one moment, as a map of any kind.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] when they don't fit into one message: [`iter`](Self::iter) reads
    /// them in pages; [`ErrorKind::WrongType`] when a key is not a `K` or a value not a `V`.
    #[doc(alias = "copy")]
    pub fn to_map<M: FromIterator<(K, V)>>(&self) -> Result<M, Error> {
        self.entries("to_map")
    }

    fn entries<M: FromIterator<(K, V)>>(&self, method: &'static str) -> Result<M, Error> {
        let page = self.whole(DictPart::Items)?;
        let entries = page.keys.iter().zip(&page.values);
        entries
            .map(|(key, value)| Ok((self.unpack(key, method)?, self.unpack(value, method)?)))
            .collect()
    }

    /// Takes out the last entry.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`] when it is not a `K` and a `V`; the entry then stays.
    #[doc(alias = "popitem")]
    pub fn pop_last(&self) -> Result<Option<(K, V)>, Error> {
        let Some(removed) = self.proxy.pop_last()? else { return Ok(None) };
        let entry = |removed: &Removed| {
            let key = self.unpack(&removed.key, "pop_last")?;
            Ok((key, self.unpack(&removed.value, "pop_last")?))
        };
        self.read_or_restore(removed, entry).map(Some)
    }

    /// Returns an iterator over the entries, in order, a page at a time. If keys are added or
    /// removed meanwhile, it ends with [`ErrorKind::Changed`].
    pub fn iter(&self) -> Iter<K, V> {
        Iter::new(self.clone(), false)
    }

    /// Returns an iterator over the entries, the last first.
    #[doc(alias = "__reversed__")]
    pub fn iter_reversed(&self) -> Iter<K, V> {
        Iter::new(self.clone(), true)
    }
}

impl<K: DeserializeOwned, V: DeserializeOwned> IntoIterator for &Dict<K, V> {
    type Item = Result<(K, V), Error>;
    type IntoIter = Iter<K, V>;

    fn into_iter(self) -> Iter<K, V> {
        self.iter()
    }
}
