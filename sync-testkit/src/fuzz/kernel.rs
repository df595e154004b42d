//! The kernel: any requests of a few clients, in any order, at any time, over connections that may
//! be lost and found.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::Serialize;
use sync_objects::{
    DisconnectReason, Kernel, Limits, Naming, Note, Outgoing, Released, Time, Via, manager,
};
use sync_proto::handshake::ClientInfo;
use sync_proto::message::{OneWay, Request, WireHandle};
use sync_proto::{
    Args, CallId, Data, Encoding, Epoch, Interface, ManagerId, MethodId, ObjectId, OneWayId,
    Payload, SessionId, SmallBytes, ThreadId,
};

use super::Input;

mod late;

/// Clients at once.
const CLIENTS: usize = 4;

/// What one input may keep in the kernel, in bytes: few, so that it runs out.
const MEMORY: usize = 64 * 1024;

/// How long a lost client may be away: the longest that an input lets pass at once is more.
const GRACE: Duration = Duration::from_millis(100);

/// The step that stops the manager, which is the last.
const SHUTDOWN: u8 = 255;

/// Checks that a kernel with all built-in types copes with any requests of its clients: every
/// request that is not given up with its session is answered once, no object's code panics, the
/// kernel's tables agree after every step, nothing is left when the clients are gone, and the same
/// steps give the same answers when repeated.
///
/// # Panics
/// When it does not hold.
pub fn kernel(input: &[u8]) {
    assert_eq!(run(input), run(input), "the same inputs give the same outputs");
}

fn run(input: &[u8]) -> Vec<Outgoing> {
    let mut world = World::new();
    let mut input = Input(input);
    while !input.is_empty() {
        let what = input.byte();
        if what == SHUTDOWN {
            return world.shutdown();
        }
        world.step(what, &mut input);
        world.drain();
    }
    world.end()
}

/// A kernel, and what its clients know.
struct World {
    kernel: Kernel,
    interfaces: Vec<&'static Interface>,
    now: Time,
    clients: [Option<Client>; CLIENTS],
    /// Objects that answers brought, and their interfaces.
    objects: Vec<WireHandle>,
    /// Calls that are not answered.
    asked: BTreeMap<(SessionId, CallId), Request>,
    /// Requests that waited for a message and are to be handed in again.
    released: VecDeque<Released>,
    /// Sessions of clients that have said goodbye.
    left: BTreeSet<SessionId>,
    calls: u64,
    vias: u64,
    answers: Vec<Outgoing>,
}

struct Client {
    session: SessionId,
    one_ways: u64,
    last_one_way: Option<OneWay>,
    /// A one-way message that is under way for long, and whether the next one will be.
    late: Option<OneWay>,
    is_delayed: bool,
    /// What its session needs to survive the loss of its connection.
    line: Option<Line>,
}

/// The connection of a client that can come back.
struct Line {
    epoch: Epoch,
    /// None while it is lost.
    via: Option<Via>,
    /// Answers that came and were not acknowledged.
    arrived: Vec<CallId>,
}

impl World {
    fn new() -> Self {
        let registry = sync_objects::registry();
        let interfaces = registry.interfaces().collect();
        let mut limits = Limits::default();
        limits.memory = MEMORY;
        limits.objects = 64;
        limits.waiters_per_object = 8;
        limits.grace = GRACE;
        limits.calls_per_session = 64;
        limits.unacknowledged = MEMORY / 8;
        Self {
            kernel: Kernel::new(registry, limits, ManagerId(1)),
            interfaces,
            now: Time::ZERO,
            clients: [const { None }; CLIENTS],
            objects: Vec::new(),
            asked: BTreeMap::new(),
            released: VecDeque::new(),
            left: BTreeSet::new(),
            calls: 0,
            vias: 0,
            answers: Vec::new(),
        }
    }

    /// Does one thing, chosen by the input.
    fn step(&mut self, what: u8, input: &mut Input<'_>) {
        let client = usize::from(what) % CLIENTS;
        match what / 4 % 16 {
            0 => self.disconnect(client),
            1 => self.pass(Duration::from_millis(u64::from(input.byte()))),
            2 => self.cancel(client, u64::from(input.byte())),
            3..=5 => self.create(client, input),
            6 | 7 => self.one_way(client, input),
            8 => self.ask(client, input, true, 0),
            // Held back until the next one-way message.
            9 => self.ask(client, input, false, 1),
            10 => self.lose(client),
            11 => match input.byte() {
                128..160 => self.delay(client),
                160..192 => self.arrive(client),
                which @ 192.. => self.go_on(which),
                which if which % 4 == 0 => self.goodbye(client),
                which if which % 4 == 1 => self.resume(client),
                _ => self.acknowledge(client),
            },
            _ => self.ask(client, input, false, 0),
        }
    }

    fn next_via(&mut self) -> Via {
        self.vias += 1;
        Via(self.vias)
    }

    /// Returns a client that is there; every other one can come back.
    fn client(&mut self, client: usize) -> &mut Client {
        self.resume(client);
        self.catch_up(client);
        let via = self.next_via();
        let info = ClientInfo { pid: 1, program: "fuzz".into() };
        self.clients[client].get_or_insert_with(|| {
            let (session, line) = if client.is_multiple_of(2) {
                (self.kernel.handle_connect(self.now, info), None)
            } else {
                let session = self.kernel.handle_connect_resumable(self.now, info, via);
                (session, Some(Line { epoch: Epoch(0), via: Some(via), arrived: Vec::new() }))
            };
            let session = session.expect("there is room for a few");
            let (one_ways, last_one_way, late, is_delayed) = (0, None, None, false);
            Client { session, one_ways, last_one_way, late, is_delayed, line }
        })
    }

    fn line(&mut self, client: usize) -> Option<(SessionId, &mut Line)> {
        let client = self.clients[client].as_mut()?;
        Some((client.session, client.line.as_mut()?))
    }

    fn lose(&mut self, client: usize) {
        let Some((session, line)) = self.line(client) else { return };
        let Some(via) = line.via.take() else { return };
        self.kernel.handle_connection_lost(self.now, session, via);
    }

    /// Has a client that is lost come back, and send again what was not answered.
    fn resume(&mut self, client: usize) {
        let via = self.next_via();
        let Some((session, line)) = self.line(client) else { return };
        if line.via.is_some() {
            return;
        }
        line.via = Some(via);
        line.epoch = Epoch(line.epoch.0 + 1);
        let epoch = line.epoch;
        let given_up = self.kernel.handle_join(self.now, session, via, epoch);
        assert_eq!(given_up.expect("it is back in time"), [], "it had lost them all");
        self.arrive(client);
        let again = self.clients[client].as_ref().and_then(|client| client.last_one_way.clone());
        if let Some(message) = again {
            self.say(client, message);
        }
        let of_it = (session, CallId(0))..=(session, CallId(u64::MAX));
        let again: Vec<_> = self.asked.range(of_it).map(|(_, request)| request.clone()).collect();
        // Nothing, if there was no room for a message.
        for request in again {
            assert!(self.kernel.handle_request(self.now, session, via, request));
        }
    }

    fn acknowledge(&mut self, client: usize) {
        let Some((session, line)) = self.line(client) else { return };
        if line.via.is_some() {
            let calls = std::mem::take(&mut line.arrived);
            self.kernel.handle_received(self.now, session, &calls);
        }
    }

    fn goodbye(&mut self, client: usize) {
        self.arrive(client);
        let Some(gone) = self.clients[client].take() else { return };
        self.kernel.handle_goodbye(self.now, gone.session, OneWayId(gone.one_ways));
        self.leave(gone.session, gone.line.and_then(|line| line.via));
    }

    fn disconnect(&mut self, client: usize) {
        let Some(gone) = self.clients[client].take() else { return };
        self.kernel.handle_disconnect(self.now, gone.session, DisconnectReason::Closed);
        self.drain();
        self.asked.retain(|(session, _), _| *session != gone.session);
    }

    /// Lets time pass, up to each moment at which something is to be done; at once, if the driver
    /// is so busy that it has not carried out what is due.
    fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some((at, _)) = self.kernel.poll_timeout().filter(|&(at, _)| at <= end)
            && !self.is_due()
        {
            self.now = self.now.max(at);
            self.kernel.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
        self.kernel.handle_timeout(end);
    }

    fn cancel(&mut self, client: usize, back: u64) {
        let session = self.client(client).session;
        let call = CallId(self.calls.saturating_sub(back));
        self.kernel.handle_cancel(self.now, session, call);
    }

    /// Makes a request to an object, with arguments that may make sense.
    fn create(&mut self, client: usize, input: &mut Input<'_>) {
        let interface = self.interfaces[usize::from(input.byte()) % self.interfaces.len()];
        let naming = match input.byte() {
            name @ 0..8 => Naming::GetOrCreate(name.to_string()),
            name @ 8..16 => Naming::CreateNew((name % 8).to_string()),
            _ => Naming::Anonymous,
        };
        let inner = self.data(input);
        // The constructor's own payloads and handles are places in the lists beside the call.
        let places = |count| (0..count).collect::<Vec<usize>>();
        let own = (&*inner.args, places(inner.payloads.len()), places(inner.handles.len()));
        let args = encoded(&(interface.name, interface.fingerprint, naming, own));
        let create = const { manager::method("create") };
        self.request(client, ObjectId::MANAGER, create, None, Data { args, ..inner }, 0);
    }

    fn ask(&mut self, client: usize, input: &mut Input<'_>, of_the_manager: bool, early: u64) {
        let object = self.object(input);
        let (object, methods) = match object {
            Some(handle) if !of_the_manager => (handle.object, self.methods_of(handle)),
            _ => (ObjectId::MANAGER, manager::INTERFACE.methods.len()),
        };
        let method = method_of(input, methods);
        let shutdown = const { manager::method("shutdown") };
        if object == ObjectId::MANAGER && method == shutdown {
            return;
        }
        let timeout = match input.byte() {
            0..128 => None,
            short => Some(Duration::from_millis(u64::from(short - 128))),
        };
        let data = self.data(input);
        self.request(client, object, method, timeout, data, early);
    }

    fn request(
        &mut self,
        client: usize,
        object: ObjectId,
        method: MethodId,
        timeout: Option<Duration>,
        data: Data<WireHandle>,
        early: u64,
    ) {
        self.calls += 1;
        let call = CallId(self.calls);
        let thread = ThreadId(self.calls % 3);
        let client = self.client(client);
        let (session, after) = (client.session, OneWayId(client.one_ways + early));
        let via = client.line.as_ref().and_then(|line| line.via).unwrap_or(Via(call.0));
        let request = Request { call, after, thread, object, method, timeout, data };
        self.asked.insert((session, call), request.clone());
        assert!(self.kernel.handle_request(self.now, session, via, request));
    }

    fn one_way(&mut self, client: usize, input: &mut Input<'_>) {
        let handle = self.object(input);
        let object = handle.map_or(ObjectId::MANAGER, |handle| handle.object);
        let methods = handle.map_or(manager::INTERFACE.methods.len(), |of| self.methods_of(of));
        let method = match handle {
            Some(_) => method_of(input, methods),
            None => const { manager::method("release") },
        };
        let data = self.data(input);
        let (at, client) = (client, self.client(client));
        client.one_ways += 1;
        let number = OneWayId(client.one_ways);
        let message = OneWay { number, thread: ThreadId(1), object, method, data };
        client.last_one_way = client.line.as_ref().map(|_| message.clone());
        if std::mem::take(&mut client.is_delayed) {
            client.late = Some(message);
        } else {
            self.say(at, message);
        }
    }

    fn object(&self, input: &mut Input<'_>) -> Option<WireHandle> {
        let at = usize::from(input.byte());
        self.objects.get(at % (self.objects.len() + 1)).copied()
    }

    fn methods_of(&self, handle: WireHandle) -> usize {
        let of = |interface: &&&Interface| interface.fingerprint == handle.interface;
        self.interfaces.iter().find(of).map_or(1, |interface| interface.methods.len())
    }

    /// Makes arguments: bytes, and at most two payloads and two handles.
    fn data(&self, input: &mut Input<'_>) -> Data<WireHandle> {
        let shape = input.byte();
        let args = Args::from_slice(input.take(usize::from(shape % 32)));
        let payloads = (0..shape / 32 % 3).map(|_| {
            let size = input.byte();
            let handles = if size < 192 { None } else { self.object(input) };
            let bytes = SmallBytes::copy_from_slice(input.take(usize::from(size % 64)));
            // With handles and without, of any length.
            let is_bare = size / 64 == 1 || size >= 192 && size % 2 == 1;
            let encoding = if is_bare { Encoding::Bytes } else { Encoding::Cbor };
            Payload::new(encoding, bytes, handles.into_iter().collect())
        });
        let payloads = payloads.collect();
        let handles = if shape < 192 { None } else { self.object(input) };
        Data { args, payloads, handles: handles.into_iter().collect() }
    }

    /// Takes the answers, and checks the kernel.
    fn drain(&mut self) {
        self.kernel.assert_settled();
        self.released.extend(std::iter::from_fn(|| self.kernel.poll_released()));
        while let Some(outgoing) = self.kernel.poll_reply() {
            let call = (outgoing.session, outgoing.reply.call);
            let is_asked = self.asked.remove(&call).is_some();
            assert!(is_asked || self.left.contains(&call.0), "{call:?} is answered once");
            self.take_in(&outgoing);
            for handle in outgoing.reply.outcome.iter().flat_map(|data| &data.handles) {
                if !self.objects.contains(handle) {
                    self.objects.push(*handle);
                }
            }
            self.answers.push(outgoing);
        }
        while let Some(note) = self.kernel.poll_note() {
            assert!(!matches!(note, Note::ObjectBroke { .. }), "{note}");
            if let Note::SessionEnded { session, .. } = note {
                self.forget(session);
            }
        }
        self.check_one_ways();
        assert!(self.kernel.memory_used() <= 2 * MEMORY, "the limit is kept");
    }

    /// Notes that an answer has arrived, which its client is to acknowledge.
    fn take_in(&mut self, outgoing: &Outgoing) {
        let clients = self.clients.iter_mut().flatten();
        let Some(client) = clients.into_iter().find(|of| of.session == outgoing.session) else {
            return;
        };
        if let Some(line) = &mut client.line {
            assert_eq!(line.via, Some(outgoing.via), "nothing is said to who is lost");
            line.arrived.push(outgoing.reply.call);
        }
    }

    /// Forgets a client whose session has ended: because it was away for too long, or by its own
    /// choice.
    fn forget(&mut self, session: SessionId) {
        for client in &mut self.clients {
            if let Some(gone) = client.take_if(|client| client.session == session) {
                let line = gone.line.expect("only who can be lost is ended by the manager");
                assert_eq!(line.via, None, "it was lost");
                self.asked.retain(|(of, _), _| *of != session);
            }
        }
    }

    /// Stops the manager: every call that waits and can be answered gets an error.
    fn shutdown(mut self) -> Vec<Outgoing> {
        self.kernel.handle_shutdown(self.now);
        self.finish_due();
        assert_eq!(self.kernel.blocked_count(), 0, "nobody waits for a manager that has stopped");
        let lost = self
            .clients
            .iter()
            .flatten()
            .filter(|client| client.line.as_ref().is_some_and(|line| line.via.is_none()));
        let lost: Vec<SessionId> = lost.map(|client| client.session).collect();
        let told = self.asked.keys().all(|(session, _)| lost.contains(session));
        assert!(told, "everybody is told");
        for client in 0..CLIENTS {
            self.disconnect(client);
        }
        self.answers
    }

    /// Has all clients go, and what has a name lose it; returns all answers.
    fn end(mut self) -> Vec<Outgoing> {
        for client in 0..CLIENTS {
            self.disconnect(client);
        }
        self.finish_due();
        assert_eq!(self.kernel.blocked_count(), 0, "nobody waits when nobody is there");
        assert!(self.asked.is_empty());
        let names = const { manager::method("names") };
        self.request(0, ObjectId::MANAGER, names, None, Data::default(), 0);
        self.drain();
        for name in self.last_names() {
            let args = encoded(&(name,));
            let unpublish = const { manager::method("unpublish") };
            let data = Data { args, ..Data::default() };
            self.request(0, ObjectId::MANAGER, unpublish, None, data, 0);
        }
        self.disconnect(0);
        self.pass(Duration::from_secs(1));
        self.drain();
        assert_eq!(self.kernel.object_count(), 0, "nothing is left");
        let unused = Self::new().kernel.memory_used();
        assert_eq!(self.kernel.memory_used(), unused, "what was counted is given back");
        self.answers
    }

    /// Decodes the last answer as the manager's names.
    fn last_names(&self) -> Vec<String> {
        let answer = self.answers.last().and_then(|last| last.reply.outcome.as_ref().ok());
        let args = answer.expect("names are told to everybody").args.clone();
        Data { args, ..Data::default() }.decode().expect("names are texts")
    }
}

fn method_of(input: &mut Input<'_>, count: usize) -> MethodId {
    // One more than there are.
    MethodId(u16::from(input.byte()) % u16::try_from(count + 1).expect("an interface is small"))
}

fn encoded<T: Serialize>(args: &T) -> Args {
    Data::encode(args).expect("plain values").args
}
