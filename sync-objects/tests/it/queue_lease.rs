//! Leases: an item stays the queue's until it is acknowledged.

use sync_objects::{ErrorKind, Order, queue};
use sync_testkit::sim::Sim;

use crate::queue::{put, queue, take, value};
use crate::support::{kind, pack, start};

#[test]
fn the_leased_items_of_a_dead_consumer_return_to_the_head_in_their_order() {
    let sim = Sim::new();
    let (a, dying) = (sim.client(), sim.client());
    let (qa, qd) = (queue(&a, None), queue(&dying, None));
    for n in 1..=5 {
        put(&qa, n);
    }
    let leased = [1, 2, 3].map(|n| {
        let lease = qd.get_leased().unwrap().unwrap();
        assert_eq!((value(&lease.item), lease.item.attempt), (n, 1));
        lease
    });
    qd.ack(leased[1].token).unwrap();
    assert_eq!(kind(qa.ack(leased[0].token)), ErrorKind::NotOwner, "another's");
    dying.kill();
    let again = qa.get_leased().unwrap().unwrap();
    assert_eq!((value(&again.item), again.item.attempt), (1, 2));
    assert_eq!(again.item.id, leased[0].item.id, "the same at every delivery");
    assert!(again.token > leased[2].token);
    let third = qa.get().unwrap().unwrap();
    assert_eq!((value(&third), third.attempt), (3, 2));
    assert_eq!([4, 5].map(|_| take(&qa)), [4, 5]);
}

#[test]
fn a_requeued_item_goes_first_to_who_waits_and_counts_its_attempts() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let (qa, qb) = (queue(&a, Some(1)), queue(&b, Some(1)));
    put(&qa, 1);
    let lease = qa.get_leased().unwrap().unwrap();
    put(&qa, 2);
    let putting = start(&a, &qa, |q| q.put(pack(&3u32), 0));
    qa.requeue(lease.token).unwrap();
    assert_eq!(kind(qa.requeue(lease.token)), ErrorKind::NotOwner);
    assert_eq!(kind(qa.ack(lease.token)), ErrorKind::NotOwner);
    assert_eq!(qa.len().unwrap(), 2, "what comes back may pass the bound");
    for attempt in 2..5 {
        let again = qb.get_leased().unwrap().unwrap();
        assert_eq!((value(&again.item), again.item.attempt), (1, attempt));
        qb.requeue(again.token).unwrap();
    }
    assert!(putting.is_waiting());
    assert_eq!([1, 2, 3].map(|_| take(&qb)), [1, 2, 3]);
    putting.answer().unwrap();
}

#[test]
fn items_return_to_their_places_in_every_order() {
    let sim = Sim::new();
    let client = sim.client();
    for order in [Order::Fifo, Order::Lifo, Order::Priority] {
        let queue = queue::Proxy::new(&client, None, order).unwrap();
        for n in 1..=3u32 {
            queue.put(pack(&n), 0).unwrap();
        }
        let first = queue.get_leased().unwrap().unwrap();
        let second = queue.get_leased().unwrap().unwrap();
        queue.requeue(second.token).unwrap();
        queue.requeue(first.token).unwrap();
        assert_eq!(take(&queue), value(&first.item), "{order:?}");
        assert_eq!(take(&queue), value(&second.item), "{order:?}");
    }
}

#[test]
fn a_consumer_with_a_thousand_leases_may_die() {
    let sim = Sim::new();
    let (a, dying) = (sim.client(), sim.client());
    let (qa, qd) = (queue(&a, None), queue(&dying, None));
    for n in 0..1_200 {
        put(&qa, n);
        qd.get_leased().unwrap().unwrap();
    }
    let getting = start(&a, &qa, queue::Proxy::get);
    dying.kill();
    assert_eq!(value(&getting.answer().unwrap().unwrap()), 0);
    assert_eq!(qa.len().unwrap(), 1_199);
}
