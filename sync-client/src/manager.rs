//! The manager, seen by its clients.

use std::ffi::{OsStr, OsString};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use sync_objects::{DebugInfo, Naming, OBJECTS_SHOWN_MAX, manager};
use sync_proto::address::VARS;
use sync_proto::{
    Address, Data, Error, ErrorKind, Handle, Interface, Keeper, ObjectId, Pipeline, Place, Refusal,
    Shared, Transport,
};

use crate::options::ConnectOptions;
use crate::spawn::ManagerProcess;
use crate::ticket::Ticket;

mod create;

/// A manager of shared objects: where they are created and found.
///
/// Cheap to clone; all clones in a process share one session. When the last clone and the last
/// proxy are gone, the session ends, and all that it held is released. It also ends when the
/// process does: over a unix socket at once, over TCP when it has not come back within the
/// manager's grace period (`--grace`, 10 s), because there a death looks like a broken network.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Manager {
    proxy: manager::Proxy,
}

impl Manager {
    /// Uses a manager through an existing transport: `server.local()` for the one that this process
    /// hosts.
    #[doc(alias = "SyncManager")]
    #[expect(clippy::missing_panics_doc, reason = "every manager has an object of its own")]
    pub fn over(transport: Arc<dyn Transport>) -> Self {
        let keeper: Arc<dyn Keeper> = transport;
        let handle = Handle::new(ObjectId::MANAGER, manager::INTERFACE.fingerprint, keeper);
        let proxy = manager::Proxy::attach(handle).expect("the manager's own object");
        Self { proxy }
    }

    /// Connects to a manager at an address, `unix:PATH` or `tcp:HOST:PORT`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the address is malformed; [`ErrorKind::Disconnected`] when
    /// nothing answers there; [`ErrorKind::Unauthorized`] when the manager does not accept this
    /// client; [`ErrorKind::Incompatible`] when it uses another version of the protocol.
    pub fn connect<A>(address: A) -> Result<Self, Error>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Self::options().connect(address)
    }

    /// Returns options that say how to connect: with a key, say, or before the manager is there.
    pub fn options() -> ConnectOptions {
        ConnectOptions::default()
    }

    /// Starts a manager in a process of its own, which ends with this one. The `sync-server` binary
    /// is the one named by the environment variable `SYNC_SERVER`, or else the one beside this
    /// program, or else the one in `PATH`. [`ConnectOptions::spawn`] passes arguments to it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when there is no such binary, when it does not start, or when it prints
    /// nothing for 10 s (with options, their [`connect_timeout`](ConnectOptions::connect_timeout))
    /// before it is ready; it is then ended.
    #[doc(alias = "start")]
    pub fn spawn() -> Result<ManagerProcess, Error> {
        Self::options().spawn([""; 0])
    }

    /// Connects to the manager that the environment names: in a process that was started with
    /// [`command`](Self::command), that is its parent's. It reads
    ///
    /// * `SYNC_MANAGER`, the address;
    /// * `SYNC_AUTHKEY_HEX`, the key as hexadecimal digits, or else `SYNC_AUTHKEY`, the key as it
    ///   is;
    /// * `SYNC_INSECURE_TCP`, with any value: connections over TCP are not encrypted
    ///   ([`ConnectOptions::insecure_tcp`]);
    /// * `SYNC_SERVER_UID`, the number of another user whose manager is accepted
    ///   ([`ConnectOptions::server_uid`]).
    ///
    /// [`ConnectOptions::connect_env`] does the same with further options.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when `SYNC_MANAGER` is not set; [`ErrorKind::InvalidInput`] when one
    /// of them is malformed; and those of [`connect`](Self::connect).
    pub fn from_env() -> Result<Self, Error> {
        Self::options().connect_env()
    }

    /// Returns the same manager with a deadline for each of its own calls; one that waits longer
    /// fails with [`ErrorKind::TimedOut`].
    #[must_use]
    pub fn within(&self, timeout: Duration) -> Self {
        Self { proxy: self.proxy.within(timeout) }
    }

    /// Ends the session: calls that wait in other threads fail with [`ErrorKind::Disconnected`],
    /// and all that the session held is released.
    ///
    /// One-way messages that were sent before go first. It waits until they are on their way, over
    /// TCP until the manager has them, but begins no further attempt after
    /// [`connect_timeout`](ConnectOptions::connect_timeout), and gives each step as long at most: a
    /// manager that is stopped, or cannot be reached, does not get them. Dropping the last proxy
    /// does the same; over a unix socket, and where the library is just reconnecting, it leaves
    /// that to a thread of the library, which does not outlive the process.
    pub fn disconnect(&self) {
        if let Some(transport) = self.transport() {
            transport.disconnect();
        }
    }

    /// Ends the manager: blocked callers of all clients get [`ErrorKind::ShuttingDown`], and the
    /// server stops.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`] when it has ended already.
    pub fn shutdown(&self) -> Result<(), Error> {
        self.proxy.shutdown()
    }

    /// Returns a place under a name, where objects are created or found.
    pub fn named<'a>(&'a self, name: &'a str) -> Named<'a> {
        Named { manager: self, name, exclusive: false }
    }

    /// Gives an object a name, which keeps it until [`unpublish`](Self::unpublish).
    ///
    /// # Errors
    /// [`ErrorKind::Exists`] when the name is taken; [`ErrorKind::InvalidInput`] when it is empty
    /// or too long (`--max-name-length`), or the object is another manager's;
    /// [`ErrorKind::LimitReached`] when the manager has as many names as it may (`--max-names`).
    pub fn publish(&self, name: &str, object: &impl Shared) -> Result<(), Error> {
        self.proxy.publish(name.to_owned(), object.handle().clone())
    }

    /// Takes a name away; the object lives on while anything has a handle on it. Returns whether
    /// there was such a name.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`].
    pub fn unpublish(&self, name: &str) -> Result<bool, Error> {
        self.proxy.unpublish(name.to_owned())
    }

    /// Returns all names, in alphabetical order.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`].
    pub fn names(&self) -> Result<Vec<String>, Error> {
        self.proxy.names()
    }

    /// Makes a ticket: an object's handle as text, for a child's arguments or environment. The
    /// object lives at least until the ticket is redeemed or this session ends.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`]; [`ErrorKind::Io`] when the system has no randomness.
    pub fn ticket(&self, object: &impl Shared) -> Result<Ticket, Error> {
        let ticket = Ticket::random()?;
        self.proxy.issue(object.handle().clone(), ticket.secret())?;
        Ok(ticket)
    }

    /// Redeems a ticket; it can be redeemed once.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when it was redeemed before or its issuer's session has ended;
    /// [`ErrorKind::Mismatch`] when the object is of another type: the ticket stays valid.
    pub fn redeem<P: Shared>(&self, ticket: &Ticket) -> Result<P, Error> {
        let Interface { name, fingerprint, .. } = *P::INTERFACE;
        P::attach(self.proxy.redeem(ticket.secret(), name.to_owned(), fingerprint)?)
    }

    /// Prepares a child process that finds this manager by [`Manager::from_env`]; variables for
    /// another manager that this process may have in its environment are not passed on.
    ///
    /// Over TCP the key is in the child's environment, which `Command` shows when it is printed
    /// with `{:?}`, and which this user's other processes can read.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        // What this process was told itself may be of another manager.
        for var in VARS {
            command.env_remove(var);
        }
        command.envs(self.envs());
        command
    }

    /// Returns what [`command`](Self::command) sets in a child's environment: the address, and the
    /// key where one is needed. If you start a child in another way, remove the other variables of
    /// [`from_env`](Self::from_env) from its environment.
    pub fn envs(&self) -> Vec<(&'static str, OsString)> {
        self.transport().map(Transport::invitation).unwrap_or_default()
    }

    /// Returns how many objects live in the manager.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`].
    pub fn object_count(&self) -> Result<u64, Error> {
        self.proxy.object_count()
    }

    /// Returns how many calls, of all clients, wait in the manager.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`].
    pub fn blocked_count(&self) -> Result<u64, Error> {
        self.proxy.blocked_count(None)
    }

    /// Returns how many calls wait for one object.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when it is another manager's; [`ErrorKind::Disconnected`].
    pub fn blocked_on(&self, object: &impl Shared) -> Result<u64, Error> {
        let (object, own) = (object.handle(), self.proxy.remote());
        if object.keeper().manager() != own.handle().keeper().manager() {
            let why = format!("{object:?} is of another manager");
            let refusal = Refusal::new(ErrorKind::InvalidInput, why);
            return Err(refusal.during(own.interface().name, "blocked_count"));
        }
        self.proxy.blocked_count(Some(object.object()))
    }

    /// Returns who holds what and who waits for what: all client processes, the deadlocks, and at
    /// most [`OBJECTS_SHOWN_MAX`] objects (1,000), busy ones first. What is listed of an object,
    /// and of deadlocks, is cut to what fits into a message. It displays as text for an operator.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`].
    #[doc(alias = "_debug_info")]
    pub fn debug_info(&self) -> Result<DebugInfo, Error> {
        self.proxy.debug_info(OBJECTS_SHOWN_MAX)
    }

    /// Makes many calls with one wait: inside `calls`, the object that a proxy's `later` returns
    /// makes each call without waiting for the answers to earlier ones. [`Dict`](crate::Dict),
    /// [`List`](crate::List), [`Queue`](crate::Queue), [`Set`](crate::Set) and
    /// [`Value`](crate::Value) have it for the calls that [`Later`](crate::Later) lists, the
    /// proxies of [custom types](crate::custom_types) for all of theirs.
    ///
    /// The calls are carried out in the order in which they were made, on a connection of their
    /// own; ordinary calls in between may overtake them. They are gathered before they are sent, at
    /// the latest when an answer is waited for that has not come, or when `calls` returns: whoever
    /// waits for what they bring about by an ordinary call [flushes](Pipeline::flush) them first.
    ///
    /// A call that still stands in line when `calls` returns, and that nobody has waited for, is
    /// cancelled. One that was answered is done, and what it took is lost: an item of a queue, say,
    /// or a hold on an object, which stays until this session ends. Answers come while calls are
    /// made and waited for; who does something else for long must not have asked for more than the
    /// manager keeps for a client that does not read (`--output-hard`), or the session is over.
    ///
    /// ```
    /// # let server = sync_server::Server::builder().spawn()?;
    /// # let manager = sync_client::Manager::over(server.local()?);
    /// let stock = manager.create_dict::<String, u64>()?;
    /// let fruits = ["apples", "pears", "plums"];
    /// manager.pipeline(|p| {
    ///     let asked = fruits.map(|fruit| stock.later(p).set(fruit, &3)); // one after the other
    ///     asked.into_iter().try_for_each(|set| set.wait())
    /// })?;
    /// # assert_eq!(stock.len()?, 3);
    /// # Ok::<(), sync_client::Error>(())
    /// ```
    ///
    /// # Panics
    /// When this `Manager` was created from an object's own code, inside the manager.
    pub fn pipeline<R>(&self, calls: impl FnOnce(&Pipeline<'_>) -> R) -> R {
        calls(&Pipeline::new(self.transport().expect("a client's handle has a transport")))
    }

    fn transport(&self) -> Option<&dyn Transport> {
        self.proxy.remote().handle().keeper().transport()
    }

    fn create(&self, interface: &Interface, naming: Naming, data: Data) -> Result<Handle, Refusal> {
        let (name, fingerprint) = (interface.name.to_owned(), interface.fingerprint);
        Ok(self.proxy.create(name, fingerprint, naming, data)?)
    }
}

/// Creates objects without a name: each lives as long as anything has a handle on it.
impl Place for &Manager {
    fn create(self, interface: &'static Interface, data: Data) -> Result<Handle, Refusal> {
        self.create(interface, Naming::Anonymous, data)
    }
}

/// A name in a manager: get or create.
///
/// The first caller creates the object, with these arguments; later callers find it. Arguments that
/// shape the object (a queue's bound, say) must then be the same, or the error is
/// [`ErrorKind::Mismatch`]; those that only fill it count at creation only. The type of what a
/// container holds does not shape it: a value that a reader takes for another type than it has is
/// an error when it is read ([`ErrorKind::WrongType`]).
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Named<'a> {
    manager: &'a Manager,
    name: &'a str,
    exclusive: bool,
}

impl Named<'_> {
    /// Requires that the object is new: a name that is taken is refused with [`ErrorKind::Exists`].
    pub fn exclusive(mut self) -> Self {
        self.exclusive = true;
        self
    }

    /// Finds the object; it must be there.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when nothing has the name; [`ErrorKind::Mismatch`] when the object
    /// that has it is of another type.
    pub fn open<P: Shared>(&self) -> Result<P, Error> {
        let Interface { name, fingerprint, .. } = *P::INTERFACE;
        let proxy = &self.manager.proxy;
        P::attach(proxy.open(self.name.to_owned(), name.to_owned(), fingerprint)?)
    }
}

impl Place for Named<'_> {
    fn create(self, interface: &'static Interface, data: Data) -> Result<Handle, Refusal> {
        let name = self.name.to_owned();
        let naming =
            if self.exclusive { Naming::CreateNew(name) } else { Naming::GetOrCreate(name) };
        self.manager.create(interface, naming, data)
    }
}
