//! How to connect.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use sync_proto::address::{
    AUTHKEY_HEX_VAR, AUTHKEY_VAR, INSECURE_TCP_VAR, MANAGER_VAR, SERVER_UID_VAR,
};
use sync_proto::{Address, AuthKey, Error, ErrorKind, KEY_FILE_MAX, Refusal};
use zeroize::Zeroizing;

use crate::Manager;
use crate::pause::{Pauses, pause};
use crate::session::{PATIENCE, Session, Target};
use crate::spawn::ManagerProcess;

/// The pauses between attempts to connect.
const PAUSES: Pauses = Pauses::between(Duration::from_millis(1), Duration::from_millis(50));

/// The shortest timeout: to the system, a timeout of zero means no timeout at all.
const PATIENCE_MIN: Duration = Duration::from_millis(1);

/// How to connect to a manager: with which key, and for how long to try.
///
/// ```no_run
/// use std::time::Duration;
/// use sync_client::Manager;
///
/// let manager = Manager::options()
///     .authkey_file("key")?
///     .retry_for(Duration::from_secs(10))
///     .connect("tcp:manager.example:7000")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ConnectOptions {
    key: Option<AuthKey>,
    insecure_tcp: bool,
    server_uid: Option<u32>,
    retry: Duration,
    spin: Duration,
    patience: Duration,
    unresponsive_after: Option<Duration>,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            key: None,
            insecure_tcp: false,
            server_uid: None,
            retry: Duration::ZERO,
            spin: Duration::ZERO,
            patience: PATIENCE,
            unresponsive_after: None,
        }
    }
}

impl ConnectOptions {
    /// Authenticates with this key, requires that the manager has the same key, and encrypts the
    /// connection with it. Every TCP address needs one; a unix socket needs none.
    pub fn authkey(mut self, key: AuthKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Reads the key from a file that nobody but its owner can read; white space at its end is
    /// ignored.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when it cannot be read;
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when anybody but its owner may
    /// read or write it, or when it holds no key.
    pub fn authkey_file(self, path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let key = AuthKey::from_file(path, |bytes| {
            // Of the file that is read, whatever the path names by then.
            let file = File::open(path)?;
            let mode = file.metadata()?.mode();
            file.take(KEY_FILE_MAX as u64 + 1).read_to_end(bytes)?;
            Ok::<_, io::Error>(mode)
        });
        Ok(self.authkey(key?))
    }

    /// Connects over TCP without a key and without encryption, to a manager that was started the
    /// same way: **anybody on the path can read and change everything**. For measurements over
    /// loopback, and for networks that only tests use.
    pub fn insecure_tcp(mut self) -> Self {
        self.insecure_tcp = true;
        self
    }

    /// Also accepts a manager of this user over a unix socket: without it, only one of the user who
    /// connects, or of root. The manager in turn must accept this client's user (`--allow-uid`).
    pub fn server_uid(mut self, uid: u32) -> Self {
        self.server_uid = Some(uid);
        self
    }

    /// Lets a call busy-poll for its answer for this long before its thread falls asleep (`--spin`
    /// is the same for the server): small calls are answered sooner, at the cost of processor time
    /// that would have been spent on waking up, or not at all. A call that polls in vain makes
    /// polling rarer, and there is none while other work wants the core, or where there is only one
    /// core. Zero, the default, switches it off; more than some tens of microseconds gains nothing.
    pub fn spin(mut self, time: Duration) -> Self {
        self.spin = time;
        self
    }

    /// Tries again for this long while nothing answers: for a worker that may start before its
    /// manager. If a manager answers and refuses, that is final.
    pub fn retry_for(mut self, time: Duration) -> Self {
        self.retry = time;
        self
    }

    /// Gives up connecting when the manager takes longer than this for one step of it, instead of
    /// 10 s: because its machine does not answer, or it is stopped, or accepts no connections. A
    /// manager that [`spawn`](Self::spawn) starts may print nothing for as long.
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.patience = time.max(PATIENCE_MIN);
        self
    }

    /// Ends the session when the manager sends nothing for this long while a call waits for an
    /// answer, or while more one-way messages are unconfirmed than may be, and then does not answer
    /// a ping for as long: the call fails with
    /// [`ErrorKind::Unresponsive`](crate::ErrorKind::Unresponsive), and what the session held is
    /// lost. Without it, a call waits until a stopped manager goes on, over TCP for at most the
    /// grace period. A live manager answers a ping at once, however long the call waits. A signal
    /// that this thread handles meanwhile restarts the timeout.
    pub fn unresponsive_after(mut self, time: Duration) -> Self {
        self.unresponsive_after = Some(time.max(PATIENCE_MIN));
        self
    }

    /// Starts a manager as [`Manager::spawn`] does, with these additional arguments of
    /// `sync-server` (`sync-server --help` lists them), and connects to the first address on which
    /// it listens.
    ///
    /// ```no_run
    /// use sync_client::Manager;
    ///
    /// let process = Manager::options().spawn(["--max-memory", "1073741824", "--spin", "30"])?;
    /// # Ok::<(), sync_client::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Manager::spawn`] and of [`connect`](Self::connect).
    pub fn spawn(
        self,
        arguments: impl IntoIterator<Item: AsRef<OsStr>>,
    ) -> Result<ManagerProcess, Error> {
        ManagerProcess::start(self, arguments)
    }

    /// Returns how long one step of connecting may take.
    pub(crate) const fn patience(&self) -> Duration {
        self.patience
    }

    /// Connects to a manager at an address, `unix:PATH` or `tcp:HOST:PORT`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when the address is malformed or
    /// the key is too short; [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when
    /// nothing answers there; [`ErrorKind::Unauthorized`](crate::ErrorKind::Unauthorized) when the
    /// manager does not accept this client, closes the connection without an answer because it does
    /// not have this key, or does not prove that it has it;
    /// [`ErrorKind::Incompatible`](crate::ErrorKind::Incompatible) when it uses another version of
    /// the protocol; [`ErrorKind::Unresponsive`](crate::ErrorKind::Unresponsive) when it does not
    /// answer within 10 s, or the time that [`connect_timeout`](Self::connect_timeout) sets.
    pub fn connect<A>(self, address: A) -> Result<Manager, Error>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        let Self { key, insecure_tcp, server_uid, retry, spin, patience, unresponsive_after } =
            self;
        let spin = if spin.is_zero() || is_alone() { Duration::ZERO } else { spin };
        let mut address = address.try_into()?;
        // Further connections, and children, are to find it wherever this process goes meanwhile.
        if let Ok(directory) = std::env::current_dir() {
            address = address.resolved_in(&directory);
        }
        let longest = patience;
        let target =
            Target { address, key, insecure_tcp, server_uid, spin, patience, unresponsive_after };
        // No manager is there yet whose clock could measure this.
        let began = Instant::now();
        let mut pauses = PAUSES;
        loop {
            let left = retry.saturating_sub(began.elapsed());
            let patience =
                if retry.is_zero() { longest } else { left.clamp(PATIENCE_MIN, longest) };
            match Session::open(target.clone(), patience) {
                Ok(session) => return Ok(Manager::over(session)),
                Err(refusal) if began.elapsed() >= retry || !refusal.kind.is_disconnected() => {
                    return Err(refusal.into());
                }
                Err(_) => {
                    let left = retry.saturating_sub(began.elapsed());
                    pause(pauses.next().min(left));
                }
            }
        }
    }

    /// Connects to the manager that the environment names, as [`Manager::from_env`] does. What the
    /// environment says, the key say, counts more than these options; all else is as they say.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use sync_client::Manager;
    ///
    /// let limit = Duration::from_secs(5);
    /// let manager = Manager::options().unresponsive_after(limit).connect_env()?;
    /// # Ok::<(), sync_client::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Manager::from_env`].
    pub fn connect_env(self) -> Result<Manager, Error> {
        let (options, address) = self.with_vars(std::env::var_os)?;
        options.connect(address)
    }

    /// Returns these options with what the environment says, and the address that it names.
    fn with_vars(
        mut self,
        var: impl Fn(&'static str) -> Option<OsString>,
    ) -> Result<(Self, Address), Error> {
        let Some(address) = var(MANAGER_VAR) else {
            let why = format!(
                "the environment names no manager in {MANAGER_VAR}: start this process with \
                 Manager::command, or set it to the manager's address"
            );
            return Err(Error::new(ErrorKind::NotFound, why));
        };
        let Some(address) = address.to_str() else {
            let why = format!("the address in {MANAGER_VAR} is not UTF-8: {}", address.display());
            return Err(Error::new(ErrorKind::InvalidInput, why));
        };
        if let Some(digits) = var(AUTHKEY_HEX_VAR) {
            let digits = Zeroizing::new(digits.into_encoded_bytes());
            // What is no text has no digits, either.
            let digits = str::from_utf8(&digits).unwrap_or_default();
            let key = AuthKey::from_hex(digits).map_err(|no| {
                Refusal::new(no.kind, format!("{AUTHKEY_HEX_VAR}: {}", no.message))
            })?;
            self = self.authkey(key);
            self.insecure_tcp = false;
        } else if let Some(key) = var(AUTHKEY_VAR) {
            self = self.authkey(AuthKey::new(key.into_encoded_bytes())?);
            self.insecure_tcp = false;
        }
        if var(INSECURE_TCP_VAR).is_some() {
            self = self.insecure_tcp();
        }
        if let Some(uid) = var(SERVER_UID_VAR) {
            let number = uid.to_str().and_then(|uid| uid.parse().ok());
            self = self.server_uid(number.ok_or_else(|| {
                let why = format!("{SERVER_UID_VAR} is not a user's number: {}", uid.display());
                Error::new(ErrorKind::InvalidInput, why)
            })?);
        }
        Ok((self, address.parse()?))
    }
}

/// Returns whether there is only one core, where busy-polling keeps the manager from answering.
/// Finding out takes as long as connecting: the system reads what its control groups allow.
fn is_alone() -> bool {
    std::thread::available_parallelism().is_ok_and(|cores| cores.get() == 1)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn an_environment_that_makes_no_sense_is_refused_and_not_ignored() {
        for strange in [MANAGER_VAR, AUTHKEY_HEX_VAR, SERVER_UID_VAR] {
            let vars = |var| match var {
                _ if var == strange => Some(OsString::from_vec(vec![0xff])),
                MANAGER_VAR => Some("unix:/nowhere".into()),
                _ => None,
            };
            let error = Manager::options().with_vars(vars).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{strange}: {error}");
        }
    }

    #[test]
    fn the_environment_counts_more_than_the_options_and_leaves_what_it_does_not_name() {
        let keys = ["k", "e"].map(|it| AuthKey::new(it.repeat(32)).unwrap());
        let minute = Duration::from_secs(60);
        let options = || {
            let options = Manager::options().authkey(keys[0].clone()).server_uid(1);
            options.retry_for(minute).connect_timeout(minute).unresponsive_after(minute)
        };
        let with = |vars: [&'static str; 2]| {
            let vars = move |var| match var {
                MANAGER_VAR => Some("unix:/there".into()),
                AUTHKEY_VAR if vars.contains(&var) => Some("e".repeat(32).into()),
                SERVER_UID_VAR if vars.contains(&var) => Some("2".into()),
                _ => None,
            };
            options().with_vars(vars).unwrap()
        };
        for (vars, key, uid) in [
            (["", ""], &keys[0], 1),
            ([AUTHKEY_VAR, ""], &keys[1], 1),
            (["", SERVER_UID_VAR], &keys[0], 2),
        ] {
            let (options, address) = with(vars);
            assert_eq!(address, "unix:/there".parse().unwrap());
            assert_eq!(options.key.unwrap().as_bytes(), key.as_bytes());
            assert_eq!(options.server_uid, Some(uid));
            assert_eq!([options.retry, options.patience], [minute; 2]);
            assert_eq!(options.unresponsive_after, Some(minute));
        }
    }

    #[test]
    fn a_key_of_the_environment_is_not_left_out_by_the_options() {
        let vars = |var| match var {
            MANAGER_VAR => Some("tcp:localhost:1".into()),
            AUTHKEY_VAR => Some("e".repeat(32).into()),
            _ => None,
        };
        let (options, _) = Manager::options().insecure_tcp().with_vars(vars).unwrap();
        assert!(!options.insecure_tcp && options.key.is_some());
    }
}
