//! Random methods on a dict and on a plain list of pairs.

use proptest::collection::vec;
use proptest::prelude::*;
use sync_objects::{DictPart, NumberKind, Removed, dict};
use sync_testkit::sim::Sim;

use super::{all, p};

#[derive(Clone, Debug)]
enum Step {
    Set(u8, i64),
    Insert(u8, i64),
    GetOrInsert(u8, i64),
    Remove(u8),
    Restore,
    Delete(u8),
    DeleteMany(Vec<u8>),
    PopLast,
    Clear,
    Extend(Vec<(u8, i64)>),
    Add(u8, i64),
    AddAll(Vec<(u8, i64)>),
    Exchange(u8, Option<i64>, Option<i64>),
    Update(u8, Option<i64>),
    GetMany(Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    use Step::*;
    let key = 0..12u8;
    let value = -3..4i64;
    let entries = || vec((key.clone(), value.clone()), 0..5);
    let maybe = || proptest::option::of(value.clone());
    prop_oneof![
        4 => (key.clone(), value.clone()).prop_map(|(k, v)| Set(k, v)),
        3 => (key.clone(), value.clone()).prop_map(|(k, v)| Insert(k, v)),
        2 => (key.clone(), value.clone()).prop_map(|(k, v)| GetOrInsert(k, v)),
        3 => key.clone().prop_map(Remove),
        3 => Just(Restore),
        2 => key.clone().prop_map(Delete),
        1 => vec(key.clone(), 0..4).prop_map(DeleteMany),
        1 => Just(PopLast),
        1 => proptest::bool::weighted(0.3).prop_map(|now| if now { Clear } else { Restore }),
        2 => entries().prop_map(Extend),
        2 => (key.clone(), value.clone()).prop_map(|(k, v)| Add(k, v)),
        2 => entries().prop_map(AddAll),
        3 => (key.clone(), maybe(), maybe()).prop_map(|(k, old, new)| Exchange(k, old, new)),
        2 => (key.clone(), maybe()).prop_map(|(k, v)| Update(k, v)),
        1 => vec(key.clone(), 0..4).prop_map(GetMany),
    ]
}

/// What a dict is meant to be: entries in order, each with its place.
#[derive(Default)]
struct Model {
    entries: Vec<(u64, u8, i64)>,
    next: u64,
    removed: Vec<(Removed, (u64, u8, i64))>,
}

impl Model {
    fn at(&self, key: u8) -> Option<usize> {
        self.entries.iter().position(|entry| entry.1 == key)
    }

    fn get(&self, key: u8) -> Option<i64> {
        self.at(key).map(|at| self.entries[at].2)
    }

    fn set(&mut self, key: u8, value: i64) -> Option<i64> {
        if let Some(at) = self.at(key) {
            return Some(std::mem::replace(&mut self.entries[at].2, value));
        }
        self.entries.push((self.next, key, value));
        self.next += 1;
        None
    }

    fn remove(&mut self, key: u8) -> Option<i64> {
        self.at(key).map(|at| self.entries.remove(at).2)
    }

    fn put(&mut self, key: u8, value: Option<i64>) -> Option<i64> {
        match value {
            Some(value) => self.set(key, value),
            None => self.remove(key),
        }
    }
}

/// Keys come in two forms that are equal.
fn key(number: u8) -> sync_objects::Payload {
    if number.is_multiple_of(2) { p(&number) } else { p(&f64::from(number)) }
}

fn pairs(entries: &[(u8, i64)]) -> Vec<(sync_objects::Payload, sync_objects::Payload)> {
    entries.iter().map(|(k, v)| (key(*k), p(v))).collect()
}

fn run(d: &dict::Proxy, model: &mut Model, step: Step) {
    let value = |value: Option<i64>| value.map(|value| p(&value));
    match step {
        Step::Set(k, v) => {
            d.set(key(k), p(&v)).unwrap();
            model.set(k, v);
        }
        Step::Insert(k, v) => {
            assert_eq!(d.insert(p(&k), p(&v)).unwrap(), value(model.set(k, v)));
        }
        Step::GetOrInsert(k, v) => {
            let found = model.get(k).unwrap_or(v);
            model.set(k, found);
            assert_eq!(d.get_or_insert(key(k), p(&v)).unwrap(), p(&found));
        }
        Step::Remove(k) => {
            let entry = model.at(k).map(|at| model.entries.remove(at));
            let removed = d.remove(key(k)).unwrap();
            assert_eq!(removed.is_some(), entry.is_some());
            model.removed.extend(removed.zip(entry));
        }
        Step::Restore => {
            let Some((removed, entry)) = model.removed.pop() else {
                return;
            };
            let absent = model.at(entry.1).is_none();
            assert_eq!(d.restore(removed).unwrap(), absent);
            if absent {
                let at = model.entries.partition_point(|other| other.0 < entry.0);
                model.entries.insert(at, entry);
            }
        }
        Step::Delete(k) => assert_eq!(d.delete(key(k)).unwrap(), model.remove(k).is_some()),
        Step::DeleteMany(ks) => {
            let count = d.delete_many(ks.iter().map(|k| key(*k)).collect()).unwrap();
            assert_eq!(count, ks.iter().filter_map(|k| model.remove(*k)).count() as u64);
        }
        Step::PopLast => {
            let popped = d.pop_last().unwrap().map(|entry| entry.value);
            assert_eq!(popped, value(model.entries.pop().map(|entry| entry.2)));
        }
        Step::Clear => {
            d.clear().unwrap();
            model.entries.clear();
        }
        Step::Extend(entries) => {
            d.extend(pairs(&entries)).unwrap();
            for (k, v) in entries {
                model.set(k, v);
            }
        }
        other => run_rest(d, model, other),
    }
}

fn run_rest(d: &dict::Proxy, model: &mut Model, step: Step) {
    let value = |value: Option<i64>| value.map(|value| p(&value));
    const KIND: NumberKind = NumberKind::I8;
    match step {
        Step::Add(k, v) => {
            let sum = model.get(k).unwrap_or(0) + v;
            model.set(k, sum);
            assert_eq!(d.add(key(k), KIND, p(&v)).unwrap(), p(&sum));
        }
        Step::AddAll(entries) => {
            d.add_all(KIND, pairs(&entries)).unwrap();
            for (k, v) in entries {
                let sum = model.get(k).unwrap_or(0) + v;
                model.set(k, sum);
            }
        }
        Step::Exchange(k, old, new) => {
            let current = model.get(k);
            let exchanged = d.compare_exchange(key(k), value(old), value(new));
            let expected = if current == old { Ok(value(current)) } else { Err(value(current)) };
            assert_eq!(exchanged.unwrap(), expected);
            if current == old {
                model.put(k, new);
            }
        }
        Step::Update(k, new) => {
            let update = d.begin_update(key(k)).unwrap();
            assert_eq!(update.value, value(model.get(k)));
            d.commit_update(update.token, value(new)).unwrap();
            model.put(k, new);
        }
        Step::GetMany(ks) => {
            let found = d.get_many(ks.iter().map(|k| key(*k)).collect()).unwrap();
            let expected: Vec<_> = ks.iter().map(|k| value(model.get(*k))).collect();
            assert_eq!(found, expected);
        }
        _ => unreachable!("a step of the other half"),
    }
}

fn read(d: &dict::Proxy, reversed: bool, max_bytes: u64) -> Vec<(f64, i64)> {
    let (mut read, mut after) = (Vec::new(), None);
    loop {
        let page = d.page(DictPart::Items, reversed, after, None, max_bytes);
        let page = page.unwrap();
        let (keys, values) = (all(&page.keys), all(&page.values));
        read.extend(keys.into_iter().zip(values));
        after = page.next;
        if after.is_none() {
            return read;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_dict_is_a_list_of_pairs(steps in vec(step(), 1..150), max_bytes in 1..40u64) {
        let sim = Sim::new();
        let d = dict::Proxy::new(&sim.client(), vec![]).unwrap();
        let mut model = Model::default();
        for step in steps {
            run(&d, &mut model, step);
            let expected = model.entries.iter().map(|&(_, k, v)| (f64::from(k), v));
            let mut expected: Vec<_> = expected.collect();
            prop_assert_eq!(d.len().unwrap(), expected.len() as u64);
            prop_assert_eq!(read(&d, false, max_bytes), expected.clone());
            expected.reverse();
            prop_assert_eq!(read(&d, true, u64::MAX), expected);
        }
    }
}
