//! Starting and stopping a server.

use core::fmt;
use std::ffi::OsString;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;
use sync_objects::{Kernel, Registry};
use sync_proto::address::{AUTHKEY_HEX_VAR, MANAGER_VAR};
use sync_proto::{Address, AuthKey, Error, ErrorKind, ManagerId, Transport};

use crate::Limits;
use crate::event_loop::{EventLoop, WAKER_TOKEN};
use crate::hub::Hub;
use crate::listener::Listener;
use crate::local::Local;

/// How a server is to be.
#[derive(Default)]
pub struct Builder {
    addresses: Vec<Address>,
    key: Option<AuthKey>,
    registry: Option<Registry>,
    limits: Limits,
    initializer: Option<Initializer>,
}

type Initializer = Box<dyn FnOnce(Arc<dyn Transport>) -> Result<(), Error>>;

/// A manager that runs on a thread of this process. It shuts down when it is dropped: who waits
/// is told, and its sockets' files are removed.
#[derive(Debug)]
pub struct Server {
    hub: Arc<Hub>,
    addresses: Vec<Address>,
    key: Option<AuthKey>,
    message_max: usize,
    /// The process whose thread it is; a forked child only has a copy of this.
    pid: u32,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Builder {
    /// Listens on an address; may be said several times. Without it, the server listens on a unix
    /// socket in a new directory that only this user can enter.
    #[must_use]
    pub fn listen(mut self, address: Address) -> Self {
        self.addresses.push(address);
        self
    }

    /// Demands this key of whoever connects over TCP.
    #[must_use]
    pub fn authkey(mut self, key: AuthKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Offers these types instead of the built-in ones: begin with [`sync_objects::registry`] and
    /// add to it.
    #[must_use]
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Sets what the server refuses to exceed.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Runs this before the first client is served: what it creates and names is there when the
    /// first one comes. It gets what `Manager::over` takes; if it fails, the server does not
    /// start.
    #[must_use]
    pub fn initializer(
        mut self,
        initializer: impl FnOnce(Arc<dyn Transport>) -> Result<(), Error> + 'static,
    ) -> Self {
        self.initializer = Some(Box::new(initializer));
        self
    }

    /// Binds all addresses and starts serving.
    ///
    /// # Errors
    /// What the initializer failed with;
    /// [`ErrorKind::Exists`] when an address is taken; [`ErrorKind::InvalidInput`] for a TCP
    /// address without a key; [`ErrorKind::Io`] with the system's words otherwise.
    pub fn spawn(self) -> Result<Server, Error> {
        self.check()?;
        let id = random()?;
        let listeners = if self.addresses.is_empty() {
            // 32 of the bits suffice for a name that is not there yet.
            vec![Listener::bind_private((id >> 96) as u64)?]
        } else {
            self.addresses.iter().map(Listener::bind).collect::<Result<_, _>>()?
        };
        let addresses = listeners.iter().map(|listener| listener.address().clone()).collect();
        let registry = self.registry.unwrap_or_else(sync_objects::registry);
        let kernel = Kernel::new(registry, self.limits.kernel.clone(), ManagerId(id));
        let poll = mio::Poll::new().map_err(|error| io_error(&error))?;
        let waker = mio::Waker::new(poll.registry(), WAKER_TOKEN);
        let hub = Arc::new(Hub::new(kernel, waker.map_err(|error| io_error(&error))?));
        let message_max = self.limits.message;
        let event_loop =
            EventLoop::new(poll, Arc::clone(&hub), listeners, self.key.clone(), self.limits);
        let thread = std::thread::Builder::new()
            .name("sync-server".to_owned())
            .spawn(move || event_loop.run())
            .map_err(|error| io_error(&error))?;
        let thread = Mutex::new(Some(thread));
        let pid = std::process::id();
        let server = Server { hub, addresses, key: self.key, message_max, pid, thread };
        if let Some(initializer) = self.initializer {
            initializer(server.local()?)?;
        }
        server.hub.open_doors();
        Ok(server)
    }

    fn check(&self) -> Result<(), Error> {
        let open = self.addresses.iter().find(|address| matches!(address, Address::Tcp { .. }));
        match open {
            Some(address) if self.key.is_none() => Err(Error::new(
                ErrorKind::InvalidInput,
                format!(
                    "{address} can be reached by anyone on the network: give the server a key, \
                     or listen on a unix socket"
                ),
            )),
            _ => Ok(()),
        }
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
    /// Begins to describe a server.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Returns the first address it listens on.
    pub fn address(&self) -> &Address {
        &self.addresses[0]
    }

    /// Returns all addresses it listens on, each with the port that was really bound.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Opens a session for this process that needs no socket; `Manager::over` takes it.
    ///
    /// # Errors
    /// [`ErrorKind::ShuttingDown`], or [`ErrorKind::LimitReached`] when there are as many
    /// sessions as there may be.
    pub fn local(&self) -> Result<Arc<dyn Transport>, Error> {
        let local =
            Local::open(&self.hub, self.invitation(), self.message_max).map_err(Error::from)?;
        Ok(local)
    }

    /// Asks the server to end; returns at once.
    pub fn shutdown(&self) {
        self.hub.stop();
    }

    /// Waits until the server has ended: by [`shutdown`](Self::shutdown), or asked by a client.
    pub fn join(&self) {
        // Locked until the end: whoever else waits for it waits here.
        let mut thread = self.thread.lock();
        if thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the event loop panicked");
        }
    }

    fn invitation(&self) -> Vec<(&'static str, OsString)> {
        let mut invitation = vec![(MANAGER_VAR, self.address().to_string().into())];
        if let (Address::Tcp { .. }, Some(key)) = (self.address(), &self.key) {
            invitation.push((AUTHKEY_HEX_VAR, key.to_hex().into()));
        }
        invitation
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.pid == std::process::id() {
            self.shutdown();
            self.join();
        }
    }
}

fn random() -> Result<u128, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::new(ErrorKind::Io, error.to_string()))?;
    Ok(u128::from_le_bytes(bytes))
}

fn io_error(error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("the server cannot start: {error}"))
}
