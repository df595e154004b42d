//! Random methods on an array and on a `Vec`.

use proptest::collection::vec;
use proptest::prelude::*;
use sync_objects::Typecode::Int;
use sync_objects::{ErrorKind, NumberOp, Slice, array};
use sync_testkit::sim::Sim;

use super::{elements, new, p, packed, unpacked};

#[derive(Clone, Debug)]
enum Step {
    Get(i64),
    Set(i64, i32),
    Swap(i64, i64),
    Add(i64, i32),
    Exchange(i64, i32, i32),
    Slice(Slice),
    SetSlice(Slice, Vec<i32>),
    Fill(Slice, i32),
    Update(Slice, i32),
}

fn slice() -> impl Strategy<Value = Slice> {
    let end = || proptest::option::of(-12..12i64);
    let step = proptest::option::weighted(0.3, prop_oneof![-3..0i64, 1..4i64]);
    (end(), end(), step).prop_map(|(start, end, step)| Slice { start, end, step })
}

fn step() -> impl Strategy<Value = Step> {
    use Step::*;
    let (index, value) = (-11..11i64, prop_oneof![8 => -3..4i32, 1 => Just(i32::MAX)]);
    prop_oneof![
        index.clone().prop_map(Get),
        (index.clone(), value.clone()).prop_map(|(i, v)| Set(i, v)),
        (index.clone(), index.clone()).prop_map(|(i, j)| Swap(i, j)),
        (index.clone(), value.clone()).prop_map(|(i, v)| Add(i, v)),
        (index, value.clone(), value.clone()).prop_map(|(i, old, new)| Exchange(i, old, new)),
        slice().prop_map(Slice),
        (slice(), vec(value.clone(), 0..8)).prop_map(|(s, new)| SetSlice(s, new)),
        (slice(), value.clone()).prop_map(|(s, v)| Fill(s, v)),
        (slice(), value).prop_map(|(s, v)| Update(s, v)),
    ]
}

/// Returns where an index is, as Python says it.
fn at(index: i64, len: usize) -> Option<usize> {
    let at = if index < 0 { index + len as i64 } else { index };
    usize::try_from(at).ok().filter(|&at| at < len)
}

/// Returns the indices of a slice, found one by one.
fn indices(slice: Slice, len: usize) -> Vec<usize> {
    let (len, step) = (len as i64, slice.step.unwrap_or(1));
    let from_end = |index: i64| if index < 0 { index + len } else { index };
    let (low, high) = if step > 0 { (0, len) } else { (-1, len - 1) };
    let edge = |index: Option<i64>, default| index.map_or(default, from_end).clamp(low, high);
    let (first, last) = if step > 0 { (low, high) } else { (high, low) };
    let (mut index, end) = (edge(slice.start, first), edge(slice.end, last));
    let mut found = Vec::new();
    while (step > 0 && index < end) || (step < 0 && index > end) {
        found.push(index as usize);
        index += step;
    }
    found
}

fn run(a: &array::Proxy, model: &mut [i32], step: Step) {
    let len = model.len();
    let kind = |result: Result<(), sync_objects::Error>| result.map_err(|error| error.kind());
    match step {
        Step::Get(index) => {
            let found = a.get(Int, index).map(|value| value.unpack::<i32>().unwrap());
            assert_eq!(found.ok(), at(index, len).map(|at| model[at]));
        }
        Step::Set(index, value) => match at(index, len) {
            Some(at) => {
                a.set(Int, index, p(&value)).unwrap();
                model[at] = value;
            }
            None => assert_eq!(kind(a.set(Int, index, p(&value))), Err(ErrorKind::OutOfRange)),
        },
        Step::Swap(first, second) => match (at(first, len), at(second, len)) {
            (Some(i), Some(j)) => {
                a.swap(first, second).unwrap();
                model.swap(i, j);
            }
            _ => assert_eq!(kind(a.swap(first, second)), Err(ErrorKind::OutOfRange)),
        },
        Step::Add(index, value) => {
            let Some(at) = at(index, len) else { return };
            let result = a.fetch(Int, index, NumberOp::Add, p(&value));
            match model[at].checked_add(value) {
                Some(sum) => {
                    assert_eq!(result.unwrap(), p(&model[at]));
                    model[at] = sum;
                }
                None => assert_eq!(result.unwrap_err().kind(), ErrorKind::Overflow),
            }
        }
        Step::Exchange(index, expected, value) => {
            let Some(at) = at(index, len) else { return };
            let result = a.compare_exchange(Int, index, p(&expected), p(&value)).unwrap();
            assert_eq!(result.is_ok(), model[at] == expected);
            if result.is_ok() {
                model[at] = value;
            }
        }
        Step::Slice(slice) => {
            let expected: Vec<_> = indices(slice, len).into_iter().map(|at| model[at]).collect();
            assert_eq!(unpacked(&a.slice(Int, slice).unwrap()), expected);
        }
        Step::SetSlice(slice, new) => {
            let indices = indices(slice, len);
            let result = kind(a.set_slice(Int, slice, packed(&new)));
            if indices.len() == new.len() {
                assert_eq!(result, Ok(()));
                indices.into_iter().zip(new).for_each(|(at, value)| model[at] = value);
            } else {
                assert_eq!(result, Err(ErrorKind::InvalidInput));
            }
        }
        Step::Fill(slice, value) => {
            a.fill(Int, slice, p(&value)).unwrap();
            indices(slice, len).into_iter().for_each(|at| model[at] = value);
        }
        Step::Update(slice, value) => {
            let begun = a.begin_update(Int, slice).unwrap();
            let new: Vec<_> = unpacked(&begun.elements).iter().map(|old| old ^ value).collect();
            a.commit_update(Int, begun.token, slice, packed(&new)).unwrap();
            indices(slice, len).into_iter().for_each(|at| model[at] ^= value);
        }
    }
}

proptest! {
    #[test]
    fn an_array_does_what_a_vec_does(
        mut model in vec(-3..4i32, 0..10),
        steps in vec(step(), 1..100),
    ) {
        let sim = Sim::new();
        let a = new(&sim.client(), &model);
        for step in steps {
            run(&a, &mut model, step);
            assert_eq!(elements(&a), model);
        }
        assert_eq!(a.len().unwrap(), model.len() as u64);
    }
}
