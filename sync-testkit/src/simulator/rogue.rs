//! Clients that keep no rule: what they say is bytes, and whatever comes back is dropped.

use bytes::Bytes;
use sync_objects::{event, lock, manager, queue};
use sync_proto::handshake::Purpose;
use sync_proto::message::{ClientMessage, OneWay, Request, WireHandle};
use sync_proto::{
    CallId, Data, Fingerprint, MethodId, ObjectId, OneWayId, Payload, SessionToken, ThreadId, Token,
};

use super::counts::Fault;
use super::process::{bytes_of, hello, open};
use super::world::{SESSIONS_MAX, World};

/// What a rogue may do.
const DEEDS: [Fault; 15] = [
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
        // The manager says itself when two calls had one number, or when too many wait.
        if !matches!(deed, Fault::DuplicateCall | Fault::CallLimit) {
            self.ghost.fired(deed);
        }
        let wire = self.lay(bytes);
        if let Some(wire) = self.wires.get_mut(&wire) {
            wire.up.narrow = [0, 0, 0, 100][self.chance.below(4)];
        }
        self.rogues.push(wire);
        self.note(|| format!("a rogue on wire {wire}: {deed}"));
    }

    /// Opens more sessions than there may be.
    fn crowd_in(&mut self) {
        for _ in 0..SESSIONS_MAX {
            let wire = self.lay(open());
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

    fn words_of(&self, deed: Fault) -> Option<Vec<u8>> {
        let (event, lock) = (self.ghost.object("event")?, self.ghost.object("lock a")?);
        let wait = const { event::method("wait") };
        let mut words = open();
        let mut say = |message: ClientMessage| words.extend(bytes_of(&message));
        match deed {
            Fault::BadPreamble => return Some(b"GET / HTTP/1.1\r\n\r\n".to_vec()),
            Fault::BadJoin => {
                let token = SessionToken(u128::from(self.chance.next()));
                return Some(hello(Purpose::Join(token, sync_proto::Epoch(0))));
            }
            Fault::SecondHello => words.extend(&open()[8..]),
            Fault::Malformed => {
                let len = 1 + self.chance.below(40);
                words.extend([u8::try_from(len).ok()?, 0, 0, 0, 0, 0, 0, 0]);
                // No message begins with a number above those of the kinds there are.
                words.extend(
                    (0..len).map(|at| if at == 0 { 200 } else { self.chance.next() as u8 }),
                );
            }
            Fault::Oversized => words.extend([0xff; 16]),
            Fault::DuplicateCall => {
                say(request(7, event, wait, Data::default()));
                say(request(7, event, wait, Data::default()));
            }
            Fault::ReplayedOneWay => {
                let put = self.put_one_way()?;
                say(put.clone());
                say(put);
            }
            Fault::MissingOneWay => {
                let ClientMessage::Request(held_back) = request(1, event, wait, Data::default())
                else {
                    return None;
                };
                say(ClientMessage::Request(Request { after: OneWayId(5), ..held_back }));
            }
            Fault::WaitingOneWay => say(one_way(event, wait, Data::default())),
            Fault::ForgedObject => say(request(
                1,
                ObjectId(self.chance.next() >> self.chance.below(60)),
                MethodId(7),
                Data::default(),
            )),
            Fault::ForgedMethod => say(request(1, event, MethodId(999), Data::default())),
            Fault::ForgedHandle => {
                for (at, object) in [event, ObjectId(self.chance.next())].into_iter().enumerate() {
                    // Either the type or the object is wrong.
                    let interface = Fingerprint(self.chance.next());
                    let name = postcard_string("forged");
                    let handles = vec![WireHandle { object, interface }];
                    let data = Data { args: name, handles, ..Data::default() };
                    let publish = const { manager::method("publish") };
                    say(request(at as u64 + 1, ObjectId::MANAGER, publish, data));
                }
            }
            Fault::ForgedRelease => {
                let release = const { manager::method("release") };
                say(request(1, ObjectId::MANAGER, release, args(&(lock, 3u64))?));
                let forged = OneWayId(1);
                let ClientMessage::OneWay(message) =
                    one_way(ObjectId::MANAGER, release, args(&(event, 1u64))?)
                else {
                    return None;
                };
                say(ClientMessage::OneWay(OneWay { number: forged, ..message }));
            }
            Fault::ForgedToken => {
                let release = const { lock::method("release") };
                for token in 1..60 {
                    say(request(token, lock, release, args(&(Token(token),))?));
                }
            }
            _ => {
                for call in 1..12 {
                    say(request(call, event, wait, Data::default()));
                }
            }
        }
        Some(words)
    }

    /// Returns a one-way message that puts an item into the stack.
    fn put_one_way(&self) -> Option<ClientMessage> {
        let stack = self.ghost.object("stack")?;
        let payload = Payload::pack(&self.ghost.new_item()).ok()?;
        Some(one_way(stack, const { queue::method("put") }, args(&(payload, 0i64))?))
    }
}

fn args(args: &impl serde::Serialize) -> Option<Data<WireHandle>> {
    let data = Data::encode(args).ok()?;
    data.map_handles(|handle| Ok((&handle).into())).ok()
}

/// Returns the arguments of a method that takes a name and one handle.
fn postcard_string(name: &str) -> Bytes {
    let name = args(&(name, 0u32)).map(|data| data.args);
    name.unwrap_or_default()
}

fn request(call: u64, object: ObjectId, method: MethodId, data: Data<WireHandle>) -> ClientMessage {
    ClientMessage::Request(Request {
        call: CallId(call),
        after: OneWayId::NONE,
        thread: ThreadId(1),
        object,
        method,
        timeout: None,
        data,
    })
}

fn one_way(object: ObjectId, method: MethodId, data: Data<WireHandle>) -> ClientMessage {
    ClientMessage::OneWay(OneWay { number: OneWayId(1), thread: ThreadId(1), object, method, data })
}
