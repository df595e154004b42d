//! Lock and its guard.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sync_objects::{Grant, lock};
use sync_proto::{Error, Handle, Interface, Place, Shared, Token};

use crate::held::{Held, attempt};

/// A lock that processes share: one holder at a time, first come first served.
///
/// The lock has an owner. If the owner's process dies, the lock passes to the next in line, whose
/// guard says so ([`LockGuard::was_abandoned`]).
///
/// ```
/// # let server = sync_server::Server::builder().spawn()?;
/// # let manager = sync_client::Manager::over(server.local()?);
/// let lock = manager.named("stock").create_lock()?;
/// {
///     let _guard = lock.lock()?;
///     // Nobody else is here, in any process.
/// }
/// assert!(lock.try_lock()?.is_some());
/// # Ok::<(), sync_client::Error>(())
/// ```
///
/// # Differences from `std::sync::Mutex`
/// It contains no data; a guard has no lifetime and can be sent to another thread; a holder that
/// dies or panics does not poison the lock, but the next holder can see it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lock {
    proxy: lock::Proxy,
}

crate::proxy::common!(Lock, lock);

impl Lock {
    /// Creates a lock at a place: a manager, or a name in it.
    ///
    /// # Errors
    /// Those of [`Place::create`].
    pub fn new(place: impl Place) -> Result<Self, Error> {
        lock::Proxy::new(place).map(Self::of)
    }

    /// Waits until the lock is free and takes it.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone;
    /// [`ErrorKind::Deadlock`](crate::ErrorKind::Deadlock) when waiting would close a deadlock and
    /// the manager refuses that.
    #[doc(alias = "acquire")]
    pub fn lock(&self) -> Result<LockGuard, Error> {
        Ok(self.guard(self.proxy.acquire()?))
    }

    /// Takes the lock if it is free now and nobody stands in line.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn try_lock(&self) -> Result<Option<LockGuard>, Error> {
        self.try_lock_for(Duration::ZERO)
    }

    /// Waits for the lock, for at most `timeout` by the manager's clock.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn try_lock_for(&self, timeout: Duration) -> Result<Option<LockGuard>, Error> {
        let grant = attempt(self.proxy.remote(), timeout, || self.proxy.within(timeout).acquire())?;
        Ok(grant.map(|grant| self.guard(grant)))
    }

    /// Waits until the lock is free and takes it, without a guard: [`release`](Self::release)
    /// gives it back. Returns the grant's fencing token and whether it was abandoned.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone;
    /// [`ErrorKind::Deadlock`](crate::ErrorKind::Deadlock) when waiting would close a deadlock and
    /// the manager refuses that.
    pub fn acquire(&self) -> Result<Grant, Error> {
        self.proxy.acquire()
    }

    /// Gives the lock back, whichever thread of this process acquired it.
    ///
    /// It is for what [`acquire`](Self::acquire) took. It also releases what a guard took, even on
    /// another thread, and the guard does not notice.
    ///
    /// # Errors
    /// [`ErrorKind::NotOwner`](crate::ErrorKind::NotOwner) when this process does not hold it.
    pub fn release(&self) -> Result<(), Error> {
        self.proxy.release_held()
    }

    /// Returns whether somebody holds the lock.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    #[doc(alias = "locked")]
    pub fn is_locked(&self) -> Result<bool, Error> {
        self.proxy.is_locked()
    }

    fn guard(&self, grant: Grant) -> LockGuard {
        LockGuard { lock: self.clone(), abandoned: grant.abandoned, held: Held::new(grant.token) }
    }
}

/// A held [`Lock`]. Dropping it releases the lock by a message, without waiting;
/// [`unlock`](Self::unlock) waits and reports. If it is dropped by a panic that began while it was
/// held, the lock passes on as abandoned.
///
/// It owns its proxy: it has no lifetime, and can be stored and sent to another thread.
#[derive(Debug)]
#[must_use = "if unused, the lock is released at once"]
pub struct LockGuard {
    lock: Lock,
    abandoned: bool,
    held: Held,
}

impl LockGuard {
    /// Returns whether the previous holder died or panicked while it held the lock: what the lock
    /// protects may be in an inconsistent state.
    pub fn was_abandoned(&self) -> bool {
        self.abandoned
    }

    /// Returns whether the lock is lost: the session with the manager is over, and another process
    /// may hold it now. Over a unix socket it shows at once that the manager is gone, over TCP when
    /// the session can no longer be resumed. In a forked child, what its parent holds counts as
    /// lost. This makes no call: if [`Lock::release`] in this process released the lock, or a
    /// Python program, which may do so whoever holds it, that does not show here, but
    /// [`unlock`](Self::unlock) fails then.
    pub fn is_lost(&self) -> bool {
        self.held.is_lost(self.lock.proxy.remote())
    }

    /// Returns the number of this grant. A later grant of the same lock has a greater one: a
    /// store that remembers the greatest it has seen can refuse a writer that lost the lock
    /// without knowing it (Kleppmann, "How to do distributed locking", 2016).
    pub fn fencing_token(&self) -> Token {
        self.held.token()
    }

    /// Releases the lock and waits until the manager has released it.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone, and
    /// the lock with it;
    /// [`ErrorKind::NotOwner`](crate::ErrorKind::NotOwner) in a forked child, whose parent
    /// holds it, and when [`Lock::release`] in this process, or a Python program, has released the
    /// lock.
    pub fn unlock(mut self) -> Result<(), Error> {
        let proxy = &self.lock.proxy;
        self.held.hand_back(proxy.remote(), "release", |token| proxy.release(token))
    }

    /// Notes that the lock was given up, and was granted to the same guard anew.
    pub(crate) fn regrant(&mut self, grant: Grant) {
        self.abandoned = grant.abandoned;
        self.held.regrant(grant.token);
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        let Some(token) = self.held.give_up() else { return };
        let proxy = self.lock.proxy.one_way();
        // Two numbers always encode; a session that is over has released the lock already.
        let _ = if self.held.is_abandoned() { proxy.abandon(token) } else { proxy.release(token) };
    }
}
