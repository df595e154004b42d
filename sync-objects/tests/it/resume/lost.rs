//! Answers that were lost, and that the manager had no room to keep: what they had begun for their
//! caller, who cannot know it, is given back.

use sync_objects::{ErrorKind, Grant, Limits, Order, list, lock, queue};
use sync_proto::message::{Reply, Request, WireHandle};
use sync_proto::{Data, ObjectId, SessionId};

use super::network::{Network, decoded, request};
use super::{acquire, millis};
use crate::support::pack;

/// An answer with such a value is kept only where there is room.
const LARGE: usize = 60_000;

fn value() -> sync_objects::Payload {
    pack(&"x".repeat(LARGE))
}

/// A manager that has memory for so much, or keeps so many bytes of answers, and two sessions.
fn with(set: impl FnOnce(&mut Limits)) -> (Network, SessionId, SessionId) {
    let mut limits = Limits::default();
    set(&mut limits);
    let mut network = Network::with(limits);
    let (one, two) = (network.open(1), network.open(2));
    (network, one, two)
}

/// The answer is lost with its connection, and asked for again on the next, number 3.
fn ask_again(network: &mut Network, session: SessionId, lost: &Request) -> Reply {
    network.lose(session, 1);
    network.join(session, 3, 1).unwrap();
    network.send(session, 3, lost);
    let (via, reply) = network.answer().unwrap();
    assert_eq!((via, reply.call), (3, lost.call));
    reply
}

/// Sends a request whose answer goes out, and is lost.
fn lose_answer(network: &mut Network, session: SessionId, request: &Request) {
    network.send(session, 1, request);
    let (_, reply) = network.answer().unwrap();
    assert!(reply.outcome.is_ok(), "{reply:?}");
}

fn begin(call: u64, list: ObjectId) -> Request {
    request(call, (list, &list::INTERFACE), "begin_update", &())
}

fn read(call: u64, list: ObjectId) -> Request {
    request(call, (list, &list::INTERFACE), "to_vec", &())
}

#[test]
fn a_turn_whose_answer_a_full_manager_could_not_keep_goes_to_the_next() {
    let (mut network, one, two) = with(|limits| limits.memory = 100_000);
    let list = network.create(one, 1, &list::INTERFACE, &(vec![value()],));
    lose_answer(&mut network, one, &begin(5, list));
    network.send(two, 2, &begin(1, list));
    assert_eq!(network.answer(), None, "it waits for its turn");
    let refused = ask_again(&mut network, one, &begin(5, list)).outcome.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::OutOfMemory, "{refused}");
    assert!(refused.message.contains("given back"), "{refused}");
    let (via, reply) = network.answer().expect("the next has the turn");
    assert_eq!((via, reply.call.0), (2, 1));
    assert!(reply.outcome.is_ok());
    // Asked for once more, it gives nothing back that is another's now.
    network.send(one, 3, &begin(5, list));
    assert!(network.answer().unwrap().1.outcome.is_err());
    network.send(one, 3, &begin(6, list));
    assert_eq!(network.answer(), None, "the turn is taken");
}

#[test]
fn a_lease_whose_answer_made_room_for_others_comes_back() {
    let (mut network, one, two) = with(|limits| limits.unacknowledged = 100_000);
    let queue = network.create(one, 1, &queue::INTERFACE, &(None::<u64>, Order::Fifo));
    let of = (queue, &queue::INTERFACE);
    network.call(one, 1, &request(2, of, "put", &(value(), 0i64)));
    let list = network.create(one, 1, &list::INTERFACE, &(vec![value()],));
    lose_answer(&mut network, one, &request(5, of, "get_leased", &()));
    lose_answer(&mut network, one, &read(6, list));
    network.send(two, 2, &request(1, of, "get", &()));
    assert_eq!(network.answer(), None, "the item is leased");
    let refused = ask_again(&mut network, one, &request(5, of, "get_leased", &()));
    assert_eq!(refused.outcome.unwrap_err().kind, ErrorKind::LimitReached);
    let (via, reply) = network.answer().expect("the item has come back");
    assert_eq!((via, reply.call.0, reply.outcome.unwrap().payloads.len()), (2, 1, 1));
}

#[test]
fn a_small_answer_is_kept_however_much_else_there_is() {
    let (mut network, one, two) = with(|limits| limits.unacknowledged = 100_000);
    let lock = network.create(one, 1, &lock::INTERFACE, &());
    let list = network.create(one, 1, &list::INTERFACE, &(vec![value()],));
    lose_answer(&mut network, one, &acquire(5, lock));
    (6..10).for_each(|call| lose_answer(&mut network, one, &read(call, list)));
    let granted: Grant = decoded(&ask_again(&mut network, one, &acquire(5, lock)));
    network.send(two, 2, &acquire(1, lock));
    assert_eq!(network.answer(), None, "it is held");
    let release = request(11, (lock, &lock::INTERFACE), "release", &(granted.token,));
    network.call(one, 3, &release);
    assert!(network.answer().is_some());
}

#[test]
fn what_was_given_in_an_answer_that_is_lost_is_taken_back() {
    let (mut network, one, two) = with(|limits| limits.memory = 100_000);
    let lock = network.create(two, 2, &lock::INTERFACE, &());
    let unpublish = request(
        2,
        (ObjectId::MANAGER, &sync_objects::manager::INTERFACE),
        "unpublish",
        &(lock::INTERFACE.name,),
    );
    let list = network.create(two, 2, &list::INTERFACE, &(Vec::<sync_objects::Payload>::new(),));
    let mut push = request(3, (list, &list::INTERFACE), "push", &(value(),));
    let handle = WireHandle { object: lock, interface: lock::INTERFACE.fingerprint };
    push.data.payloads[0].handles = [handle].into();
    network.call(two, 2, &push);
    network.call(two, 2, &unpublish);
    lose_answer(&mut network, one, &read(5, list));
    let refused = ask_again(&mut network, one, &read(5, list)).outcome.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::OutOfMemory);
    // It is the list's and its creator's, who lets go of it.
    network.call(two, 2, &request(6, (list, &list::INTERFACE), "clear", &()));
    assert_eq!(network.kernel.object_count(), 2);
    while network.kernel.handle_return(network.now, two, lock, 1).is_ok() {}
    network.pass(millis(1));
    assert_eq!(network.kernel.object_count(), 1, "the lost answer keeps nothing");
}

#[test]
fn a_turn_that_was_ended_meanwhile_is_not_ended_again() {
    let (mut network, one, two) = with(|limits| limits.memory = 100_000);
    let list = network.create(one, 1, &list::INTERFACE, &(vec![value()],));
    lose_answer(&mut network, one, &begin(5, list));
    network.call(one, 1, &request(6, (list, &list::INTERFACE), "abandon_update", &()));
    network.send(two, 2, &begin(1, list));
    let (_, reply) = network.answer().unwrap();
    let data: Data<WireHandle> = reply.outcome.expect("the turn is free");
    assert_eq!(data.payloads.len(), 1);
    ask_again(&mut network, one, &begin(5, list)).outcome.unwrap_err();
    network.send(one, 3, &begin(7, list));
    assert_eq!(network.answer(), None, "it is the other's still");
}
