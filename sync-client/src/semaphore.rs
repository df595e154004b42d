//! Semaphore and its permits.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sync_objects::semaphore;
use sync_proto::{Error, Handle, Interface, Place, Shared, Token};

use crate::held::{Held, attempt};

/// A number of permits that processes share, given out first come first served.
///
/// A permit has an owner: if the owner's process dies, the permit is returned. [`Permit::forget`]
/// takes the owner away, and [`release`](Self::release) adds permits, as Python's `acquire` and
/// `release` do.
///
/// ```
/// # let server = sync_server::Server::builder().spawn()?;
/// # let manager = sync_client::Manager::over(server.local()?);
/// let seats = manager.create_semaphore(2)?;
/// let both = seats.acquire_many(2)?;
/// assert!(seats.try_acquire()?.is_none());
/// drop(both);
/// assert!(seats.try_acquire()?.is_some());
/// # Ok::<(), sync_client::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Semaphore {
    proxy: semaphore::Proxy,
}

crate::proxy::common!(Semaphore, semaphore);

impl Semaphore {
    /// Creates a semaphore of `permits` permits at a place: a manager, or a name in it.
    ///
    /// # Errors
    /// Those of [`Place::create`].
    pub fn new(place: impl Place, permits: u32) -> Result<Self, Error> {
        semaphore::Proxy::new(place, permits, false).map(Self::of)
    }

    /// Creates a semaphore that never has more permits than it began with.
    ///
    /// # Errors
    /// Those of [`Place::create`].
    #[doc(alias = "BoundedSemaphore")]
    pub fn new_bounded(place: impl Place, permits: u32) -> Result<Self, Error> {
        semaphore::Proxy::new(place, permits, true).map(Self::of)
    }

    /// Waits for a permit and takes it.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn acquire(&self) -> Result<Permit, Error> {
        self.acquire_many(1)
    }

    /// Waits until `count` permits are free and takes them together. Callers behind it wait
    /// meanwhile, even if fewer permits would be enough for them.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for 0 permits, or for more than
    /// a bounded semaphore has; [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when
    /// the manager is gone.
    pub fn acquire_many(&self, count: u32) -> Result<Permit, Error> {
        Ok(self.permit(self.proxy.acquire(count)?, count))
    }

    /// Takes a permit if one is free now and nobody stands in line.
    ///
    /// # Errors
    /// Those of [`acquire_many`](Self::acquire_many).
    pub fn try_acquire(&self) -> Result<Option<Permit>, Error> {
        self.try_acquire_many_for(1, Duration::ZERO)
    }

    /// Waits for a permit, for at most `timeout` by the manager's clock.
    ///
    /// # Errors
    /// Those of [`acquire_many`](Self::acquire_many).
    pub fn try_acquire_for(&self, timeout: Duration) -> Result<Option<Permit>, Error> {
        self.try_acquire_many_for(1, timeout)
    }

    /// Takes `count` permits together if they are free now and nobody stands in line.
    ///
    /// # Errors
    /// Those of [`acquire_many`](Self::acquire_many).
    pub fn try_acquire_many(&self, count: u32) -> Result<Option<Permit>, Error> {
        self.try_acquire_many_for(count, Duration::ZERO)
    }

    /// Waits for `count` permits together, for at most `timeout` by the manager's clock.
    ///
    /// # Errors
    /// Those of [`acquire_many`](Self::acquire_many).
    pub fn try_acquire_many_for(
        &self,
        count: u32,
        timeout: Duration,
    ) -> Result<Option<Permit>, Error> {
        let call = || self.proxy.within(timeout).acquire(count);
        let token = attempt(self.proxy.remote(), timeout, call)?;
        Ok(token.map(|token| self.permit(token, count)))
    }

    /// Adds permits that nobody holds: new ones, or those of a permit that was forgotten.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for 0 permits, or when a bounded
    /// semaphore would have more than it began with;
    /// [`ErrorKind::Overflow`](crate::ErrorKind::Overflow) when any other would have 2^32 or more.
    /// Then nothing is added.
    pub fn release(&self, count: u32) -> Result<(), Error> {
        self.proxy.add(count)
    }

    /// Returns how many permits are free. It may have changed before the answer is read.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn available(&self) -> Result<u32, Error> {
        self.proxy.available()
    }

    fn permit(&self, token: Token, count: u32) -> Permit {
        Permit { semaphore: self.clone(), count, held: Held::new(token) }
    }
}

/// Permits of a [`Semaphore`], held. Dropping it gives them back by a message, without waiting;
/// [`release`](Self::release) waits and reports errors.
#[derive(Debug)]
#[must_use = "if unused, the permit is given back at once"]
pub struct Permit {
    semaphore: Semaphore,
    count: u32,
    held: Held,
}

impl Permit {
    /// Returns how many permits this is.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns the number of this grant; a later grant has a greater one.
    pub fn fencing_token(&self) -> Token {
        self.held.token()
    }

    /// Returns whether the permits are lost: the session with the manager is over. In a
    /// forked child so are its parent's.
    pub fn is_lost(&self) -> bool {
        self.held.is_lost(self.semaphore.proxy.remote())
    }

    /// Gives the permits back and waits until the manager has them.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone;
    /// [`ErrorKind::NotOwner`](crate::ErrorKind::NotOwner) in a forked child, whose parent
    /// holds them.
    pub fn release(mut self) -> Result<(), Error> {
        let proxy = &self.semaphore.proxy;
        self.held.hand_back(proxy.remote(), "release", |token| proxy.release(token))
    }

    /// Gives the permits up without returning them: they stay taken, even when this process dies,
    /// until [`Semaphore::release`] adds as many.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone;
    /// [`ErrorKind::NotOwner`](crate::ErrorKind::NotOwner) in a forked child, whose parent
    /// holds them.
    pub fn forget(mut self) -> Result<(), Error> {
        let proxy = &self.semaphore.proxy;
        self.held.hand_back(proxy.remote(), "forget", |token| proxy.forget(token))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(token) = self.held.give_up() {
            // A number always encodes; a session that is over has given the permits back.
            let _ = self.semaphore.proxy.one_way().release(token);
        }
    }
}
