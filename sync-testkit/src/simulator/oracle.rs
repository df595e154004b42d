//! What must be true of everything that goes in and comes out of the manager.

use std::collections::BTreeMap;

use sync_objects::{Registry, Time, manager};
use sync_proto::message::{OneWay, Reply, Request};
use sync_proto::{
    CallId, ErrorKind, Fingerprint, Interface, MethodId, ObjectId, OneWayId, Refusal, SessionId,
};

use super::counts::Fault;
use super::server::WireId;
use crate::models::{Model, Step, model_of};

mod refused;

/// Watches what goes in and out of the manager: every request is answered once, nobody is overtaken
/// in a line, and each answer and each refusal is one that a simple model of the object gives.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    interfaces: BTreeMap<Fingerprint, &'static Interface>,
    objects: BTreeMap<ObjectId, Object>,
    sessions: BTreeMap<SessionId, Session>,
    /// One-way messages of this step, and why they failed if they did.
    carried_out: Vec<(SessionId, OneWay, Option<ErrorKind>)>,
    /// Whose message that was due was carried out last.
    last_due: Option<SessionId>,
    /// Requests that were carried out so far.
    begun: u64,
    /// Requests that were held back so far.
    held_back: u64,
    /// The manager was told to end.
    pub(crate) is_stopping: bool,
    /// How many answers and refusals a model has agreed with.
    pub(crate) agreed: u64,
}

#[derive(Debug)]
struct Object {
    interface: &'static Interface,
    model: Option<Box<dyn Model>>,
    /// Every answer of it is seen when it is made.
    is_followed: bool,
    /// Who stands in which line, by the number of its request.
    lines: BTreeMap<&'static str, BTreeMap<u64, Request>>,
}

#[derive(Debug)]
struct Session {
    done: OneWayId,
    early: BTreeMap<OneWayId, OneWay>,
    /// By the message that each must follow, and in the order in which they came.
    held_back: BTreeMap<(OneWayId, u64), HeldBack>,
    /// Requests that are to be answered; a client may give two of them one number.
    open: BTreeMap<CallId, Vec<Asked>>,
    /// Answers, and the connections on which they went out.
    sent: BTreeMap<CallId, (WireId, Reply)>,
    /// Answers whose connections are lost.
    lost: BTreeMap<CallId, Reply>,
    /// Answers that are to be given once more.
    again: BTreeMap<CallId, (WireId, Reply)>,
}

/// A request that waits for a one-way message, or for others that did so and come first.
#[derive(Debug)]
struct HeldBack {
    via: WireId,
    request: Request,
    /// The kernel has given it out, to be handed in again.
    is_given_out: bool,
}

#[derive(Debug)]
struct Asked {
    request: Request,
    /// The connection on which it came; nothing if that is lost.
    via: Option<WireId>,
    /// When it was first looked at; a request that is held back was not yet.
    number: Option<u64>,
    /// When its time is up.
    deadline: Option<Time>,
    /// Its client has given it up.
    is_cancelled: bool,
}

impl Session {
    fn new() -> Self {
        Self {
            done: OneWayId::NONE,
            early: BTreeMap::new(),
            held_back: BTreeMap::new(),
            open: BTreeMap::new(),
            sent: BTreeMap::new(),
            lost: BTreeMap::new(),
            again: BTreeMap::new(),
        }
    }

    /// Returns the number of the one-way message whose turn it is.
    fn turn(&self) -> OneWayId {
        OneWayId(self.done.0 + 1)
    }

    fn is_due(&self) -> bool {
        self.early.contains_key(&self.turn()) || self.has_released()
    }

    /// Returns whether the kernel has a request that need not wait any more.
    fn has_released(&self) -> bool {
        let mut kept = self.held_back.iter().filter(|(_, of)| !of.is_given_out);
        kept.next().is_some_and(|(&(after, _), _)| after <= self.done)
    }

    /// Returns the first request of a connection that waited for a message and was given out.
    fn released(&self, via: WireId) -> Option<(OneWayId, u64)> {
        let mut given_out = self.held_back.iter().filter(|(_, of)| of.is_given_out);
        given_out.find(|(_, of)| of.via == via).map(|(&turn, _)| turn)
    }
}

impl Oracle {
    pub(crate) fn new(registry: &Registry) -> Self {
        let interfaces = registry.interfaces().map(|of| (of.fingerprint, of)).collect();
        Self { interfaces, ..Self::default() }
    }

    pub(crate) fn session_began(&mut self, session: SessionId) {
        let before = self.sessions.insert(session, Session::new());
        assert!(before.is_none(), "{session} begins twice");
    }

    /// Takes note of a request; returns what is special about it.
    pub(crate) fn request(
        &mut self,
        now: Time,
        session: SessionId,
        via: WireId,
        request: &Request,
    ) -> Option<Fault> {
        let state = self.sessions.get_mut(&session)?;
        let overtaken = state.released(via);
        assert_eq!(overtaken, None, "{} overtakes on its connection", request.call);
        if let Some(reply) = state.lost.get(&request.call) {
            state.again.insert(request.call, (via, reply.clone()));
            return Some(Fault::LostReply);
        }
        let open = state.open.entry(request.call).or_default();
        if open.iter().any(|asked| asked.via.is_none()) {
            open.iter_mut().for_each(|asked| asked.via = Some(via));
            return Some(Fault::Repeated);
        }
        let deadline = request.timeout.map(|timeout| now + timeout);
        open.push(Asked {
            request: request.clone(),
            via: Some(via),
            number: None,
            deadline,
            is_cancelled: false,
        });
        if request.after > state.done || state.has_released() {
            self.held_back += 1;
            let turn = (request.after.max(state.done), self.held_back);
            let held_back = HeldBack { via, request: request.clone(), is_given_out: false };
            state.held_back.insert(turn, held_back);
            return Some(Fault::Overtaken);
        }
        self.begin(session, request);
        None
    }

    /// A session that can be resumed has lost a connection. What waits on it is carried out when
    /// its turn comes, without a notice here: of those objects the models cannot say more.
    pub(crate) fn connection_lost(&mut self, session: SessionId, via: WireId) {
        let Some(state) = self.sessions.get_mut(&session) else { return };
        for asked in state.open.values_mut().flatten().filter(|asked| asked.via == Some(via)) {
            asked.via = None;
            if let Some(object) = self.objects.get_mut(&asked.request.object) {
                (object.model, object.is_followed) = (None, false);
            }
        }
        // What was held back has not begun: it will be sent again, as if for the first time.
        for open in state.open.values_mut() {
            open.retain(|asked| asked.via.is_some() || asked.number.is_some());
        }
        state.open.retain(|_, open| !open.is_empty());
        state.held_back.retain(|_, of| of.via != via);
        let sent = std::mem::take(&mut state.sent);
        let (lost, sent) = sent.into_iter().partition(|(_, (of, _))| *of == via);
        let lost: BTreeMap<CallId, (WireId, Reply)> = lost;
        state.sent = sent;
        state.lost.extend(lost.into_iter().map(|(call, (_, reply))| (call, reply)));
    }

    /// Takes note of a one-way message that the manager has taken, or had no room for. One that is
    /// due has made room for it, and if it was then its turn, or another's, that is carried out.
    pub(crate) fn one_way(&mut self, session: SessionId, message: OneWay, is_taken: bool) {
        self.carry_out_next(session);
        let Some(state) = self.sessions.get_mut(&session).filter(|_| is_taken) else { return };
        if message.number > state.done {
            state.early.insert(message.number, message);
        }
        self.carry_out_next(session);
    }

    /// One more request of a session was held back: one message that was due is carried out.
    pub(crate) fn made_room(&mut self, session: SessionId) {
        self.carry_out_next(session);
    }

    /// The manager has carried out one message that was due: the sessions have their turns.
    pub(crate) fn due(&mut self) {
        let due =
            || self.sessions.iter().filter(|(_, of)| of.is_due()).map(|(&session, _)| session);
        let next = due().find(|&session| Some(session) > self.last_due).or_else(|| due().next());
        if let Some(session) = next {
            self.last_due = next;
            self.carry_out_next(session);
        }
    }

    fn carry_out_next(&mut self, session: SessionId) {
        let Some(state) = self.sessions.get_mut(&session) else { return };
        if let Some(message) = state.early.remove(&state.turn()) {
            state.done = message.number;
            self.carried_out.push((session, message, None));
        }
    }

    /// All messages were carried out that should be, and none but those.
    pub(crate) fn check_one_ways(&self, session: SessionId, done: OneWayId, is_due: bool) {
        let Some(state) = self.sessions.get(&session) else { return };
        let wanted = (state.done, state.is_due());
        assert_eq!((done, is_due), wanted, "the one-way messages of {session} go on in turn");
    }

    /// The kernel gives out a request that waited for a message.
    pub(crate) fn given_out(&mut self, session: SessionId, call: CallId) {
        let Some(state) = self.sessions.get_mut(&session) else { return };
        let done = state.done;
        let mut kept = state.held_back.iter_mut().filter(|(_, of)| !of.is_given_out);
        let first = kept.next().filter(|&(&(after, _), _)| after <= done);
        let Some((_, first)) = first.filter(|(_, of)| of.request.call == call) else {
            panic!("{call} of {session} is not the first that waited for a message and may go on");
        };
        first.is_given_out = true;
    }

    /// A request that waited for a message is looked at.
    pub(crate) fn released(&mut self, session: SessionId, via: WireId, call: CallId) {
        let Some(state) = self.sessions.get_mut(&session) else { return };
        let first = state.released(via).and_then(|turn| state.held_back.remove(&turn));
        let Some(HeldBack { request, .. }) = first.filter(|of| of.request.call == call) else {
            panic!("{call} of {session} waited for a message and is not the first that may go on");
        };
        self.begin(session, &request);
    }

    /// A request that waited for a message does not begin: nobody is there to be answered.
    pub(crate) fn dropped(&mut self, session: SessionId, via: WireId, call: CallId) {
        let Some(state) = self.sessions.get_mut(&session) else { return };
        state.held_back.retain(|_, of| (of.via, of.request.call) != (via, call));
        if let Some(open) = state.open.get_mut(&call) {
            open.retain(|asked| asked.via != Some(via) || asked.number.is_some());
        }
    }

    /// The manager says that a one-way message failed: it has changed nothing.
    pub(crate) fn one_way_failed(
        &mut self,
        session: SessionId,
        object: ObjectId,
        what: &str,
        kind: ErrorKind,
    ) {
        let known = self.objects.get(&object).map(|object| object.interface);
        let is_it = |(of, message, failed): &&mut (SessionId, OneWay, Option<ErrorKind>)| {
            let method = known.map(|interface| interface.method_name(message.method));
            let named = method.is_none_or(|method| what.ends_with(method));
            (*of, message.object) == (session, object) && named && failed.is_none()
        };
        if let Some((_, _, failed)) = self.carried_out.iter_mut().find(is_it) {
            *failed = Some(kind);
        }
    }

    /// All that failed is known: the other one-way messages have had their effect.
    pub(crate) fn settle(&mut self) {
        for (session, message, failed) in std::mem::take(&mut self.carried_out) {
            match failed {
                None => self.carry_out(session, &message),
                Some(kind) => self.one_way_refused(session, &message, kind),
            }
        }
    }

    /// Checks a reply.
    pub(crate) fn reply(&mut self, now: Time, session: SessionId, reply: &Reply) {
        let state = self.sessions.get_mut(&session);
        let state = state.unwrap_or_else(|| panic!("{session} is over and is answered"));
        let call = reply.call;
        if let Some((via, before)) = state.again.remove(&call) {
            assert_eq!(*reply, before, "{call} of {session} is answered as it was");
            state.lost.remove(&call);
            state.sent.insert(call, (via, before));
            return;
        }
        let open = state.open.get_mut(&call).filter(|open| !open.is_empty());
        let open = open.unwrap_or_else(|| panic!("{call} of {session} is answered once more"));
        // Of two with one number the later is refused, and the first goes on.
        let asked = open.pop().expect("it is not empty");
        match asked.via {
            Some(via) => drop(state.sent.insert(call, (via, reply.clone()))),
            None => drop(state.lost.insert(call, reply.clone())),
        }
        if open.is_empty() {
            state.open.remove(&call);
        }
        state.held_back.retain(|_, of| of.request.call != call);
        let request = &asked.request;
        let is_first = self.leave_line(request, asked.number, reply.outcome.is_ok());
        self.learn(request, reply);
        let answer = match &reply.outcome {
            Ok(answer) => answer,
            Err(refusal) => return self.refused(now, session, &asked, is_first, refusal),
        };
        let Some(object) = self.objects.get_mut(&request.object) else { return };
        let mut inside = request.data.payloads.iter().chain(&answer.payloads);
        if inside.any(|payload| !payload.handles.is_empty()) {
            // The models' values are numbers.
            object.model = None;
        }
        let Some(model) = &mut object.model else { return };
        let method = object.interface.method_name(request.method);
        let (thread, args) = (request.thread, &request.data);
        let step = Step { session, thread, method, args, answer: Some(answer) };
        if let Err(why) = model.check(&step) {
            panic!("{call} of {session}, {}.{method}: {why}", object.interface.name);
        }
        self.agreed += 1;
    }

    /// An answer was too large to send: this goes out in its place, also when it is sent again.
    pub(crate) fn replaced(&mut self, session: SessionId, call: CallId, refusal: &Refusal) {
        let state = self.sessions.get_mut(&session);
        if let Some((_, reply)) = state.and_then(|state| state.sent.get_mut(&call)) {
            reply.outcome = Err(refusal.clone());
        }
    }

    /// A session is over: it is answered no more, and what it held goes back.
    pub(crate) fn session_ended(&mut self, session: SessionId) {
        let Some(state) = self.sessions.remove(&session) else { return };
        for asked in state.open.into_values().flatten() {
            self.leave_line(&asked.request, asked.number, false);
        }
        for object in self.objects.values_mut() {
            if let Some(model) = &mut object.model {
                model.session_ended(session);
            }
        }
    }

    /// Returns how many requests wait for an answer, on a connection that could bring it.
    pub(crate) fn open_count(&self) -> usize {
        let open = self.sessions.values().flat_map(|session| session.open.values());
        open.flatten().filter(|asked| asked.via.is_some()).count()
    }

    /// Names a method of an object, for the log.
    pub(crate) fn name_of(&self, object: ObjectId, method: MethodId) -> String {
        let interface = match self.objects.get(&object) {
            None if object == ObjectId::MANAGER => &manager::INTERFACE,
            None => return format!("{object}.{method}"),
            Some(known) => known.interface,
        };
        format!("{object} {}.{}", interface.name, interface.method_name(method))
    }

    /// No caller waits that could be served.
    pub(crate) fn check_lines(&self) {
        for (id, object) in &self.objects {
            let Some(model) = &object.model else { continue };
            for (_, request) in object.lines.values().filter_map(BTreeMap::first_key_value) {
                let method = object.interface.method_name(request.method);
                let forgotten = model.could_serve(method, &request.data);
                assert!(!forgotten, "{} waits in {method} of {id}, forgotten", request.call);
            }
        }
    }

    fn begin(&mut self, session: SessionId, request: &Request) {
        self.begun += 1;
        let number = self.begun;
        let state = self.sessions.get_mut(&session).expect("it lives");
        let asked = state.open.get_mut(&request.call).into_iter().flatten().rev();
        let Some(asked) = asked.into_iter().find(|asked| asked.request == *request) else { return };
        asked.number = Some(number);
        let Some(object) = self.objects.get_mut(&request.object) else { return };
        if let Some(line) = line_of(object.interface, request) {
            object.lines.entry(line).or_default().insert(number, request.clone());
        }
    }

    /// Returns whether nobody stood before it in its line, so far as that is known.
    fn leave_line(&mut self, request: &Request, number: Option<u64>, served: bool) -> bool {
        let Some(object) = self.objects.get_mut(&request.object) else { return true };
        let Some(line) = line_of(object.interface, request) else { return true };
        let (Some(line), Some(number)) = (object.lines.get_mut(line), number) else { return true };
        let first = line.first_key_value().map(|(&first, _)| first);
        line.remove(&number);
        assert!(
            !served || !object.is_followed || first.is_none_or(|first| first >= number),
            "{} of {} overtakes in its line",
            request.call,
            request.object,
        );
        first.is_none_or(|first| first >= number)
    }

    fn carry_out(&mut self, session: SessionId, message: &OneWay) {
        let Some(object) = self.objects.get_mut(&message.object) else { return };
        let Some(model) = &mut object.model else { return };
        let method = object.interface.method_name(message.method);
        let (thread, args) = (message.thread, &message.data);
        let step = Step { session, thread, method, args, answer: None };
        if let Err(why) = model.check(&step) {
            panic!("one-way {} of {session}, {method}: {why}", message.number);
        }
    }

    /// Learns of new objects from the handles that go out.
    fn learn(&mut self, request: &Request, reply: &Reply) {
        // A lock that a condition stands on is released inside of the condition's wait.
        for handle in &request.data.handles {
            if let Some(object) = self.objects.get_mut(&handle.object) {
                object.model = None;
            }
        }
        let Ok(answer) = &reply.outcome else { return };
        let asked = self.objects.get(&request.object).map(|object| object.interface.name);
        for handle in answer.all_handles() {
            let Some(&interface) = self.interfaces.get(&handle.interface) else { continue };
            // Only of a new object the model knows the beginning.
            let created = request.object == ObjectId::MANAGER && asked.is_none();
            let model = created.then(|| model_of(interface, &request.data)).flatten();
            let lines = BTreeMap::new();
            let is_followed = true;
            let new = Object { interface, model, is_followed, lines };
            self.objects.entry(handle.object).or_insert(new);
        }
    }
}

/// Returns the line in which a request stands if it must wait, where that is one line for all.
fn line_of(interface: &Interface, request: &Request) -> Option<&'static str> {
    match (interface.name, interface.method_name(request.method)) {
        ("sync.lock" | "sync.semaphore", "acquire") => Some("acquire"),
        ("sync.queue", "get" | "get_many" | "get_leased") => Some("items"),
        ("sync.queue", "put" | "put_many") => Some("room"),
        ("sync.event", "wait") => Some("set"),
        _ => None,
    }
}
