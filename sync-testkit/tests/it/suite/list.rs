//! List.

use sync_client::{ErrorKind, List, Slice};
use sync_testkit::{Role, roles};

use super::{SHORT, Stage, behaviours, refused};

roles![writer, pusher, slow];

behaviours![
    items_are_seen_by_both_parties,
    it_is_sorted_searched_and_cut,
    items_of_both_parties_are_all_there,
    writers_wait_for_an_update_and_readers_do_not,
    what_is_out_of_range_is_refused,
];

fn items(role: &Role) -> List<i64> {
    role.manager().named("items").create_list().unwrap()
}

fn writer(role: &Role) {
    let items = items(role);
    items.extend([3, 1, 4]).unwrap();
    items.insert(1, &9).unwrap();
    items.set(-1, &5).unwrap();
}

fn pusher(role: &Role) {
    let items = items(role);
    for _ in 0..role.arg(0) {
        items.push(&1).unwrap();
        items.update(|items| items.push(2)).unwrap();
    }
}

/// Is in the middle of an update until it is told.
fn slow(role: &Role) {
    let change = |items: &mut Vec<i64>| {
        role.say("inside");
        role.hear();
        items.push(1000);
    };
    items(role).update(change).unwrap();
    role.say("done");
}

fn items_are_seen_by_both_parties(stage: &Stage) {
    let items = stage.manager().named("items").create_list::<i64>().unwrap();
    stage.start(writer).wait();
    assert_eq!(items.to_vec().unwrap(), [3, 9, 1, 5]);
    assert_eq!((items.get(0).unwrap(), items.get(-1).unwrap()), (3, 5));
    assert_eq!((items.pop().unwrap(), items.remove(0).unwrap()), (Some(5), 3));
    assert!(items.iter().map(Result::unwrap).eq([9, 1]));
    items.clear().unwrap();
    assert_eq!((items.len().unwrap(), items.pop().unwrap()), (0, None));
}

fn it_is_sorted_searched_and_cut(stage: &Stage) {
    let items = stage.manager().named("items").create_list::<i64>().unwrap();
    stage.start(writer).wait();
    items.sort().unwrap();
    assert_eq!(items.to_vec().unwrap(), [1, 3, 5, 9]);
    items.sort_by_key(|item| -item).unwrap();
    assert_eq!(items.slice(1..).unwrap(), [5, 3, 1]);
    assert_eq!((items.index_of(&3).unwrap(), items.count(&7).unwrap()), (Some(2), 0));
    items.set_slice(1..3, [7, 7, 7]).unwrap();
    items.delete_slice(..1).unwrap();
    items.reverse().unwrap();
    assert_eq!(items.to_vec().unwrap(), [1, 7, 7, 7]);
    assert!(items.remove_item(&7).unwrap() && !items.remove_item(&8).unwrap());
    items.repeat(2).unwrap();
    assert_eq!(items.to_vec().unwrap(), [1, 7, 7, 1, 7, 7]);
}

fn items_of_both_parties_are_all_there(stage: &Stage) {
    let items = stage.manager().named("items").create_list::<i64>().unwrap();
    let pusher = stage.start_with(pusher, &[&50]);
    for _ in 0..50 {
        items.update(|items| items.push(1)).unwrap();
        items.push(&2).unwrap();
    }
    pusher.wait();
    assert_eq!((items.count(&1).unwrap(), items.count(&2).unwrap()), (100, 100));
}

fn writers_wait_for_an_update_and_readers_do_not(stage: &Stage) {
    let items = stage.manager().named("items").create_list::<i64>().unwrap();
    let mut slow = stage.start(slow);
    slow.expect("inside");
    let pusher = stage.start_with(pusher, &[&1]);
    stage.until_blocked(&items, 1);
    assert!(items.is_empty().unwrap());
    refused(items.within(SHORT).push(&7), ErrorKind::TimedOut);
    slow.tell("go on");
    slow.expect("done");
    pusher.wait();
    assert_eq!(items.to_vec().unwrap(), [1000, 1, 2]);
    slow.wait();
}

fn what_is_out_of_range_is_refused(stage: &Stage) {
    let items = stage.manager().named("items").create_list::<i64>().unwrap();
    stage.start(writer).wait();
    refused(items.get(4), ErrorKind::OutOfRange);
    refused(items.set(-5, &1), ErrorKind::OutOfRange);
    refused(items.remove(4), ErrorKind::OutOfRange);
    refused(items.index_of_within(&9, Slice::every(2)), ErrorKind::InvalidInput);
    let texts: List<String> = stage.manager().named("items").open().unwrap();
    refused(texts.pop(), ErrorKind::WrongType);
    assert_eq!(items.to_vec().unwrap(), [3, 9, 1, 5]);
}
