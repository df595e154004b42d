//! Many runs, on all processors.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::counts::Counts;
use super::run::{Failure, Run, run};

/// Runs of one seed after the other.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Campaign {
    /// The first seed.
    pub first: u64,
    /// How many seeds are run.
    pub seeds: u64,
    /// After this time no new seed is begun.
    pub time: Option<Duration>,
    /// On how many threads.
    pub threads: usize,
}

/// The result of a campaign.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Outcome {
    /// How many runs there were.
    pub runs: u64,
    /// The counts of all runs together.
    pub sum: Run,
    /// The failure with the smallest seed of those that were found.
    pub failure: Option<Failure>,
}

impl Campaign {
    /// Makes a campaign of `seeds` seeds from `first` on, on all processors.
    pub fn new(first: u64, seeds: u64) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { first, seeds, time: None, threads }
    }

    /// Runs the seeds; after a failure no new one is begun.
    pub fn run(&self) -> Outcome {
        let start = Instant::now();
        let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        let outcome = Mutex::new(Outcome::default());
        let work = || {
            let is_over = || {
                let late = self.time.is_some_and(|time| start.elapsed() >= time);
                late || stop.load(Ordering::Relaxed)
            };
            while !is_over() {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= self.seeds {
                    return;
                }
                let result = run(self.first.wrapping_add(number));
                if result.is_err() {
                    stop.store(true, Ordering::Relaxed);
                }
                outcome.lock().add(result);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(work);
            }
        });
        outcome.into_inner()
    }
}

impl Outcome {
    fn add(&mut self, result: Result<Run, Failure>) {
        self.runs += 1;
        match result {
            Ok(run) => {
                self.sum.counts.add(&run.counts);
                self.sum.steps += run.steps;
                self.sum.agreed += run.agreed;
            }
            Err(failure) => {
                if self.failure.as_ref().is_none_or(|first| failure.seed < first.seed) {
                    self.failure = Some(failure);
                }
            }
        }
    }

    /// Returns the counts of all runs together.
    pub fn counts(&self) -> &Counts {
        &self.sum.counts
    }
}
