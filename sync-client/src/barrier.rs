//! Barrier.

use core::fmt;
use core::hash::{Hash, Hasher};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sync_objects::{Arrival, barrier};
use sync_proto::{Error, Handle, Interface, Place, Shared, Token};

use crate::update::Update;

mod options;

pub use options::BarrierOptions;

use options::Action;

/// A number of parties, threads of any processes, that wait for each other again and again.
///
/// The barrier breaks for all parties of a round if one of them can't come: its time is up, or its
/// process dies while it waits. It stays broken until it is [`reset`](Self::reset). A party of the
/// next round that comes while an action runs only counts as arrived once the action has ended: if
/// its time is up before that, or its process dies, nothing breaks.
///
/// ```
/// # let server = sync_server::Server::builder().spawn()?;
/// # let manager = sync_client::Manager::over(server.local()?);
/// let barrier = manager.create_barrier(3)?;
/// let party = || {
///     let barrier = barrier.clone();
///     std::thread::spawn(move || barrier.wait().map(|result| result.index()))
/// };
/// let parties: Vec<_> = (0..3).map(|_| party()).collect();
/// let mut indices = Vec::new();
/// for party in parties {
///     indices.push(party.join().unwrap()?);
/// }
/// indices.sort();
/// assert_eq!(indices, [0, 1, 2]);
/// # Ok::<(), sync_client::Error>(())
/// ```
///
/// # Differences from Python's `Barrier`
/// The action runs in the process of a party, not in the manager. A party whose own time is up gets
/// [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut), the others get
/// [`ErrorKind::Broken`](crate::ErrorKind::Broken) with the reason. A time that is up while the
/// action runs also breaks the barrier; and a party's time also runs while it waits to come in.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Barrier {
    proxy: barrier::Proxy,
    #[serde(skip)]
    action: Option<Action>,
}

impl Barrier {
    /// Creates a barrier at a place: a manager, or a name in it.
    ///
    /// # Errors
    /// Those of [`Place::create`]; [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for
    /// 0 parties; [`ErrorKind::Mismatch`](crate::ErrorKind::Mismatch) when the name is taken by a
    /// barrier of other parties or another timeout.
    pub fn new(place: impl Place, options: impl Into<BarrierOptions>) -> Result<Self, Error> {
        let BarrierOptions { parties, timeout, action } = options.into();
        Ok(Self { proxy: barrier::Proxy::new(place, parties, timeout)?, action })
    }

    /// Returns the same barrier with a deadline for each call, which replaces the barrier's own
    /// timeout.
    #[must_use]
    pub fn within(&self, timeout: Duration) -> Self {
        Self { proxy: self.proxy.within(timeout), action: self.action.clone() }
    }

    /// Waits until all parties are here, for as long as the barrier's timeout allows, or this
    /// call's own deadline: `barrier.within(timeout).wait()`.
    ///
    /// # Errors
    /// [`ErrorKind::Broken`](crate::ErrorKind::Broken) when the barrier is broken, or breaks or is
    /// reset meanwhile; what the action failed with, when this party ran it;
    /// [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut) when the deadline set by
    /// [`within`](Self::within) passed: the barrier is broken then, if this party was here;
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn wait(&self) -> Result<BarrierWaitResult, Error> {
        match &self.action {
            Some(action) => self.pass(true, &**action),
            None => self.pass(false, || Ok(())),
        }
    }

    /// Waits until all parties are here, with an action for this round: if this party is elected,
    /// it runs the action before any party goes on. See [`BarrierOptions::action`].
    ///
    /// # Errors
    /// Those of [`wait`](Self::wait).
    pub fn wait_with(
        &self,
        action: impl FnOnce() -> Result<(), Error>,
    ) -> Result<BarrierWaitResult, Error> {
        self.pass(true, action)
    }

    /// Breaks the barrier: every party that waits, or comes before it is reset, fails with
    /// [`ErrorKind::Broken`](crate::ErrorKind::Broken).
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn abort(&self) -> Result<(), Error> {
        self.proxy.abort()
    }

    /// Resets the barrier to its initial state. Parties that wait fail with
    /// [`ErrorKind::Broken`](crate::ErrorKind::Broken).
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn reset(&self) -> Result<(), Error> {
        self.proxy.reset()
    }

    /// Returns how many parties there are.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn parties(&self) -> Result<u32, Error> {
        self.proxy.parties()
    }

    /// Returns how many parties are here. It may have changed before the answer is read.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    pub fn n_waiting(&self) -> Result<u32, Error> {
        self.proxy.n_waiting()
    }

    /// Returns whether the barrier is broken.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone.
    #[doc(alias = "broken")]
    pub fn is_broken(&self) -> Result<bool, Error> {
        self.proxy.is_broken()
    }

    fn pass(
        &self,
        acts: bool,
        action: impl FnOnce() -> Result<(), Error>,
    ) -> Result<BarrierWaitResult, Error> {
        let own_time = self.proxy.remote().deadline().is_some();
        match self.proxy.wait(acts, own_time)? {
            Arrival::Released(index) => Ok(BarrierWaitResult { index }),
            Arrival::Elected(token) => self.act(token, action),
        }
    }

    fn act(
        &self,
        token: Token,
        action: impl FnOnce() -> Result<(), Error>,
    ) -> Result<BarrierWaitResult, Error> {
        let under_way = Update::new(token, |token| {
            let panics = std::thread::panicking();
            let why =
                if panics { "it panicked" } else { "its party could not report how it ended" };
            let _ = self.proxy.one_way().fail(token, why.to_owned());
        });
        if let Err(error) = action() {
            // The first error is the one to tell.
            let _ = under_way.commit(|token| self.proxy.fail(token, error.to_string()));
            return Err(error);
        }
        Ok(BarrierWaitResult { index: under_way.commit(|token| self.proxy.finish(token))? })
    }
}

impl Shared for Barrier {
    const INTERFACE: &'static Interface = barrier::Proxy::INTERFACE;

    fn attach(handle: Handle) -> Result<Self, Error> {
        Ok(Self { proxy: barrier::Proxy::attach(handle)?, action: None })
    }

    fn handle(&self) -> &Handle {
        self.proxy.handle()
    }
}

impl PartialEq for Barrier {
    fn eq(&self, other: &Self) -> bool {
        self.proxy == other.proxy
    }
}

impl Eq for Barrier {}

impl Hash for Barrier {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.proxy.hash(state);
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Barrier({})", self.proxy.handle().object())
    }
}

/// The result of a wait: all parties of a round are here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BarrierWaitResult {
    index: u32,
}

impl BarrierWaitResult {
    /// Returns which party of its round this is, from 0: how many arrived before it.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Returns whether this party is the one of its round that does what only one must do: the
    /// party with index 0.
    pub fn is_leader(&self) -> bool {
        self.index == 0
    }
}
