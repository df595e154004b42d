//! The kernel, as one Python call reaches it.
//!
//! A method of Python's becomes one request of a native object, whose answer may have to be waited
//! for, and around it further ones that are answered at once. All of them run under the kernel's
//! lock: nobody sees a Python method half done.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sync_objects::{Kernel, Naming, Outgoing, Time, VALUE_COST, Via, manager};
use sync_proto::message::{Request, WireHandle};
use sync_proto::{
    CallId, Data, ErrorKind, Handle, Interface, Keeper, ManagerId, MethodId, ObjectId, OneWayId,
    Payload, Refusal, SessionId, ThreadId, Transport,
};

use super::exceptions::Raise;
use super::pickle::{Graph, NodeId};
use super::proxies::Known;
use super::reply::Reply;
use super::request::object_of;
use super::shown::Extent;
use super::value;
use crate::hub::PYTHON;

/// What a method comes to.
pub(crate) type Outcome = Result<Next, Raise>;

/// How a call goes on.
pub(crate) enum Next {
    /// It is answered.
    Return(Reply),
    /// It is answered, and what was taken out for it goes back if it cannot be.
    Hand(Reply, Undo),
    /// An object is asked, whose answer may take its time.
    Ask(Ask),
}

/// What is asked of an object if an answer does not reach its client.
#[derive(Debug)]
pub(crate) struct Undo {
    object: ObjectId,
    method: MethodId,
    data: Data,
}

impl Undo {
    /// Names what puts back what a method took out.
    ///
    /// # Errors
    /// Those of [`Data::encode`].
    pub(crate) fn new(
        object: ObjectId,
        method: MethodId,
        args: &impl Serialize,
    ) -> Result<Self, Refusal> {
        Ok(Self { object, method, data: Data::encode(args)? })
    }
}

/// A request of an object, and what is made of its answer.
pub(crate) struct Ask {
    pub(crate) object: ObjectId,
    pub(crate) method: MethodId,
    pub(crate) timeout: Option<Duration>,
    pub(crate) data: Data,
    pub(crate) then: Then,
}

/// Where a call is.
pub(crate) enum Stand {
    /// It is answered; what was taken out for it goes back if its client does not get that.
    Answered(Result<Reply, Raise>, Option<Undo>),
    /// An object was asked, and what is made of its answer is to be seen.
    Waits(CallId, Then),
}

/// What is made of an answer.
pub(crate) type Then = Box<dyn FnOnce(&mut Desk<'_>, Result<Data, Refusal>) -> Outcome + Send>;

/// The requests that are answered at once come by this word.
const AT_ONCE: Via = Via(PYTHON);

/// References that the front's sessions have and do not need any more.
pub(crate) type Returned = Arc<Mutex<Vec<(SessionId, ObjectId)>>>;

/// What a visit to the kernel leaves behind, and numbers that outlive it.
#[derive(Debug)]
pub(crate) struct Trays {
    /// The most bytes that one answer may bring.
    pub(crate) answer_max: usize,
    /// Answers for Python's connections.
    pub(crate) mail: VecDeque<Outgoing>,
    /// Answers for others.
    pub(crate) strays: Vec<Outgoing>,
    pub(crate) returned: Returned,
    next_call: u64,
    /// Of values; those that are gone are swept out when there are too many.
    typecodes: HashMap<ObjectId, Payload>,
    sweep_at: usize,
}

/// How many typecodes are kept before those of values that are gone are swept out.
const SWEEP_AT_LEAST: usize = 1024;

/// One caller's reach into the kernel.
pub(crate) struct Desk<'a> {
    pub(crate) kernel: &'a mut Kernel,
    pub(crate) now: Time,
    pub(crate) trays: &'a mut Trays,
    pub(crate) session: SessionId,
    pub(crate) thread: ThreadId,
    pub(crate) extent: Extent,
    brought: RefCell<Brought>,
    /// Tuples among the arguments that were found to have a hash.
    hashed: RefCell<HashSet<NodeId>>,
}

/// What a call has brought so far.
#[derive(Debug, Default)]
struct Brought {
    /// The long values, by their place among the arguments: what is named again is not copied.
    values: HashMap<NodeId, Payload>,
    /// What all of them cost, with those that the call has made of few words.
    cost: usize,
}

/// A value of this many bytes or more is long.
const LONG: usize = 64;

impl<'a> Desk<'a> {
    pub(crate) fn new(
        kernel: &'a mut Kernel,
        now: Time,
        trays: &'a mut Trays,
        session: SessionId,
        thread: ThreadId,
    ) -> Self {
        // More is sent to Python programs at once than to others.
        kernel.set_session_answer_max(session, trays.answer_max);
        let (brought, hashed) = (RefCell::default(), RefCell::default());
        Self { kernel, now, trays, session, thread, extent: Extent::Whole, brought, hashed }
    }
}

impl Desk<'_> {
    /// Returns a part of the arguments as a value. What the call names twice is one value.
    ///
    /// # Errors
    /// `TooLarge`, and why the part is no value.
    pub(crate) fn bring(&self, graph: &Graph, part: NodeId) -> Result<Payload, Refusal> {
        let again = self.brought.borrow().values.get(&part).cloned();
        if let Some(value) = again {
            return self.charge(1, 0).map(|()| value);
        }
        let brought = &mut *self.brought.borrow_mut();
        let limit = self.trays.answer_max;
        let mut room = limit.saturating_sub(brought.cost);
        let known = &mut Known(self.kernel);
        let value = value::to_payload_within(graph, part, known, &mut room);
        let value = value.map_err(|refusal| match refusal.kind {
            ErrorKind::TooLarge => self.too_much(),
            _ => refusal,
        })?;
        brought.cost = limit - room;
        if value.bytes.len() >= LONG {
            brought.values.insert(part, value.clone());
        }
        Ok(value)
    }

    /// Counts what the call makes of its arguments, before it is made: all of it may cost as much
    /// as an answer. Few words could otherwise stand for more than memory holds; and what could be
    /// taken can be read.
    ///
    /// # Errors
    /// `TooLarge`.
    pub(crate) fn charge(&self, values: usize, bytes: usize) -> Result<(), Refusal> {
        let brought = &mut *self.brought.borrow_mut();
        let cost = values.saturating_mul(VALUE_COST).saturating_add(bytes);
        brought.cost = brought.cost.saturating_add(cost);
        if brought.cost > self.trays.answer_max { Err(self.too_much()) } else { Ok(()) }
    }

    fn too_much(&self) -> Refusal {
        let limit = self.trays.answer_max;
        let why = format!(
            "the call's values take more than {limit} bytes, with {VALUE_COST} for each value: use \
             less at a time"
        );
        Refusal::new(ErrorKind::TooLarge, why)
    }

    /// Returns the class of what keeps a part of the arguments from having a hash, if something
    /// does. No tuple is looked through twice: few bytes may name a long one many times.
    pub(crate) fn unhashable(&self, graph: &Graph, part: NodeId) -> Option<String> {
        value::unhashable_beside(graph, part, &mut self.hashed.borrow_mut())
    }

    /// Returns a part of the arguments as a value that is looked at and not kept.
    ///
    /// # Errors
    /// Why the part is no value.
    pub(crate) fn glance(&self, graph: &Graph, part: NodeId) -> Result<Payload, Refusal> {
        value::to_payload(graph, part, &mut Known(self.kernel))
    }

    /// Asks an object something that it answers at once.
    pub(crate) fn ask<R: DeserializeOwned>(
        &mut self,
        object: ObjectId,
        method: MethodId,
        args: &impl Serialize,
    ) -> Result<R, Refusal> {
        self.ask_data(object, method, Data::encode(args)?)?.into_value()
    }

    /// As [`ask`](Self::ask), with arguments that are encoded already.
    pub(crate) fn ask_data(
        &mut self,
        object: ObjectId,
        method: MethodId,
        data: Data,
    ) -> Result<Data, Refusal> {
        let call = self.request(AT_ONCE, object, method, Some(Duration::ZERO), data)?;
        let mut answer = None;
        while let Some(outgoing) = self.kernel.poll_reply() {
            if outgoing.via == AT_ONCE && outgoing.reply.call == call {
                answer = Some(outgoing.reply.outcome);
            } else {
                self.trays.sort(outgoing);
            }
        }
        let answer = answer.unwrap_or_else(|| {
            Err(Refusal::new(ErrorKind::Broken, "an object waits where it never does"))
        })?;
        self.receive(answer)
    }

    /// Goes on with a call: asks the object that is to be asked.
    pub(crate) fn go_on(&mut self, via: Via, outcome: Outcome) -> Stand {
        match outcome {
            Ok(Next::Return(reply)) => Stand::Answered(Ok(reply), None),
            Ok(Next::Hand(reply, undo)) => Stand::Answered(Ok(reply), Some(undo)),
            Ok(Next::Ask(Ask { object, method, timeout, data, then })) => {
                match self.request(via, object, method, timeout, data) {
                    Ok(call) => Stand::Waits(call, then),
                    Err(refusal) => Stand::Answered(Err(refusal.into()), None),
                }
            }
            Err(raise) => Stand::Answered(Err(raise), None),
        }
    }

    /// Puts back what a client does not get; where somebody has the turn to write, after that. Of a
    /// process that is gone nothing stands in line: what it did not get is lost then.
    pub(crate) fn undo(&mut self, Undo { object, method, data }: Undo) {
        let undone = match self.ask_data(object, method, data.clone()) {
            Err(refusal) if refusal.kind == ErrorKind::TimedOut => {
                // Nobody waits for its answer.
                self.request(AT_ONCE, object, method, None, data).map(|_| ())
            }
            undone => undone.map(|_| ()),
        };
        if let Err(refusal) = undone {
            tracing::warn!(%refusal, "what a client did not get is lost");
        }
    }

    /// Sends a request; its answer comes by the word.
    pub(crate) fn request(
        &mut self,
        via: Via,
        object: ObjectId,
        method: MethodId,
        timeout: Option<Duration>,
        data: Data,
    ) -> Result<CallId, Refusal> {
        self.trays.next_call += 1;
        let call = CallId(self.trays.next_call);
        let data = data.into_wire(self.kernel.id())?;
        let (after, thread) = (OneWayId::NONE, self.thread);
        let request = Request { call, after, thread, object, method, timeout, data };
        if !self.kernel.handle_request(self.now, self.session, via, request) {
            return Err(ErrorKind::Disconnected.into());
        }
        Ok(call)
    }

    /// Checks that these values, of `bytes` in all, may go into one answer: a list that was
    /// repeated is a few bytes to the manager, and each of its items once more to a client.
    ///
    /// # Errors
    /// `TooLarge`.
    pub(crate) fn check_answer(&self, values: usize, bytes: usize) -> Result<(), Refusal> {
        let (size, limit) =
            (values.saturating_mul(VALUE_COST).saturating_add(bytes), self.trays.answer_max);
        if size <= limit {
            return Ok(());
        }
        let why = format!(
            "the answer of about {size} bytes is over the limit of {limit}: ask for less at a time"
        );
        Err(Refusal::new(ErrorKind::TooLarge, why))
    }

    /// Counts the parts of values that are taken apart: who may not read so much at once has not
    /// so much looked into.
    ///
    /// # Errors
    /// `TooLarge`.
    pub(crate) fn charge_parts(&self, items: &[Payload]) -> Result<(), Refusal> {
        items.iter().try_for_each(|item| self.charge(value::count(item).saturating_sub(1), 0))
    }

    /// Takes an answer's handles over: each is given back when its last clone is dropped.
    ///
    /// # Errors
    /// `TooLarge` when it is more than one answer may be.
    pub(crate) fn receive(&self, answer: Data<WireHandle>) -> Result<Data, Refusal> {
        let keeper = Session {
            manager: self.kernel.id(),
            session: self.session,
            returned: Arc::clone(&self.trays.returned),
        };
        let keeper: Arc<dyn Keeper> = Arc::new(keeper);
        let (values, bytes) = (answer.payloads.len(), answer.len());
        let answer = answer.into_handles(|| Arc::clone(&keeper));
        self.check_answer(values, bytes)?;
        Ok(answer)
    }

    /// Returns a handle on an object for a request: it names the object and keeps nothing.
    pub(crate) fn name(&self, object: ObjectId) -> Result<Handle, Refusal> {
        name(self.kernel, object)
    }

    /// Finds the object that Python calls so.
    pub(crate) fn resolve(&self, ident: &str) -> Result<Handle, Refusal> {
        match object_of(self.kernel.id(), ident) {
            Some(object) => self.name(object),
            None => Err(Refusal::new(ErrorKind::NotFound, format!("there is no object '{ident}'"))),
        }
    }

    /// Remembers with which typecode a value was made, which only Python's `repr` asks for.
    pub(crate) fn note_typecode(&mut self, value: ObjectId, typecode: Payload) {
        let typecodes = &mut self.trays.typecodes;
        if typecodes.len() >= self.trays.sweep_at {
            typecodes.retain(|&value, _| self.kernel.interface_of(value).is_some());
            self.trays.sweep_at = SWEEP_AT_LEAST.max(typecodes.len() * 2);
        }
        typecodes.insert(value, typecode);
    }

    /// Returns with which typecode a value was made.
    pub(crate) fn typecode(&self, value: ObjectId) -> Option<Payload> {
        self.trays.typecodes.get(&value).cloned()
    }

    /// Creates an object; the caller's session holds it until the handle is dropped.
    pub(crate) fn create(
        &mut self,
        interface: &'static Interface,
        args: &impl Serialize,
    ) -> Result<Handle, Refusal> {
        let args = Data::encode(args)?;
        let method = const { manager::method("create") };
        let call = (interface.name.to_owned(), interface.fingerprint, Naming::Anonymous, args);
        self.ask(ObjectId::MANAGER, method, &call)
    }
}

impl Trays {
    /// Makes trays for answers of at most `answer_max` bytes each.
    pub(crate) fn new(answer_max: usize) -> Self {
        Self {
            answer_max,
            mail: VecDeque::new(),
            strays: Vec::new(),
            returned: Returned::default(),
            next_call: 0,
            typecodes: HashMap::new(),
            sweep_at: 0,
        }
    }

    /// Puts an answer where it belongs.
    pub(crate) fn sort(&mut self, outgoing: Outgoing) {
        if crate::hub::is_python(outgoing.via) {
            self.mail.push_back(outgoing);
        } else {
            self.strays.push(outgoing);
        }
    }
}

/// Asks an object, and makes a reply of its answer; what it refuses is raised.
pub(crate) fn ask<R: DeserializeOwned>(
    object: ObjectId,
    method: MethodId,
    args: &impl Serialize,
    then: impl FnOnce(&mut Desk<'_>, R) -> Outcome + Send + 'static,
) -> Outcome {
    ask_within(None, object, method, args, |desk, answer| then(desk, answer?))
}

/// Asks an object, within `timeout` if there is one; what it refuses is handed on, too.
pub(crate) fn ask_within<R: DeserializeOwned>(
    timeout: Option<Duration>,
    object: ObjectId,
    method: MethodId,
    args: &impl Serialize,
    then: impl FnOnce(&mut Desk<'_>, Result<R, Refusal>) -> Outcome + Send + 'static,
) -> Outcome {
    let data = Data::encode(args)?;
    let then = |desk: &mut Desk<'_>, answer: Result<Data, Refusal>| {
        then(desk, answer.and_then(|answer| answer.into_value::<R>()))
    };
    Ok(Next::Ask(Ask { object, method, timeout, data, then: Box::new(then) }))
}

/// Returns a handle on an object that names it and keeps nothing.
pub(crate) fn name(kernel: &Kernel, object: ObjectId) -> Result<Handle, Refusal> {
    let interface = kernel.interface_of(object).ok_or_else(|| gone(object))?;
    Ok(Handle::new(object, interface.fingerprint, Arc::new(Nobody(kernel.id()))))
}

fn gone(object: ObjectId) -> Refusal {
    Refusal::new(ErrorKind::NotFound, format!("there is no object {object}"))
}

/// Counts what a session was given.
#[derive(Debug)]
struct Session {
    manager: ManagerId,
    session: SessionId,
    returned: Returned,
}

impl Keeper for Session {
    fn release(&self, object: ObjectId) {
        self.returned.lock().push((self.session, object));
    }

    fn manager(&self) -> ManagerId {
        self.manager
    }

    fn transport(&self) -> Option<&dyn Transport> {
        None
    }
}

/// Counts nothing: the request is carried out before anything else can happen.
#[derive(Debug)]
struct Nobody(ManagerId);

impl Keeper for Nobody {
    fn release(&self, _: ObjectId) {}

    fn manager(&self) -> ManagerId {
        self.0
    }

    fn transport(&self) -> Option<&dyn Transport> {
        None
    }
}
