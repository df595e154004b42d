//! A manager without sockets: what Python programs say is handed to it. For tests and fuzzing.

use std::time::Duration;

use sync_objects::{Kernel, Limits, Outgoing, Time, Via};
use sync_proto::handshake::ClientInfo;
use sync_proto::{ManagerId, ObjectId, SessionId, ThreadId};

use super::desk::{Desk, Stand, Trays};
use super::exceptions::Raise;
use super::face::Face;
use super::proxies::At;
use super::reply::{Answer, Reply};
use super::request::{Request, ident_of, object_of};
use super::{Front, dispatch, types};
use crate::hub::PYTHON;

/// The only connection's word to the kernel.
const VIA: Via = Via(PYTHON | 1);

/// A manager with one client, of one thread.
#[derive(Debug)]
pub struct Bare {
    kernel: Kernel,
    trays: Trays,
    session: SessionId,
    now: Time,
    idents: Vec<String>,
}

impl Bare {
    /// Makes one whose answers are worth at most `answer_max` bytes.
    ///
    /// # Panics
    /// The limits allow no client.
    pub fn new(limits: Limits, answer_max: usize) -> Self {
        let mut registry = sync_objects::registry();
        Front::register(&mut registry);
        let mut kernel = Kernel::new(registry, limits, ManagerId(1));
        let session = kernel.handle_connect(Time::ZERO, ClientInfo::default());
        let session = session.expect("one client is let in");
        let trays = Trays::new(answer_max);
        Self { kernel, trays, session, now: Time::ZERO, idents: Vec::new() }
    }

    /// Returns the kernel, to look at.
    pub fn kernel(&mut self) -> &mut Kernel {
        self.give_back();
        &mut self.kernel
    }

    /// Returns how the objects are called that were made, the oldest first.
    pub fn idents(&self) -> &[String] {
        &self.idents
    }

    /// Returns which methods CPython's proxies have of an object.
    pub fn methods(&self, ident: &str) -> &'static [&'static str] {
        let object = object_of(self.kernel.id(), ident);
        let interface = object.and_then(|object| self.kernel.interface_of(object));
        let face = interface.and_then(|interface| Face::of(interface.fingerprint));
        face.map_or(&[], |face| face.exposed)
    }

    /// Makes an object, of the typeid that a request names as its function. Returns the answer.
    pub fn create(&mut self, message: &[u8]) -> Vec<u8> {
        let created = Request::read(message).and_then(|request| {
            let mut desk = self.desk();
            let handle = types::create(&mut desk, request.function(), request.args())?;
            let object = handle.object();
            self.keep(object)?;
            Ok(Reply::Created(ident_of(self.kernel.id(), object), None))
        });
        self.answer(created).message
    }

    /// Carries out a call. Returns its answer; none if it waits, which it then gives up.
    pub fn call(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        let mut outcome = Request::read(message).and_then(|request| {
            let mut desk = self.desk();
            dispatch::call(&mut desk, &request)
        });
        loop {
            let (call, then) = match self.desk().go_on(VIA, outcome) {
                Stand::Waits(call, then) => (call, then),
                Stand::Answered(answer, undo) => {
                    if let Ok(Reply::Proxy(_, handle)) = &answer {
                        self.keep(handle.object()).ok()?;
                    }
                    let Answer { message, is_reply, .. } = self.answer(answer);
                    if let (Some(undo), false) = (undo, is_reply) {
                        self.desk().undo(undo);
                    }
                    return Some(message);
                }
            };
            while let Some(outgoing) = self.kernel.poll_reply() {
                self.trays.sort(outgoing);
            }
            // What was put back stands in line, too, and is answered to nobody.
            let is_ours = |outgoing: &Outgoing| outgoing.reply.call == call;
            let Some(outgoing) = std::mem::take(&mut self.trays.mail).into_iter().find(is_ours)
            else {
                self.kernel.handle_cancel(self.now, self.session, call);
                // That it is given up is its answer.
                while self.kernel.poll_reply().is_some() {}
                return None;
            };
            let mut desk = self.desk();
            let answer = outgoing.reply.outcome.and_then(|data| desk.receive(data));
            outcome = then(&mut desk, answer);
        }
    }

    /// Drops the reference to an object that the client has had since it was made.
    pub fn forget(&mut self, at: usize) {
        if at < self.idents.len() {
            let ident = self.idents.remove(at);
            if let Some(object) = object_of(self.kernel.id(), &ident) {
                // Who shut the manager down has nothing any more.
                let _ = self.kernel.handle_return(self.now, self.session, object, 1);
            }
        }
    }

    /// Lets time pass.
    pub fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.kernel.handle_timeout(self.now);
    }

    fn desk(&mut self) -> Desk<'_> {
        self.give_back();
        Desk::new(&mut self.kernel, self.now, &mut self.trays, self.session, ThreadId(1))
    }

    fn keep(&mut self, object: ObjectId) -> Result<(), Raise> {
        self.kernel.handle_share(self.now, self.session, object)?;
        self.idents.push(ident_of(self.kernel.id(), object));
        Ok(())
    }

    fn answer(&mut self, outcome: Result<Reply, Raise>) -> Answer {
        Answer::write(outcome, At::NOWHERE, self.trays.answer_max)
    }

    /// Gives back what the last answer held, now that it is gone.
    fn give_back(&mut self) {
        let returned = std::mem::take(&mut *self.trays.returned.lock());
        for (session, object) in returned {
            let _ = self.kernel.handle_return(self.now, session, object, 1);
        }
    }
}
