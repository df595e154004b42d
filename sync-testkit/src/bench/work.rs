//! A worker: one process that does a job as often as it is asked to, and reports how long that
//! took.
//!
//! It reads lines and answers each with one. `prepare JOB KEY ROLE` is answered with `ready`, or
//! with `unable` when its peer does not support the job; `run COUNT` with `took START END STAMP…`,
//! in nanoseconds of the system's monotonic clock, which all processes share. The workers of
//! CPython's manager, in `bench/cpython.py`, use the same protocol.

#![expect(clippy::print_stdout, reason = "its words are lines on standard output")]

use std::io::BufRead;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::time::{ClockId, clock_gettime};

use crate::case::Job;
use crate::peer::{PeerKind, SPIN};

mod echo;
pub(crate) mod growth;
mod ours;
mod redis;
mod stream;

/// How long a case that measures a wake gives the sleeper to fall asleep.
const SETTLE: Duration = Duration::from_micros(300);

/// A worker's task.
#[derive(Debug)]
struct Task {
    job: Job,
    /// The name of this case's objects.
    key: String,
    /// Which of the workers this is: 0 makes the objects.
    role: usize,
}

/// A task in progress: does it a number of times, and returns the moments that it noted.
type Work = Box<dyn FnMut(u64) -> Result<Vec<u64>>>;

/// Does something over and over.
fn repeat(mut once: impl FnMut() -> Result<()> + 'static) -> Work {
    Box::new(move |times| {
        (0..times).try_for_each(|_| once())?;
        Ok(Vec::new())
    })
}

/// Does something over and over that notes a moment each time.
fn note(mut once: impl FnMut() -> Result<u64> + 'static) -> Work {
    Box::new(move |times| (0..times).map(|_| once()).collect())
}

/// What a peer's client can do.
trait Client {
    /// Prepares a task; `None` when it is not supported.
    fn prepare(&mut self, task: &Task) -> Result<Option<Work>>;
}

/// Works for a peer until standard input ends.
pub(crate) fn run(peer: PeerKind, address: &str) -> Result<()> {
    let mut client: Box<dyn Client> = match peer {
        PeerKind::Ours | PeerKind::OursPlain => Box::new(ours::Ours::new(Duration::ZERO)?),
        PeerKind::OursSpin => Box::new(ours::Ours::new(SPIN)?),
        PeerKind::Echo => Box::new(echo::Echo::new(address)?),
        PeerKind::Redis => Box::new(redis::Redis::new(address)?),
        PeerKind::Cpython | PeerKind::PythonOnOurs => bail!("these workers are in Python"),
    };
    let mut work = None;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["prepare", job, key, role] => {
                let job = Job::named(job).with_context(|| format!("{job} is no job"))?;
                let task = Task { job, key: key.to_owned(), role: role.parse()? };
                // What belongs to the last one goes before.
                drop(work.take());
                work = client.prepare(&task)?;
                println!("{}", if work.is_some() { "ready" } else { "unable" });
            }
            ["run", times] => {
                let work = work.as_mut().context("nothing is prepared")?;
                let start = now();
                let stamps = work(times.parse()?)?;
                let end = now();
                let stamps: Vec<String> = stamps.iter().map(ToString::to_string).collect();
                println!("took {start} {end} {}", stamps.join(" "));
            }
            _ => bail!("{line} makes no sense"),
        }
    }
    Ok(())
}

/// Nanoseconds of the clock that all processes share.
fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    // Neither is negative: the clock began at zero.
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

/// Gives another process the time to fall asleep.
#[expect(clippy::disallowed_methods, reason = "that it sleeps is not to be seen from here")]
fn settle() {
    std::thread::sleep(SETTLE);
}
