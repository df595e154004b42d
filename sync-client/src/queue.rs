//! Queue, its options, its deliveries, its iterators.

use core::marker::PhantomData;
use std::borrow::Borrow;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sync_objects::{Item, Leased, queue};
use sync_proto::{Error, Handle, Interface, Payload, Place, Shared};

use crate::held::{Held, attempt};
use crate::proxy::read_or_give_back;

mod delivery;
mod iter;
mod options;

pub use delivery::Delivery;
use delivery::Lease;
pub use iter::{Deliveries, Iter};
pub use options::{QueueOptions, Received, Sent};

/// About how many bytes of items are fetched at once.
const PORTION: u64 = 1 << 20;

/// A queue that processes share.
///
/// An item that is *got* belongs to the getter. An item that is *leased*
/// ([`get_leased`](Self::get_leased), [`deliveries`](Self::deliveries)) belongs to the queue until
/// it is acknowledged: if its consumer dies, it goes back to its place and is delivered again. So a
/// leased item is processed at least once, and one that is got at most once.
///
/// ```
/// # let server = sync_server::Server::builder().spawn()?;
/// # let manager = sync_client::Manager::over(server.local()?);
/// let jobs = manager.create_queue::<String>(100)?;
/// jobs.put("sweep")?;
/// jobs.put("mop")?;
/// jobs.close()?;
/// for job in jobs.deliveries() {
///     let job = job?;
///     println!("{}", *job);
///     job.ack()?;
/// }
/// # Ok::<(), sync_client::Error>(())
/// ```
#[derive(Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct Queue<T> {
    pub(crate) proxy: queue::Proxy,
    #[serde(skip)]
    marker: PhantomData<fn() -> T>,
}

crate::proxy::common!(Queue<T>, queue);

impl<T> Queue<T> {
    /// Creates a queue at a place: a manager, or a name in it.
    ///
    /// # Errors
    /// Those of [`Place::create`]; [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput)
    /// for a bound of 0.
    pub fn new(place: impl Place, options: impl Into<QueueOptions>) -> Result<Self, Error> {
        let QueueOptions { bound, order } = options.into();
        queue::Proxy::new(place, bound, order).map(Self::of)
    }

    /// Puts an item in; waits while the queue is full.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed) when the queue is closed;
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when the item can't be encoded;
    /// [`ErrorKind::OutOfMemory`](crate::ErrorKind::OutOfMemory) when the manager has reached its
    /// memory limit.
    pub fn put<Q>(&self, item: &Q) -> Result<(), Error>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.proxy.put(self.pack(item, "put")?, 0)
    }

    /// Puts an item in with a priority; the smallest comes out first. Waits while the queue is
    /// full: with a deadline, as in `queue.within(timeout).put_with_priority(…)`, it fails with
    /// [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut) if there is no room by then.
    ///
    /// # Errors
    /// Those of [`put`](Self::put); [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput)
    /// when it was not created [`by_priority`](QueueOptions::by_priority) and the priority is not
    /// 0.
    pub fn put_with_priority<Q>(&self, item: &Q, priority: i64) -> Result<(), Error>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.proxy.put(self.pack(item, "put")?, priority)
    }

    /// Puts items in, in one step and one right after another; waits until there is room for all of
    /// them. It is one round trip, however many they are.
    ///
    /// # Errors
    /// Those of [`put`](Self::put); [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput)
    /// when there are more than the queue can hold;
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) when they don't fit into one message
    /// (which takes some 349,000 small ones). Then nothing is put.
    pub fn put_many<Q>(&self, items: impl IntoIterator<Item = Q>) -> Result<(), Error>
    where
        Q: Borrow<T>,
        T: Serialize,
    {
        let items = items.into_iter().map(|item| self.pack(item.borrow(), "put_many"));
        self.proxy.put_many(items.collect::<Result<_, _>>()?)
    }

    /// Puts an item in if there is room now and nobody stands in line.
    ///
    /// # Errors
    /// Those of [`put`](Self::put).
    #[doc(alias = "put_nowait")]
    pub fn try_put<Q>(&self, item: &Q) -> Result<Sent, Error>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        self.try_put_for(item, Duration::ZERO)
    }

    /// Puts an item in; waits for room for at most `timeout` by the manager's clock.
    ///
    /// # Errors
    /// Those of [`put`](Self::put).
    pub fn try_put_for<Q>(&self, item: &Q, timeout: Duration) -> Result<Sent, Error>
    where
        T: Borrow<Q>,
        Q: Serialize + ?Sized,
    {
        let item = self.pack(item, "put")?;
        let sent =
            attempt(self.proxy.remote(), timeout, || self.proxy.within(timeout).put(item, 0))?;
        Ok(sent.map_or(Sent::Full, |()| Sent::Done))
    }

    /// Counts an item that was got as done. An acknowledged delivery counts by itself.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when more items would be done
    /// than were got.
    pub fn task_done(&self) -> Result<(), Error> {
        self.proxy.task_done()
    }

    /// Waits until every item that was put is done.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn join(&self) -> Result<(), Error> {
        self.proxy.join()
    }

    /// Accepts no more items. Those that are in the queue can still be got; after them getters get
    /// the end, but not before every lease has ended.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    #[doc(alias = "shutdown")]
    pub fn close(&self) -> Result<(), Error> {
        self.proxy.close()
    }

    /// Accepts no more items and discards those in the queue; returns how many there were. A leased
    /// item can still be acknowledged; one that comes back is discarded, too.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn close_now(&self) -> Result<u64, Error> {
        self.proxy.close_now()
    }

    /// Returns whether the queue is closed.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn is_closed(&self) -> Result<bool, Error> {
        self.proxy.is_closed()
    }

    /// Returns how many items wait to be got; leased ones are not among them. It may have changed
    /// before the answer is read.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    #[doc(alias = "qsize")]
    pub fn len(&self) -> Result<u64, Error> {
        self.proxy.len()
    }

    /// Returns whether no item waits to be got.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    #[doc(alias = "empty")]
    pub fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.len()? == 0)
    }

    /// Returns whether the queue is full.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    #[doc(alias = "full")]
    pub fn is_full(&self) -> Result<bool, Error> {
        self.proxy.is_full()
    }

    /// Returns how many items the queue can hold.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    #[doc(alias = "maxsize")]
    pub fn bound(&self) -> Result<Option<u64>, Error> {
        self.proxy.bound()
    }
}

impl<T: DeserializeOwned> Queue<T> {
    /// Waits for an item and takes it; `None` when the queue is closed and drained.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`](crate::ErrorKind::WrongType) when the item is not a `T`; it goes
    /// back to its place.
    pub fn get(&self) -> Result<Option<T>, Error> {
        self.proxy.get()?.map(|item| self.open(item)).transpose()
    }

    /// Waits for an item and takes it together with those behind it: at most `max`, and no more
    /// than about a mebibyte, but at least one. Returns none only when the queue is closed and
    /// drained. It is one round trip, however many they are.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`](crate::ErrorKind::WrongType) when one of the items is not a `T`;
    /// all of them go back to their places.
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when `max` is 0.
    pub fn get_many(&self, max: u64) -> Result<Vec<T>, Error> {
        self.open_all(self.proxy.get_many(max, PORTION)?)
    }

    /// Takes as many items as [`get_many`](Self::get_many) does, if there is one now and nobody
    /// stands in line.
    ///
    /// # Errors
    /// Those of [`get_many`](Self::get_many).
    pub fn try_get_many(&self, max: u64) -> Result<Received<Vec<T>>, Error> {
        let (remote, now) = (self.proxy.remote(), Duration::ZERO);
        let got = attempt(remote, now, || self.proxy.within(now).get_many(max, PORTION))?;
        match got {
            None => Ok(Received::Empty),
            Some(items) if items.is_empty() => Ok(Received::Closed),
            Some(items) => self.open_all(items).map(Received::Item),
        }
    }

    /// Takes an item if there is one now and nobody stands in line.
    ///
    /// # Errors
    /// Those of [`get`](Self::get).
    #[doc(alias = "get_nowait")]
    pub fn try_get(&self) -> Result<Received<T>, Error> {
        self.try_get_for(Duration::ZERO)
    }

    /// Waits for an item for at most `timeout` by the manager's clock.
    ///
    /// # Errors
    /// Those of [`get`](Self::get).
    pub fn try_get_for(&self, timeout: Duration) -> Result<Received<T>, Error> {
        let got = attempt(self.proxy.remote(), timeout, || self.proxy.within(timeout).get())?;
        received(got, |item| self.open(item))
    }

    /// Waits for an item and leases it; `None` when the queue is closed and drained, and no lease
    /// is left that could bring an item back: not even one of this process.
    ///
    /// # Errors
    /// Those of [`get`](Self::get).
    pub fn get_leased(&self) -> Result<Option<Delivery<T>>, Error> {
        self.proxy.get_leased()?.map(|leased| self.deliver(leased)).transpose()
    }

    /// Leases an item if there is one now and nobody stands in line.
    ///
    /// # Errors
    /// Those of [`get`](Self::get).
    pub fn try_get_leased(&self) -> Result<Received<Delivery<T>>, Error> {
        self.try_get_leased_for(Duration::ZERO)
    }

    /// Waits for an item for at most `timeout` by the manager's clock, and leases it.
    ///
    /// # Errors
    /// Those of [`get`](Self::get).
    pub fn try_get_leased_for(&self, timeout: Duration) -> Result<Received<Delivery<T>>, Error> {
        let got =
            attempt(self.proxy.remote(), timeout, || self.proxy.within(timeout).get_leased())?;
        received(got, |leased| self.deliver(leased))
    }

    /// Returns an iterator that gets items until the queue is closed and drained.
    pub fn iter(&self) -> Iter<T> {
        Iter { queue: self.clone(), ended: false }
    }

    /// Returns an iterator that leases items until the queue is closed and drained, and no lease is
    /// left that could bring an item back. So acknowledge each delivery before you ask for the
    /// next one: who collects them to acknowledge them afterwards waits in vain, for its own.
    ///
    /// An item that is not a `T` stays in the queue, and ends the deliveries of whoever comes to it
    /// with an error. It is taken out by who opens the queue as one of `serde::de::IgnoredAny`.
    pub fn deliveries(&self) -> Deliveries<T> {
        Deliveries { queue: self.clone(), ended: false }
    }

    pub(crate) fn open(&self, item: Item) -> Result<T, Error> {
        let read = |item: &Item| self.unpack(&item.payload, "get");
        read_or_give_back(&self.proxy, item, read, |proxy, item| proxy.put_back(vec![item]))
    }

    fn open_all(&self, items: Vec<Item>) -> Result<Vec<T>, Error> {
        let read = |item: &Item| self.unpack(&item.payload, "get_many");
        let read = |items: &Vec<Item>| items.iter().map(read).collect();
        read_or_give_back(&self.proxy, items, read, |proxy, items| proxy.put_back(items))
    }

    fn deliver(&self, leased: Leased) -> Result<Delivery<T>, Error> {
        let Leased { token, item, .. } = leased;
        let (id, attempt) = (item.id, item.attempt);
        let read = |item: &Item| self.unpack(&item.payload, "get_leased");
        let item = read_or_give_back(&self.proxy, item, read, |proxy, _| {
            // A number always encodes; a session that is over has given the item back. A call might
            // find no connection, and the item be leased for as long as this process lives.
            let _ = proxy.one_way().requeue(token);
            Ok(())
        })?;
        let lease = Lease { queue: self.proxy.clone(), held: Held::new(token) };
        Ok(Delivery { item, id, attempt, lease })
    }
}

fn received<I, T>(
    got: Option<Option<I>>,
    open: impl FnOnce(I) -> Result<T, Error>,
) -> Result<Received<T>, Error> {
    match got {
        Some(Some(item)) => open(item).map(Received::Item),
        Some(None) => Ok(Received::Closed),
        None => Ok(Received::Empty),
    }
}
