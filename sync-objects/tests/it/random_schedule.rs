//! Long random schedules of several parties with threads, against the reference.

use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, proptest};

use crate::models::{Event, Lock, Queue, Semaphore, Value};
use crate::reference::Model;
use crate::world::World;

/// How long calls wait, in milliseconds.
const WAITS: [Option<u64>; 5] = [None, None, Some(0), Some(1), Some(4)];

/// Runs a schedule that is a list of choices: a shorter list and smaller numbers are a simpler
/// schedule, for proptest to find.
fn run<M: Model>(parties: usize, threads: usize, choices: &[u16]) {
    let mut world = World::<M>::new(parties);
    for &choice in choices {
        let mut inputs = world.inputs(threads, &WAITS);
        // Deaths are rare, or everybody is dead soon.
        if choice % 16 != 15 {
            inputs.retain(|input| !matches!(input, crate::world::Input::Kill(_)));
        }
        if let Some(&input) = inputs.get(usize::from(choice) % inputs.len().max(1)) {
            world.step(input);
        }
    }
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_lock_does_in_every_schedule_what_the_reference_does(
        choices in vec(any::<u16>(), 0..200)
    ) {
        run::<Lock>(6, 3, &choices);
    }

    #[test]
    fn a_semaphore_does_in_every_schedule_what_the_reference_does(
        choices in vec(any::<u16>(), 0..200)
    ) {
        run::<Semaphore>(6, 3, &choices);
    }

    #[test]
    fn a_queue_does_in_every_schedule_what_the_reference_does(
        choices in vec(any::<u16>(), 0..200)
    ) {
        run::<Queue>(6, 3, &choices);
    }

    #[test]
    fn a_value_does_in_every_schedule_what_the_reference_does(
        choices in vec(any::<u16>(), 0..200)
    ) {
        // The turn to write is a thread's: each party has one.
        run::<Value>(6, 1, &choices);
    }

    #[test]
    fn an_event_does_in_every_schedule_what_the_reference_does(
        choices in vec(any::<u16>(), 0..200)
    ) {
        run::<Event>(6, 3, &choices);
    }
}
