//! How to connect.

use std::time::{Duration, Instant};

use sync_proto::{Address, AuthKey, Error, ErrorKind, Refusal};

use crate::Manager;
use crate::session::{PATIENCE, Session, Target};

/// The shortest and the longest pause between two attempts to connect.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));

/// How to connect to a manager: with a key, or before it is there.
///
/// ```no_run
/// use std::time::Duration;
/// use sync_client::{AuthKey, Manager};
///
/// let key = AuthKey::new(std::fs::read("key")?)?;
/// let manager = Manager::options()
///     .authkey(key)
///     .retry_for(Duration::from_secs(10))
///     .connect("tcp:manager.example:7000")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    key: Option<AuthKey>,
    retry: Duration,
}

impl ConnectOptions {
    /// Shows this key to the manager, and demands that it has the same. Every TCP address wants
    /// one; a unix socket asks for none.
    #[must_use]
    pub fn authkey(mut self, key: AuthKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Tries again for so long while nobody answers: for a worker that may start before its
    /// manager. A manager that answers and refuses is not asked again.
    #[must_use]
    pub fn retry_for(mut self, time: Duration) -> Self {
        self.retry = time;
        self
    }

    /// Connects to a manager at an address, `unix:PATH` or `tcp:HOST:PORT`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the address makes no sense; [`ErrorKind::Disconnected`]
    /// when nobody answers there; [`ErrorKind::Unauthorized`] when the manager does not take this
    /// client, or does not prove that it has the key; [`ErrorKind::Incompatible`] when it speaks
    /// another version of the protocol; [`ErrorKind::TimedOut`] when it does not answer in 10 s.
    pub fn connect<A>(self, address: A) -> Result<Manager, Error>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        let target = Target { address: address.try_into()?, key: self.key };
        // No manager is there yet whose clock could measure this.
        let began = Instant::now();
        let (mut pause, longest) = PAUSES;
        loop {
            let left = self.retry.saturating_sub(began.elapsed());
            let patience =
                if self.retry.is_zero() { PATIENCE } else { left.clamp(PAUSES.0, PATIENCE) };
            match Session::open(target.clone(), patience) {
                Ok(session) => return Ok(Manager::over(session)),
                Err(refusal) if began.elapsed() >= self.retry || !is_worth_a_retry(&refusal) => {
                    return Err(refusal.into());
                }
                Err(_) => {
                    let left = self.retry.saturating_sub(began.elapsed());
                    // Nobody unparks this thread on purpose, and a pause cut short does no harm.
                    std::thread::park_timeout(pause.min(left));
                    pause = (pause * 2).min(longest);
                }
            }
        }
    }
}

fn is_worth_a_retry(refusal: &Refusal) -> bool {
    let kinds = [ErrorKind::Disconnected, ErrorKind::ShuttingDown, ErrorKind::TimedOut];
    kinds.contains(&refusal.kind)
}
