//! The memory that the manager keeps for clients: counted, bounded, and given back.

use sync_objects::{
    ArrayStart, Arrival, DictPart, Error, ErrorKind, Limits, Order, OtherSet, Payload, SetOp,
    Typecode, array, barrier, dict, event, list, lock, namespace, queue, registry, semaphore, set,
    value,
};
use sync_testkit::sim::{Sim, SimClient};

use crate::support::{kind, pack, start};

/// What the manager may keep in these tests.
const LIMIT: usize = 1 << 20;

/// A value that fits once, and not twice.
const LARGE: usize = 600_000;

fn limited() -> (Sim, SimClient) {
    limited_to(LIMIT)
}

fn limited_to(memory: usize) -> (Sim, SimClient) {
    let mut limits = Limits::default();
    limits.memory = memory;
    let sim = Sim::with(registry(), limits);
    let client = sim.client();
    (sim, client)
}

fn used(sim: &Sim) -> usize {
    sim.kernel(|kernel, _| kernel.memory_used())
}

fn bytes(len: usize) -> String {
    "x".repeat(len)
}

#[test]
fn a_value_that_is_too_much_is_refused_and_no_object_has_changed() {
    let (sim, client) = limited();
    let large = || pack(&bytes(LARGE));
    let list = list::Proxy::new(&client, vec![pack(&1)]).unwrap();
    let dict = dict::Proxy::new(&client, vec![(pack(&1), pack(&1))]).unwrap();
    let set = set::Proxy::new(&client, vec![pack(&1)]).unwrap();
    let queue = queue::Proxy::new(&client, None, Order::Fifo).unwrap();
    let names = namespace::Proxy::new(&client, vec![("a".into(), pack(&1))]).unwrap();
    let value = value::Proxy::new(&client, None, pack(&1)).unwrap();
    list.push(large()).expect("it fits once");
    let before = used(&sim);
    let refused = [
        list.push(large()),
        list.set(0, large()),
        list.extend(vec![large(), pack(&2)]),
        dict.set(pack(&1), large()),
        dict.extend(vec![(pack(&2), large())]),
        set.insert(large()).map(drop),
        queue.put(large(), 0),
        queue.put_many(vec![pack(&1), large()]),
        names.set("a".into(), large()),
        value.set(large()),
        value.compare_exchange(pack(&1), large()).map(drop),
        list::Proxy::new(&client, vec![large()]).map(drop),
    ];
    for result in refused {
        assert_eq!(kind(result), ErrorKind::OutOfMemory);
    }
    assert_eq!(used(&sim), before, "what was refused is not kept");
    assert_eq!(list.get(0).unwrap(), pack(&1));
    assert_eq!(list.len().unwrap(), 2);
    assert_eq!(dict.get(pack(&1)).unwrap(), Some(pack(&1)));
    assert_eq!((dict.len().unwrap(), set.len().unwrap(), queue.len().unwrap()), (1, 1, 0));
    assert_eq!(names.get("a".into()).unwrap(), Some(pack(&1)));
    assert_eq!(value.get().unwrap(), pack(&1));
    list.pop().unwrap();
    value.set(large()).expect("there is room again");
}

#[test]
fn what_was_counted_is_given_back_wherever_it_goes() {
    let (sim, client) = limited();
    let before = used(&sim);
    {
        let some = || (0..20).map(|at| pack(&bytes(at * 100))).collect::<Vec<_>>();
        let list = list::Proxy::new(&client, some()).unwrap();
        list.repeat(3).unwrap();
        list.delete_slice(sync_objects::Slice::between(3, 30)).unwrap();
        let update = list.begin_update().unwrap();
        list.commit_update(update.token, some()).unwrap();
        let dict = dict::Proxy::new(&client, some().into_iter().map(|v| (v, pack(&1))).collect());
        let dict = dict.unwrap();
        let removed = dict.remove(pack(&bytes(500))).unwrap().unwrap();
        dict.restore(removed).unwrap();
        let update = dict.begin_update(pack(&bytes(700))).unwrap();
        dict.commit_update(update.token, None).unwrap();
        dict.begin_update(pack(&"open")).unwrap();
        dict.clear().unwrap();
        dict.set(pack(&1), pack(&bytes(9000))).unwrap();
        let set = set::Proxy::new(&client, some()).unwrap();
        set.pop().unwrap();
        set.combine(SetOp::SymmetricDifference, OtherSet::Values(some())).unwrap();
        let queue = queue::Proxy::new(&client, Some(2), Order::Fifo).unwrap();
        queue.put(pack(&bytes(900)), 0).unwrap();
        queue.put(pack(&bytes(900)), 0).unwrap();
        queue.get_leased().unwrap().unwrap();
        queue.put(pack(&bytes(900)), 0).unwrap();
        let waiting = start(&client, &queue, |queue| queue.put(pack(&bytes(5000)), 0));
        assert!(used(&sim) > before + 40_000, "{}", used(&sim));
        let array = array(&client, 10_000).unwrap();
        assert!(used(&sim) > before + 120_000, "{}", used(&sim));
        array.len().unwrap();
        waiting.cancel();
    }
    client.kill();
    assert_eq!(used(&sim), before);
}

#[test]
fn in_a_full_manager_an_update_of_what_is_there_is_committed() {
    let (sim, client) = limited();
    let dict = dict::Proxy::new(&client, vec![(pack(&1), pack(&"some"))]).unwrap();
    let list = list::Proxy::new(&client, Vec::new()).unwrap();
    while list.push(pack(&bytes(400))).is_ok() {}
    assert!(used(&sim) + 400 > LIMIT);
    let update = dict.begin_update(pack(&1)).unwrap();
    dict.commit_update(update.token, Some(pack(&"a"))).expect("it takes no place of its own");
    let update = dict.begin_update(pack(&2)).unwrap();
    let new = dict.commit_update(update.token, Some(pack(&"a")));
    assert_eq!(kind(new), ErrorKind::OutOfMemory);
    // Small ones are kept a little beyond the limit: what makes room is done all the same.
    let few = set::Proxy::new(&client, Vec::new());
    assert_eq!(few.map(drop).map_err(|error| error.kind()), Err(ErrorKind::OutOfMemory));
    let value = value::Proxy::new(&client, None, pack(&1)).map_err(|error| error.kind());
    assert_eq!(value.map(drop), Err(ErrorKind::OutOfMemory));
    let update = list.begin_update().unwrap();
    list.commit_update(update.token, Vec::new()).expect("it makes room");
    assert!(used(&sim) < LIMIT / 2);
}

fn numbers(count: i32) -> Vec<Payload> {
    (0..count).map(|number| pack(&number)).collect()
}

#[test]
fn few_words_do_not_make_more_than_the_manager_may_keep() {
    let (sim, client) = limited();
    let list = list::Proxy::new(&client, numbers(2000)).unwrap();
    assert_eq!(kind(list.repeat(1000)), ErrorKind::OutOfMemory);
    let doubled = (0..10).map(|_| list.extend_from(list.remote().handle().clone()));
    assert_eq!(kind(doubled.collect::<Result<Vec<_>, _>>()), ErrorKind::OutOfMemory);
    assert!(used(&sim) <= LIMIT);
    list.clear().unwrap();
    assert_eq!(kind(array(&client, 1 << 20)), ErrorKind::OutOfMemory);
    array(&client, 1 << 10).expect("a smaller one has room");
    let (few, many) =
        (set::Proxy::new(&client, numbers(10)), set::Proxy::new(&client, numbers(2500)));
    let (few, many) = (few.unwrap(), many.unwrap());
    let other = || OtherSet::Shared(many.remote().handle().clone());
    assert_eq!(kind(few.combine(SetOp::Union, other())), ErrorKind::OutOfMemory);
    assert_eq!(few.len().unwrap(), 10);
    few.combine(SetOp::Intersection, other()).expect("that adds nothing");
    drop(many);
    let entries = |count| numbers(count).into_iter().map(|key| (key.clone(), key)).collect();
    let [few, many] = [1, 2000].map(|count| dict::Proxy::new(&client, entries(count)).unwrap());
    assert_eq!(kind(few.extend_from(many.remote().handle().clone())), ErrorKind::OutOfMemory);
    assert_eq!(few.len().unwrap(), 1);
}

fn array(client: &SimClient, doubles: u64) -> Result<array::Proxy, Error> {
    array::Proxy::new(client, Typecode::Double, ArrayStart::Zeros(doubles))
}

#[test]
fn grants_without_end_are_refused_and_can_be_given_back() {
    let (sim, client) = limited_to(50_000);
    let before = used(&sim);
    let semaphore = semaphore::Proxy::new(&client, u32::MAX, false).unwrap();
    let mut granted = Vec::new();
    let refused = loop {
        match semaphore.acquire(1) {
            Ok(token) => granted.push(token),
            Err(error) => break error,
        }
    };
    assert_eq!(refused.kind(), ErrorKind::OutOfMemory);
    semaphore.release(granted.pop().unwrap()).unwrap();
    semaphore.acquire(1).expect("one was given back");
    client.kill();
    assert_eq!(used(&sim), before);
}

#[test]
fn a_full_manager_is_emptied_by_leases_but_leases_only_so_many_at_once() {
    let (sim, client) = limited_to(100_000);
    let queue = queue::Proxy::new(&client, None, Order::Fifo).unwrap();
    let put = (0..).take_while(|item| queue.put(pack(item), 0).is_ok()).count();
    let mut leased = Vec::new();
    let refused = loop {
        match queue.get_leased() {
            Ok(lease) => leased.push(lease.unwrap().token),
            Err(error) => break error,
        }
    };
    assert_eq!(refused.kind(), ErrorKind::OutOfMemory);
    assert!(used(&sim) < 110_000, "{}", used(&sim));
    assert_eq!(queue.len().unwrap() as usize, put - leased.len(), "the refused one is in");
    leased.into_iter().for_each(|token| queue.ack(token).unwrap());
    while queue.len().unwrap() > 0 {
        queue.ack(queue.get_leased().unwrap().unwrap().token).unwrap();
    }
}

#[test]
fn a_full_manager_still_hears_what_is_to_be_deleted() {
    let (sim, client) = limited();
    let dict = dict::Proxy::new(&client, Vec::new()).unwrap();
    let mut count = 0;
    let refused = loop {
        match dict.set(pack(&count), pack(&bytes(100))) {
            Ok(()) => count += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused.kind(), ErrorKind::OutOfMemory);
    assert!(used(&sim) > LIMIT / 2, "it is full: {}", used(&sim));
    assert!(dict.contains_key(pack(&0)).unwrap());
    for key in 0..count {
        assert!(dict.delete(pack(&key)).unwrap());
    }
    dict.set(pack(&0), pack(&bytes(LARGE))).expect("there is room again");
}

#[test]
fn a_value_that_is_kept_often_is_counted_once() {
    let (sim, client) = limited();
    let list = list::Proxy::new(&client, vec![pack(&bytes(LARGE))]).unwrap();
    list.repeat(50).unwrap();
    assert!(used(&sim) < 2 * LARGE, "{}", used(&sim));
    for _ in 1..50 {
        list.pop().unwrap();
    }
    assert!(used(&sim) > LARGE, "the last of them is there still");
    let other = value::Proxy::new(&client, None, pack(&1)).expect("nobody is kept from anything");
    other.set(pack(&2)).unwrap();
}

#[test]
fn a_short_key_does_not_keep_the_memory_of_the_value_that_it_came_with() {
    let (sim, client) = limited();
    let dict = dict::Proxy::new(&client, Vec::new()).unwrap();
    dict.set(pack(&"key"), pack(&bytes(LARGE))).unwrap();
    dict.set(pack(&"key"), pack(&1)).unwrap();
    assert!(used(&sim) < 10_000, "{}", used(&sim));
    let key = dict.page(DictPart::Keys, false, None, None, 1).unwrap().keys;
    assert_eq!(key, [pack(&"key")]);
}

#[test]
fn calls_that_wait_are_counted_and_too_many_are_refused() {
    let (sim, client) = limited_to(100_000);
    let event = event::Proxy::new(&client).unwrap();
    let before = used(&sim);
    let mut waiting = Vec::new();
    loop {
        let call = start(&client, &event, event::Proxy::wait);
        if !call.is_waiting() {
            assert_eq!(kind(call.answer()), ErrorKind::OutOfMemory);
            break;
        }
        waiting.push(call);
    }
    assert!(waiting.len() > 100, "{}", waiting.len());
    event.set().unwrap();
    waiting.into_iter().for_each(|call| call.answer().unwrap());
    assert_eq!(used(&sim), before);
}

/// Fills the manager until nothing more goes in.
fn fill(client: &SimClient) -> list::Proxy {
    let list = list::Proxy::new(client, Vec::new()).unwrap();
    while list.push(pack(&bytes(400))).is_ok() {}
    while list.push(pack(&1)).is_ok() {}
    list
}

#[test]
fn who_waited_in_a_full_manager_is_given_what_it_waited_for() {
    let (sim, client) = limited();
    let semaphore = semaphore::Proxy::new(&client, 1, false).unwrap();
    let queue = queue::Proxy::new(&client, Some(1), Order::Fifo).unwrap();
    let permit = semaphore.acquire(1).unwrap();
    queue.put(pack(&0), 0).unwrap();
    let _full = fill(&client);
    let acquiring = [(); 3].map(|()| start(&client, &semaphore, |of| of.acquire(1)));
    let putting = start(&client, &queue, |queue| queue.put(pack(&1), 0));
    assert!(used(&sim) > LIMIT, "they wait in the reserve");
    semaphore.release(permit).unwrap();
    assert_eq!(acquiring.each_ref().map(|call| call.is_waiting()), [false, true, true]);
    let [first, ..] = acquiring;
    first.answer().expect("it takes less than its waiting took");
    queue.get().unwrap().unwrap();
    putting.answer().expect("so does this one");
}

#[test]
fn a_party_that_waited_for_the_next_round_is_no_party_too_many_in_a_full_manager() {
    let (_sim, client) = limited();
    let barrier = barrier::Proxy::new(&client, 2, None).unwrap();
    let event = event::Proxy::new(&client).unwrap();
    let first = start(&client, &barrier, |barrier| barrier.wait(false, false));
    let Arrival::Elected(token) = barrier.wait(true, false).unwrap() else { panic!("it acts") };
    let next = start(&client, &barrier, |barrier| barrier.wait(false, false));
    let _full = fill(&client);
    while start(&client, &event, event::Proxy::wait).is_waiting() {}
    barrier.finish(token).unwrap();
    first.answer().unwrap();
    assert!(next.is_waiting());
    assert_eq!(barrier.n_waiting().unwrap(), 1);
}

#[test]
fn who_waited_in_a_full_manager_makes_no_more_of_few_words_than_others() {
    let (sim, client) = limited();
    let list = list::Proxy::new(&client, numbers(100)).unwrap();
    let update = list.begin_update().unwrap();
    let _full = fill(&client);
    let repeating = client.on_thread(2, || start(&client, &list, |list| list.repeat(100)));
    assert!(repeating.is_waiting());
    list.cancel_update(update.token).unwrap();
    assert_eq!(kind(repeating.answer()), ErrorKind::OutOfMemory);
    assert!(used(&sim) <= LIMIT);
}

#[test]
fn why_a_barrier_broke_counts_until_it_is_reset() {
    let (sim, client) = limited();
    let barrier = barrier::Proxy::new(&client, 1, None).unwrap();
    let before = used(&sim);
    let Arrival::Elected(token) = barrier.wait(true, false).unwrap() else { panic!("it is alone") };
    barrier.fail(token, bytes(400)).unwrap();
    assert!(used(&sim) >= before + 400);
    barrier.reset().unwrap();
    assert_eq!(used(&sim), before);
}

#[test]
fn parties_that_wait_are_refused_like_any_call_when_the_manager_is_full() {
    let (sim, client) = limited_to(100_000);
    let barrier = barrier::Proxy::new(&client, u32::MAX, None).unwrap();
    let before = used(&sim);
    let mut waiting = Vec::new();
    let refused = (0..1000).find_map(|_| {
        let call = start(&client, &barrier, |barrier| barrier.wait(false, false));
        if call.is_waiting() {
            waiting.push(call);
            return None;
        }
        call.answer().err()
    });
    assert_eq!(refused.expect("they do not all fit").kind(), ErrorKind::OutOfMemory);
    assert_eq!(barrier.n_waiting().unwrap() as usize, waiting.len());
    assert!(used(&sim) < 110_000, "{}", used(&sim));
    waiting.iter().for_each(|call| call.cancel());
    assert!(used(&sim) < before + 100, "only why it broke is left");
}

#[test]
fn the_proxies_in_a_value_count_in_each_place_where_it_is_kept() {
    const PROXIES: usize = 1000;
    let (sim, client) = limited();
    let lock = lock::Proxy::new(&client).unwrap();
    let value = || pack(&vec![&lock; PROXIES]);
    let list = list::Proxy::new(&client, vec![value()]).unwrap();
    let once = used(&sim);
    list.repeat(21).unwrap();
    assert!(used(&sim) - once > 20 * 8 * PROXIES, "{} more", used(&sim) - once);
    assert_eq!(kind(list.repeat(10)), ErrorKind::OutOfMemory);
    assert_eq!(kind(list.repeat(1000)), ErrorKind::TooLarge);
    let dict = dict::Proxy::new(&client, vec![(pack(&1), value())]).unwrap();
    assert_eq!(kind(dict.get_many(vec![pack(&1); 100])), ErrorKind::OutOfMemory);
    assert_eq!(dict.get_many(vec![pack(&1); 2]).unwrap(), [Some(value()), Some(value())]);
    list.delete_slice(sync_objects::Slice::between(1, 21)).unwrap();
    dict.clear().unwrap();
    assert_eq!(list.get(0).unwrap(), value());
    assert!(used(&sim) < once + 2000, "{} more", used(&sim) - once);
}

#[test]
fn the_keys_of_updates_under_way_and_the_names_of_attributes_count() {
    type Keep = fn(&dict::Proxy, &namespace::Proxy, String) -> Result<(), Error>;
    let each: [Keep; 3] = [
        |dict, _, key| dict.begin_update(pack(&key)).map(drop),
        |_, names, name| names.begin_update(name).map(drop),
        |_, names, name| names.set(name, pack(&1)),
    ];
    for keep in each {
        let (sim, client) = limited();
        let dict = dict::Proxy::new(&client, Vec::new()).unwrap();
        let names = namespace::Proxy::new(&client, Vec::new()).unwrap();
        let before = used(&sim);
        let name = |at: usize| format!("{at}{}", bytes(100_000));
        let refused = (0..20).find_map(|at| Some((at, keep(&dict, &names, name(at)).err()?)));
        let (count, error) = refused.expect("they do not all fit");
        assert_eq!(error.kind(), ErrorKind::OutOfMemory);
        // Each has the key as it came, and its normal form.
        assert!(count <= 5, "{count} names of 100,000 bytes in a megabyte");
        assert!(used(&sim) > before + 800_000);
        client.kill();
        assert!(used(&sim) < before);
    }
}

#[test]
fn updates_without_end_are_refused_whatever_they_are_of() {
    let (sim, client) = limited_to(100_000);
    let names = namespace::Proxy::new(&client, Vec::new()).unwrap();
    let refused = (0..1000).find_map(|at| names.begin_update(at.to_string()).err());
    assert_eq!(refused.expect("too many").kind(), ErrorKind::OutOfMemory);
    assert!(used(&sim) < 110_000, "{}", used(&sim));
}

#[test]
fn the_objects_that_a_session_has_handles_on_count_for_it() {
    const LOCKS: usize = 5000;
    let (sim, client) = limited_to(6_000_000);
    let locks: Vec<_> = (0..LOCKS).map(|_| lock::Proxy::new(&client).unwrap()).collect();
    let list = list::Proxy::new(client.named("l"), locks.iter().map(pack).collect()).unwrap();
    let alone = used(&sim);
    let readers: Vec<_> = (0..40).map(|_| sim.client()).collect();
    let read = |reader: &SimClient| {
        let list = list::Proxy::new(reader.named("l"), Vec::new())?;
        Ok::<_, Error>((list.to_vec()?, list))
    };
    let first = read(&readers[0]).unwrap();
    assert!(used(&sim) >= alone + 64 * LOCKS, "{} more", used(&sim) - alone);
    drop(first);
    list.len().expect("what was dropped is given back");
    assert!(used(&sim) < alone + 1000, "{} more", used(&sim) - alone);
    let kept: Vec<_> = readers.iter().map(read).collect();
    assert!(used(&sim) < 6_500_000, "{}", used(&sim));
    let refused = kept.iter().find_map(|read| read.as_ref().err());
    assert_eq!(refused.expect("they do not all have room").kind(), ErrorKind::OutOfMemory);
    readers.iter().for_each(SimClient::kill);
    assert!(used(&sim) < alone + 1000, "{} more", used(&sim) - alone);
    read(&client).expect("there is room again");
}

#[test]
fn what_is_taken_out_is_given_however_many_objects_are_in_it() {
    const LOCKS: usize = 5000;
    let (sim, client) = limited_to(6_000_000);
    let locks: Vec<_> = (0..LOCKS).map(|_| lock::Proxy::new(&client).unwrap()).collect();
    let queue = queue::Proxy::new(client.named("q"), None, Order::Fifo).unwrap();
    queue.put(pack(&locks), 0).unwrap();
    let list = list::Proxy::new(&client, Vec::new()).unwrap();
    while list.push(pack(&"x".repeat(10_000))).is_ok() {}
    let other = sim.client();
    let queue = queue::Proxy::new(other.named("q"), None, Order::Fifo).unwrap();
    let item = queue.get().unwrap().expect("it is not closed");
    assert_eq!(item.payload, pack(&locks));
}
