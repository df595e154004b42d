//! What the methods that take many values take them from.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::sessions;

#[test]
fn many_values_go_in_by_reference_or_as_they_are() {
    let (_server, [manager]) = sessions();
    let words = ["a", "b"].map(str::to_owned);

    let list = manager.create_list::<String>().unwrap();
    list.extend(&words).unwrap();
    list.extend(words.clone()).unwrap();
    list.set_slice(1..3, &words).unwrap();
    assert_eq!(list.to_vec().unwrap(), ["a", "a", "b", "b"]);
    assert_eq!(list.concat(&words).unwrap().len(), 6);

    let set = manager.create_set::<String>().unwrap();
    set.extend(&words).unwrap();
    set.extend(words.clone()).unwrap();
    assert_eq!(set.len().unwrap(), 2);
    let (borrowed, sorted) = (words.iter().collect::<Vec<_>>(), BTreeSet::from(words.clone()));
    assert!(set.is_subset(borrowed).unwrap());
    assert!(set.is_subset(&sorted).unwrap());

    let queue = manager.create_queue::<String>(10).unwrap();
    queue.put_many(&words).unwrap();
    queue.put_many(words.clone()).unwrap();
    assert_eq!(queue.len().unwrap(), 4);
}

#[test]
fn entries_of_a_map_go_in_by_reference_or_as_they_are() {
    let (_server, [manager]) = sessions();
    let stock = BTreeMap::from([("apples", 3u64), ("pears", 4)]);
    let stock: BTreeMap<_, _> = stock.into_iter().map(|(key, n)| (key.to_owned(), n)).collect();
    let dict = manager.create_dict::<String, u64>().unwrap();
    dict.extend(&stock).unwrap();
    dict.add_all(stock.iter().map(|(key, count)| (key, *count))).unwrap();
    dict.extend([("plums".to_owned(), 1)]).unwrap();
    assert_eq!(dict.values().unwrap(), [6, 8, 1]);
    assert_eq!(dict.delete_many(["pears", "plums", "figs"]).unwrap(), 2);
    assert_eq!(dict.keys().unwrap(), ["apples"]);
}
