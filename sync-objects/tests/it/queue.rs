//! Queue: the order in which items come out, the bound, and what is done.

use sync_objects::{ErrorKind, Item, Order, queue};
use sync_testkit::sim::{Sim, SimClient};

use crate::support::{kind, millis, pack, start};

pub(crate) fn put(queue: &queue::Proxy, value: u32) {
    queue.put(pack(&value), 0).unwrap();
}

pub(crate) fn value(item: &Item) -> u32 {
    item.payload.unpack().unwrap()
}

pub(crate) fn take(queue: &queue::Proxy) -> u32 {
    value(&queue.get().unwrap().unwrap())
}

pub(crate) fn queue(client: &SimClient, bound: Option<u64>) -> queue::Proxy {
    queue::Proxy::new(client.named("q"), bound, Order::Fifo).unwrap()
}

#[test]
fn each_order_gives_items_out_as_it_says() {
    let sim = Sim::new();
    let client = sim.client();
    for (order, expected) in
        [(Order::Fifo, [1, 2, 3, 4]), (Order::Lifo, [4, 3, 2, 1]), (Order::Priority, [2, 4, 1, 3])]
    {
        let queue = queue::Proxy::new(&client, None, order).unwrap();
        for (item, priority) in [(1u32, 5), (2, -1), (3, i64::MAX), (4, -1)] {
            let priority = if order == Order::Priority { priority } else { 0 };
            queue.put(pack(&item), priority).unwrap();
        }
        assert_eq!(expected.map(|_| take(&queue)), expected, "{order:?}");
    }
    let fifo = queue::Proxy::new(&client, None, Order::Fifo).unwrap();
    assert_eq!(kind(fifo.put(pack(&1), 1)), ErrorKind::InvalidInput);
    let nothing = queue::Proxy::new(&client, Some(0), Order::Fifo);
    assert_eq!(kind(nothing), ErrorKind::InvalidInput);
}

#[test]
fn a_full_queue_takes_the_waiting_putters_items_in_the_order_of_asking() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let (qa, qb) = (queue(&a, Some(2)), queue(&b, Some(2)));
    put(&qa, 1);
    put(&qa, 2);
    assert_eq!(kind(qa.within(millis(0)).put(pack(&9), 0)), ErrorKind::TimedOut);
    let putting = [3u32, 4, 5].map(|n| start(&a, &qa, move |q| q.put(pack(&n), 0)));
    assert_eq!(qb.len().unwrap(), 2);
    for n in 1..=5 {
        assert_eq!(take(&qb), n);
    }
    for one in putting {
        one.answer().unwrap();
    }
    assert_eq!(qb.bound().unwrap(), Some(2));
}

#[test]
fn getters_are_served_in_the_order_of_asking_and_one_that_dies_takes_nothing() {
    let sim = Sim::new();
    let (a, b, dying) = (sim.client(), sim.client(), sim.client());
    let (qa, qb, qd) = (queue(&a, None), queue(&b, None), queue(&dying, None));
    let lost = start(&dying, &qd, queue::Proxy::get);
    let first = start(&b, &qb, queue::Proxy::get);
    let second = start(&b, &qb, queue::Proxy::get);
    dying.kill();
    put(&qa, 1);
    assert!(second.is_waiting());
    put(&qa, 2);
    assert_eq!(value(&first.answer().unwrap().unwrap()), 1);
    assert_eq!(value(&second.answer().unwrap().unwrap()), 2);
    assert!(lost.is_waiting(), "nobody is told what the dead asked for");
}

#[test]
fn join_waits_until_every_item_is_done() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let (qa, qb) = (queue(&a, None), queue(&b, None));
    qa.join().unwrap();
    put(&qa, 1);
    put(&qa, 2);
    let joining = start(&a, &qa, queue::Proxy::join);
    assert_eq!(kind(qb.task_done()), ErrorKind::InvalidInput, "none was got");
    take(&qb);
    qb.task_done().unwrap();
    assert_eq!(kind(qb.task_done()), ErrorKind::InvalidInput);
    let lease = qb.get_leased().unwrap().unwrap();
    assert_eq!(kind(qb.task_done()), ErrorKind::InvalidInput, "it is only lent");
    assert!(joining.is_waiting());
    qb.ack(lease.token).unwrap();
    joining.answer().unwrap();
}

#[test]
fn an_item_that_its_reader_could_not_read_returns_to_where_it_was() {
    let sim = Sim::new();
    let client = sim.client();
    let queue = queue(&client, None);
    put(&queue, 1);
    put(&queue, 2);
    let item = queue.get().unwrap().unwrap();
    assert_eq!(item.attempt, 1);
    queue.put_back(vec![item.clone()]).unwrap();
    assert_eq!(kind(queue.put_back(vec![item])), ErrorKind::InvalidInput, "it is in");
    let again = queue.get().unwrap().unwrap();
    assert_eq!((value(&again), again.attempt), (1, 1), "it was not delivered");
    let mut foreign = again;
    foreign.id = 99;
    assert_eq!(kind(queue.put_back(vec![foreign])), ErrorKind::InvalidInput);
    assert_eq!(take(&queue), 2);
}

#[test]
fn an_item_that_is_leased_or_was_called_done_does_not_upset_the_count_when_it_is_put_back() {
    let sim = Sim::new();
    let client = sim.client();
    let queue = queue(&client, None);
    put(&queue, 1);
    let item = queue.get().unwrap().unwrap();
    queue.task_done().unwrap();
    queue.put_back(vec![item.clone()]).unwrap();
    let joining = start(&client, &queue, queue::Proxy::join);
    assert!(joining.is_waiting(), "what is in is not done");
    let lease = queue.get_leased().unwrap().unwrap();
    assert_eq!(kind(queue.put_back(vec![item])), ErrorKind::InvalidInput, "it is leased");
    queue.ack(lease.token).unwrap();
    joining.answer().unwrap();
    assert_eq!(queue.len().unwrap(), 0);
    assert_eq!(queue.close_now().unwrap(), 0);
}

#[test]
fn many_items_go_in_together_or_not_at_all() {
    let sim = Sim::new();
    let (a, b) = (sim.client(), sim.client());
    let (qa, qb) = (queue(&a, Some(3)), queue(&b, Some(3)));
    put(&qa, 1);
    put(&qa, 2);
    let many = start(&a, &qa, |q| q.put_many([3u32, 4].map(|n| pack(&n)).to_vec()));
    let one = start(&b, &qb, |q| q.put(pack(&5u32), 0));
    start(&a, &qa, |q| q.put_many(Vec::new())).answer().expect("nothing takes no place in line");
    assert_eq!(qb.len().unwrap(), 2, "there is room for one of two, and nobody overtakes");
    assert_eq!(take(&qb), 1);
    many.answer().unwrap();
    assert!(one.is_waiting());
    assert_eq!([2, 3, 4].map(|_| take(&qb)), [2, 3, 4]);
    one.answer().unwrap();
    let too_many = [6u32, 7, 8, 9].map(|n| pack(&n)).to_vec();
    assert_eq!(kind(qa.put_many(too_many)), ErrorKind::InvalidInput);
    assert_eq!(qa.len().unwrap(), 1);
    qa.put_many(Vec::new()).unwrap();
    qa.close().unwrap();
    assert_eq!(kind(qa.put_many(vec![pack(&6u32)])), ErrorKind::Closed);
}

#[test]
fn many_items_come_out_together_as_far_as_they_are_in_and_fit() {
    let sim = Sim::new();
    let client = sim.client();
    let queue = queue(&client, Some(4));
    let got = |max, max_bytes| queue.get_many(max, max_bytes).unwrap().iter().map(value).collect();
    queue.put_many([1u32, 2, 3, 4].map(|n| pack(&n)).to_vec()).unwrap();
    let putting = start(&client, &queue, |q| q.put(pack(&5u32), 0));
    let items: Vec<u32> = got(2, u64::MAX);
    assert_eq!(items, [1, 2]);
    putting.answer().unwrap();
    let items: Vec<u32> = got(9, 0);
    assert_eq!(items, [3], "one comes out, however large");
    let items: Vec<u32> = got(9, u64::MAX);
    assert_eq!(items, [4, 5]);
    assert_eq!(kind(queue.get_many(0, u64::MAX)), ErrorKind::InvalidInput);
    let waiting = start(&client, &queue, |q| q.get_many(9, u64::MAX));
    assert!(waiting.is_waiting());
    put(&queue, 6);
    assert_eq!(value(&waiting.answer().unwrap()[0]), 6);
    queue.close().unwrap();
    assert!(queue.get_many(9, u64::MAX).unwrap().is_empty());
}

#[test]
fn items_are_put_back_all_or_none() {
    let sim = Sim::new();
    let client = sim.client();
    let queue = queue(&client, None);
    queue.put_many([1u32, 2, 3].map(|n| pack(&n)).to_vec()).unwrap();
    let items = queue.get_many(2, u64::MAX).unwrap();
    let twice = vec![items[0].clone(), items[0].clone()];
    assert_eq!(kind(queue.put_back(twice)), ErrorKind::InvalidInput);
    assert_eq!(queue.len().unwrap(), 1);
    queue.put_back(items).unwrap();
    assert_eq!([1, 2, 3].map(|_| take(&queue)), [1, 2, 3]);
}
