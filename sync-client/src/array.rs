//! Array, its elements and its iterators.

use core::marker::PhantomData;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sync_objects::{ArrayStart, PackedElements, Typecode, array};
use sync_proto::{Error, Handle, Interface, Payload, Place, Shared};

use crate::list::{ListIndex, ListRange};
use crate::update::{give_back, update};
use crate::value::Exchange;

mod arithmetic;
mod element;
mod iter;

pub use element::Element;
pub use iter::Iter;

/// An array that processes share: packed elements of one machine type, of a fixed length.
///
/// Many elements travel as their bytes, in one round trip. An index counts from the start, or from
/// the end when it is negative; slices are ranges of such indices, and as in Python they are cut
/// off at the end of the array. The manager knows the type of the elements: a proxy with another
/// element type is refused with [`ErrorKind::WrongType`](crate::ErrorKind::WrongType).
///
/// ```
/// # let server = sync_server::Server::builder().spawn()?;
/// # let manager = sync_client::Manager::over(server.local()?);
/// let heights = manager.create_array_zeroed::<f64>(1000)?;
/// heights.set(-1, 2.5)?;
/// heights.set_slice(..3, &[1.0, 2.0, 3.0])?;
/// heights.update(1..3, |heights| heights.reverse())?;
/// assert_eq!(heights.slice(..4)?, [1.0, 3.0, 2.0, 0.0]);
/// assert_eq!(heights.fetch_add(0, 0.5)?, 1.0);
/// assert_eq!(heights.to_vec()?.iter().sum::<f64>(), 9.0);
/// # Ok::<(), sync_client::Error>(())
/// ```
#[derive(Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct Array<T> {
    proxy: array::Proxy,
    #[serde(skip)]
    marker: PhantomData<fn() -> T>,
}

crate::proxy::common!(Array<T>, array);

impl<T> Array<T> {
    /// Returns the type of the elements, as the manager knows it.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn typecode(&self) -> Result<Typecode, Error> {
        self.proxy.typecode()
    }

    /// Returns how many elements there are.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    #[doc(alias = "__len__")]
    pub fn len(&self) -> Result<u64, Error> {
        self.proxy.len()
    }

    /// Returns whether there are no elements.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.proxy.len()? == 0)
    }

    /// Exchanges two elements.
    ///
    /// # Errors
    /// [`ErrorKind::OutOfRange`](crate::ErrorKind::OutOfRange) when there is no such index.
    pub fn swap(&self, first: impl ListIndex, second: impl ListIndex) -> Result<(), Error> {
        self.proxy.swap(first.to_i64(), second.to_i64())
    }
}

impl<T: Element> Array<T> {
    /// Creates an array of these elements at a place: a manager, or a name in it. If the name
    /// exists already, its array must have the same type and length.
    ///
    /// # Errors
    /// Those of [`Place::create`]; [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) when the
    /// elements don't fit into one message: create it [`zeroed`](Self::zeroed), then set its
    /// slices.
    pub fn new(place: impl Place, elements: impl IntoIterator<Item = T>) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        elements.into_iter().for_each(|element| element.put(&mut bytes));
        let packed = PackedElements::new(&bytes);
        let packed = packed.map_err(|refusal| refusal.during(array::INTERFACE.name, "new"))?;
        array::Proxy::new(place, T::TYPECODE, ArrayStart::Elements(packed)).map(Self::of)
    }

    /// Creates an array of `len` zeros at a place: a manager, or a name in it. If the name exists
    /// already, its array must have the same type and length.
    ///
    /// # Errors
    /// Those of [`Place::create`]; [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) for more
    /// than 1 GiB; [`ErrorKind::OutOfMemory`](crate::ErrorKind::OutOfMemory) for more than the
    /// manager may keep. If its system has less memory than that, the first call that uses the
    /// array fails with it.
    pub fn zeroed(place: impl Place, len: u64) -> Result<Self, Error> {
        array::Proxy::new(place, T::TYPECODE, ArrayStart::Zeros(len)).map(Self::of)
    }

    /// Returns the element at an index.
    ///
    /// # Errors
    /// [`ErrorKind::OutOfRange`](crate::ErrorKind::OutOfRange) when there is no such index;
    /// [`ErrorKind::WrongType`](crate::ErrorKind::WrongType) when the elements are not `T`s.
    #[doc(alias = "__getitem__")]
    pub fn get(&self, index: impl ListIndex) -> Result<T, Error> {
        self.unpack(&self.proxy.get(T::TYPECODE, index.to_i64())?, "get")
    }

    /// Returns the elements of a range, as they were at one moment.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a step of 0;
    /// [`ErrorKind::WrongType`](crate::ErrorKind::WrongType) when the elements are not `T`s;
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) when they don't fit into one message.
    pub fn slice(&self, range: impl ListRange) -> Result<Vec<T>, Error> {
        element::unpack(&self.proxy.slice(T::TYPECODE, range.to_slice())?, "slice")
    }

    /// Returns all elements, as they were at one moment.
    ///
    /// # Errors
    /// Those of [`slice`](Self::slice). An array that does not fit into one message can be read by
    /// [`iter`](Self::iter) or in slices.
    #[doc(alias = "tolist")]
    pub fn to_vec(&self) -> Result<Vec<T>, Error> {
        self.slice(..)
    }

    /// Sets the element at an index.
    ///
    /// # Errors
    /// Those of [`get`](Self::get).
    #[doc(alias = "__setitem__")]
    pub fn set(&self, index: impl ListIndex, element: T) -> Result<(), Error> {
        self.proxy.set(T::TYPECODE, index.to_i64(), self.pack(&element, "set")?)
    }

    /// Replaces the elements of a range by the same number of others, in one step.
    ///
    /// # Errors
    /// Those of [`slice`](Self::slice); [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput)
    /// when there are more or fewer of them: nothing is changed then.
    pub fn set_slice(&self, range: impl ListRange, elements: &[T]) -> Result<(), Error> {
        let packed = element::pack(elements, "set_slice")?;
        self.proxy.set_slice(T::TYPECODE, range.to_slice(), packed)
    }

    /// Sets all elements of a range to one value, in one step.
    ///
    /// # Errors
    /// Those of [`slice`](Self::slice).
    pub fn fill(&self, range: impl ListRange, element: T) -> Result<(), Error> {
        self.proxy.fill(T::TYPECODE, range.to_slice(), self.pack(&element, "fill")?)
    }

    /// Replaces the element at an index if it equals the expected one.
    ///
    /// # Errors
    /// Those of [`get`](Self::get).
    #[doc(alias = "compare_and_swap")]
    pub fn compare_exchange(
        &self,
        index: impl ListIndex,
        expected: T,
        new: T,
    ) -> Result<Exchange<T>, Error> {
        let method = "compare_exchange";
        let (expected, new) = (self.pack(&expected, method)?, self.pack(&new, method)?);
        match self.proxy.compare_exchange(T::TYPECODE, index.to_i64(), expected, new)? {
            Ok(_) => Ok(Exchange::Done),
            Err(found) => self.unpack(&found, method).map(Exchange::Found),
        }
    }

    /// Changes the elements of a range in turn: `change` runs here, once, while other writers of
    /// the array wait in line and readers don't. If it panics, or this process dies in it, nothing
    /// changes.
    ///
    /// What `change` returns is returned, and does not matter otherwise: to change nothing on an
    /// error, use [`try_update`](Self::try_update).
    ///
    /// # Errors
    /// Those of [`slice`](Self::slice); [`ErrorKind::Changed`](crate::ErrorKind::Changed) when
    /// `change` itself wrote to this array through a proxy;
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an update inside an update
    /// of the same array.
    #[doc(alias = "get_lock")]
    pub fn update<R>(
        &self,
        range: impl ListRange,
        change: impl FnOnce(&mut [T]) -> R,
    ) -> Result<R, Error> {
        self.try_update(range, |elements| Ok(change(elements)))
    }

    /// Does the same as [`update`](Self::update) if `change` returns `Ok`; if it returns an error,
    /// nothing changes, and that is returned.
    ///
    /// # Errors
    /// Those of `change`, and of [`update`](Self::update).
    pub fn try_update<R, E: From<Error>>(
        &self,
        range: impl ListRange,
        change: impl FnOnce(&mut [T]) -> Result<R, E>,
    ) -> Result<R, E> {
        let slice = range.to_slice();
        let begun = self.proxy.begin_update(T::TYPECODE, slice).inspect_err(|error| {
            give_back(error, || self.proxy.one_way().abandon_update());
        })?;
        let update = update!(self.proxy, begun.token);
        let mut elements = element::unpack(&begun.elements, "update")?;
        let result = change(&mut elements)?;
        let packed = element::pack(&elements, "update")?;
        update.commit(|token| self.proxy.commit_update(T::TYPECODE, token, slice, packed))?;
        Ok(result)
    }

    /// Returns an iterator over the elements, a page at a time. Each page is as it was at one
    /// moment; others may write between two pages.
    #[doc(alias = "__iter__")]
    pub fn iter(&self) -> Iter<T> {
        Iter::new(self.clone())
    }
}

impl<T: Element> IntoIterator for &Array<T> {
    type Item = Result<T, Error>;
    type IntoIter = Iter<T>;

    fn into_iter(self) -> Iter<T> {
        self.iter()
    }
}
