//! Set, and its iterators.

use core::marker::PhantomData;
use std::borrow::Borrow;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sync_objects::{SetMember, set};
use sync_proto::{Error, Handle, Interface, Payload, Place, Shared};

use crate::proxy::{pack_all, read_or_restore};

mod algebra;
mod iter;
mod operand;

pub use iter::Iter;
pub use operand::SetOperand;

/// A set that processes share, in insertion order.
///
/// Members are compared as a [`Dict`](crate::Dict)'s keys are, whatever the width of their numbers;
/// what is looked up as another type (`T: Borrow<Q>`) must be [encoded alike](crate#conventions).
/// Every method is one step in the manager, even those with another shared set.
///
/// ```
/// # let server = sync_server::Server::builder().spawn()?;
/// # let manager = sync_client::Manager::over(server.local()?);
/// let seen = manager.create_set_from(["a", "b"].map(String::from))?;
/// assert!(seen.insert("c")? && !seen.insert("a")?);
/// let wanted = manager.create_set_from(["c", "d"].map(String::from))?;
/// assert_eq!(seen.intersection(&wanted)?, ["c"]);
/// seen.union_with(&wanted)?;
/// assert!(seen.is_superset(&wanted)?);
/// assert_eq!(seen.to_vec()?, ["a", "b", "c", "d"]);
/// # Ok::<(), sync_client::Error>(())
/// ```
#[derive(Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct Set<T> {
    pub(crate) proxy: set::Proxy,
    #[serde(skip)]
    marker: PhantomData<fn() -> T>,
}

crate::proxy::common!(Set<T>, set);

impl<T> Set<T> {
    /// Creates an empty set at a place: a manager, or a name in it.
    ///
    /// # Errors
    /// Those of [`Place::create`].
    pub fn new(place: impl Place) -> Result<Self, Error> {
        set::Proxy::new(place, Vec::new()).map(Self::of)
    }

    /// Creates a set of these members.
    ///
    /// # Errors
    /// Those of [`Place::create`]; [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput)
    /// when one can't be a member (a NaN).
    pub fn from_members<Q>(
        place: impl Place,
        members: impl IntoIterator<Item = Q>,
    ) -> Result<Self, Error>
    where
        Q: Borrow<T>,
        T: Serialize,
    {
        set::Proxy::new(place, pack_all::<T>(members, &set::INTERFACE, "new")?).map(Self::of)
    }

    /// Adds a member; returns whether it is new. A member that is there already stays as it is.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when it can't be a member.
    #[doc(alias = "add")]
    pub fn insert<Q>(&self, member: &Q) -> Result<bool, Error>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.proxy.insert(self.pack(member, "insert")?)
    }

    /// Adds members, in one step.
    ///
    /// # Errors
    /// Those of [`insert`](Self::insert); [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) when
    /// they don't fit into one message (which takes some 349,000 small ones): then none is added.
    pub fn extend<Q>(&self, members: impl IntoIterator<Item = Q>) -> Result<(), Error>
    where
        Q: Borrow<T>,
        T: Serialize,
    {
        self.proxy.extend(pack_all::<T>(members, &set::INTERFACE, "extend")?)
    }

    /// Deletes a member; returns whether it was there.
    ///
    /// # Errors
    /// Those of [`insert`](Self::insert).
    #[doc(alias = "discard")]
    pub fn remove<Q>(&self, member: &Q) -> Result<bool, Error>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.proxy.remove(self.pack(member, "remove")?)
    }

    /// Returns whether there is such a member.
    ///
    /// # Errors
    /// Those of [`insert`](Self::insert).
    #[doc(alias = "__contains__")]
    pub fn contains<Q>(&self, member: &Q) -> Result<bool, Error>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.proxy.contains(self.pack(member, "contains")?)
    }

    /// Returns how many members there are.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    #[doc(alias = "__len__")]
    pub fn len(&self) -> Result<u64, Error> {
        self.proxy.len()
    }

    /// Returns whether there are no members.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn is_empty(&self) -> Result<bool, Error> {
        self.proxy.is_empty()
    }

    /// Deletes all members.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn clear(&self) -> Result<(), Error> {
        self.proxy.clear()
    }

    /// Returns whether all members are in the other set too.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a shared set of another
    /// manager, and when a value can't be a member.
    #[doc(alias("issubset", "__le__"))]
    pub fn is_subset(&self, other: impl SetOperand<T>) -> Result<bool, Error> {
        self.proxy.is_subset(other.to_other("is_subset")?)
    }

    /// Returns whether all of the other set's members are in this one.
    ///
    /// # Errors
    /// Those of [`is_subset`](Self::is_subset).
    #[doc(alias("issuperset", "__ge__"))]
    pub fn is_superset(&self, other: impl SetOperand<T>) -> Result<bool, Error> {
        self.proxy.is_superset(other.to_other("is_superset")?)
    }

    /// Returns whether no member is in the other set.
    ///
    /// # Errors
    /// Those of [`is_subset`](Self::is_subset).
    #[doc(alias = "isdisjoint")]
    pub fn is_disjoint(&self, other: impl SetOperand<T>) -> Result<bool, Error> {
        self.proxy.is_disjoint(other.to_other("is_disjoint")?)
    }
}

impl<T: DeserializeOwned> Set<T> {
    /// Takes a member out and returns it, as it was when it was added.
    ///
    /// # Errors
    /// Those of [`insert`](Self::insert); [`ErrorKind::WrongType`](crate::ErrorKind::WrongType)
    /// when it is not a `T`: then it stays.
    pub fn take<Q>(&self, member: &Q) -> Result<Option<T>, Error>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let taken = self.proxy.take(self.pack(member, "take")?)?;
        self.read_or_restore(taken, "take")
    }

    /// Takes the first member out: the one that was inserted first.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`](crate::ErrorKind::WrongType) when it is not a `T`: then it stays.
    pub fn pop(&self) -> Result<Option<T>, Error> {
        self.read_or_restore(self.proxy.pop()?, "pop")
    }

    /// Returns all members, in order, as they were at one moment.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`](crate::ErrorKind::WrongType) when one is not a `T`;
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) when they don't fit into one message:
    /// [`iter`](Self::iter) reads them in pages.
    pub fn to_vec(&self) -> Result<Vec<T>, Error> {
        self.members("to_vec")
    }

    /// Returns all members, as they were at one moment, as a set of any kind.
    ///
    /// # Errors
    /// Those of [`to_vec`](Self::to_vec).
    #[doc(alias = "copy")]
    pub fn to_set<C: FromIterator<T>>(&self) -> Result<C, Error> {
        self.members("to_set")
    }

    fn members<C: FromIterator<T>>(&self, method: &'static str) -> Result<C, Error> {
        let page = self.proxy.page(None, None, u64::MAX)?;
        page.members.iter().map(|member| self.unpack(member, method)).collect()
    }

    /// Returns an iterator over the members, in order, a page at a time. If members are added or
    /// removed meanwhile, it ends with [`ErrorKind::Changed`](crate::ErrorKind::Changed).
    pub fn iter(&self) -> Iter<T> {
        Iter::new(self.clone())
    }

    /// A member that its reader cannot read stays where it was.
    fn read_or_restore(
        &self,
        taken: Option<SetMember>,
        method: &'static str,
    ) -> Result<Option<T>, Error> {
        let Some(taken) = taken else { return Ok(None) };
        let read = |taken: &SetMember| self.unpack(&taken.member, method).map(Some);
        read_or_restore(&self.proxy, taken, read, |proxy, taken| proxy.restore(taken))
    }
}

impl<T: DeserializeOwned> IntoIterator for &Set<T> {
    type Item = Result<T, Error>;
    type IntoIter = Iter<T>;

    fn into_iter(self) -> Iter<T> {
        self.iter()
    }
}
