//! A session with a manager over sockets.
//!
//! Each thread that waits has a connection of its own, from a pool: it writes its request and
//! reads its reply itself. There is no reader thread and no hand-off; a call is two system calls.

use std::ffi::OsString;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use dashmap::DashMap;
use parking_lot::Mutex;
use sync_proto::frame::FrameLimit;
use sync_proto::handshake::{ClientInfo, Purpose, Welcome};
use sync_proto::message::{ClientMessage, OneWay, Reply, Request, ServerMessage, WireHandle};
use sync_proto::{
    Call, CallId, Data, ErrorKind, Handle, Introductions, Keeper, ManagerId, ObjectId, OneWayId,
    Pipe, Refusal, ThreadId, Transport,
};

mod awake;
mod connection;
mod pipe;
mod target;

use connection::{Connection, Socket};
use pipe::SocketPipe;
pub(crate) use target::Target;

/// Connections that are kept for later calls; one more is closed when its call is done.
const IDLE_MAX: usize = 64;

/// How long a manager may take for each step of letting a connection in: longer than it gives its
/// clients.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// This process's session with a manager.
#[derive(Debug)]
pub(crate) struct Session {
    target: Target,
    /// The process that opened it. In a forked child it is somebody else's.
    pid: u32,
    welcome: Welcome,
    idle: Mutex<Vec<Connection>>,
    /// The sockets of all open connections, to end calls that other threads wait in.
    open: DashMap<u64, Arc<Socket>>,
    next_connection: AtomicU64,
    next_call: AtomicU64,
    one_ways: AtomicU64,
    /// One-way calls for which no connection could be opened; the next one that is free takes
    /// them along.
    unsent: Mutex<Vec<(ThreadId, Call)>>,
    /// Why the session is over.
    over: OnceLock<Refusal>,
    introductions: Introductions,
    /// The session that a forked child opened in place of this one.
    heir: Mutex<Option<Arc<Self>>>,
    me: Weak<Self>,
}

impl Session {
    pub(crate) fn open(target: Target, patience: Duration) -> Result<Arc<Self>, Refusal> {
        let pid = std::process::id();
        let info = ClientInfo::new(pid, std::env::current_exe().ok());
        let (connection, welcome) = Connection::open(&target, Purpose::Open(info), patience)?;
        let session = Arc::new_cyclic(|me| Self {
            target,
            pid,
            welcome,
            idle: Mutex::default(),
            open: DashMap::new(),
            next_connection: AtomicU64::new(0),
            next_call: AtomicU64::new(1),
            one_ways: AtomicU64::new(0),
            unsent: Mutex::default(),
            over: OnceLock::new(),
            introductions: Introductions::new(),
            heir: Mutex::default(),
            me: me.clone(),
        });
        let connection = session.adopt(connection)?;
        session.put_by(connection);
        Ok(session)
    }

    /// Takes a connection that no other thread uses.
    fn connection(&self) -> Result<Connection, Refusal> {
        if let Some(why) = self.over.get() {
            return Err(why.clone());
        }
        if let Some(connection) = self.idle.lock().pop() {
            return Ok(connection);
        }
        let purpose = Purpose::Join(self.welcome.token);
        // One connection too many is no reason to end what the others hold. If the manager is
        // gone, they find out.
        let (connection, _) = Connection::open(&self.target, purpose, PATIENCE)?;
        self.adopt(connection)
    }

    /// Makes a new connection one of this session's.
    fn adopt(&self, mut connection: Connection) -> Result<Connection, Refusal> {
        connection.set_number(self.next_connection.fetch_add(1, Ordering::Relaxed));
        self.open.insert(connection.number(), connection.socket());
        match self.over.get() {
            // It was ended while this connection was made, and did not see it.
            Some(why) => {
                self.open.remove(&connection.number());
                Err(why.clone())
            }
            None => Ok(connection),
        }
    }

    fn put_by(&self, mut connection: Connection) {
        let unsent = std::mem::take(&mut *self.unsent.lock());
        for (thread, call) in unsent {
            if let Err(why) = self.send_on(&mut connection, thread, call) {
                self.end(why);
                return;
            }
        }
        let mut idle = self.idle.lock();
        if idle.len() < IDLE_MAX {
            idle.push(connection);
        } else {
            self.open.remove(&connection.number());
        }
    }

    /// Ends the session: every thread that waits finds its connection closed. Returns why it
    /// is over; the first reason stands.
    fn end(&self, why: Refusal) -> Refusal {
        let why = self.over.get_or_init(|| match why.kind {
            ErrorKind::Disconnected | ErrorKind::ShuttingDown | ErrorKind::Malformed => why,
            _ => Refusal::new(ErrorKind::Disconnected, why.to_string()),
        });
        for socket in &self.open {
            socket.shutdown();
        }
        self.open.clear();
        self.idle.lock().clear();
        why.clone()
    }

    fn limit(&self) -> FrameLimit {
        FrameLimit::of_body(self.welcome.body_max as usize)
    }

    /// Returns the session to use in this process: in a forked child that is its own.
    fn current(&self) -> Result<Arc<Self>, Refusal> {
        let mut heir = self.heir.lock();
        match &*heir {
            Some(session) if session.pid == std::process::id() => Ok(Arc::clone(session)),
            _ => Ok(Arc::clone(heir.insert(Self::open(self.target.clone(), PATIENCE)?))),
        }
    }

    fn is_own(&self) -> bool {
        self.pid == std::process::id()
    }

    fn send_on(
        &self,
        connection: &mut Connection,
        thread: ThreadId,
        call: Call,
    ) -> Result<(), Refusal> {
        let Call { object, method, data, .. } = call;
        let data = data.into_wire(self.manager())?;
        // Numbered last: from here to the write, others' requests wait for this one.
        let number = OneWayId(self.one_ways.fetch_add(1, Ordering::SeqCst) + 1);
        let message = OneWay { number, thread, object, method, data };
        connection.queue(&ClientMessage::OneWay(message), self.limit())?;
        connection.write()
    }

    /// Makes a call this session's next one.
    fn request(&self, call: Call) -> Result<Request, Refusal> {
        let Call { object, method, timeout, data, .. } = call;
        Ok(Request {
            call: CallId(self.next_call.fetch_add(1, Ordering::Relaxed)),
            after: OneWayId(self.one_ways.load(Ordering::SeqCst)),
            thread: ThreadId::current(),
            object,
            method,
            timeout,
            data: data.into_wire(self.manager())?,
        })
    }

    /// Takes the handles of an answer.
    fn receive(&self, answer: Result<Data<WireHandle>, Refusal>) -> Result<Data, Refusal> {
        let keeper = || self.me.upgrade().expect("who calls is there");
        answer?.map_handles(|wire| Ok(Handle::new(wire.object, wire.interface, keeper())))
    }

    /// Tells the calling thread's name, once.
    fn introduce(&self) {
        if self.introductions.are_due()
            && let Some(name) = std::thread::current().name()
        {
            self.send(sync_objects::name_thread_call(name));
        }
    }

    fn converse(&self, call: Call) -> Result<Data, Refusal> {
        let request = self.request(call)?;
        let id = request.call;
        let mut connection = self.connection()?;
        if let Err(refusal) = connection.queue(&ClientMessage::Request(request), self.limit()) {
            // Nothing was sent: the connection is as good as before.
            self.put_by(connection);
            return Err(refusal);
        }
        let answer = connection.write().and_then(|()| connection.read());
        match answer.map_err(|why| self.end(why))? {
            ServerMessage::Reply(Reply { call, outcome }) if call == id => {
                self.put_by(connection);
                self.receive(outcome)
            }
            ServerMessage::Refused(refusal) => Err(self.end(refusal)),
            other => {
                let why = format!("the manager answered call {id} with {other:?}");
                Err(self.end(Refusal::new(ErrorKind::Malformed, why)))
            }
        }
    }
}

impl Transport for Session {
    fn call(&self, call: Call) -> Result<Data, Refusal> {
        if !self.is_own() {
            return self.current()?.call(call);
        }
        self.introduce();
        self.converse(call)
    }

    fn send(&self, call: Call) {
        // What a forked child drops was its parent's.
        if !self.is_own() {
            return;
        }
        let thread = ThreadId::current();
        match self.connection() {
            Ok(mut connection) => match self.send_on(&mut connection, thread, call) {
                Ok(()) => self.put_by(connection),
                Err(why) => drop(self.end(why)),
            },
            // What is over has let go of everything.
            Err(_) if self.is_over() => {}
            Err(_) => self.unsent.lock().push((thread, call)),
        }
    }

    fn pipe(&self) -> Result<Box<dyn Pipe>, Refusal> {
        if !self.is_own() {
            return self.current()?.pipe();
        }
        self.introduce();
        let me = self.me.upgrade().expect("who calls is there");
        Ok(Box::new(SocketPipe::open(me)?))
    }

    fn disconnect(&self) {
        if self.is_own() {
            let why = "this process has disconnected from the manager";
            self.end(Refusal::new(ErrorKind::Disconnected, why));
        }
    }

    fn is_over(&self) -> bool {
        self.over.get().is_some()
    }

    fn invitation(&self) -> Vec<(&'static str, OsString)> {
        self.target.invitation()
    }
}

impl Keeper for Session {
    fn release(&self, object: ObjectId) {
        if object != ObjectId::MANAGER && !self.is_over() {
            self.send(sync_objects::release_call(object));
        }
    }

    fn manager(&self) -> ManagerId {
        self.welcome.manager
    }

    fn transport(&self) -> Option<&dyn Transport> {
        Some(self)
    }
}
