//! What a barrier consists of.

use core::fmt;
use std::sync::Arc;
use std::time::Duration;

use sync_proto::Error;

/// What one party of a round runs.
pub(crate) type Action = Arc<dyn Fn() -> Result<(), Error> + Send + Sync>;

/// What a [`Barrier`](crate::Barrier) consists of. A number alone is that many parties.
///
/// ```
/// # let server = sync_server::Server::builder().spawn()?;
/// # let manager = sync_client::Manager::over(server.local()?);
/// use std::time::Duration;
/// use sync_client::BarrierOptions;
///
/// let steps = manager.create_value(0u32)?;
/// let options = BarrierOptions::new(1).timeout(Duration::from_secs(5)).action({
///     let steps = steps.clone();
///     move || steps.fetch_add(1).map(drop)
/// });
/// let barrier = manager.create_barrier(options)?;
/// barrier.wait()?;
/// assert_eq!(steps.get()?, 1);
/// # Ok::<(), sync_client::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct BarrierOptions {
    pub(super) parties: u32,
    pub(super) timeout: Option<Duration>,
    pub(super) action: Option<Action>,
}

impl BarrierOptions {
    /// A barrier of `parties` parties, with no action and no timeout.
    pub fn new(parties: u32) -> Self {
        Self { parties, timeout: None, action: None }
    }

    /// Sets how long, by the manager's clock, a party without a deadline of its own waits.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets what one party of a round runs when all are here, before any goes on. It belongs to the
    /// proxy that is made with it, and to its clones in this process: a proxy that comes by a name
    /// or inside a value has none. The last party to arrive that has an action runs it. If the
    /// action fails or panics, or its process dies in it, the barrier breaks.
    pub fn action(
        mut self,
        action: impl Fn() -> Result<(), Error> + Send + Sync + 'static,
    ) -> Self {
        self.action = Some(Arc::new(action));
        self
    }
}

impl From<u32> for BarrierOptions {
    fn from(parties: u32) -> Self {
        Self::new(parties)
    }
}

impl fmt::Debug for BarrierOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BarrierOptions")
            .field("parties", &self.parties)
            .field("timeout", &self.timeout)
            .field("has_action", &self.action.is_some())
            .finish()
    }
}
