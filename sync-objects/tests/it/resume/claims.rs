//! Calls whose connection broke, and whether somebody comes back for them.

use sync_objects::{Grant, Via};
use sync_proto::CallId;

use super::network::decoded;
use super::{GRACE, acquire, release, with_lock};
use crate::support::millis;

#[test]
fn a_call_whose_connection_broke_must_be_claimed_though_other_connections_live() {
    let (mut network, one, two, lock) = with_lock();
    network.call(one, 1, &acquire(1, lock));
    network.join(two, 4, 0).unwrap();
    network.send(two, 2, &acquire(1, lock));
    network.lose(two, 2);
    network.send_one_way(one, &release(1, lock));
    network.pass(GRACE - millis(1));
    assert_eq!(network.why_ended(two), None);
    network.pass(millis(1));
    assert!(network.why_ended(two).is_some(), "a lock was granted to nobody");
    let again: Grant = decoded(&network.call(one, 1, &acquire(2, lock)));
    assert!(again.abandoned);
}

#[test]
fn a_call_of_a_client_that_is_back_keeps_its_place_however_late_it_is_claimed() {
    let (mut network, one, two, lock) = with_lock();
    network.call(one, 1, &acquire(1, lock));
    network.join(two, 4, 0).unwrap();
    // One connection is lost alone, and then the client gives up all that it had.
    network.send(two, 2, &acquire(1, lock));
    network.lose(two, 2);
    network.send(two, 4, &acquire(2, lock));
    assert_eq!(network.join(two, 6, 1).unwrap(), [Via(4)]);
    network.pass(GRACE * 3);
    assert_eq!(network.why_ended(two), None);
    network.send_one_way(one, &release(1, lock));
    assert_eq!(network.answer(), None, "it has nowhere to go yet");
    network.pass(GRACE * 3);
    network.send(two, 6, &acquire(1, lock));
    let (via, reply) = network.answer().unwrap();
    assert_eq!((via, reply.call), (6, CallId(1)));
    let grant: Grant = decoded(&reply);
    assert!(!grant.abandoned);
    network.send(two, 6, &acquire(2, lock));
    assert_eq!(network.answer(), None, "the second stands in line");
    // The grace is for who does not come back: it begins anew.
    network.lose(two, 6);
    network.pass(GRACE);
    assert!(network.why_ended(two).is_some());
}

#[test]
fn a_call_that_is_claimed_on_another_connection_stops_the_grace() {
    let (mut network, one, two, lock) = with_lock();
    network.call(one, 1, &acquire(1, lock));
    network.join(two, 4, 0).unwrap();
    network.send(two, 2, &acquire(1, lock));
    network.lose(two, 2);
    network.send(two, 4, &acquire(1, lock));
    network.pass(GRACE * 2);
    assert_eq!(network.why_ended(two), None);
    network.send_one_way(one, &release(1, lock));
    assert_eq!(network.answer().unwrap().0, 4);
}
