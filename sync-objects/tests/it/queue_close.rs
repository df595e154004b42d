//! Closing a queue: what is in can be got, and consumers end when nothing can come any more.

use sync_objects::{ErrorKind, queue};
use sync_testkit::sim::Sim;

use crate::queue::{put, queue, take, value};
use crate::support::{kind, pack, start};

#[test]
fn a_closed_queue_refuses_items_also_those_that_wait_for_room_and_gives_out_the_rest() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let (qa, qb) = (queue(&a, Some(1)), queue(&b, Some(1)));
    put(&qa, 1);
    let putting = start(&a, &qa, |q| q.put(pack(&2u32), 0));
    qb.close().unwrap();
    qb.close().unwrap();
    assert!(qb.is_closed().unwrap());
    assert_eq!(kind(putting.answer()), ErrorKind::Closed);
    assert_eq!(kind(qa.put(pack(&3u32), 0)), ErrorKind::Closed);
    assert_eq!(take(&qb), 1);
    assert_eq!(qb.get().unwrap(), None);
    assert_eq!(qb.get_leased().unwrap(), None);
}

#[test]
fn consumers_of_a_closed_queue_end_only_when_no_lease_is_out() {
    let sim = Sim::new();
    let (a, b, dying) = (sim.client(), sim.client(), sim.client());
    let (qa, qb, qd) = (queue(&a, None), queue(&b, None), queue(&dying, None));
    put(&qa, 1);
    put(&qa, 2);
    let acked = qa.get_leased().unwrap().unwrap();
    qd.get_leased().unwrap().unwrap();
    let waiting = [0; 3].map(|_| start(&b, &qb, queue::Proxy::get));
    qa.close().unwrap();
    assert!(waiting.iter().all(|one| one.is_waiting()));
    qa.ack(acked.token).unwrap();
    assert!(waiting.iter().all(|one| one.is_waiting()));
    dying.kill();
    let [first, second, third] = waiting.map(|one| one.answer().unwrap());
    let first = first.unwrap();
    assert_eq!((value(&first), first.attempt), (2, 2));
    assert_eq!((second, third), (None, None));
}

#[test]
fn the_last_acknowledgement_ends_the_consumers_of_a_closed_queue() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let (qa, qb) = (queue(&a, None), queue(&b, None));
    put(&qa, 1);
    let lease = qa.get_leased().unwrap().unwrap();
    qa.close().unwrap();
    let waiting = start(&b, &qb, queue::Proxy::get_leased);
    let joining = start(&b, &qb, queue::Proxy::join);
    qa.ack(lease.token).unwrap();
    assert_eq!(waiting.answer().unwrap(), None);
    joining.answer().unwrap();
}

#[test]
fn close_now_discards_what_is_in_and_says_how_many() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let (qa, qb) = (queue(&a, Some(3)), queue(&b, Some(3)));
    for n in 1..=3 {
        put(&qa, n);
    }
    let putting = start(&a, &qa, |q| q.put(pack(&4u32), 0));
    let joining = start(&a, &qa, queue::Proxy::join);
    assert_eq!(qb.close_now().unwrap(), 3);
    assert_eq!(kind(putting.answer()), ErrorKind::Closed);
    joining.answer().unwrap();
    assert_eq!(qb.get().unwrap(), None);
    assert_eq!(qb.len().unwrap(), 0);
    assert_eq!(qb.close_now().unwrap(), 0);
}

#[test]
fn close_now_ends_getters_though_a_lease_is_out_and_discards_what_comes_back() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let (qa, qb) = (queue(&a, None), queue(&b, None));
    for n in 1..=4 {
        put(&qa, n);
    }
    let (acked, returned) = (qa.get_leased().unwrap().unwrap(), qa.get_leased().unwrap().unwrap());
    let _lost = qa.get_leased().unwrap().unwrap();
    assert_eq!(qb.close_now().unwrap(), 1);
    assert_eq!(qb.get().unwrap(), None);
    let joining = start(&b, &qb, queue::Proxy::join);
    qa.ack(acked.token).unwrap();
    qa.requeue(returned.token).unwrap();
    assert_eq!(qb.len().unwrap(), 0);
    assert!(joining.is_waiting());
    a.kill();
    joining.answer().unwrap();
    assert_eq!(qb.get().unwrap(), None);
}

#[test]
fn an_item_that_comes_back_unread_to_a_queue_that_was_closed_at_once_is_done() {
    let sim = Sim::new();
    let client = sim.client();
    let queue = queue(&client, None);
    for item in 0..3 {
        queue.put(pack(&item), 0).unwrap();
    }
    let items = queue.get_many(2, u64::MAX).unwrap();
    queue.get().unwrap();
    queue.close_now().unwrap();
    let join = start(&client, &queue, |queue| queue.join());
    queue.task_done().unwrap();
    queue.put_back(items.clone()).unwrap();
    join.answer().unwrap();
    queue.put_back(items).expect("what is done is not counted twice");
    queue.join().unwrap();
}
