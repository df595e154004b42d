//! A worker process.

use std::fs;
use std::io;

use anyhow::Result;
use rustix::process::{Signal, getpid, kill_process};
use sync_client::{Delivery, ErrorKind, Manager};

use crate::count::Count;
use crate::shared::{Job, Outcome, Shared};

/// How many workers may die over a file before it is considered the cause.
const MAX_ATTEMPTS: u32 = 5;

/// Counts files until there are no more.
///
/// A worker can die anywhere in here. Before `ack`, the queue still has the file and delivers it to
/// another worker, which overwrites what this one may have written. So no file is lost, and none
/// counts twice.
pub(crate) fn run(die_before_ack: Option<u64>) -> Result<()> {
    let shared = Shared::open(&Manager::from_env()?)?;
    for job in shared.files.deliveries() {
        let job = job?;
        let is_first_time = write(&shared, job.number, &outcome(&job))?;
        if die_before_ack == Some(job.number) && job.attempt() == 1 {
            kill_process(getpid(), Signal::KILL)?;
        }
        if is_first_time {
            shared.done.fetch_add(1)?;
        }
        job.ack()?;
    }
    Ok(())
}

fn outcome(job: &Delivery<Job>) -> Outcome {
    if job.attempt() > MAX_ATTEMPTS {
        return Err(format!("{MAX_ATTEMPTS} workers died over it"));
    }
    let text = fs::read(&job.path).map_err(|error: io::Error| error.to_string())?;
    Ok(Count::of(&text))
}

/// Writes the result of a file; returns whether nobody had done so before.
fn write(shared: &Shared, number: u64, outcome: &Outcome) -> Result<bool> {
    let before = match shared.results.insert(&number, outcome) {
        Err(error) if error.kind() == ErrorKind::TooLarge => {
            let too_many_words: Outcome = Err(error.to_string());
            shared.results.insert(&number, &too_many_words)?
        }
        before => before?,
    };
    Ok(before.is_none())
}
