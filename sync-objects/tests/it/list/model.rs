//! Random slices and methods, on a list and on a plain vector.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use sync_objects::{Slice, list};
use sync_testkit::sim::Sim;

use super::{items, slice};
use crate::dict::{all, p};

/// The indices of a slice, by walking as the definition has it: from the start, step by step,
/// while the end is not reached.
fn walk(slice: Slice, len: usize) -> Vec<usize> {
    let len = len as i64;
    let step = slice.step.unwrap_or(1);
    let (low, high) = if step > 0 { (0, len) } else { (-1, len - 1) };
    let place = |index: i64| {
        let index = if index < 0 { index.saturating_add(len) } else { index };
        index.max(low).min(high)
    };
    let (from, to) = if step > 0 { (low, high) } else { (high, low) };
    let (mut at, end) = (slice.start.map_or(from, place), slice.end.map_or(to, place));
    let mut indices = Vec::new();
    while if step > 0 { at < end } else { at > end } {
        indices.push(at as usize);
        at = at.saturating_add(step);
    }
    indices
}

/// Where a slice of step 1 without items takes new ones.
fn start_of(slice: Slice, len: usize) -> usize {
    let start = slice.start.unwrap_or(0);
    let start = if start < 0 { start.saturating_add(len as i64) } else { start };
    start.clamp(0, len as i64) as usize
}

fn index() -> impl Strategy<Value = i64> {
    prop_oneof![20 => -12..13i64, 1 => Just(i64::MIN), 1 => Just(i64::MAX)]
}

fn any_slice() -> impl Strategy<Value = Slice> {
    let step = prop_oneof![
        10 => (-4..5i64).prop_filter("refused", |step| *step != 0),
        1 => Just(i64::MIN),
        1 => Just(i64::MAX)
    ];
    (option::of(index()), option::of(index()), option::of(step))
        .prop_map(|(start, end, step)| slice(start, end, step))
}

#[derive(Clone, Debug)]
enum Step {
    Set(i64, i64),
    Insert(i64, i64),
    Remove(i64),
    Push(i64),
    Pop,
    Extend(Vec<i64>),
    RemoveItem(i64),
    Find(i64, Option<i64>, Option<i64>),
    Get(Slice),
    Replace(Slice, Vec<i64>),
    Delete(Slice),
    Reverse,
    Sort(bool),
    Repeat(i64),
    Update(Vec<i64>),
}

fn step() -> impl Strategy<Value = Step> {
    use Step::*;
    let value = || 0..8i64;
    let values = || vec(value(), 0..6);
    let bound = || option::of(index());
    prop_oneof![
        (index(), value()).prop_map(|(i, v)| Set(i, v)),
        (index(), value()).prop_map(|(i, v)| Insert(i, v)),
        index().prop_map(Remove),
        value().prop_map(Push),
        Just(Pop),
        values().prop_map(Extend),
        value().prop_map(RemoveItem),
        (value(), bound(), bound()).prop_map(|(v, start, end)| Find(v, start, end)),
        any_slice().prop_map(Get),
        (any_slice(), values()).prop_map(|(slice, values)| Replace(slice, values)),
        any_slice().prop_map(Delete),
        Just(Reverse),
        any::<bool>().prop_map(Sort),
        (-1..3i64).prop_map(Repeat),
        values().prop_map(Update),
    ]
}

fn position(index: i64, len: usize) -> Option<usize> {
    let len = len as i64;
    let index = if index < 0 { index.saturating_add(len) } else { index };
    (0..len).contains(&index).then_some(index as usize)
}

fn payloads(values: &[i64]) -> Vec<sync_objects::Payload> {
    values.iter().map(p).collect()
}

fn delete(model: &mut Vec<i64>, slice: Slice) {
    let gone = walk(slice, model.len());
    let mut at = 0..;
    model.retain(|_| !gone.contains(&at.next().unwrap()));
}

fn run(l: &list::Proxy, model: &mut Vec<i64>, step: Step) {
    let len = model.len();
    match step {
        Step::Set(index, value) => {
            let at = position(index, len);
            assert_eq!(l.set(index, p(&value)).is_ok(), at.is_some());
            at.into_iter().for_each(|at| model[at] = value);
        }
        Step::Insert(index, value) => {
            l.insert(index, p(&value)).unwrap();
            model.insert(start_of(slice(Some(index), None, None), len), value);
        }
        Step::Remove(index) => {
            let removed = position(index, len).map(|at| p(&model.remove(at)));
            assert_eq!(l.remove(index).ok(), removed);
        }
        Step::Push(value) => {
            l.push(p(&value)).unwrap();
            model.push(value);
        }
        Step::Pop => assert_eq!(l.pop().unwrap(), model.pop().map(|value| p(&value))),
        Step::Extend(values) => {
            l.extend(payloads(&values)).unwrap();
            model.extend(values);
        }
        Step::RemoveItem(value) => {
            let at = model.iter().position(|item| *item == value);
            assert_eq!(l.remove_item(p(&(value as f64))).unwrap(), at.is_some());
            if let Some(at) = at {
                model.remove(at);
            }
        }
        Step::Find(value, start, end) => {
            let within = walk(slice(start, end, None), len);
            let found = within.into_iter().find(|at| model[*at] == value);
            let found = found.map(|at| at as u64);
            assert_eq!(l.index_of(p(&value), start, end).unwrap(), found);
            let count = model.iter().filter(|item| **item == value).count() as u64;
            assert_eq!(l.count(p(&value)).unwrap(), count);
            assert_eq!(l.contains(p(&value)).unwrap(), count > 0);
        }
        other => run_rest(l, model, other),
    }
}

fn run_rest(l: &list::Proxy, model: &mut Vec<i64>, step: Step) {
    match step {
        Step::Get(slice) => {
            let expected: Vec<_> = walk(slice, model.len()).iter().map(|at| model[*at]).collect();
            assert_eq!(all::<i64>(&l.slice(slice).unwrap()), expected);
        }
        Step::Replace(slice, values) => {
            let indices = walk(slice, model.len());
            let done = l.set_slice(slice, payloads(&values));
            if slice.step.unwrap_or(1) == 1 {
                done.unwrap();
                let at = start_of(slice, model.len());
                drop(model.splice(at..at + indices.len(), values));
            } else if indices.len() == values.len() {
                done.unwrap();
                indices.into_iter().zip(values).for_each(|(at, value)| model[at] = value);
            } else {
                done.unwrap_err();
            }
        }
        Step::Delete(slice) => {
            l.delete_slice(slice).unwrap();
            delete(model, slice);
        }
        Step::Reverse => {
            l.reverse().unwrap();
            model.reverse();
        }
        Step::Sort(descending) => {
            l.sort(descending).unwrap();
            model.sort();
            if descending {
                model.reverse();
            }
        }
        Step::Repeat(times) if model.len() < 100 => {
            l.repeat(times).unwrap();
            *model = model.repeat(usize::try_from(times).unwrap_or(0));
        }
        Step::Repeat(_) => {}
        Step::Update(values) => {
            let update = l.begin_update().unwrap();
            assert_eq!(all::<i64>(&update.items), *model);
            l.commit_update(update.token, payloads(&values)).unwrap();
            *model = values;
        }
        _ => unreachable!("a step of the other half"),
    }
}

proptest! {
    #[test]
    fn a_list_is_a_vector(steps in vec(step(), 1..100), max_bytes in 0..20u64) {
        let sim = Sim::new();
        let l = list::Proxy::new(&sim.client(), vec![]).unwrap();
        let mut model = Vec::new();
        for step in steps {
            run(&l, &mut model, step);
            prop_assert_eq!(items(&l), model.clone());
            prop_assert_eq!(l.len().unwrap(), model.len() as u64);
        }
        let (mut read, mut start) = (Vec::new(), Some(0));
        while let Some(at) = start {
            let page = l.page(at, None, max_bytes).unwrap();
            read.extend(all::<i64>(&page.items));
            start = page.next;
        }
        prop_assert_eq!(read, model);
    }

    #[test]
    fn slices_of_any_list_are_pythons(len in 0..10i64, slice in any_slice(), new in 0..10i64) {
        let sim = Sim::new();
        let start: Vec<i64> = (0..len).collect();
        let (client, new) = (sim.client(), (100..100 + new).collect::<Vec<_>>());
        for step in [Step::Get(slice), Step::Replace(slice, new), Step::Delete(slice)] {
            let l = list::Proxy::new(&client, payloads(&start)).unwrap();
            let mut model = start.clone();
            run_rest(&l, &mut model, step);
            prop_assert_eq!(items(&l), model);
        }
    }

    #[test]
    fn a_sort_is_the_standard_one(values in vec((0..20i64, any::<bool>()), 0..80), down: bool) {
        // Equal numbers in two forms show whether it is stable.
        let value = |&(number, float): &(i64, bool)| match float {
            true => p(&(number as f64)),
            false => p(&number),
        };
        let sim = Sim::new();
        let l = list::Proxy::new(&sim.client(), values.iter().map(value).collect()).unwrap();
        l.sort(down).unwrap();
        let mut model = values;
        model.sort_by(|a, b| if down { b.0.cmp(&a.0) } else { a.0.cmp(&b.0) });
        prop_assert_eq!(l.to_vec().unwrap(), model.iter().map(value).collect::<Vec<_>>());
    }
}
