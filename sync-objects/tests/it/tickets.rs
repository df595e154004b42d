//! Tickets: a handle as text, redeemed once.

use sync_objects::{Error, ErrorKind, Handle, Shared, event, lock};
use sync_proto::Interface;
use sync_testkit::sim::{Sim, SimClient};

use crate::support::kind;

fn redeem(client: &SimClient, secret: u128, as_: &Interface) -> Result<Handle, Error> {
    client.manager().redeem(secret, as_.name.into(), as_.fingerprint)
}

#[test]
fn a_ticket_keeps_its_object_and_is_redeemed_once() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let ours = lock::Proxy::new(&a).unwrap();
    a.manager().issue(ours.remote().handle().clone(), 7).unwrap();
    drop(ours);
    assert_eq!(sim.object_count(), 1, "the ticket keeps it");
    let theirs = lock::Proxy::attach(redeem(&b, 7, &lock::INTERFACE).unwrap()).unwrap();
    theirs.acquire().unwrap();
    assert_eq!(kind(redeem(&b, 7, &lock::INTERFACE)), ErrorKind::NotFound);
    drop(theirs);
    assert_eq!(sim.object_count(), 0);
}

#[test]
fn a_ticket_asked_for_as_another_type_stays() {
    let sim = Sim::new();
    let client = sim.client();
    let lock = lock::Proxy::new(&client).unwrap();
    client.manager().issue(lock.remote().handle().clone(), 7).unwrap();
    assert_eq!(kind(redeem(&client, 7, &event::INTERFACE)), ErrorKind::Mismatch);
    assert_eq!(redeem(&client, 7, &lock::INTERFACE).unwrap(), *lock.remote().handle());
}

#[test]
fn a_ticket_ends_with_its_issuer_but_not_what_was_redeemed() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    for secret in [1, 2] {
        let lock = lock::Proxy::new(&a).unwrap();
        a.manager().issue(lock.remote().handle().clone(), secret).unwrap();
    }
    let redeemed = redeem(&b, 1, &lock::INTERFACE).unwrap();
    a.kill();
    assert_eq!(sim.object_count(), 1);
    assert_eq!(kind(redeem(&b, 2, &lock::INTERFACE)), ErrorKind::NotFound);
    lock::Proxy::attach(redeemed).unwrap().acquire().unwrap();
}

#[test]
fn a_secret_that_is_in_use_is_refused() {
    let sim = Sim::new();
    let client = sim.client();
    let (one, other) = (lock::Proxy::new(&client).unwrap(), lock::Proxy::new(&client).unwrap());
    client.manager().issue(one.remote().handle().clone(), 7).unwrap();
    let again = client.manager().issue(other.remote().handle().clone(), 7);
    assert_eq!(kind(again), ErrorKind::Exists);
    assert_eq!(redeem(&client, 7, &lock::INTERFACE).unwrap(), *one.remote().handle());
}
