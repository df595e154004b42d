//! A client's transport that never blocks: a call is captured, sent by the world, and run once
//! more when its answer is there.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use sync_objects::{Naming, manager};
use sync_proto::message::{ClientMessage, OneWay, Reply, Request};
use sync_proto::{
    Call, CallId, Data, Error, ErrorKind, Keeper, ManagerId, ObjectId, OneWayId, Pipe, Refusal,
    ThreadId, Transport,
};

use crate::spot::{self, Spot};

/// A session, seen from its process.
#[derive(Debug)]
pub(crate) struct Link {
    manager: ManagerId,
    me: Weak<Self>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    mode: Mode,
    /// Which thread of the process runs.
    thread: ThreadId,
    calls: u64,
    one_ways: u64,
    outbox: Vec<ClientMessage>,
    /// Calls that wait, and whether the world may give them up.
    waiting: BTreeMap<CallId, bool>,
    answers: BTreeMap<CallId, Result<Data, Refusal>>,
    is_over: bool,
}

#[derive(Clone, Copy, Debug)]
enum Mode {
    Idle,
    /// A call is begun; this becomes its number.
    Capture(Option<CallId>),
    /// A call is answered by the answer to this one.
    Replay(CallId),
}

impl Link {
    pub(crate) fn new(manager: ManagerId) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            manager,
            me: me.clone(),
            state: Mutex::new(State {
                mode: Mode::Idle,
                thread: ThreadId(0),
                calls: 0,
                one_ways: 0,
                outbox: Vec::new(),
                waiting: BTreeMap::new(),
                answers: BTreeMap::new(),
                is_over: false,
            }),
        })
    }

    pub(crate) fn run_as(&self, thread: ThreadId) {
        self.state.lock().thread = thread;
    }

    /// Begins the one call that `run` makes.
    ///
    /// # Errors
    /// What `run` failed with before it called.
    pub(crate) fn begin<R>(&self, run: &impl Fn() -> Result<R, Error>) -> Result<CallId, Error> {
        self.state.lock().mode = Mode::Capture(None);
        let outcome = run();
        let mode = std::mem::replace(&mut self.state.lock().mode, Mode::Idle);
        match (mode, outcome) {
            (Mode::Capture(Some(call)), _) => Ok(call),
            (_, Err(error)) => Err(error),
            (_, Ok(_)) => panic!("a program's call calls nothing"),
        }
    }

    pub(crate) fn is_answered(&self, call: CallId) -> bool {
        self.state.lock().answers.contains_key(&call)
    }

    /// Runs the call once more, answered.
    ///
    /// # Errors
    /// What it was refused with.
    pub(crate) fn end<R>(
        &self,
        call: CallId,
        run: &impl Fn() -> Result<R, Error>,
    ) -> Result<R, Error> {
        self.state.lock().mode = Mode::Replay(call);
        let outcome = run();
        self.state.lock().mode = Mode::Idle;
        outcome
    }

    pub(crate) fn take_answer(&self, call: CallId) -> Result<Data, Refusal> {
        let answer = self.state.lock().answers.remove(&call);
        answer.expect("a call is looked at when it is answered")
    }

    pub(crate) fn take_outbox(&self) -> Vec<ClientMessage> {
        std::mem::take(&mut self.state.lock().outbox)
    }

    /// Takes a reply from the network.
    pub(crate) fn receive(&self, reply: Reply) {
        let answer = reply.outcome.map(|data| data.into_handles(|| self.keeper()));
        let mut state = self.state.lock();
        let before = state.waiting.remove(&reply.call);
        assert!(before.is_some(), "{} is answered once", reply.call);
        state.answers.insert(reply.call, answer);
    }

    pub(crate) fn may_give_up(&self, call: CallId) {
        self.state.lock().waiting.entry(call).and_modify(|may| *may = true);
    }

    pub(crate) fn waiting(&self) -> usize {
        self.state.lock().waiting.len()
    }

    /// Returns the calls that wait and that may be given up.
    pub(crate) fn revocable(&self) -> Vec<CallId> {
        let state = self.state.lock();
        state.waiting.iter().filter(|&(_, &may)| may).map(|(&call, _)| call).collect()
    }

    /// Returns the number of the last call, if it is answered.
    pub(crate) fn last_answered(&self) -> Option<CallId> {
        let state = self.state.lock();
        let last = CallId(state.calls);
        (state.calls > 0 && !state.waiting.contains_key(&last)).then_some(last)
    }

    /// The session is over: calls that wait get an error.
    pub(crate) fn end_session(&self) {
        let mut state = self.state.lock();
        state.is_over = true;
        state.outbox.clear();
        for call in std::mem::take(&mut state.waiting).into_keys() {
            state.answers.insert(call, Err(ErrorKind::Disconnected.into()));
        }
    }

    pub(crate) fn named(self: &Arc<Self>, name: &str) -> Spot {
        Spot::new(Arc::clone(self) as _, Naming::GetOrCreate(name.to_owned()))
    }

    pub(crate) fn anonymous(self: &Arc<Self>) -> Spot {
        Spot::new(Arc::clone(self) as _, Naming::Anonymous)
    }

    pub(crate) fn manager_proxy(self: &Arc<Self>) -> manager::Proxy {
        spot::manager_of(Arc::clone(self) as _)
    }

    fn keeper(&self) -> Arc<dyn Keeper> {
        self.me.upgrade().expect("a session that hears something exists")
    }
}

impl Transport for Link {
    fn call(&self, call: Call) -> Result<Data, Refusal> {
        let mode = self.state.lock().mode;
        match mode {
            Mode::Idle => panic!("a program calls through its thread"),
            Mode::Replay(id) => self.take_answer(id),
            Mode::Capture(Some(_)) => panic!("a program makes one call at a time"),
            Mode::Capture(None) => {
                let Call { object, method, timeout, data, .. } = call;
                let data = data.into_wire(self.manager)?;
                let mut state = self.state.lock();
                if state.is_over {
                    return Err(ErrorKind::Disconnected.into());
                }
                state.calls += 1;
                let (id, thread) = (CallId(state.calls), state.thread);
                let after = OneWayId(state.one_ways);
                let request = Request { call: id, after, thread, object, method, timeout, data };
                state.outbox.push(ClientMessage::Request(request));
                state.waiting.insert(id, false);
                state.mode = Mode::Capture(Some(id));
                Err(ErrorKind::TimedOut.into())
            }
        }
    }

    fn send(&self, call: Call) -> Result<(), Refusal> {
        let Call { object, method, data, .. } = call;
        let data = data.into_wire(self.manager).expect("handles of this manager");
        let mut state = self.state.lock();
        if state.is_over {
            return Err(ErrorKind::Disconnected.into());
        }
        state.one_ways += 1;
        let (number, thread) = (OneWayId(state.one_ways), state.thread);
        state.outbox.push(ClientMessage::OneWay(OneWay { number, thread, object, method, data }));
        Ok(())
    }

    fn pipe(&self) -> Result<Box<dyn Pipe>, Refusal> {
        let why = "a program makes one call at a time: its threads' calls share connections";
        Err(Refusal::new(ErrorKind::InvalidInput, why))
    }

    fn disconnect(&self) {
        self.end_session();
    }

    fn is_over(&self) -> bool {
        self.state.lock().is_over
    }

    fn invitation(&self) -> Vec<(&'static str, OsString)> {
        Vec::new()
    }
}

impl Keeper for Link {
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
