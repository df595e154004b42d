//! A whole manager with its clients in one thread, under a clock that jumps.
//!
//! The clients are the typed proxies that `interface!` generates, over a transport that calls the
//! kernel. A call that must wait is begun with [`SimClient::start`] and checked later.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use sync_objects::{DisconnectReason, Kernel, Limits, Naming, Note, Registry, Time, Via, manager};
use sync_proto::handshake::ClientInfo;
use sync_proto::message::{OneWay, Request, WireHandle};
use sync_proto::{
    Call, CallId, Data, Error, ErrorKind, Handle, Interface, Keeper, ManagerId, ObjectId, OneWayId,
    Pipe, Place, Refusal, SessionId, ThreadId, Transport,
};

use crate::spot::{self, Spot};

/// A manager in memory.
#[derive(Clone, Debug)]
pub struct Sim {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    kernel: Kernel,
    now: Time,
    next_call: u64,
    answers: BTreeMap<CallId, Answer>,
    notes: Vec<Note>,
    inputs: u64,
}

type Answer = Result<Data<WireHandle>, Refusal>;

impl Sim {
    /// Starts a manager with the built-in types.
    pub fn new() -> Self {
        Self::with(sync_objects::registry(), Limits::default())
    }

    /// Starts a manager with these types and limits.
    pub fn with(registry: Registry, limits: Limits) -> Self {
        // Each is another manager: handles of one mean nothing to the others.
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let kernel =
            Kernel::new(registry, limits, ManagerId(NEXT.fetch_add(1, Ordering::Relaxed).into()));
        let (now, answers, notes) = (Time::ZERO, BTreeMap::new(), Vec::new());
        let state = State { kernel, now, next_call: 1, answers, notes, inputs: 0 };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Connects a client process.
    ///
    /// # Panics
    /// When the manager accepts no more.
    pub fn client(&self) -> SimClient {
        self.client_of("sim")
    }

    /// Connects a client process of a given program.
    ///
    /// # Panics
    /// When the manager accepts no more.
    pub fn client_of(&self, program: &str) -> SimClient {
        let mut state = self.state.lock();
        let now = state.now;
        let info = ClientInfo { pid: 1, program: program.into() };
        let session = state.kernel.handle_connect(now, info).expect("the manager takes a client");
        SimClient(Arc::new_cyclic(|me| Process {
            sim: self.clone(),
            session,
            manager: state.kernel.id(),
            turn: Mutex::new(Turn { thread: 1, mode: Mode::Now, one_ways: 0, dead: false }),
            me: me.clone(),
        }))
    }

    /// Lets time pass: the manager does what becomes due, each thing at its moment.
    pub fn advance(&self, duration: Duration) {
        let mut state = self.state.lock();
        let end = state.now + duration;
        while let Some((at, _)) = state.kernel.poll_timeout().filter(|&(at, _)| at <= end) {
            state.now = state.now.max(at);
            let now = state.now;
            state.kernel.handle_timeout(now);
            state.drain();
        }
        state.now = end;
        state.kernel.handle_timeout(end);
        state.drain();
    }

    /// Runs a check, or an input that no proxy sends, on the kernel itself.
    pub fn kernel<R>(&self, run: impl FnOnce(&mut Kernel, Time) -> R) -> R {
        let mut state = self.state.lock();
        let now = state.now;
        let result = run(&mut state.kernel, now);
        state.drain();
        result
    }

    /// Returns how many objects live.
    pub fn object_count(&self) -> usize {
        self.state.lock().kernel.object_count()
    }

    /// Returns how many calls wait.
    pub fn blocked_count(&self) -> usize {
        self.state.lock().kernel.blocked_count()
    }

    /// Returns what the manager would have logged since the last time.
    pub fn notes(&self) -> Vec<Note> {
        std::mem::take(&mut self.state.lock().notes)
    }
}

impl Default for Sim {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    fn drain(&mut self) {
        self.kernel.handle_all_due(self.now);
        // The check costs as much as there is: in a large simulation it is made now and then.
        self.inputs += 1;
        let size = self.kernel.blocked_count() + self.kernel.object_count();
        if size < 100 || self.inputs.is_multiple_of(256) {
            self.kernel.assert_settled();
        }
        while let Some(outgoing) = self.kernel.poll_reply() {
            let reply = outgoing.reply;
            assert!(self.answers.insert(reply.call, reply.outcome).is_none(), "answered once");
        }
        while let Some(note) = self.kernel.poll_note() {
            self.notes.push(note);
        }
    }
}

/// A client process of a [`Sim`]. A place for objects, and what their proxies call through.
#[derive(Clone, Debug)]
pub struct SimClient(Arc<Process>);

#[derive(Debug)]
struct Process {
    sim: Sim,
    session: SessionId,
    manager: ManagerId,
    turn: Mutex<Turn>,
    me: Weak<Self>,
}

#[derive(Debug)]
struct Turn {
    thread: u64,
    mode: Mode,
    one_ways: u64,
    dead: bool,
}

#[derive(Clone, Copy, Debug)]
enum Mode {
    /// A call is answered at once, or the test is wrong.
    Now,
    /// A call is begun; this becomes its number.
    Start(Option<CallId>),
    /// A call is answered by the answer to this one.
    Replay(CallId),
}

/// A call that was begun.
pub struct Pending<R> {
    client: SimClient,
    call: CallId,
    run: Box<dyn Fn() -> Result<R, Error>>,
}

impl SimClient {
    /// Returns a name as a place for an object: get or create.
    pub fn named(&self, name: &str) -> Spot {
        self.spot(Naming::GetOrCreate(name.to_owned()))
    }

    /// Returns a name as a place for an object that must be new.
    pub fn new_named(&self, name: &str) -> Spot {
        self.spot(Naming::CreateNew(name.to_owned()))
    }

    fn spot(&self, naming: Naming) -> Spot {
        Spot::new(Arc::clone(&self.0) as _, naming)
    }

    /// Returns the manager's own object.
    pub fn manager(&self) -> manager::Proxy {
        spot::manager_of(Arc::clone(&self.0) as _)
    }

    /// Begins a call that may wait: `call` calls one method of one proxy of this client.
    ///
    /// # Panics
    /// When `call` calls nothing.
    pub fn start<R>(&self, call: impl Fn() -> Result<R, Error> + 'static) -> Pending<R> {
        self.0.turn.lock().mode = Mode::Start(None);
        let _ = call();
        let mode = std::mem::replace(&mut self.0.turn.lock().mode, Mode::Now);
        let Mode::Start(Some(id)) = mode else { panic!("start() wants one call") };
        Pending { client: self.clone(), call: id, run: Box::new(call) }
    }

    /// Does something on another thread of the process.
    pub fn on_thread<R>(&self, thread: u64, run: impl FnOnce() -> R) -> R {
        let before = std::mem::replace(&mut self.0.turn.lock().thread, thread);
        let result = run();
        self.0.turn.lock().thread = before;
        result
    }

    /// Kills the process: the manager sees its connections close.
    pub fn kill(&self) {
        self.0.disconnect();
    }

    /// Returns the session.
    pub fn session(&self) -> SessionId {
        self.0.session
    }
}

impl<R> Pending<R> {
    /// Returns whether the call still waits.
    pub fn is_waiting(&self) -> bool {
        !self.client.0.sim.state.lock().answers.contains_key(&self.call)
    }

    /// Returns the answer.
    ///
    /// # Errors
    /// What the call failed with.
    ///
    /// # Panics
    /// When the call still waits.
    pub fn answer(self) -> Result<R, Error> {
        assert!(!self.is_waiting(), "the call still waits");
        self.client.0.turn.lock().mode = Mode::Replay(self.call);
        let result = (self.run)();
        self.client.0.turn.lock().mode = Mode::Now;
        result
    }

    /// Cancels the call.
    pub fn cancel(&self) {
        let (session, call) = (self.client.0.session, self.call);
        self.client.0.sim.kernel(|kernel, now| kernel.handle_cancel(now, session, call));
    }
}

impl<R> core::fmt::Debug for Pending<R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Pending({})", self.call)
    }
}

impl Process {
    /// Sends a request and returns its number.
    fn request(&self, call: Call) -> Result<CallId, Refusal> {
        let (thread, after) = {
            let turn = self.turn.lock();
            (ThreadId(turn.thread), OneWayId(turn.one_ways))
        };
        let Call { object, method, timeout, data, .. } = call;
        let data = data.into_wire(self.manager)?;
        let mut state = self.sim.state.lock();
        let id = CallId(state.next_call);
        state.next_call += 1;
        let request = Request { call: id, after, thread, object, method, timeout, data };
        let now = state.now;
        state.kernel.handle_request(now, self.session, Via(0), request);
        state.drain();
        Ok(id)
    }

    fn take_answer(&self, call: CallId) -> Option<Answer> {
        self.sim.state.lock().answers.remove(&call)
    }

    fn receive(&self, answer: Answer) -> Result<Data, Refusal> {
        Ok(answer?.into_handles(|| self.me.upgrade().expect("a process that acts exists")))
    }
}

/// Calls that are made one after the other and answered later.
#[derive(Debug)]
struct SimPipe(Arc<Process>);

impl Pipe for SimPipe {
    fn send(&mut self, _: &Handle, call: Call) -> Result<CallId, Refusal> {
        self.0.request(call)
    }

    fn wait(&mut self, call: CallId) -> Result<Data, Refusal> {
        let answer = self.0.take_answer(call).expect("the call waits: another must let it go on");
        self.0.receive(answer)
    }
}

impl Transport for Process {
    fn call(&self, call: Call) -> Result<Data, Refusal> {
        let mode = self.turn.lock().mode;
        let answer = match mode {
            Mode::Now => {
                let id = self.request(call)?;
                self.take_answer(id).expect("the call waits: begin it with start()")
            }
            Mode::Start(_) => {
                let id = self.request(call)?;
                self.turn.lock().mode = Mode::Start(Some(id));
                Err(ErrorKind::TimedOut.into())
            }
            Mode::Replay(id) => self.take_answer(id).expect("a call is answered once"),
        };
        self.receive(answer)
    }

    fn send(&self, call: Call) -> Result<(), Refusal> {
        let (thread, number) = {
            let mut turn = self.turn.lock();
            if turn.dead {
                return Err(ErrorKind::Disconnected.into());
            }
            turn.one_ways += 1;
            (ThreadId(turn.thread), OneWayId(turn.one_ways))
        };
        let Call { object, method, data, .. } = call;
        let data = data.into_wire(self.manager).expect("handles of this manager");
        let message = OneWay { number, thread, object, method, data };
        let early =
            self.sim.kernel(|kernel, now| kernel.handle_one_way(now, self.session, message));
        early.expect("a client here leaves no gap");
        Ok(())
    }

    fn pipe(&self) -> Result<Box<dyn Pipe>, Refusal> {
        let process = self.me.upgrade().expect("a process that acts exists");
        Ok(Box::new(SimPipe(process)))
    }

    fn disconnect(&self) {
        self.turn.lock().dead = true;
        let session = self.session;
        self.sim.kernel(|kernel, now| {
            kernel.handle_disconnect(now, session, DisconnectReason::Closed);
        });
    }

    fn is_over(&self) -> bool {
        self.turn.lock().dead
    }

    fn invitation(&self) -> Vec<(&'static str, OsString)> {
        Vec::new()
    }
}

impl Keeper for Process {
    fn release(&self, object: ObjectId) {
        spot::release(self, object);
    }

    fn manager(&self) -> ManagerId {
        self.manager
    }

    fn transport(&self) -> Option<&dyn Transport> {
        Some(self)
    }
}

impl Place for &SimClient {
    fn create(self, interface: &'static Interface, data: Data) -> Result<Handle, Refusal> {
        self.spot(Naming::Anonymous).create(interface, data)
    }
}
