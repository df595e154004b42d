//! A client that writes down its calls and their answers.

use std::ffi::OsString;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use rustix::time::{ClockId, clock_gettime};
use sync_objects::Naming;
use sync_proto::message::{ClientMessage, OneWay, Request, ServerMessage};
use sync_proto::{
    Address, Call, CallId, Data, ErrorKind, Keeper, ManagerId, ObjectId, OneWayId, Pipe, Refusal,
    SessionId, ThreadId, Transport,
};

use super::Record;
use crate::RawClient;
use crate::spot::{self, Spot};

/// A session with a manager that keeps a witness, over one connection, for one thread.
#[derive(Clone, Debug)]
pub struct Recorder(Arc<Session>);

#[derive(Debug)]
struct Session {
    manager: ManagerId,
    session: SessionId,
    me: Weak<Self>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    raw: RawClient,
    calls: u64,
    one_ways: u64,
    history: Vec<Record>,
}

impl Recorder {
    /// Opens a session.
    ///
    /// # Panics
    /// When the manager does not welcome it.
    pub fn connect(address: &Address) -> Self {
        let mut raw = RawClient::connect(address);
        raw.send_bytes(&sync_proto::version::PREAMBLE);
        raw.send(&RawClient::hello());
        let welcome = raw.welcome();
        Self(Arc::new_cyclic(|me| Session {
            manager: welcome.manager,
            session: welcome.session,
            me: me.clone(),
            state: Mutex::new(State { raw, calls: 0, one_ways: 0, history: Vec::new() }),
        }))
    }

    /// Returns the calls and answers so far, and starts over.
    pub fn take_history(&self) -> Vec<Record> {
        std::mem::take(&mut self.0.state.lock().history)
    }

    /// Returns a name as a place for an object.
    pub fn named(&self, name: &str) -> Spot {
        Spot::new(Arc::clone(&self.0) as _, Naming::GetOrCreate(name.to_owned()))
    }
}

/// Returns nanoseconds that all processes of a machine count together.
fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let (secs, nanos) = (u64::try_from(now.tv_sec), u64::try_from(now.tv_nsec));
    secs.unwrap_or(0) * 1_000_000_000 + nanos.unwrap_or(0)
}

impl Session {
    fn keeper(&self) -> Arc<dyn Keeper> {
        self.me.upgrade().expect("a session that acts exists")
    }
}

impl Transport for Session {
    fn call(&self, call: Call) -> Result<Data, Refusal> {
        let Call { object, method, timeout, data, .. } = call;
        let data = data.into_wire(self.manager)?;
        let mut state = self.state.lock();
        state.calls += 1;
        let (call, after) = (CallId(state.calls), OneWayId(state.one_ways));
        let request = Request { call, after, thread: ThreadId(1), object, method, timeout, data };
        let frame = RawClient::frame(&ClientMessage::Request(request.clone()));
        let began = now();
        state.raw.send_bytes(&frame);
        let message = state.raw.read();
        let ended = now();
        let Some(ServerMessage::Witnessed(commit, reply)) = message else {
            let why = "the server keeps no witness, or is gone";
            return Err(Refusal::new(ErrorKind::Disconnected, why));
        };
        assert_eq!(reply.call, call, "one call is under way");
        let outcome = reply.outcome.clone();
        let session = self.session;
        state.history.push(Record { session, began, ended, commit, request, reply });
        drop(state);
        Ok(outcome?.into_handles(|| self.keeper()))
    }

    fn send(&self, call: Call) -> Result<(), Refusal> {
        let Call { object, method, data, .. } = call;
        let data = data.into_wire(self.manager).expect("handles of this manager");
        let mut state = self.state.lock();
        state.one_ways += 1;
        let number = OneWayId(state.one_ways);
        let message = OneWay { number, thread: ThreadId(1), object, method, data };
        state.raw.send(&ClientMessage::OneWay(message));
        Ok(())
    }

    fn pipe(&self) -> Result<Box<dyn Pipe>, Refusal> {
        Err(Refusal::new(ErrorKind::InvalidInput, "a recorder makes one call at a time"))
    }

    fn disconnect(&self) {
        self.state.lock().raw.finish();
    }

    fn is_over(&self) -> bool {
        false
    }

    fn invitation(&self) -> Vec<(&'static str, OsString)> {
        Vec::new()
    }
}

impl Keeper for Session {
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
