//! A manager whose clients' messages are made, lost and repeated by hand.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sync_objects::{Kernel, Limits, Naming, Note, Outgoing, Refusal, Time, Via, manager, registry};
use sync_proto::handshake::ClientInfo;
use sync_proto::message::{OneWay, Reply, Request, WireHandle};
use sync_proto::{
    CallId, Data, Epoch, Interface, ManagerId, MethodId, ObjectId, OneWayId, SessionId, ThreadId,
};

/// A method's number, by its name.
fn method(interface: &Interface, name: &str) -> MethodId {
    let at = interface.methods.iter().position(|method| *method == name);
    MethodId(u16::try_from(at.unwrap()).unwrap())
}

/// A request that can be sent more than once.
pub(crate) fn request(
    call: u64,
    object: (ObjectId, &Interface),
    name: &str,
    args: &impl Serialize,
) -> Request {
    Request {
        call: CallId(call),
        after: OneWayId::NONE,
        thread: ThreadId(1),
        object: object.0,
        method: method(object.1, name),
        timeout: None,
        data: Data::encode(args).unwrap().into_wire(ManagerId(7)).unwrap(),
    }
}

pub(crate) fn one_way(
    number: u64,
    object: (ObjectId, &Interface),
    name: &str,
    args: &impl Serialize,
) -> OneWay {
    let Request { thread, object, method, data, .. } = request(0, object, name, args);
    OneWay { number: OneWayId(number), thread, object, method, data }
}

/// The answer of a call that succeeded.
pub(crate) fn decoded<T: DeserializeOwned>(reply: &Reply) -> T {
    let data = reply.outcome.clone().unwrap();
    data.into_handles(|| panic!("this decodes plain data")).into_value().unwrap()
}

pub(crate) struct Network {
    pub(crate) kernel: Kernel,
    pub(crate) now: Time,
    arriving: VecDeque<Outgoing>,
}

impl Network {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        let kernel = Kernel::new(registry(), limits, ManagerId(7));
        Self { kernel, now: Time::ZERO, arriving: VecDeque::new() }
    }

    /// Opens a session that can be resumed.
    pub(crate) fn open(&mut self, via: u64) -> SessionId {
        let info = ClientInfo { pid: 1, program: "resume".into() };
        self.kernel.handle_connect_resumable(self.now, info, Via(via)).unwrap()
    }

    pub(crate) fn join(
        &mut self,
        session: SessionId,
        via: u64,
        epoch: u64,
    ) -> Result<Vec<Via>, Refusal> {
        let given_up = self.kernel.handle_join(self.now, session, Via(via), Epoch(epoch));
        self.settled();
        given_up
    }

    pub(crate) fn send(&mut self, session: SessionId, via: u64, request: &Request) {
        assert!(self.kernel.handle_request(self.now, session, Via(via), request.clone()));
        self.settled();
    }

    pub(crate) fn send_one_way(&mut self, session: SessionId, message: &OneWay) {
        self.kernel.handle_one_way(self.now, session, message.clone()).unwrap();
        self.kernel.handle_all_due(self.now);
        self.settled();
    }

    pub(crate) fn lose(&mut self, session: SessionId, via: u64) {
        self.kernel.handle_connection_lost(self.now, session, Via(via));
        self.settled();
    }

    pub(crate) fn received(&mut self, session: SessionId, calls: &[u64]) {
        let calls: Vec<CallId> = calls.iter().copied().map(CallId).collect();
        self.kernel.handle_received(self.now, session, &calls);
        self.settled();
    }

    /// Lets time pass, as a driver does.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some((at, _)) = self.kernel.poll_timeout().filter(|&(at, _)| at <= end) {
            self.now = self.now.max(at);
            self.kernel.handle_timeout(self.now);
            self.settled();
        }
        self.now = end;
    }

    /// Returns the next answer and the connection that it goes to.
    pub(crate) fn answer(&mut self) -> Option<(u64, Reply)> {
        self.arriving.pop_front().map(|outgoing| (outgoing.via.0, outgoing.reply))
    }

    /// Sends a request and returns its answer, which is acknowledged.
    pub(crate) fn call(&mut self, session: SessionId, via: u64, request: &Request) -> Reply {
        self.send(session, via, request);
        let (to, reply) = self.answer().expect("it is answered at once");
        assert_eq!((to, reply.call), (via, request.call));
        self.received(session, &[request.call.0]);
        reply
    }

    /// Creates an object under a name of its own.
    pub(crate) fn create(
        &mut self,
        session: SessionId,
        via: u64,
        interface: &Interface,
        args: &impl Serialize,
    ) -> ObjectId {
        let naming = Naming::GetOrCreate(interface.name.to_owned());
        let args = Data::encode(args).unwrap();
        let args = (interface.name.to_owned(), interface.fingerprint, naming, args);
        let create = request(1_000, (ObjectId::MANAGER, &manager::INTERFACE), "create", &args);
        let WireHandle { object, .. } =
            self.call(session, via, &create).outcome.unwrap().handles[0];
        object
    }

    /// Returns why a session ended.
    pub(crate) fn why_ended(&mut self, session: SessionId) -> Option<String> {
        std::iter::from_fn(|| self.kernel.poll_note()).find_map(|note| match note {
            Note::SessionEnded { session: of, reason, .. } if of == session => {
                Some(reason.to_string())
            }
            _ => None,
        })
    }

    fn settled(&mut self) {
        self.kernel.assert_settled();
        self.arriving.extend(std::iter::from_fn(|| self.kernel.poll_reply()));
    }
}
