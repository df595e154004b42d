//! Clients that keep no rules: they send bytes, and drop whatever comes back.

use sync_objects::{barrier, event, lock, manager, queue};
use sync_proto::handshake::Purpose;
use sync_proto::message::{ClientMessage, OneWay, Request, WireHandle};
use sync_proto::version::PREAMBLE;
use sync_proto::{
    CallId, Data, Epoch, Fingerprint, ManagerId, MethodId, ObjectId, OneWayId, Payload,
    SessionToken, ThreadId, Token,
};

use super::counts::Fault;
use super::process::{bytes_of, hello, open};
use super::world::{EARLY_MAX, SESSIONS_MAX, World};

/// What a rogue may do.
const DEEDS: [Fault; 16] = [
    Fault::BadPreamble,
    Fault::BadJoin,
    Fault::SecondHello,
    Fault::Malformed,
    Fault::Oversized,
    Fault::DuplicateCall,
    Fault::ReplayedOneWay,
    Fault::MissingOneWay,
    Fault::WaitingOneWay,
    Fault::ForgedObject,
    Fault::ForgedMethod,
    Fault::ForgedHandle,
    Fault::ForgedRelease,
    Fault::ForgedToken,
    Fault::CallLimit,
    Fault::EarlyLimit,
];

impl World {
    /// Lets a rogue connect and do its deed.
    pub(crate) fn start_a_rogue(&mut self) {
        if self.rogues.len() > 3 {
            return self.end_a_rogue();
        }
        if self.chance.once_in(16) {
            return self.crowd_in();
        }
        let Some(&deed) = self.chance.pick(&DEEDS) else { return };
        let Some(bytes) = self.words_of(deed) else { return };
        // The manager says itself when two calls had one number, or when there are too many.
        if !matches!(deed, Fault::DuplicateCall | Fault::CallLimit | Fault::EarlyLimit) {
            self.ghost.fired(deed);
        }
        let wire = self.lay(bytes, false);
        if let Some(wire) = self.wires.get_mut(&wire) {
            wire.up.narrow = [0, 0, 0, 100][self.chance.below(4)];
        }
        self.rogues.push(wire);
        self.note(|| format!("a rogue on wire {wire}: {deed}"));
    }

    /// Opens more sessions than there may be.
    fn crowd_in(&mut self) {
        for _ in 0..SESSIONS_MAX {
            let wire = self.lay(open(), false);
            self.rogues.push(wire);
        }
        self.note(|| "a crowd of rogues".to_owned());
    }

    /// Lets a rogue go, or all of a crowd.
    pub(crate) fn end_a_rogue(&mut self) {
        let count = if self.rogues.len() >= SESSIONS_MAX { self.rogues.len() } else { 1 };
        for _ in 0..count.min(self.rogues.len()) {
            let wire = self.rogues.swap_remove(self.chance.below(self.rogues.len()));
            self.hang_up(wire);
        }
    }

    /// Returns all that a rogue sends.
    fn words_of(&self, deed: Fault) -> Option<Vec<u8>> {
        let mut words = open();
        match deed {
            Fault::BadPreamble => return Some(b"GET / HTTP/1.1\r\n\r\n".to_vec()),
            Fault::BadJoin => {
                let token = SessionToken(u128::from(self.chance.next()));
                return Some(hello(Purpose::Join(token, Epoch(0))));
            }
            Fault::SecondHello => words.extend(&open()[PREAMBLE.len()..]),
            Fault::Malformed => {
                let len = 1 + self.chance.below(40);
                words.extend([u8::try_from(len).ok()?, 0, 0, 0, 0, 0, 0, 0]);
                // No message begins with a number above those of the kinds there are.
                let garbage = |at| if at == 0 { 200 } else { self.chance.next() as u8 };
                words.extend((0..len).map(garbage));
            }
            Fault::Oversized => words.extend([0xff; 16]),
            _ => words.extend(self.messages_of(deed)?.iter().flat_map(bytes_of)),
        }
        Some(words)
    }

    /// Returns messages that are well formed, and that no client should send.
    fn messages_of(&self, deed: Fault) -> Option<Vec<ClientMessage>> {
        let event = self.ghost.object("event")?;
        let wait = |call| request(call, event, const { event::method("wait") }, Data::default());
        Some(match deed {
            Fault::DuplicateCall => vec![of(wait(7)), of(wait(7))],
            Fault::ReplayedOneWay => {
                let put = self.put_one_way()?;
                vec![put.clone(), put]
            }
            Fault::MissingOneWay => vec![of(Request { after: OneWayId(5), ..wait(1) })],
            Fault::WaitingOneWay => {
                let barrier = self.ghost.object("barrier").filter(|_| self.chance.once_in(2));
                vec![match barrier {
                    // If it were a party, the round of two honest ones would not be theirs.
                    Some(barrier) => {
                        let acts_and_waits = args(&(self.chance.once_in(2), true))?;
                        one_way(barrier, const { barrier::method("wait") }, acts_and_waits)
                    }
                    None => one_way(event, const { event::method("wait") }, Data::default()),
                }]
            }
            Fault::ForgedObject => {
                let object = ObjectId(self.chance.next() >> self.chance.below(60));
                vec![of(request(1, object, MethodId(7), Data::default()))]
            }
            Fault::ForgedMethod => vec![of(request(1, event, MethodId(999), Data::default()))],
            Fault::EarlyLimit => {
                // The first is missing.
                let numbers = (2..).take(EARLY_MAX + 1).map(OneWayId);
                let early = |number| OneWay { number, ..set(event) };
                numbers.map(early).map(ClientMessage::OneWay).collect()
            }
            Fault::CallLimit => (1..12).map(|call| of(wait(call))).collect(),
            _ => return self.forgeries_of(deed, event),
        })
    }

    /// Returns messages about what is another's.
    fn forgeries_of(&self, deed: Fault, event: ObjectId) -> Option<Vec<ClientMessage>> {
        let lock = self.ghost.object("lock a")?;
        match deed {
            Fault::ForgedHandle => {
                // Either the type or the object is wrong.
                let objects = [event, ObjectId(self.chance.next())];
                let publish = |object| {
                    let handle = WireHandle { object, interface: Fingerprint(self.chance.next()) };
                    let args = args(&("forged", 0u32))?.args;
                    let data = Data { args, handles: vec![handle], ..Data::default() };
                    let publish = const { manager::method("publish") };
                    Some(of(request(object.0, ObjectId::MANAGER, publish, data)))
                };
                objects.into_iter().map(publish).collect()
            }
            Fault::ForgedRelease => {
                let release = const { manager::method("release") };
                let (three, one) = (args(&(lock, 3u64))?, args(&(event, 1u64))?);
                let asked = of(request(1, ObjectId::MANAGER, release, three));
                Some(vec![asked, one_way(ObjectId::MANAGER, release, one)])
            }
            _ => {
                let release = const { lock::method("release") };
                let forge =
                    |token| Some(of(request(token, lock, release, args(&(Token(token),))?)));
                (1..60).map(forge).collect()
            }
        }
    }

    /// Returns a one-way message that puts an item into the stack.
    fn put_one_way(&self) -> Option<ClientMessage> {
        let stack = self.ghost.object("stack")?;
        let payload = Payload::pack(&self.ghost.new_item()).ok()?;
        Some(one_way(stack, const { queue::method("put") }, args(&(payload, 0i64))?))
    }
}

/// Encodes arguments without handles.
fn args(args: &impl serde::Serialize) -> Option<Data<WireHandle>> {
    Data::encode(args).ok()?.into_wire(ManagerId(1)).ok()
}

fn request(call: u64, object: ObjectId, method: MethodId, data: Data<WireHandle>) -> Request {
    let (after, thread, timeout) = (OneWayId::NONE, ThreadId(1), None);
    Request { call: CallId(call), after, thread, object, method, timeout, data }
}

fn set(event: ObjectId) -> OneWay {
    let (number, thread, method) = (OneWayId(1), ThreadId(1), const { event::method("set") });
    OneWay { number, thread, object: event, method, data: Data::default() }
}

fn of(request: Request) -> ClientMessage {
    ClientMessage::Request(request)
}

fn one_way(object: ObjectId, method: MethodId, data: Data<WireHandle>) -> ClientMessage {
    ClientMessage::OneWay(OneWay { number: OneWayId(1), thread: ThreadId(1), object, method, data })
}
