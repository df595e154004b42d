//! List, its indices and its iterators.

use core::marker::PhantomData;
use std::borrow::Borrow;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sync_objects::list;
use sync_proto::{Error, Handle, Interface, Payload, Place, Refusal, Shared};

use crate::proxy::pack_all;

mod index;
mod iter;
mod read;

pub use index::{ListIndex, ListRange};
pub use iter::Iter;

/// A list that processes share.
///
/// An index counts from the start, or from the end when it is negative: -1 is the last item. Slices
/// are ranges of such indices, and as in Python they are cut off at the end of the list. Items go
/// in by reference and come out as copies: to change one in place, use [`update`](Self::update), or
/// put a proxy into the list.
///
/// ```
/// # let server = sync_server::Server::builder().spawn()?;
/// # let manager = sync_client::Manager::over(server.local()?);
/// let steps = manager.create_list_from(["wash".to_owned(), "dry".to_owned()])?;
/// steps.push("iron")?;
/// assert_eq!(steps.get(-1)?, "iron");
/// assert_eq!(steps.slice(..2)?, ["wash", "dry"]);
/// steps.sort()?;
/// assert_eq!(steps.to_vec()?, ["dry", "iron", "wash"]);
/// # Ok::<(), sync_client::Error>(())
/// ```
#[derive(Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct List<T> {
    pub(crate) proxy: list::Proxy,
    #[serde(skip)]
    marker: PhantomData<fn() -> T>,
}

crate::proxy::common!(List<T>, list);

impl<T> List<T> {
    /// Creates an empty list at a place: a manager, or a name in it.
    ///
    /// # Errors
    /// Those of [`Place::create`].
    pub fn new(place: impl Place) -> Result<Self, Error> {
        list::Proxy::new(place, Vec::new()).map(Self::of)
    }

    /// Creates a list of these items.
    ///
    /// # Errors
    /// Those of [`Place::create`]; [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput)
    /// when an item can't be encoded.
    pub fn from_items<Q>(
        place: impl Place,
        items: impl IntoIterator<Item = Q>,
    ) -> Result<Self, Error>
    where
        Q: Borrow<T>,
        T: Serialize,
    {
        list::Proxy::new(place, pack_all::<T>(items, &list::INTERFACE, "new")?).map(Self::of)
    }

    /// Adds an item at the end.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when it can't be encoded.
    #[doc(alias = "append")]
    pub fn push<Q>(&self, item: &Q) -> Result<(), Error>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.proxy.push(self.pack(item, "push")?)
    }

    /// Adds items at the end, in one step.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when one can't be encoded;
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) when they don't fit one message: some
    /// 349,000 do if they are small. None is added then.
    #[doc(alias = "__iadd__")]
    pub fn extend<Q>(&self, items: impl IntoIterator<Item = Q>) -> Result<(), Error>
    where
        Q: Borrow<T>,
        T: Serialize,
    {
        self.proxy.extend(pack_all::<T>(items, &list::INTERFACE, "extend")?)
    }

    /// Adds the items of another list of the same manager (or this list's own, once more) at the
    /// end, reading and adding them in one step.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a list of another manager.
    pub fn extend_from(&self, other: &Self) -> Result<(), Error> {
        self.proxy.extend_from(other.proxy.handle().clone())
    }

    /// Replaces the item at an index.
    ///
    /// # Errors
    /// [`ErrorKind::OutOfRange`](crate::ErrorKind::OutOfRange) when there is no such index.
    #[doc(alias = "__setitem__")]
    pub fn set<Q>(&self, index: impl ListIndex, item: &Q) -> Result<(), Error>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.proxy.set(index.to_i64(), self.pack(item, "set")?)
    }

    /// Inserts an item before the one at an index, or at an end if the index lies beyond it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when it can't be encoded.
    pub fn insert<Q>(&self, index: impl ListIndex, item: &Q) -> Result<(), Error>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.proxy.insert(index.to_i64(), self.pack(item, "insert")?)
    }

    /// Replaces the items of a range; the list grows or shrinks by the difference. A
    /// [`Slice`](crate::Slice) with a step takes exactly as many items as it has.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a step of 0, or the wrong
    /// number of items for a step.
    pub fn set_slice<Q>(
        &self,
        range: impl ListRange,
        items: impl IntoIterator<Item = Q>,
    ) -> Result<(), Error>
    where
        Q: Borrow<T>,
        T: Serialize,
    {
        self.proxy.set_slice(range.to_slice(), pack_all::<T>(items, &list::INTERFACE, "set_slice")?)
    }

    /// Deletes the items of a range.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a step of 0.
    #[doc(alias = "__delitem__")]
    pub fn delete_slice(&self, range: impl ListRange) -> Result<(), Error> {
        self.proxy.delete_slice(range.to_slice())
    }

    /// Deletes the first item that equals a value; returns whether there was one.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when it can't be encoded.
    #[doc(alias = "remove")]
    pub fn remove_item<Q>(&self, item: &Q) -> Result<bool, Error>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.proxy.remove_item(self.pack(item, "remove_item")?)
    }

    /// Returns the index of the first item that equals a value. Values are compared as in Python,
    /// whatever the width of their numbers.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when it can't be encoded.
    #[doc(alias = "index")]
    pub fn index_of<Q>(&self, item: &Q) -> Result<Option<u64>, Error>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.proxy.index_of(self.pack(item, "index_of")?, None, None)
    }

    /// Returns the index of the first item in a range that equals a value.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when it can't be encoded, and
    /// for a range with a step other than 1.
    pub fn index_of_within<Q>(&self, item: &Q, range: impl ListRange) -> Result<Option<u64>, Error>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let (slice, method) = (range.to_slice(), "index_of_within");
        if slice.step.is_some_and(|step| step != 1) {
            let why = "it looks at every item of a range: give it one without a step";
            let refusal = Refusal::new(crate::ErrorKind::InvalidInput, why);
            return Err(refusal.during(list::INTERFACE.name, method));
        }
        self.proxy.index_of(self.pack(item, method)?, slice.start, slice.end)
    }

    /// Returns how many items equal a value.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when it can't be encoded.
    pub fn count<Q>(&self, item: &Q) -> Result<u64, Error>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.proxy.count(self.pack(item, "count")?)
    }

    /// Returns whether an item equals a value.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when it can't be encoded.
    #[doc(alias = "__contains__")]
    pub fn contains<Q>(&self, item: &Q) -> Result<bool, Error>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.proxy.contains(self.pack(item, "contains")?)
    }

    /// Returns how many items there are.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    #[doc(alias = "__len__")]
    pub fn len(&self) -> Result<u64, Error> {
        self.proxy.len()
    }

    /// Returns whether there are no items.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn is_empty(&self) -> Result<bool, Error> {
        self.proxy.is_empty()
    }

    /// Deletes all items.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn clear(&self) -> Result<(), Error> {
        self.proxy.clear()
    }

    /// Reverses the order of the items.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn reverse(&self) -> Result<(), Error> {
        self.proxy.reverse()
    }

    /// Sorts the items by value, the smallest first: numbers, strings, bytes, and tuples and lists
    /// of these. Equal items keep their order.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`](crate::ErrorKind::WrongType) when two items cannot be compared;
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a NaN. The list then stays
    /// as it was. [`sort_by_key`](Self::sort_by_key) sorts anything.
    pub fn sort(&self) -> Result<(), Error> {
        self.proxy.sort(false)
    }

    /// Sorts the items by value, the greatest first. Equal items keep their order.
    ///
    /// # Errors
    /// Those of [`sort`](Self::sort).
    pub fn sort_descending(&self) -> Result<(), Error> {
        self.proxy.sort(true)
    }

    /// Repeats the items `times` times, one round after another; 0 leaves none.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) when the result would be more than a
    /// manager accepts at once.
    #[doc(alias = "__imul__")]
    pub fn repeat(&self, times: u32) -> Result<(), Error> {
        self.proxy.repeat(times.into())
    }
}
