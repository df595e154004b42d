//! Lists: appended to by many, updated in turn.

use sync_client::List;
use sync_testkit::{Actor, Cast, Role, roles};

roles![writer, slow];

/// Appends its numbers, and adds one to the first item as often.
fn writer(role: &Role) {
    let list: List<u64> = role.manager().named("list").create_list().unwrap();
    let (first, rounds): (u64, u64) = (role.arg(0), role.arg(1));
    role.say("ready");
    role.hear();
    for number in first..first + rounds {
        list.push(&number).unwrap();
        list.update(|items| items[0] += 1).unwrap();
    }
}

/// Is in the middle of an update until it is told.
fn slow(role: &Role) {
    let list: List<u64> = role.manager().named("list").create_list().unwrap();
    list.update(|items| {
        role.say("inside");
        role.hear();
        items.clear();
    })
    .unwrap();
}

#[test]
fn what_three_processes_append_is_all_there_in_the_order_of_each() {
    let cast = Cast::new();
    let list: List<u64> = cast.manager().named("list").create_list().unwrap();
    list.push(&0).unwrap();
    let firsts = [1000, 2000, 3000];
    let mut writers = firsts.map(|first| cast.start_with(writer, &[&first, &50]));
    writers.iter_mut().for_each(|writer| writer.expect("ready"));
    writers.iter_mut().for_each(|writer| writer.tell("go"));
    writers.into_iter().for_each(Actor::wait);
    let items = list.to_vec().unwrap();
    assert_eq!((items[0], items.len()), (150, 151));
    for first in firsts {
        let own = items.iter().copied().filter(|item| (first..first + 1000).contains(item));
        assert!(own.eq(first..first + 50));
    }
}

#[test]
fn an_updater_killed_inside_its_closure_leaves_the_list_as_it_was() {
    let cast = Cast::new();
    let list: List<u64> = cast.manager().named("list").create_list().unwrap();
    list.extend([1, 2, 3]).unwrap();
    let mut doomed = cast.start(slow);
    doomed.expect("inside");
    let mut writer = cast.start_with(writer, &[&4, &1]);
    writer.expect("ready");
    writer.tell("go");
    cast.until_blocked(&list, 1);
    assert_eq!(list.to_vec().unwrap(), [1, 2, 3]);
    doomed.kill();
    writer.wait();
    assert_eq!(list.to_vec().unwrap(), [2, 2, 3, 4]);
}
