//! Event.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sync_objects::event;
use sync_proto::{Error, Handle, Interface, Place, Shared};

use crate::held::attempt;

/// Whether a wait ended because its time was up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct WaitTimeoutResult {
    pub(crate) timed_out: bool,
}

impl WaitTimeoutResult {
    /// Returns whether the time was up before the awaited event came.
    pub fn timed_out(&self) -> bool {
        self.timed_out
    }
}

/// A flag that processes share and can wait for.
///
/// ```
/// # let server = sync_server::Server::builder().spawn()?;
/// # let manager = sync_client::Manager::over(server.local()?);
/// let ready = manager.create_event()?;
/// let waiter = std::thread::spawn({
///     let ready = ready.clone();
///     move || ready.wait()
/// });
/// ready.set()?;
/// waiter.join().unwrap()?;
/// # Ok::<(), sync_client::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Event {
    proxy: event::Proxy,
}

crate::proxy::common!(Event, event);

impl Event {
    /// Creates an event, not set, at a place: a manager, or a name in it.
    ///
    /// # Errors
    /// Those of [`Place::create`].
    pub fn new(place: impl Place) -> Result<Self, Error> {
        event::Proxy::new(place).map(Self::of)
    }

    /// Sets the flag. All waiting callers go on, even if it is cleared right after.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn set(&self) -> Result<(), Error> {
        self.proxy.set()
    }

    /// Clears the flag.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn clear(&self) -> Result<(), Error> {
        self.proxy.clear()
    }

    /// Returns whether the flag is set.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn is_set(&self) -> Result<bool, Error> {
        self.proxy.is_set()
    }

    /// Waits until the flag is set.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn wait(&self) -> Result<(), Error> {
        self.proxy.wait()
    }

    /// Waits until the flag is set, for at most `timeout` by the manager's clock.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn wait_for(&self, timeout: Duration) -> Result<WaitTimeoutResult, Error> {
        let set = attempt(self.proxy.remote(), timeout, || self.proxy.within(timeout).wait())?;
        Ok(WaitTimeoutResult { timed_out: set.is_none() })
    }
}
