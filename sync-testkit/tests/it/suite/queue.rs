//! Queue.

use std::time::Duration;

use sync_client::{ErrorKind, Queue, QueueOptions, Received, Sent, Shared};
use sync_testkit::{Role, roles};

use super::{SHORT, Stage, behaviours, refused};

roles![getter, putter, leaver, worker];

behaviours![
    items_come_out_in_the_order_they_went_in,
    a_getter_waits_for_an_item_and_a_putter_for_room,
    a_time_that_is_up_moves_nothing,
    a_closed_queue_is_drained_and_takes_nothing,
    join_waits_for_all_that_was_put,
    the_lease_of_a_party_that_ends_comes_back,
    lifo_and_priority_are_orders_of_getting,
    many_items_go_in_and_come_out_in_one_step,
];

fn jobs(role: &Role) -> Queue<u64> {
    role.manager().named("jobs").create_queue(2).unwrap()
}

fn getter(role: &Role) {
    while let Some(item) = jobs(role).get().unwrap() {
        role.say(item);
    }
    role.say("closed");
}

fn putter(role: &Role) {
    let jobs = jobs(role);
    for item in 1..=role.arg(0) {
        jobs.put(&item).unwrap();
    }
    role.say("put");
}

/// Ends with an item that it leased.
fn leaver(role: &Role) {
    let delivery = jobs(role).get_leased().unwrap().unwrap();
    assert_eq!(delivery.attempt(), 1);
    std::mem::forget(delivery);
}

/// Works off two items, each when it is told.
fn worker(role: &Role) {
    for _ in 0..2 {
        let delivery = jobs(role).get_leased().unwrap().unwrap();
        role.hear();
        delivery.ack().unwrap();
        role.say("done");
    }
}

fn items_come_out_in_the_order_they_went_in(stage: &Stage) {
    let jobs = stage.manager().named("jobs").create_queue::<u64>(2).unwrap();
    let mut putter = stage.start_with(putter, &[&5]);
    let got: Vec<u64> = jobs.iter().take(5).map(Result::unwrap).collect();
    assert_eq!(got, [1, 2, 3, 4, 5]);
    assert!(jobs.is_empty().unwrap());
    putter.expect("put");
    putter.wait();
}

fn a_getter_waits_for_an_item_and_a_putter_for_room(stage: &Stage) {
    let jobs = stage.manager().named("jobs").create_queue::<u64>(2).unwrap();
    let mut getter = stage.start(getter);
    stage.until_blocked(&jobs, 1);
    jobs.put(&7).unwrap();
    getter.expect("7");
    stage.until_blocked(&jobs, 1);
    jobs.close().unwrap();
    getter.expect("closed");
    getter.wait();
    stage.manager().unpublish("jobs").unwrap();

    let jobs = stage.manager().named("jobs").create_queue::<u64>(2).unwrap();
    let mut putter = stage.start_with(putter, &[&3]);
    stage.until_blocked(&jobs, 1);
    assert!(jobs.is_full().unwrap());
    assert_eq!(jobs.get().unwrap(), Some(1));
    putter.expect("put");
    assert_eq!((jobs.len().unwrap(), jobs.bound().unwrap()), (2, Some(2)));
    putter.wait();
}

fn a_time_that_is_up_moves_nothing(stage: &Stage) {
    let jobs = stage.manager().named("jobs").create_queue::<u64>(2).unwrap();
    assert_eq!(jobs.try_get().unwrap(), Received::Empty);
    assert_eq!(jobs.try_get_for(SHORT).unwrap(), Received::Empty);
    refused(jobs.within(SHORT).get(), ErrorKind::TimedOut);
    let mut putter = stage.start_with(putter, &[&2]);
    putter.expect("put");
    assert_eq!(jobs.try_put(&3).unwrap(), Sent::Full);
    assert_eq!(jobs.try_put_for(&3, SHORT).unwrap(), Sent::Full);
    refused(jobs.within(SHORT).put(&3), ErrorKind::TimedOut);
    assert_eq!(jobs.try_get().unwrap(), Received::Item(1));
    assert_eq!(jobs.try_put(&4).unwrap(), Sent::Done);
    assert_eq!([jobs.get().unwrap(), jobs.get().unwrap()], [Some(2), Some(4)]);
    putter.wait();
}

fn a_closed_queue_is_drained_and_takes_nothing(stage: &Stage) {
    let jobs = stage.manager().named("jobs").create_queue::<u64>(2).unwrap();
    jobs.put(&1).unwrap();
    jobs.put(&2).unwrap();
    jobs.close().unwrap();
    refused(jobs.put(&3), ErrorKind::Closed);
    let mut getter = stage.start(getter);
    ["1", "2", "closed"].iter().for_each(|line| getter.expect(line));
    assert_eq!((jobs.try_get().unwrap(), jobs.get().unwrap()), (Received::Closed, None));
    assert!(jobs.is_closed().unwrap());
    getter.wait();
}

fn join_waits_for_all_that_was_put(stage: &Stage) {
    let jobs = stage.manager().named("jobs").create_queue::<u64>(2).unwrap();
    jobs.put(&1).unwrap();
    jobs.put(&2).unwrap();
    let mut worker = stage.start(worker);
    refused(jobs.within(SHORT).join(), ErrorKind::TimedOut);
    for _ in 0..2 {
        worker.tell("do it");
        worker.expect("done");
    }
    jobs.join().unwrap();
    refused(jobs.task_done(), ErrorKind::InvalidInput);
    worker.wait();
}

fn the_lease_of_a_party_that_ends_comes_back(stage: &Stage) {
    let jobs = stage.manager().named("jobs").create_queue::<u64>(2).unwrap();
    let leaver = stage.start(leaver);
    stage.until_blocked(&jobs, 1);
    jobs.put(&7).unwrap();
    leaver.wait();
    let delivery = jobs.get_leased().unwrap().unwrap();
    assert_eq!((*delivery, delivery.attempt()), (7, 2));
    drop(delivery);
    let delivery = jobs.get_leased().unwrap().unwrap();
    assert_eq!((*delivery, delivery.attempt()), (7, 3));
    delivery.ack().unwrap();
    jobs.join().unwrap();
    assert!(matches!(jobs.try_get_leased(), Ok(Received::Empty)));
    assert!(matches!(jobs.try_get_leased_for(SHORT), Ok(Received::Empty)));
    jobs.put(&8).unwrap();
    assert!(matches!(jobs.try_get_leased(), Ok(Received::Item(item)) if *item == 8));
    let again = jobs.try_get_leased_for(SHORT).unwrap();
    assert!(matches!(again, Received::Item(item) if (*item, item.attempt()) == (8, 2)));
    jobs.close().unwrap();
    assert!(matches!(jobs.get(), Ok(Some(8))), "what was not acknowledged is back");
    assert!(matches!(jobs.try_get_leased(), Ok(Received::Closed)));
}

fn lifo_and_priority_are_orders_of_getting(stage: &Stage) {
    let lifo = stage.manager().create_queue::<u64>(QueueOptions::unbounded().lifo()).unwrap();
    let options = QueueOptions::unbounded().by_priority();
    let by_priority = stage.manager().create_queue::<u64>(options).unwrap();
    for (item, priority) in [(1, 5), (2, -5), (3, 5)] {
        lifo.put(&item).unwrap();
        by_priority.put_with_priority(&item, priority).unwrap();
    }
    refused(lifo.put_with_priority(&4, 1), ErrorKind::InvalidInput);
    let options = QueueOptions::bounded(1).by_priority();
    let full = stage.manager().create_queue::<u64>(options).unwrap();
    full.put_with_priority(&1, 1).unwrap();
    let no_wait = full.within(Duration::ZERO);
    refused(no_wait.put_with_priority(&2, 2), ErrorKind::TimedOut);
    lifo.close().unwrap();
    by_priority.close().unwrap();
    assert_eq!(lifo.iter().map(Result::unwrap).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!(by_priority.iter().map(Result::unwrap).collect::<Vec<_>>(), [2, 1, 3]);
}

fn many_items_go_in_and_come_out_in_one_step(stage: &Stage) {
    let jobs = stage.manager().named("jobs").create_queue::<u64>(2).unwrap();
    let mut getter = stage.start(getter);
    jobs.put_many([1, 2]).unwrap();
    jobs.put_many([3, 4]).unwrap();
    jobs.close().unwrap();
    ["1", "2", "3", "4", "closed"].iter().for_each(|line| getter.expect(line));
    assert_eq!(jobs.get_many(10).unwrap(), [0; 0]);
    getter.wait();

    let words = stage.manager().create_queue::<String>(QueueOptions::unbounded()).unwrap();
    words.put_many(["a", "b", "c"].map(str::to_owned)).unwrap();
    let as_numbers = Queue::<u64>::attach(words.handle().clone()).unwrap();
    refused(as_numbers.get_many(2), ErrorKind::WrongType);
    assert_eq!(words.get_many(2).unwrap(), ["a", "b"], "all went back to where they were");
    assert_eq!(words.get_many(2).unwrap(), ["c"]);
    assert_eq!(words.try_get_many(2).unwrap(), Received::Empty);
    words.put("d").unwrap();
    refused(as_numbers.try_get_many(2), ErrorKind::WrongType);
    assert_eq!(words.try_get_many(2).unwrap(), Received::Item(vec!["d".to_owned()]));
    words.close().unwrap();
    assert_eq!(words.try_get_many(2).unwrap(), Received::Closed);
}
