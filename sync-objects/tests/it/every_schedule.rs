//! Every short schedule of a few parties around one object, against the reference.

use std::fmt::Write as _;

use sync_testkit::every::Every;

use crate::models::{Event, Lock, Queue, Semaphore, Value};
use crate::reference::Model;
use crate::world::{Input, World};

/// For ever, not at all, and until the next millisecond.
const WAITS: [Option<u64>; 3] = [None, Some(0), Some(1)];
const FOR_EVER_OR_A_WHILE: [Option<u64>; 2] = [None, Some(1)];

/// Runs all schedules of so many inputs; returns how many there are.
fn run_all<M: Model>(parties: usize, length: usize, waits: &[Option<u64>]) -> usize {
    let (mut every, mut count) = (Every::new(), 0);
    while every.more() {
        let mut told = Told(String::new());
        let mut world = World::<M>::new(parties);
        let mut known = 1;
        for _ in 0..length {
            // Parties are alike: a new one acts only after the one before it has.
            let mut inputs = world.inputs(1, waits);
            inputs.retain(|input| actor(input).is_none_or(|who| who < known));
            let input = inputs.get(every.choose(inputs.len().max(1))).copied();
            let Some(input) = input else { break };
            if actor(&input) == Some(known - 1) {
                known = parties.min(known + 1);
            }
            writeln!(told.0, "  {input:?}").unwrap();
            world.step(input);
        }
        count += 1;
    }
    count
}

fn actor<Op>(input: &Input<Op>) -> Option<usize> {
    match input {
        Input::Call(who, ..) | Input::Kill(who) => Some(*who),
        Input::Cancel(_) | Input::Advance(_) => None,
    }
}

/// A schedule that is printed when it fails.
struct Told(String);

#[expect(clippy::print_stdout, reason = "a test that fails tells its schedule")]
impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("the schedule:\n{}", self.0);
        }
    }
}

#[test]
fn every_schedule_around_a_lock() {
    run_all::<Lock>(3, 5, &FOR_EVER_OR_A_WHILE);
    assert!(run_all::<Lock>(2, 6, &WAITS) > 30_000);
}

#[test]
fn every_schedule_around_a_semaphore() {
    assert!(run_all::<Semaphore>(3, 4, &FOR_EVER_OR_A_WHILE) > 5_000);
    run_all::<Semaphore>(2, 4, &WAITS);
}

#[test]
fn every_schedule_around_a_queue() {
    run_all::<Queue>(3, 4, &WAITS[..1]);
    assert!(run_all::<Queue>(2, 5, &WAITS[..1]) > 10_000);
}

#[test]
fn every_schedule_around_a_value() {
    assert!(run_all::<Value>(3, 4, &FOR_EVER_OR_A_WHILE) > 5_000);
}

#[test]
fn every_schedule_around_an_event() {
    assert!(run_all::<Event>(2, 4, &FOR_EVER_OR_A_WHILE) > 1_000);
}
