//! The list's methods that read: items as the type that the user asked for.

use std::borrow::Borrow;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sync_objects::list;
use sync_proto::{Error, Payload};

use super::{Iter, List, ListIndex, ListRange};
use crate::proxy::{pack_all, read_or_give_back};
use crate::update::{give_back, update};

impl<T: DeserializeOwned> List<T> {
    /// Returns the item at an index.
    ///
    /// # Errors
    /// [`ErrorKind::OutOfRange`](crate::ErrorKind::OutOfRange) when there is no such index;
    /// [`ErrorKind::WrongType`](crate::ErrorKind::WrongType) when the item is not a `T`.
    #[doc(alias = "__getitem__")]
    pub fn get(&self, index: impl ListIndex) -> Result<T, Error> {
        crate::proxy::into_value(self.proxy.get(index.to_i64())?, &list::INTERFACE, "get")
    }

    /// Returns the items of a range, as they were at one moment.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a step of 0;
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) when they don't fit into one message;
    /// [`ErrorKind::WrongType`](crate::ErrorKind::WrongType) when one is not a `T`.
    pub fn slice(&self, range: impl ListRange) -> Result<Vec<T>, Error> {
        self.unpack_all(&self.proxy.slice(range.to_slice())?, "slice")
    }

    /// Returns all items, as they were at one moment.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) when they don't fit into one message:
    /// [`iter`](Self::iter) reads them in pages;
    /// [`ErrorKind::WrongType`](crate::ErrorKind::WrongType) when one is not a `T`.
    #[doc(alias = "copy")]
    pub fn to_vec(&self) -> Result<Vec<T>, Error> {
        self.unpack_all(&self.proxy.to_vec()?, "to_vec")
    }

    /// Returns the list's items followed by these; the list stays as it is.
    ///
    /// # Errors
    /// Those of [`to_vec`](Self::to_vec);
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when one of these can't be
    /// encoded.
    #[doc(alias = "__add__")]
    pub fn concat<Q>(&self, items: impl IntoIterator<Item = Q>) -> Result<Vec<T>, Error>
    where
        Q: Borrow<T>,
        T: Serialize,
    {
        self.unpack_all(
            &self.proxy.concat(pack_all::<T>(items, &list::INTERFACE, "concat")?)?,
            "concat",
        )
    }

    /// Takes out the item at an index.
    ///
    /// # Errors
    /// [`ErrorKind::OutOfRange`](crate::ErrorKind::OutOfRange) when there is no such index;
    /// [`ErrorKind::WrongType`](crate::ErrorKind::WrongType) when the item is not a `T`: then it is
    /// put back.
    #[doc(alias = "__delitem__")]
    pub fn remove(&self, index: impl ListIndex) -> Result<T, Error> {
        let index = index.to_i64();
        let item = self.proxy.remove(index)?;
        let read = |item: &Payload| self.unpack(item, "remove");
        read_or_give_back(&self.proxy, item, read, |proxy, item| {
            // The item before the end is put back before what is at its index now; the one at the
            // end goes to the end.
            match index {
                -1 => proxy.push(item),
                0.. => proxy.insert(index, item),
                _ => proxy.insert(index + 1, item),
            }
        })
    }

    /// Takes out the last item; `None` when there is none.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`](crate::ErrorKind::WrongType) when the item is not a `T`: then it is
    /// put back.
    pub fn pop(&self) -> Result<Option<T>, Error> {
        let Some(item) = self.proxy.pop()? else { return Ok(None) };
        let read = |item: &Payload| self.unpack(item, "pop").map(Some);
        read_or_give_back(&self.proxy, item, read, |proxy, item| proxy.push(item))
    }

    /// Changes the whole list in turn: `change` runs here, once, while other writers wait in line
    /// and readers don't. If it panics, or this process dies in it, nothing changes.
    ///
    /// What `change` returns is returned, and does not matter otherwise: to change nothing on an
    /// error, use [`try_update`](Self::try_update).
    ///
    /// # Errors
    /// [`ErrorKind::Changed`](crate::ErrorKind::Changed) when `change` itself wrote to this list
    /// through a proxy; [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an update
    /// inside an update of the same list; [`ErrorKind::WrongType`](crate::ErrorKind::WrongType)
    /// when an item is not a `T`; [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) when the list
    /// does not fit into one message, or has more than some 349,000 items afterwards.
    pub fn update<R>(&self, change: impl FnOnce(&mut Vec<T>) -> R) -> Result<R, Error>
    where
        T: Serialize,
    {
        self.try_update(|items| Ok(change(items)))
    }

    /// Does the same as [`update`](Self::update) if `change` returns `Ok`; if it returns an error,
    /// nothing changes, and that is returned.
    ///
    /// # Errors
    /// Those of `change`, and of [`update`](Self::update).
    pub fn try_update<R, E: From<Error>>(
        &self,
        change: impl FnOnce(&mut Vec<T>) -> Result<R, E>,
    ) -> Result<R, E>
    where
        T: Serialize,
    {
        let begun = self.proxy.begin_update().inspect_err(|error| {
            give_back(error, || self.proxy.one_way().abandon_update());
        })?;
        let update = update!(self.proxy, begun.token);
        let mut items = self.unpack_all(&begun.items, "update")?;
        let result = change(&mut items)?;
        let items = pack_all::<T>(&items, &list::INTERFACE, "update")?;
        update.commit(|token| self.proxy.commit_update(token, items))?;
        Ok(result)
    }

    /// Sorts the items by a key that is computed here, in an [`update`](Self::update). Equal items
    /// keep their order.
    ///
    /// # Errors
    /// Those of [`update`](Self::update).
    pub fn sort_by_key<K: Ord>(&self, key: impl FnMut(&T) -> K) -> Result<(), Error>
    where
        T: Serialize,
    {
        self.update(|items| items.sort_by_key(key))
    }

    /// Returns an iterator over the items, a page at a time. If items are added, removed or moved
    /// meanwhile, it ends with [`ErrorKind::Changed`](crate::ErrorKind::Changed).
    pub fn iter(&self) -> Iter<T> {
        Iter::new(self.clone())
    }

    fn unpack_all(&self, items: &[Payload], method: &'static str) -> Result<Vec<T>, Error> {
        items.iter().map(|item| self.unpack(item, method)).collect()
    }
}

impl<T: DeserializeOwned> IntoIterator for &List<T> {
    type Item = Result<T, Error>;
    type IntoIter = Iter<T>;

    fn into_iter(self) -> Iter<T> {
        self.iter()
    }
}
