//! A peer's server with its workers, and one measurement of a case.

use anyhow::{Context, Result, bail};

use crate::case::{Case, Measure};
use crate::peer::{PeerKind, Server, Site, Transport};
use crate::placement::{Placement, Side};
use crate::process::Process;

/// A server and its workers, which serve one case after the other.
#[derive(Debug)]
pub(crate) struct Team {
    pub(crate) peer: PeerKind,
    server: Server,
    workers: Vec<Process>,
    /// Makes the objects, where the workers find them by name.
    maker: Option<Process>,
    processors: Vec<usize>,
    prepared: usize,
}

/// When a worker began and ended, and what it noted.
#[derive(Debug, PartialEq, Eq)]
struct Took {
    start: u64,
    end: u64,
    stamps: Vec<u64>,
}

impl Team {
    pub(crate) fn start(
        site: &Site,
        peer: PeerKind,
        transport: Transport,
        placement: Placement,
        allowed: &[usize],
    ) -> Result<Self> {
        let server = site.start(peer, transport, placement.processors(allowed, Side::Server))?;
        let processors = placement.processors(allowed, Side::Client).to_vec();
        let maker = server.maker().map(|maker| Process::start(maker, &processors)).transpose()?;
        Ok(Self { peer, server, workers: Vec::new(), maker, processors, prepared: 0 })
    }

    /// Has the workers prepare a case; `false` when the peer does not support it.
    pub(crate) fn prepare(&mut self, case: &Case) -> Result<bool> {
        while self.workers.len() < case.workers {
            self.workers.push(Process::start(self.server.worker(), &self.processors)?);
        }
        self.prepared += 1;
        for (role, worker) in self.workers[..case.workers].iter_mut().enumerate() {
            let line = format!("prepare {} case{} {role}", case.job, self.prepared);
            let maker = self.maker.as_mut().filter(|_| !case.job.is_growth());
            for process in maker.into_iter().chain([worker]) {
                process.say(&line)?;
                match process.hear()?.as_str() {
                    "ready" => {}
                    "unable" => return Ok(false),
                    said => bail!("a worker of {} said {said}", self.peer.name()),
                }
            }
        }
        Ok(true)
    }

    /// Has each worker do its part `times` times. Returns the figure, and how many nanoseconds it
    /// took.
    pub(crate) fn measure(&mut self, case: &Case, times: u64) -> Result<(f64, u64)> {
        let workers = &mut self.workers[..case.workers];
        for worker in workers.iter_mut() {
            worker.say(&format!("run {times}"))?;
        }
        let all: Result<Vec<Took>> =
            workers.iter_mut().map(|worker| worker.hear().and_then(|line| took(&line))).collect();
        let all = all.with_context(|| format!("{} of {}", case.job, self.peer.name()))?;
        sum_up(case.measure, &all, times)
    }
}

fn took(line: &str) -> Result<Took> {
    let numbers = line.strip_prefix("took ").with_context(|| format!("a worker said {line}"))?;
    let numbers: Result<Vec<u64>, _> = numbers.split_whitespace().map(str::parse).collect();
    match numbers?[..] {
        [start, end, ref stamps @ ..] => Ok(Took { start, end, stamps: stamps.to_vec() }),
        _ => bail!("a worker said {line}"),
    }
}

/// What a case's figure is, and how many nanoseconds passed.
#[expect(clippy::cast_precision_loss, reason = "figures of three digits are made of them")]
fn sum_up(measure: Measure, all: &[Took], times: u64) -> Result<(f64, u64)> {
    let (Some(first), Some(start), Some(end)) = (
        all.first(),
        all.iter().map(|took| took.start).min(),
        all.iter().map(|took| took.end).max(),
    ) else {
        bail!("a case without workers");
    };
    let passed = (end - start).max(1);
    let own = (first.end - first.start).max(1);
    let per_second = |count: usize, time: u64| (count as u64 * times) as f64 * 1e9 / time as f64;
    let figure = match measure {
        Measure::Each => own as f64 / times as f64 / 1e3,
        Measure::Together => per_second(all.len(), passed),
        Measure::First => per_second(1, own),
        Measure::Between => {
            let [waker, sleeper] = all else { bail!("a wake takes two") };
            let pairs = waker.stamps.iter().zip(&sleeper.stamps);
            // The median: a single late wake would outweigh all others.
            below(50, pairs.map(|(&from, &to)| to.saturating_sub(from)).collect())? / 1e3
        }
        Measure::Noted => below(50, first.stamps.clone())? / 1e3,
        Measure::Worst => below(99, first.stamps.clone())? / 1e3,
        Measure::Longest => *first.stamps.iter().max().context("nothing was noted")? as f64 / 1e3,
        Measure::Bytes => below(50, first.stamps.clone())?,
    };
    Ok((figure, passed))
}

/// What `percent` of a hundred stay below.
#[expect(clippy::cast_precision_loss, reason = "figures of three digits are made of them")]
fn below(percent: usize, mut noted: Vec<u64>) -> Result<f64> {
    noted.sort_unstable();
    let figure = noted.get(noted.len() * percent / 100).context("nothing was noted")?;
    Ok(*figure as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn took_from(start: u64, end: u64, stamps: &[u64]) -> Took {
        Took { start, end, stamps: stamps.to_vec() }
    }

    #[test]
    fn each_is_the_time_of_the_first_worker() {
        let all = [took_from(0, 10_000, &[]), took_from(0, 90_000, &[])];
        assert_eq!(sum_up(Measure::Each, &all, 5).unwrap(), (2.0, 90_000));
    }

    #[test]
    fn together_is_the_rate_of_all_from_the_first_start_to_the_last_end() {
        let all = [took_from(0, 500_000_000, &[]), took_from(500_000_000, 1_000_000_000, &[])];
        assert_eq!(sum_up(Measure::Together, &all, 50).unwrap(), (100.0, 1_000_000_000));
    }

    #[test]
    fn between_is_the_median_of_the_pairs() {
        let all = [took_from(0, 1, &[0, 100, 200]), took_from(0, 1, &[5_000, 1_100, 3_200])];
        assert_eq!(sum_up(Measure::Between, &all, 3).unwrap().0, 3.0);
    }

    #[test]
    fn the_worst_is_what_one_of_a_hundred_exceeds() {
        let stamps: Vec<u64> = (0..200).map(|at| at * 1_000).collect();
        let all = [took_from(0, 1, &stamps)];
        assert_eq!(sum_up(Measure::Worst, &all, 1).unwrap().0, 198.0);
        assert_eq!(sum_up(Measure::Noted, &all, 1).unwrap().0, 100.0);
        assert_eq!(sum_up(Measure::Bytes, &all, 1).unwrap().0, 100_000.0);
    }

    #[test]
    fn a_line_of_a_worker_is_read() {
        assert_eq!(took("took 1 2 3 4").unwrap(), took_from(1, 2, &[3, 4]));
        assert!(took("took 1").is_err());
        assert!(took("failed").is_err());
    }
}
