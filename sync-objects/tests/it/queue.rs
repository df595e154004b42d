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
    queue.put_back(item.clone()).unwrap();
    assert_eq!(kind(queue.put_back(item)), ErrorKind::InvalidInput, "it is in");
    let again = queue.get().unwrap().unwrap();
    assert_eq!((value(&again), again.attempt), (1, 1), "it was not delivered");
    let mut foreign = again;
    foreign.id = 99;
    assert_eq!(kind(queue.put_back(foreign)), ErrorKind::InvalidInput);
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
    queue.put_back(item.clone()).unwrap();
    let joining = start(&client, &queue, queue::Proxy::join);
    assert!(joining.is_waiting(), "what is in is not done");
    let lease = queue.get_leased().unwrap().unwrap();
    assert_eq!(kind(queue.put_back(item)), ErrorKind::InvalidInput, "it is leased");
    queue.ack(lease.token).unwrap();
    joining.answer().unwrap();
    assert_eq!(queue.len().unwrap(), 0);
    assert_eq!(queue.close_now().unwrap(), 0);
}
