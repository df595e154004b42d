//! Condition.

use core::fmt;
use core::hash::{Hash, Hasher};
use std::sync::OnceLock;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sync_objects::{Woken, condition};
use sync_proto::{Error, ErrorKind, Handle, Interface, Place, Refusal, Shared};

use crate::{Lock, WaitTimeoutResult};

mod lock;

pub use lock::ConditionLock;

/// A condition that processes wait for: a holder of its lock gives the lock up, waits to be
/// notified by another holder, and has the lock again when the wait is over.
///
/// It uses a lock of its own ([`Manager::create_condition`]) or a given [`Lock`] or
/// [`RLock`](crate::RLock) ([`Manager::create_condition_on`]); several conditions may share one
/// lock, and any guard of that lock will do.
///
/// Waiters are notified first come, first served, and none wakes without a notification before its
/// time is up. If a notified waiter dies before it has the lock, the notification passes on to the
/// next one; if it dies later, the notification is gone with it, and the next holder of the lock
/// can see that ([`LockGuard::was_abandoned`](crate::LockGuard::was_abandoned)).
///
/// ```
/// # let server = sync_server::Server::builder().spawn()?;
/// # let manager = sync_client::Manager::over(server.local()?);
/// let ready = manager.create_condition()?;
/// let count = manager.create_value(0u32)?;
/// let worker = std::thread::spawn({
///     let (ready, count) = (ready.clone(), count.clone());
///     move || {
///         let guard = ready.lock()?;
///         count.set(&3)?;
///         ready.notify_all(&guard)
///     }
/// });
/// let mut guard = ready.lock()?;
/// ready.wait_while(&mut guard, || Ok(count.get()? < 3))?;
/// # worker.join().unwrap()?;
/// # Ok::<(), sync_client::Error>(())
/// ```
///
/// # Differences from Python's `Condition`
/// Its own lock is a [`Lock`], not an `RLock`; `wait_for(predicate)` is
/// [`wait_while`](Self::wait_while), which waits while the predicate is *true*; a condition on an
/// [`RLock`](crate::RLock) works.
///
/// [`Manager::create_condition`]: crate::Manager::create_condition
/// [`Manager::create_condition_on`]: crate::Manager::create_condition_on
#[derive(Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct Condition<L = Lock> {
    proxy: condition::Proxy,
    /// The lock, once it is known here.
    #[serde(skip)]
    lock: OnceLock<L>,
}

impl Condition<Lock> {
    /// Creates a condition with a lock of its own at a place: a manager, or a name in it.
    ///
    /// # Errors
    /// Those of [`Place::create`].
    pub fn new(place: impl Place) -> Result<Self, Error> {
        Ok(Self::of(condition::Proxy::new(place, None)?))
    }
}

impl<L> Condition<L> {
    fn of(proxy: condition::Proxy) -> Self {
        Self { proxy, lock: OnceLock::new() }
    }
}

impl<L: ConditionLock> Condition<L> {
    /// Creates a condition on a lock at a place: a manager, or a name in it.
    ///
    /// # Errors
    /// Those of [`Place::create`]; [`ErrorKind::InvalidInput`] when the lock is of another
    /// manager; [`ErrorKind::Mismatch`] when the name is taken by a condition on another lock.
    pub fn new_on(place: impl Place, lock: &L) -> Result<Self, Error> {
        let proxy = condition::Proxy::new(place, Some(lock.handle().clone()))?;
        Ok(Self { proxy, lock: lock.clone().into() })
    }

    /// Returns the same condition with a deadline for each call; a wait that takes longer retakes
    /// the lock and then fails with [`ErrorKind::TimedOut`].
    #[must_use]
    pub fn within(&self, timeout: Duration) -> Self {
        Self { proxy: self.proxy.within(timeout), lock: self.lock.clone() }
    }

    /// Returns the lock that the condition uses.
    ///
    /// # Errors
    /// [`ErrorKind::WrongType`] when the condition came by a name, a ticket or a container and uses
    /// another type of lock.
    pub fn on(&self) -> Result<L, Error> {
        if let Some(lock) = self.lock.get() {
            return Ok(lock.clone());
        }
        let lock = L::attach(self.proxy.lock()?)?;
        Ok(self.lock.get_or_init(|| lock).clone())
    }

    /// Waits until the condition's lock is free and takes it.
    ///
    /// # Errors
    /// Those of [`on`](Self::on); [`ErrorKind::Disconnected`] when the manager is gone;
    /// [`ErrorKind::Deadlock`] when waiting would close a deadlock and the manager refuses that.
    #[doc(alias = "acquire")]
    pub fn lock(&self) -> Result<L::Guard, Error> {
        self.on()?.take(self.proxy.remote().deadline())
    }

    /// Gives up the lock, however often this thread took it, and waits to be notified; has the
    /// lock again, as often, when it returns.
    ///
    /// # Errors
    /// [`ErrorKind::NotOwner`] when the guard is not of this condition's lock;
    /// [`ErrorKind::TimedOut`] when the deadline set by [`within`](Self::within) passed: the lock
    /// is held again then; [`ErrorKind::Disconnected`] when the manager is gone.
    pub fn wait(&self, guard: &mut L::Guard) -> Result<(), Error> {
        self.wait_at_most(guard, None).map(drop)
    }

    /// Waits as [`wait`](Self::wait) does, for at most `timeout` by the manager's clock. The lock
    /// is retaken even when the time is up, however long that takes.
    ///
    /// # Errors
    /// Those of [`wait`](Self::wait).
    pub fn wait_for(
        &self,
        guard: &mut L::Guard,
        timeout: Duration,
    ) -> Result<WaitTimeoutResult, Error> {
        let woken = self.wait_at_most(guard, Some(timeout))?;
        Ok(WaitTimeoutResult { timed_out: woken.timed_out })
    }

    /// Waits while the predicate is true, and checks it again after each notification. It runs
    /// here, with the lock held.
    ///
    /// # Errors
    /// Those of [`wait`](Self::wait), and what the predicate fails with.
    #[doc(alias = "wait_for")]
    pub fn wait_while(
        &self,
        guard: &mut L::Guard,
        mut predicate: impl FnMut() -> Result<bool, Error>,
    ) -> Result<(), Error> {
        while predicate()? {
            self.wait(guard)?;
        }
        Ok(())
    }

    /// Waits while the predicate is true, for at most `timeout` in all by the manager's clock. The
    /// predicate is checked once more when the time is up, and decides.
    ///
    /// # Errors
    /// Those of [`wait`](Self::wait), and what the predicate fails with.
    #[doc(alias = "wait_for")]
    pub fn wait_while_for(
        &self,
        guard: &mut L::Guard,
        timeout: Duration,
        mut predicate: impl FnMut() -> Result<bool, Error>,
    ) -> Result<WaitTimeoutResult, Error> {
        let (mut began, mut left) = (None, timeout);
        while predicate()? {
            if began.is_some() && left.is_zero() {
                return Ok(WaitTimeoutResult { timed_out: true });
            }
            let woken = self.wait_at_most(guard, Some(left))?;
            let passed = woken.ended.saturating_sub(*began.get_or_insert(woken.began));
            left = if woken.timed_out { Duration::ZERO } else { timeout.saturating_sub(passed) };
        }
        Ok(WaitTimeoutResult { timed_out: false })
    }

    /// Notifies the waiter that has waited longest, if there is one. It goes on when it has the
    /// lock.
    ///
    /// # Errors
    /// [`ErrorKind::NotOwner`] when the guard is not of this condition's lock.
    pub fn notify_one(&self, guard: &L::Guard) -> Result<(), Error> {
        self.notify(guard, 1)
    }

    /// Notifies the `count` waiters that have waited longest, or as many as there are.
    ///
    /// # Errors
    /// [`ErrorKind::NotOwner`] when the guard is not of this condition's lock.
    pub fn notify(&self, guard: &L::Guard, count: u32) -> Result<(), Error> {
        self.proxy.notify(L::token(guard), count)
    }

    /// Notifies all waiters.
    ///
    /// # Errors
    /// [`ErrorKind::NotOwner`] when the guard is not of this condition's lock.
    #[doc(alias = "notifyAll")]
    pub fn notify_all(&self, guard: &L::Guard) -> Result<(), Error> {
        self.notify(guard, u32::MAX)
    }

    fn wait_at_most(&self, guard: &mut L::Guard, time: Option<Duration>) -> Result<Woken, Error> {
        let deadline = self.proxy.remote().deadline();
        let token = L::token(guard);
        let woken = match time {
            Some(timeout) => self.proxy.within(timeout).wait(token)?,
            None => self.proxy.wait(token)?,
        };
        L::regrant(guard, woken.grant);
        let may_time_out = time.is_some_and(|time| deadline.is_none_or(|set| time <= set));
        if woken.timed_out && !may_time_out {
            let why = "no notification came before the deadline; the lock is held again";
            let refusal = Refusal::new(ErrorKind::TimedOut, why);
            return Err(refusal.during(condition::INTERFACE.name, "wait"));
        }
        Ok(woken)
    }
}

impl<L: ConditionLock> Shared for Condition<L> {
    const INTERFACE: &'static Interface = condition::Proxy::INTERFACE;

    fn attach(handle: Handle) -> Result<Self, Error> {
        condition::Proxy::attach(handle).map(Self::of)
    }

    fn handle(&self) -> &Handle {
        self.proxy.handle()
    }
}

impl<L: Clone> Clone for Condition<L> {
    fn clone(&self) -> Self {
        Self { proxy: self.proxy.clone(), lock: self.lock.clone() }
    }
}

impl<L> PartialEq for Condition<L> {
    fn eq(&self, other: &Self) -> bool {
        self.proxy == other.proxy
    }
}

impl<L> Eq for Condition<L> {}

impl<L> Hash for Condition<L> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.proxy.hash(state);
    }
}

impl<L> fmt::Debug for Condition<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Condition({})", self.proxy.handle().object())
    }
}
