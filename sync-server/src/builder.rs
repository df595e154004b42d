//! Starting and stopping a server.

use core::fmt;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sync_objects::{Deadlocks, DebugInfo, Kernel, Registry};
use sync_proto::address;
use sync_proto::{Address, AuthKey, Error, ErrorKind, ManagerId, Transport};

use crate::Limits;
use crate::event_loop::EventLoop;
use crate::hub::Hub;
use crate::key_file::read_key;
use crate::keys::Keys;
use crate::listener::Listener;
use crate::local::{Local, check_host};
use crate::loops::Loops;
use crate::python::Front;
use crate::socket_file::Audience;
use crate::source::Source;
use crate::strangers::Strangers;

/// The shortest grace period of sessions over TCP: in less time, no heartbeat gets through.
const GRACE_MIN: Duration = Duration::from_millis(100);

/// How to set up a server.
#[derive(Default)]
#[must_use = "it does nothing before it is spawned"]
pub struct Builder {
    addresses: Vec<Address>,
    python: Vec<Address>,
    keys: Vec<AuthKey>,
    insecure_tcp: bool,
    uids: Vec<u32>,
    registry: Option<Registry>,
    limits: Limits,
    spin: Duration,
    deadlocks: Deadlocks,
    initializer: Option<Initializer>,
    witness: bool,
}

type Initializer = Box<dyn FnOnce(Arc<dyn Transport>) -> Result<(), Error> + Send>;

/// A manager that runs on threads of this process: one for clients of this project, and one for
/// Python programs if it listens for them. It shuts down when it is dropped: callers that wait get
/// an error, and its socket files are removed.
#[derive(Debug)]
pub struct Server {
    hub: Arc<Hub>,
    addresses: Vec<Address>,
    python_addresses: Vec<Address>,
    keys: Arc<Keys>,
    insecure_tcp: bool,
    message_max: usize,
    /// The process whose threads it runs on; a forked child only has a copy of this.
    pid: u32,
    loops: Mutex<Loops>,
}

impl Builder {
    /// Listens on an address; may be called several times. Without it, the server listens on a unix
    /// socket in a new directory that only this user can enter.
    pub fn listen(mut self, address: Address) -> Self {
        self.addresses.push(address);
        self
    }

    /// Listens on an address for Python programs, which use the unmodified
    /// `multiprocessing.managers`; may be called several times. They must have the key, even over a
    /// unix socket. With this and no other address, there is no socket for Rust programs.
    pub fn python_listen(mut self, address: Address) -> Self {
        self.python.push(address);
        self
    }

    /// Requires this key of every client over TCP, and encrypts the connection with it; also
    /// requires it of every Python program, whose connections are not encrypted. If it is called
    /// twice, either key will do; children get the first one. See [`Server::set_authkeys`] for
    /// changing keys.
    pub fn authkey(mut self, key: AuthKey) -> Self {
        self.keys.push(key);
        self
    }

    /// Reads the key from a file that nobody but its owner can read; white space at its end is
    /// ignored. The key is used as by [`authkey`](Self::authkey).
    ///
    /// # Errors
    /// Those of [`read_key`].
    pub fn authkey_file(self, path: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(self.authkey(read_key(path)?))
    }

    /// Accepts everybody over TCP, and encrypts nothing: **whoever reaches the port can read and
    /// change everything**. For measurements over loopback, and for networks that only tests use.
    /// Clients must be set up for it, too (`ConnectOptions::insecure_tcp`).
    pub fn insecure_tcp(mut self) -> Self {
        self.insecure_tcp = true;
        self
    }

    /// Lets a user connect over unix sockets, by number; may be called several times. The server's
    /// own user always can. This needs an address whose directory that user can enter; the socket's
    /// file then has mode 0666, and the peer's credentials decide.
    pub fn allow_uid(mut self, uid: u32) -> Self {
        self.uids.push(uid);
        self
    }

    /// Sends with every answer over a socket the number of its commit, from which a test replays
    /// the history of a real run in the order in which the manager carried it out.
    #[doc(hidden)]
    pub fn witness(mut self) -> Self {
        self.witness = true;
        self
    }

    /// Offers these types instead of the built-in ones: start from [`sync_objects::registry`] and
    /// add to it.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Busy-polls for more to do for this time after each activity, before falling asleep;
    /// `ConnectOptions::spin` is the same for clients. Zero, the default, switches it off.
    pub fn spin(mut self, time: Duration) -> Self {
        self.spin = time;
        self
    }

    /// Sets what the server refuses to exceed.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets what is done about deadlocks; by default they are reported, in the log and by
    /// `debug_info`.
    pub fn deadlocks(mut self, deadlocks: Deadlocks) -> Self {
        self.deadlocks = deadlocks;
        self
    }

    /// Runs this before the first client is served: what it creates and names exists when the first
    /// one connects. Its argument is what `Manager::over` takes; if it fails, the server does not
    /// start.
    pub fn initializer(
        mut self,
        initializer: impl FnOnce(Arc<dyn Transport>) -> Result<(), Error> + Send + 'static,
    ) -> Self {
        self.initializer = Some(Box::new(initializer));
        self
    }

    /// Binds all addresses and starts serving.
    ///
    /// # Errors
    /// What the initializer failed with; [`ErrorKind::Exists`] when an address is in use;
    /// [`ErrorKind::InvalidInput`] for a TCP address without a key, with a key that is too short,
    /// or with a grace period under 100 ms, and for users who could not reach the socket;
    /// [`ErrorKind::Io`] with the system's message otherwise.
    pub fn spawn(self) -> Result<Server, Error> {
        self.check()?;
        let tcp = self.tcp().filter(|_| !self.insecure_tcp).cloned();
        let keys = Arc::new(Keys::new(self.keys, tcp, !self.python.is_empty())?);
        let audience = if self.uids.is_empty() { Audience::Owner } else { Audience::Others };
        let id = random()?;
        let listeners = if self.addresses.is_empty() && self.python.is_empty() {
            // 32 of the bits suffice for a name that is not there yet.
            vec![Listener::bind_private((id >> 96) as u64)?]
        } else {
            let bind = |address| Listener::bind(address, audience);
            self.addresses.iter().map(bind).collect::<Result<_, _>>()?
        };
        let addresses = listeners.iter().map(|listener| listener.address().clone()).collect();
        let python = self.python.iter().map(|address| Listener::bind(address, audience));
        let python = python.collect::<Result<Vec<_>, _>>()?;
        let python_addresses = python.iter().map(|of| of.address().clone()).collect();
        let mut registry = self.registry.unwrap_or_else(sync_objects::registry);
        Front::register(&mut registry);
        let mut kernel = Kernel::new(registry, self.limits.kernel.clone(), ManagerId(id));
        kernel.set_answer_max(self.limits.message);
        kernel.set_deadlocks(self.deadlocks);
        let poll = mio::Poll::new().map_err(|error| io_error(&error))?;
        let waker = mio::Waker::new(poll.registry(), Source::Waker.token());
        let hub = Arc::new(Hub::new(kernel, waker.map_err(|error| io_error(&error))?));
        let message_max = self.limits.message;
        let front = if python.is_empty() {
            None
        } else {
            let strangers = Strangers::new(Arc::clone(&keys), false, self.uids.clone());
            let front = Front::new(&hub, python, strangers, self.limits.clone());
            Some(front.map_err(|error| io_error(&error))?)
        };
        let strangers = Strangers::new(Arc::clone(&keys), self.insecure_tcp, self.uids);
        // On one core, who looks keeps the clients from asking.
        let alone = std::thread::available_parallelism().is_ok_and(|cores| cores.get() == 1);
        let spin = if alone { Duration::ZERO } else { self.spin };
        let hub_of_loop = Arc::clone(&hub);
        let mut event_loop =
            EventLoop::new(poll, hub_of_loop, listeners, strangers, self.limits, spin);
        event_loop.witness = self.witness;
        let pid = std::process::id();
        let insecure_tcp = self.insecure_tcp;
        let server = Server {
            hub,
            addresses,
            python_addresses,
            keys,
            insecure_tcp,
            message_max,
            pid,
            loops: Mutex::default(),
        };
        // From here on they are ended where this fails.
        server.start("sync-server", || event_loop.run())?;
        if let Some(front) = front {
            server.start("sync-server-py", || front.run())?;
        }
        if let Some(initializer) = self.initializer {
            initializer(server.local()?)?;
        }
        server.hub.open_doors();
        Ok(server)
    }

    fn tcp(&self) -> Option<&Address> {
        self.addresses.iter().find(|address| matches!(address, Address::Tcp { .. }))
    }

    fn check(&self) -> Result<(), Error> {
        let refused = |why: String| Err(Error::new(ErrorKind::InvalidInput, why));
        if !self.uids.is_empty() && self.addresses.is_empty() && self.python.is_empty() {
            return refused(
                "no other user can enter the server's own directory: give an address to listen on"
                    .into(),
            );
        }
        for address in &self.addresses {
            if !matches!(address, Address::Tcp { .. }) {
                continue;
            }
            let grace = self.limits.kernel.grace;
            if grace < GRACE_MIN {
                return refused(format!(
                    "a grace period of {grace:?} would end sessions at {address} that merely \
                     pause: make it at least {GRACE_MIN:?}, or listen on a unix socket, where a \
                     death is seen at once"
                ));
            }
            if self.insecure_tcp {
                tracing::warn!("{address} is not encrypted: whoever reaches it can do everything");
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Builder");
        debug.field("addresses", &self.addresses).field("limits", &self.limits);
        debug.finish_non_exhaustive()
    }
}

impl Server {
    /// Returns a builder for a server.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Returns the first address it listens on.
    ///
    /// # Panics
    /// When it listens only for Python programs.
    pub fn address(&self) -> &Address {
        self.addresses.first().expect("a server that only listens for Python has no such address")
    }

    /// Returns all addresses it listens on, each with its actual port.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Returns all addresses it listens on for Python programs.
    pub fn python_addresses(&self) -> &[Address] {
        &self.python_addresses
    }

    /// Opens a session for this process that needs no socket; `Manager::over` takes it.
    ///
    /// # Errors
    /// [`ErrorKind::ShuttingDown`]; [`ErrorKind::LimitReached`] when there are as many sessions as
    /// there may be; [`ErrorKind::Disconnected`] in a forked child, which must connect as any other
    /// process.
    pub fn local(&self) -> Result<Arc<dyn Transport>, Error> {
        check_host(self.pid)?;
        Ok(Local::open(&self.hub, self.invitation(), self.message_max)?)
    }

    /// Reports who holds what of which object and who waits for what, as a client's
    /// `Manager::debug_info` does.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`] in a forked child, which has a copy that nobody uses.
    pub fn debug_info(&self) -> Result<DebugInfo, Error> {
        check_host(self.pid)?;
        Ok(self.hub.visit(Kernel::debug_info))
    }

    /// Replaces the keys, for connections that are opened from now on. Open ones stay, but a client
    /// that only has a removed key cannot open further ones, neither for another thread nor in
    /// place of one that broke. To change a key without a pause, give the server both, then give
    /// each client the new one, then give the server only that one. Children of sessions that
    /// [`local`](Self::local) opens from now on get the first.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when there is none, or one that is too short, for the addresses
    /// on which the server listens; the old ones then stay in force. [`ErrorKind::Disconnected`] in
    /// a forked child.
    pub fn set_authkeys(&self, keys: impl IntoIterator<Item = AuthKey>) -> Result<(), Error> {
        check_host(self.pid)?;
        self.keys.replace(keys.into_iter().collect())
    }

    /// Asks the server to end; returns at once.
    pub fn shutdown(&self) {
        self.hub.stop();
    }

    /// Waits until the server has ended: by [`shutdown`](Self::shutdown), or because a client asked
    /// it to.
    ///
    /// # Errors
    /// When it has ended by itself: [`ErrorKind::Io`] with the system's message, or
    /// [`ErrorKind::Broken`] when one of its threads panicked. Its clients have got an error, as
    /// far as that was possible. [`ErrorKind::Disconnected`] in a forked child, whose parent has
    /// the server.
    pub fn join(&self) -> Result<(), Error> {
        check_host(self.pid)?;
        // Locked until the end: other threads that wait for it wait here.
        self.loops.lock().join()
    }

    fn start(
        &self,
        name: &str,
        run: impl FnOnce() -> io::Result<()> + Send + 'static,
    ) -> Result<(), Error> {
        self.loops.lock().start(name, &self.hub, run).map_err(|error| io_error(&error))
    }

    fn invitation(&self) -> Vec<(&'static str, OsString)> {
        let Some(address) = self.addresses.first() else { return Vec::new() };
        address::invitation(address, self.keys.current().all.first(), self.insecure_tcp)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if check_host(self.pid).is_ok() {
            self.shutdown();
            // What it failed with is in the log.
            let _ = self.join();
        }
    }
}

fn random() -> Result<u128, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::new(ErrorKind::Io, error.to_string()))?;
    Ok(u128::from_le_bytes(bytes))
}

fn io_error(error: &io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("the server cannot start: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_may_be_described_on_one_thread_and_started_on_another() {
        let server = Server::builder().initializer(|_| Ok(()));
        let started = std::thread::spawn(|| server.spawn().map(drop));
        started.join().unwrap().unwrap();
    }
}
