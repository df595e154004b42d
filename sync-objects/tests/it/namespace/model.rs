//! Random methods on a namespace and on a map.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use sync_objects::{Removed, namespace};
use sync_testkit::sim::Sim;

use super::p;

#[derive(Clone, Debug)]
enum Step {
    Set(u8, i64),
    Get(u8),
    Remove(u8),
    Take(u8),
    Restore,
    Update(u8, Option<i64>),
    Cancel(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let (name, value) = (0..8u8, -3..4i64);
    prop_oneof![
        3 => (name.clone(), value.clone()).prop_map(|(n, v)| Step::Set(n, v)),
        2 => name.clone().prop_map(Step::Get),
        2 => name.clone().prop_map(Step::Remove),
        2 => name.clone().prop_map(Step::Take),
        2 => Just(Step::Restore),
        2 => (name.clone(), proptest::option::of(value)).prop_map(|(n, v)| Step::Update(n, v)),
        1 => name.prop_map(Step::Cancel),
    ]
}

fn name(number: u8) -> String {
    format!("n{number}")
}

fn run(
    n: &namespace::Proxy,
    model: &mut BTreeMap<String, i64>,
    taken: &mut Vec<(Removed, String, i64)>,
    step: Step,
) {
    match step {
        Step::Set(at, value) => {
            n.set(name(at), p(&value)).unwrap();
            model.insert(name(at), value);
        }
        Step::Get(at) => {
            let value = n.get(name(at)).unwrap().map(|value| value.unpack::<i64>().unwrap());
            assert_eq!(value, model.get(&name(at)).copied());
        }
        Step::Remove(at) => {
            assert_eq!(n.delete(name(at)).unwrap(), model.remove(&name(at)).is_some());
        }
        Step::Take(at) => {
            let (found, expected) = (n.remove(name(at)).unwrap(), model.remove(&name(at)));
            assert_eq!(found.as_ref().map(|found| found.value.unpack().unwrap()), expected);
            taken.extend(found.zip(expected).map(|(found, value)| (found, name(at), value)));
        }
        Step::Restore => {
            let Some((removed, name, value)) = taken.pop() else { return };
            let fits = !model.contains_key(&name);
            assert_eq!(n.restore(removed).unwrap(), fits);
            model.entry(name).or_insert(value);
        }
        Step::Update(at, value) => {
            let begun = n.begin_update(name(at)).unwrap();
            let found = begun.value.map(|value| value.unpack::<i64>().unwrap());
            assert_eq!(found, model.get(&name(at)).copied());
            n.commit_update(begun.token, value.map(|value| p(&value))).unwrap();
            match value {
                Some(value) => drop(model.insert(name(at), value)),
                None => drop(model.remove(&name(at))),
            }
        }
        Step::Cancel(at) => {
            let begun = n.begin_update(name(at)).unwrap();
            n.cancel_update(begun.token).unwrap();
        }
    }
    assert_eq!(n.names().unwrap(), model.keys().cloned().collect::<Vec<_>>());
}

proptest! {
    #[test]
    fn a_namespace_does_what_a_map_does(steps in vec(step(), 1..100)) {
        let sim = Sim::new();
        let n = super::new(&sim.client());
        let (mut model, mut taken) = (BTreeMap::new(), Vec::new());
        for step in steps {
            run(&n, &mut model, &mut taken, step);
        }
    }
}
