//! Dicts: each entry has its own turn to write.

use sync_client::{Dict, List};
use sync_testkit::{Actor, Cast, Role, roles};

roles![counter, slow, giver];

fn counts(role: &Role) -> Dict<String, u64> {
    role.manager().named("counts").create_dict().unwrap()
}

/// Counts in two entries, one by an update and one by the dict's own arithmetic.
fn counter(role: &Role) {
    let counts = counts(role);
    role.say("ready");
    role.hear();
    for _ in 0..role.arg(0) {
        counts.update("updated", |count| *count = Some(count.unwrap_or(0) + 1)).unwrap();
        counts.add("added", 1).unwrap();
    }
}

/// Is in the middle of an update of one entry until it is told.
fn slow(role: &Role) {
    counts(role)
        .update("updated", |count| {
            role.say("inside");
            role.hear();
            *count = Some(count.unwrap_or(0) + 1000);
        })
        .unwrap();
    role.say("done");
}

/// Leaves a list of its own in the dict.
fn giver(role: &Role) {
    let lists = role.manager().named("lists").create_dict::<u32, List<String>>().unwrap();
    let list = role.manager().create_list::<String>().unwrap();
    list.push("from another process").unwrap();
    lists.insert(&7, &list).unwrap();
}

#[test]
fn four_processes_and_a_slow_one_lose_no_count() {
    let cast = Cast::new();
    let counts: Dict<String, u64> = cast.manager().named("counts").create_dict().unwrap();
    let mut counters: Vec<Actor> = (0..4).map(|_| cast.start_with(counter, &[&100])).collect();
    counters.iter_mut().for_each(|counter| counter.expect("ready"));
    counters.iter_mut().for_each(|counter| counter.tell("go"));
    let mut slow = cast.start(slow);
    slow.expect("inside");
    slow.tell("go on");
    counters.into_iter().for_each(Actor::wait);
    slow.expect("done");
    assert_eq!(counts.get("updated").unwrap(), Some(1400));
    assert_eq!(counts.get("added").unwrap(), Some(400));
}

#[test]
fn an_updater_killed_inside_its_closure_changes_nothing_and_holds_up_only_its_entry() {
    let cast = Cast::new();
    let counts: Dict<String, u64> = cast.manager().named("counts").create_dict().unwrap();
    counts.insert("updated", &5).unwrap();
    let mut doomed = cast.start(slow);
    doomed.expect("inside");
    counts.insert("other", &1).unwrap();
    let mut next = cast.start(slow);
    cast.until_blocked(&counts, 1);
    doomed.kill();
    next.expect("inside");
    assert_eq!(counts.get("updated").unwrap(), Some(5));
    next.tell("go on");
    next.expect("done");
    assert_eq!(counts.get("updated").unwrap(), Some(1005));
}

#[test]
fn a_list_in_a_dict_outlives_its_creator() {
    let cast = Cast::new();
    cast.start(giver).wait();
    let lists: Dict<u32, List<String>> = cast.manager().named("lists").open().unwrap();
    let list = lists.get(&7).unwrap().unwrap();
    list.push("and this one").unwrap();
    drop(list);
    let list = lists.remove(&7).unwrap().unwrap();
    assert_eq!(list.to_vec().unwrap(), ["from another process", "and this one"]);
    drop(list);
    cast.until("the list is gone", || cast.manager().object_count().unwrap() == 1);
}
