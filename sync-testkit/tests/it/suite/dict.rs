//! Dict.

use sync_client::{Dict, ErrorKind, Exchange, List};
use sync_testkit::{Role, roles};

use super::{SHORT, Stage, behaviours, refused};

roles![writer, adder, slow, giver];

behaviours![
    entries_are_seen_by_both_parties_in_the_order_of_insertion,
    counts_of_both_parties_are_all_there,
    an_update_holds_up_its_own_entry_only,
    what_makes_no_sense_is_refused_and_changes_nothing,
    an_object_in_a_dict_is_the_same_for_both_parties,
];

type Counts = Dict<String, u64>;

fn counts(role: &Role) -> Counts {
    role.manager().named("counts").create_dict().unwrap()
}

fn owned((key, count): (&str, u64)) -> (String, u64) {
    (key.to_owned(), count)
}

fn writer(role: &Role) {
    let counts = counts(role);
    counts.extend([("b", 2), ("a", 1), ("c", 3)].map(owned)).unwrap();
    assert_eq!(counts.insert("a", &10).unwrap(), Some(1));
}

fn adder(role: &Role) {
    let counts = counts(role);
    for _ in 0..role.arg(0) {
        counts.update("x", |count| *count = Some(count.unwrap_or(0) + 1)).unwrap();
        counts.add("y", 1).unwrap();
    }
}

/// Is in the middle of an update until it is told.
fn slow(role: &Role) {
    let change = |count: &mut Option<u64>| {
        role.say("inside");
        role.hear();
        *count = Some(1000);
    };
    counts(role).update("x", change).unwrap();
    role.say("done");
}

/// Leaves a list of its own in a dict.
fn giver(role: &Role) {
    let lists = role.manager().named("lists").create_dict::<u8, List<u8>>().unwrap();
    let list = role.manager().create_list::<u8>().unwrap();
    list.push(&1).unwrap();
    lists.set(&7, &list).unwrap();
}

fn entries_are_seen_by_both_parties_in_the_order_of_insertion(stage: &Stage) {
    let counts: Counts = stage.manager().named("counts").create_dict().unwrap();
    stage.start(writer).wait();
    assert_eq!(counts.keys().unwrap(), ["b", "a", "c"]);
    assert_eq!(counts.values().unwrap(), [2, 10, 3]);
    assert_eq!(counts.get("a").unwrap(), Some(10));
    assert_eq!(counts.get("z").unwrap(), None);
    assert_eq!(counts.get_or_insert("z", &26).unwrap(), 26);
    assert_eq!(counts.remove("b").unwrap(), Some(2));
    assert_eq!(counts.pop_last().unwrap(), Some(("z".to_owned(), 26)));
    assert!(counts.contains_key("c").unwrap() && !counts.delete("z").unwrap());
    assert_eq!(counts.compare_exchange("c", Some(&1), None).unwrap(), Exchange::Found(Some(3)));
    assert_eq!(counts.compare_exchange("c", Some(&3), None).unwrap(), Exchange::Done);
    assert_eq!(counts.items().unwrap(), [("a".to_owned(), 10)]);
    counts.clear().unwrap();
    assert_eq!((counts.len().unwrap(), counts.iter().count()), (0, 0));
}

fn counts_of_both_parties_are_all_there(stage: &Stage) {
    let counts: Counts = stage.manager().named("counts").create_dict().unwrap();
    let adder = stage.start_with(adder, &[&50]);
    for _ in 0..50 {
        counts.add("x", 1).unwrap();
        counts.update("y", |count| *count = Some(count.unwrap_or(0) + 1)).unwrap();
    }
    adder.wait();
    assert_eq!(counts.get_many(["x", "y"]).unwrap(), [Some(100), Some(100)]);
}

fn an_update_holds_up_its_own_entry_only(stage: &Stage) {
    let counts: Counts = stage.manager().named("counts").create_dict().unwrap();
    let mut slow = stage.start(slow);
    slow.expect("inside");
    counts.set("other", &1).unwrap();
    assert_eq!(counts.get("x").unwrap(), None);
    refused(counts.within(SHORT).set("x", &1), ErrorKind::TimedOut);
    let adder = stage.start_with(adder, &[&1]);
    stage.until_blocked(&counts, 1);
    slow.tell("go on");
    slow.expect("done");
    adder.wait();
    assert_eq!(counts.get("x").unwrap(), Some(1001));
    slow.wait();
}

fn what_makes_no_sense_is_refused_and_changes_nothing(stage: &Stage) {
    let counts: Counts = stage.manager().named("counts").create_dict().unwrap();
    stage.start(writer).wait();
    refused(counts.add_all([("b", 1), ("c", u64::MAX)].map(owned)), ErrorKind::Overflow);
    assert_eq!(counts.get("b").unwrap(), Some(2));
    let texts: Dict<String, String> = stage.manager().named("counts").open().unwrap();
    refused(texts.remove("b"), ErrorKind::WrongType);
    assert_eq!(counts.keys().unwrap(), ["b", "a", "c"]);
    let floats = stage.manager().create_dict::<f64, u8>().unwrap();
    refused(floats.set(&f64::NAN, &1), ErrorKind::InvalidInput);
}

fn an_object_in_a_dict_is_the_same_for_both_parties(stage: &Stage) {
    stage.start(giver).wait();
    let lists: Dict<u8, List<u8>> = stage.manager().named("lists").open().unwrap();
    lists.get(&7).unwrap().unwrap().push(&2).unwrap();
    assert_eq!(lists.remove(&7).unwrap().unwrap().to_vec().unwrap(), [1, 2]);
}
