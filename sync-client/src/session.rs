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
use sync_proto::frame::{self, FrameLimit};
use sync_proto::handshake::{ClientInfo, Purpose, Welcome};
use sync_proto::message::{OneWay, Request, ServerMessage, WireHandle};
use sync_proto::{
    Address, Call, CallId, Data, Epoch, ErrorKind, Introductions, Keeper, ManagerId, ObjectId,
    OneWayId, Pipe, Refusal, ThreadId, Transport,
};

use crate::process::Process;

mod awake;
mod connection;
mod exchange;
mod keeper;
mod lifeline;
mod pipe;
mod pool;
mod rejoin;
mod socket;
mod target;
mod thread;
mod unsent;

use connection::Connection;
use lifeline::Lifeline;
use pipe::SocketPipe;
use socket::Socket;
pub(crate) use target::Target;
use unsent::Unsent;

/// How many one-way messages may be written beyond those that the manager is known to have carried
/// out. One may be late: its sender was suspended after it was numbered, or it is behind others on
/// its connection. The manager keeps four times as many that come before it, and then ends the
/// session.
const AHEAD_MAX: u64 = 1024;

/// How long a manager may take for each step of letting a connection in: longer than it gives its
/// clients.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// This process's session with a manager.
#[derive(Debug)]
pub(crate) struct Session {
    target: Target,
    /// The process that opened it. In a forked child it is somebody else's.
    process: Process,
    welcome: Welcome,
    idle: Mutex<Vec<Connection>>,
    /// The sockets of all open connections, to end calls that other threads wait in.
    open: DashMap<u64, (Epoch, Arc<Socket>)>,
    /// What lets it survive broken connections, over TCP.
    lifeline: Option<Arc<Lifeline>>,
    next_connection: AtomicU64,
    next_call: AtomicU64,
    one_ways: AtomicU64,
    unsent: Unsent,
    /// Why the session is over.
    over: OnceLock<Refusal>,
    introductions: Introductions,
    /// What a forked child has in place of this one.
    heir: Mutex<Option<Heir>>,
    /// The session of the first parent in whose place this one is, if any. A child of this process
    /// has one heir of both: it would wait for itself.
    root: Weak<Self>,
    me: Weak<Self>,
}

/// What a forked child has in place of its parent's session.
#[derive(Debug)]
struct Heir {
    /// The child. Its own child has another.
    process: Process,
    /// The child's session, or why it has none.
    session: Result<Arc<Session>, Refusal>,
}

impl Session {
    pub(crate) fn open(target: Target, patience: Duration) -> Result<Arc<Self>, Refusal> {
        Self::open_after(Weak::new(), target, patience)
    }

    fn open_after(
        root: Weak<Self>,
        target: Target,
        patience: Duration,
    ) -> Result<Arc<Self>, Refusal> {
        let info = ClientInfo::new(std::process::id(), std::env::current_exe().ok());
        let began = Lifeline::clock();
        let (connection, welcome) = Connection::open(&target, Purpose::Open(info), patience)?;
        let lifeline = welcome.resumption.map(|how| Arc::new(Lifeline::new(how, began)));
        let session = Arc::new_cyclic(|me| Self {
            target,
            process: Process::found_anew(),
            welcome,
            idle: Mutex::default(),
            open: DashMap::new(),
            lifeline,
            next_connection: AtomicU64::new(0),
            next_call: AtomicU64::new(1),
            one_ways: AtomicU64::new(0),
            unsent: Unsent::default(),
            over: OnceLock::new(),
            introductions: Introductions::new(),
            heir: Mutex::default(),
            root,
            me: me.clone(),
        });
        let connection = session.adopt(connection)?;
        match &session.lifeline {
            Some(lifeline) => keeper::start(&session, lifeline, connection)?,
            None => session.put_by(connection),
        }
        Ok(session)
    }

    /// Returns why the session is over, if it is: also because it was not resumed in time.
    fn why_over(&self) -> Option<Refusal> {
        if let Some(why) = self.over.get() {
            return Some(why.clone());
        }
        let lifeline = self.lifeline.as_ref()?;
        lifeline.left().is_zero().then(|| self.end(lifeline.expired()))
    }

    /// Ends the session: every thread that waits finds its connection closed. Returns why it
    /// is over; the first reason stands.
    fn end(&self, why: Refusal) -> Refusal {
        let why = self.over.get_or_init(|| match why.kind {
            kind if kind.is_disconnected() => why,
            _ => Refusal::new(ErrorKind::Disconnected, why.to_string()),
        });
        for entry in &self.open {
            entry.value().1.shutdown();
        }
        if let Some(lifeline) = &self.lifeline {
            lifeline.ring();
        }
        self.open.clear();
        self.idle.lock().clear();
        self.give_up_unsent();
        why.clone()
    }

    fn limit(&self) -> FrameLimit {
        FrameLimit::of_body(self.welcome.body_max as usize)
    }

    /// Returns the session to use in this process: in a forked child that is its own.
    fn current(&self) -> Result<Arc<Self>, Refusal> {
        if let Some(root) = self.root.upgrade() {
            return root.current();
        }
        let mut heir = self.heir.lock();
        if let Some(heir) = heir.as_ref().filter(|heir| heir.process.is_current()) {
            return heir.session.clone();
        }
        let opened = Self::open_after(self.me.clone(), self.target.clone(), self.target.patience)?;
        let session = if opened.manager() == self.manager() {
            Ok(opened)
        } else {
            // To this one, the numbers of what this process inherited are those of other objects.
            Err(replaced(&self.target.address))
        };
        *heir = Some(Heir { process: Process::current(), session: session.clone() });
        session
    }

    /// Ends the session that a forked child has in place of this one, and lets it have no other.
    fn disconnect_heir(&self) {
        if let Some(root) = self.root.upgrade() {
            return root.disconnect_heir();
        }
        let mut heir = self.heir.lock();
        let own = heir.as_ref().filter(|heir| heir.process.is_current());
        let own = own.map(|heir| heir.session.clone());
        if own.is_none() {
            *heir = Some(Heir { process: Process::current(), session: Err(disconnected()) });
        }
        // It may take a while, in which other threads look here.
        drop(heir);
        if let Some(Ok(session)) = own {
            session.disconnect();
        }
    }

    /// Returns whether a forked child's session is over. It has none before its first call, and
    /// one that is being opened is not over.
    fn is_heir_over(&self) -> bool {
        if let Some(root) = self.root.upgrade() {
            return root.is_heir_over();
        }
        let heir = self.heir.try_lock();
        let heir = heir.as_ref().and_then(|heir| heir.as_ref());
        heir.filter(|heir| heir.process.is_current())
            .is_some_and(|heir| heir.session.as_ref().map_or(true, |session| session.is_over()))
    }

    fn is_own(&self) -> bool {
        self.process.is_current()
    }

    /// Makes a call this session's next one.
    fn request(&self, call: Call) -> Result<Request, Refusal> {
        let Call { object, method, timeout, data, .. } = call;
        Ok(Request {
            call: CallId(self.next_call.fetch_add(1, Ordering::Relaxed)),
            after: match &self.lifeline {
                Some(lifeline) => lifeline.last_one_way(),
                None => OneWayId(self.one_ways.load(Ordering::SeqCst)),
            },
            thread: ThreadId::current(),
            object,
            method,
            timeout,
            data: data.into_wire(self.manager())?,
        })
    }

    /// Takes the handles of an answer.
    fn receive(&self, answer: Result<Data<WireHandle>, Refusal>) -> Result<Data, Refusal> {
        Ok(answer?.into_handles(|| self.me.upgrade().expect("who calls is there")))
    }

    /// Tells the calling thread's name, once.
    fn introduce(&self) {
        if self.introductions.are_due()
            && let Some(name) = std::thread::current().name()
        {
            // A name that is not told is missed only by who looks at the manager.
            let _ = self.send(sync_objects::name_thread_call(name));
        }
    }

    fn converse(&self, call: Call) -> Result<Data, Refusal> {
        let request = self.request(call)?;
        let outcome = self.carry(request)?;
        self.receive(outcome)
    }
}

/// Returns whether an error leaves no hope that another connection brings the session further.
fn is_final(kind: ErrorKind) -> bool {
    let passing = [
        ErrorKind::Disconnected,
        ErrorKind::Unresponsive,
        ErrorKind::TimedOut,
        ErrorKind::LimitReached,
        ErrorKind::Io,
        // What a connection looks like that breaks in the middle of the handshake. The key of a
        // session that was opened was right, and is still, unless the manager's was changed.
        ErrorKind::Unauthorized,
    ];
    !passing.contains(&kind)
}

fn disconnected() -> Refusal {
    let why = "this process has disconnected from the manager";
    Refusal::new(ErrorKind::Disconnected, why)
}

fn replaced(address: &Address) -> Refusal {
    let why = format!("another manager listens on {address} now: the one from before is gone");
    Refusal::new(ErrorKind::Disconnected, why)
}

fn out_of_place(message: &ServerMessage) -> Refusal {
    let why = format!("the manager sent {message:?}, which answers nothing");
    Refusal::new(ErrorKind::Malformed, why)
}

impl Transport for Session {
    fn call(&self, call: Call) -> Result<Data, Refusal> {
        if !self.is_own() {
            return self.current()?.call(call);
        }
        self.introduce();
        self.converse(call)
    }

    fn send(&self, call: Call) -> Result<(), Refusal> {
        if !self.is_own() {
            return self.current()?.send(call);
        }
        let Call { object, method, data, .. } = call;
        let data = data.into_wire(self.manager())?;
        // Before it has a number: one that is missing would hold up whatever comes after it.
        frame::check(&data, self.limit())?;
        let (len, thread) = (data.len(), ThreadId::current());
        let message = |number| OneWay { number, thread, object, method, data };
        match &self.lifeline {
            Some(lifeline) => self.send_surely(lifeline, len, message),
            None => self.send_soon(len, message),
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
        if !self.is_own() {
            return self.disconnect_heir();
        }
        match &self.lifeline {
            Some(_) if self.why_over().is_some() => {}
            Some(lifeline) => self.say_goodbye(lifeline),
            None => self.finish_unsent(),
        }
        self.end(disconnected());
    }

    fn is_over(&self) -> bool {
        if !self.is_own() {
            return self.is_heir_over();
        }
        // Over TCP there is a thread that would have noticed.
        self.why_over().is_some() || self.lifeline.is_none() && self.is_cut_off()
    }

    fn is_session_of(&self, other: &dyn Transport) -> bool {
        // What a forked child made itself is its own session's; what it inherited goes there, too,
        // whichever of its parents has made it.
        let is_heirs = |heir: Arc<Self>| heir.is_session_of(other) || other.is_session_of(&*heir);
        std::ptr::addr_eq(self, other) || !self.is_own() && self.current().is_ok_and(is_heirs)
    }

    fn invitation(&self) -> Vec<(&'static str, OsString)> {
        self.target.invitation()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // In a forked child it is its parent's.
        if !self.process.is_surely_current() {
            return;
        }
        if let (Some(lifeline), None) = (&self.lifeline, self.over.get()) {
            self.say_goodbye(lifeline);
        }
        // A forked child may have the sockets, too: closing them would not end the session.
        for entry in &self.open {
            entry.value().1.shutdown();
        }
        if let Some(lifeline) = &self.lifeline {
            // The thread that kept it alive notices.
            lifeline.ring();
        }
    }
}

impl Keeper for Session {
    fn release(&self, object: ObjectId) {
        // What a forked child drops was its parent's.
        let is_own = object != ObjectId::MANAGER && self.process.is_surely_current();
        if is_own && self.why_over().is_none() {
            // A session that is over has released it.
            let _ = self.send(sync_objects::release_call(object));
        }
    }

    fn manager(&self) -> ManagerId {
        self.welcome.manager
    }

    fn transport(&self) -> Option<&dyn Transport> {
        Some(self)
    }
}
