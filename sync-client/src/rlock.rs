//! RLock and its guard.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sync_objects::{Grant, rlock};
use sync_proto::{Error, Handle, Interface, Place, Shared, Token};

use crate::held::{Held, attempt};

/// A lock that processes share, which the thread that holds it may take again.
///
/// The owner is one thread of one process; the lock is free when that thread has given it back as
/// often as it took it. If the owner's process dies, the lock passes to the next in line, whose
/// guard says so ([`RLockGuard::was_abandoned`]). A thread that ends while it holds the lock
/// without a guard (see [`acquire`](Self::acquire)) keeps it as long as its process lives.
///
/// ```
/// # let server = sync_server::Server::builder().spawn()?;
/// # let manager = sync_client::Manager::over(server.local()?);
/// let stock = manager.create_rlock()?;
/// let outer = stock.lock()?;
/// let inner = stock.lock()?; // A Lock would wait for itself here.
/// drop(outer);
/// assert!(stock.is_locked()?);
/// inner.unlock()?;
/// assert!(!stock.is_locked()?);
/// # Ok::<(), sync_client::Error>(())
/// ```
///
/// # Differences from Python's `RLock`
/// A condition on an RLock works ([`Manager::create_condition_on`]); a dead owner's lock is not
/// lost for ever.
///
/// [`Manager::create_condition_on`]: crate::Manager::create_condition_on
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RLock {
    proxy: rlock::Proxy,
}

crate::proxy::common!(RLock, rlock);

impl RLock {
    /// Creates a lock at a place: a manager, or a name in it.
    ///
    /// # Errors
    /// Those of [`Place::create`].
    pub fn new(place: impl Place) -> Result<Self, Error> {
        rlock::Proxy::new(place).map(Self::of)
    }

    /// Waits until the lock is free and takes it; the thread that holds it takes it once more, at
    /// once.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone;
    /// [`ErrorKind::Deadlock`](crate::ErrorKind::Deadlock) when waiting would close a deadlock and
    /// the manager refuses that.
    #[doc(alias = "acquire")]
    pub fn lock(&self) -> Result<RLockGuard, Error> {
        Ok(self.guard(self.proxy.acquire()?))
    }

    /// Takes the lock if it is this thread's already, or is free now and nobody stands in line.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn try_lock(&self) -> Result<Option<RLockGuard>, Error> {
        self.try_lock_for(Duration::ZERO)
    }

    /// Waits for the lock, for at most `timeout` by the manager's clock.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn try_lock_for(&self, timeout: Duration) -> Result<Option<RLockGuard>, Error> {
        let grant = attempt(self.proxy.remote(), timeout, || self.proxy.within(timeout).acquire())?;
        Ok(grant.map(|grant| self.guard(grant)))
    }

    /// Takes the lock as [`lock`](Self::lock) does, without a guard: [`release`](Self::release), on
    /// this thread, gives it back. Returns the fencing token of the thread's first acquisition, and
    /// whether the lock was abandoned then.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone;
    /// [`ErrorKind::Deadlock`](crate::ErrorKind::Deadlock) when waiting would close a deadlock and
    /// the manager refuses that.
    pub fn acquire(&self) -> Result<Grant, Error> {
        self.proxy.acquire()
    }

    /// Undoes one acquisition of this thread; the last one frees the lock.
    ///
    /// It is for what [`acquire`](Self::acquire) took. The manager counts a thread's acquisitions
    /// and does not tell them apart: if this undoes that of a guard, the guard undoes another one
    /// when it is dropped, if this thread has one by then.
    ///
    /// # Errors
    /// [`ErrorKind::NotOwner`](crate::ErrorKind::NotOwner) when this thread does not hold it.
    pub fn release(&self) -> Result<(), Error> {
        self.proxy.release()
    }

    /// Returns whether somebody holds the lock.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    #[doc(alias = "locked")]
    pub fn is_locked(&self) -> Result<bool, Error> {
        self.proxy.is_locked()
    }

    fn guard(&self, grant: Grant) -> RLockGuard {
        let tenure = Tenure::of(self.proxy.handle(), grant);
        RLockGuard { lock: self.clone(), tenure, held: Held::new(grant.token) }
    }
}

/// One acquisition of an [`RLock`]. Dropping it releases it by a message, without waiting;
/// [`unlock`](Self::unlock) waits and reports errors. If one is dropped by a panic that began while
/// it was held, the lock passes on as abandoned when it is freed.
///
/// It owns its proxy and has no lifetime, but stays on the thread that the lock belongs to:
///
/// ```compile_fail,E0277
/// fn is_send<T: Send>() {}
/// is_send::<sync_client::RLockGuard>();
/// ```
#[derive(Debug)]
#[must_use = "if unused, the lock is given back at once"]
pub struct RLockGuard {
    lock: RLock,
    /// Not `Send`, and so neither is the guard.
    tenure: Rc<Tenure>,
    held: Held,
}

impl RLockGuard {
    /// Returns whether the previous holder died or panicked while it held the lock: what the lock
    /// protects may be in an inconsistent state. All guards of one lock on a thread return the
    /// same.
    pub fn was_abandoned(&self) -> bool {
        self.tenure.grant.get().abandoned
    }

    /// Returns whether the lock is lost: the session with the manager is over, and another process
    /// may hold it now. Over a unix socket it shows at once that the manager is gone, over TCP when
    /// the session can no longer be resumed. In a forked child, what its parent holds counts as
    /// lost.
    pub fn is_lost(&self) -> bool {
        self.held.is_lost(self.lock.proxy.remote())
    }

    /// Returns the number of the grant by which the lock came to this thread; see
    /// [`LockGuard::fencing_token`](crate::LockGuard::fencing_token). All guards of one lock on a
    /// thread return the same, even after one of them waited for a condition.
    pub fn fencing_token(&self) -> Token {
        self.tenure.grant.get().token
    }

    /// Undoes the acquisition and waits until the manager has done so.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone, and
    /// the lock with it; [`ErrorKind::NotOwner`](crate::ErrorKind::NotOwner) when the thread
    /// already released it without the guard, and in a forked child, whose parent holds it.
    pub fn unlock(mut self) -> Result<(), Error> {
        let proxy = &self.lock.proxy;
        self.held.hand_back(proxy.remote(), "release", |_| proxy.release())
    }

    /// Notes that the lock was given up, and was granted to the same thread anew.
    pub(crate) fn regrant(&mut self, grant: Grant) {
        self.tenure.grant.set(grant);
    }
}

impl Drop for RLockGuard {
    fn drop(&mut self) {
        if self.held.give_up().is_none() {
            return;
        }
        let proxy = self.lock.proxy.one_way();
        // No argument always encodes; a session that is over has released the lock already.
        let _ = if self.held.is_abandoned() { proxy.abandon() } else { proxy.release() };
    }
}

/// A thread's time with a lock, from its first taking to the last release: what its guards share,
/// since a wait on a condition gives all of them another grant.
#[derive(Debug)]
struct Tenure {
    lock: Handle,
    grant: Cell<Grant>,
}

impl Tenure {
    fn of(lock: &Handle, grant: Grant) -> Rc<Self> {
        thread_local! {
            static TENURES: RefCell<Vec<Weak<Tenure>>> = const { RefCell::new(Vec::new()) };
        }
        let new = || Rc::new(Self { lock: lock.clone(), grant: Cell::new(grant) });
        let share = |tenures: &RefCell<Vec<Weak<Self>>>| {
            let mut tenures = tenures.borrow_mut();
            tenures.retain(|tenure| tenure.strong_count() > 0);
            let ours = |tenure: &Rc<Self>| tenure.lock == *lock && tenure.grant.get() == grant;
            tenures.iter().filter_map(Weak::upgrade).find(ours).unwrap_or_else(|| {
                let tenure = new();
                tenures.push(Rc::downgrade(&tenure));
                tenure
            })
        };
        // A thread that is ending has lost its table; its guard stands alone then.
        TENURES.try_with(share).unwrap_or_else(|_| new())
    }
}
