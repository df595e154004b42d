//! A whole run: all cases, under all transports and placements, the peers in turn.

#![expect(clippy::print_stderr, reason = "a run takes minutes and says how far it is")]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result, bail, ensure};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::case::{Case, Job, Measure};
use crate::peer::{PeerKind, Site, Transport, machine};
use crate::placement::{Placement, allowed};
use crate::process::{Process, Program};
use crate::report::{Report, Row};
use crate::spread::Spread;
use crate::team::Team;

/// How thoroughly to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// How often each peer has its turn in a case.
    pub(crate) rounds: usize,
    /// Nanoseconds that a turn should take.
    pub(crate) turn: u64,
    /// TCP only where all run on one processor.
    pub(crate) is_quick: bool,
}

impl Effort {
    pub(crate) const FULL: Self = Self { rounds: 5, turn: 50_000_000, is_quick: false };
    pub(crate) const QUICK: Self = Self { rounds: 3, turn: 10_000_000, is_quick: true };
}

/// A run under way.
#[derive(Debug)]
pub(crate) struct Run {
    site: Site,
    effort: Effort,
    peers: Vec<PeerKind>,
    allowed: Vec<usize>,
    /// A row is measured if its name contains one of these, or if there are none.
    only: Vec<String>,
    interrupted: Arc<AtomicBool>,
    failed: Cell<usize>,
}

impl Run {
    pub(crate) fn new(effort: Effort, peers: &[PeerKind], only: Vec<String>) -> Result<Self> {
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
        }
        let (site, allowed) = (Site::new()?, allowed()?);
        let mut here = Vec::new();
        for &peer in peers {
            match site.lacks(peer) {
                Some(why) => eprintln!("skipped: {}: {why}", peer.name()),
                None => here.push(peer),
            }
        }
        Ok(Self { site, effort, peers: here, allowed, only, interrupted, failed: Cell::new(0) })
    }

    /// Measures everything that was selected.
    pub(crate) fn run(&self) -> Result<Report> {
        let mut report = Report { machine: machine(self.allowed.len()), cases: Vec::new() };
        for &placement in Placement::all(self.allowed.len()) {
            for transport in Transport::ALL {
                let one_core = placement == Placement::OneCore;
                if !self.effort.is_quick || transport == Transport::Unix || one_core {
                    self.group(transport, placement, &mut report)?;
                }
            }
        }
        let nothing = report.cases.is_empty() && self.failed() == 0;
        ensure!(!nothing, "no case that is measured here has one of {:?} in its name", self.only);
        report.sort();
        Ok(report)
    }

    /// How many cases failed; they are not in the report.
    pub(crate) fn failed(&self) -> usize {
        self.failed.get()
    }

    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| name.contains(part.as_str()))
    }

    fn check(&self) -> Result<()> {
        if self.interrupted.load(Ordering::Relaxed) {
            bail!("interrupted");
        }
        Ok(())
    }

    /// All cases of one transport and placement, which the same servers serve.
    fn group(&self, transport: Transport, placement: Placement, report: &mut Report) -> Result<()> {
        let name = |case: &Case| format!("{}/{}/{}", case.job, transport.name(), placement.name());
        let is_here = |job: &Job| match placement {
            Placement::Busy => transport == Transport::Unix && job.is_for_busy(),
            _ => {
                let of_growth = transport == Transport::Unix && placement == Placement::OneCore;
                (of_growth || !job.is_growth()) && !(self.effort.is_quick && job.is_long())
            }
        };
        let cases: Vec<Case> = Job::all().into_iter().filter(is_here).map(Job::case).collect();
        let cases: Vec<&Case> = cases.iter().filter(|case| self.wants(&name(case))).collect();
        if cases.is_empty() {
            return Ok(());
        }
        let burn = |at| Process::start(&Program::this("other work", "burn")?, &[at]);
        let busy = self.allowed.iter().filter(|_| placement == Placement::Busy);
        let _other_work = busy.map(|&at| burn(at)).collect::<Result<Vec<Process>>>()?;
        let start = |&peer| Team::start(&self.site, peer, transport, placement, &self.allowed);
        let start = || {
            let fitting = self.peers.iter().filter(|peer| peer.fits(transport, placement));
            fitting.map(start).collect::<Result<Vec<Team>>>()
        };
        let mut teams = start()?;
        for case in cases {
            if case.measure == Measure::Bytes {
                // Memory that was free already would not be seen to be taken.
                teams = start()?;
            }
            match self.case(name(case), case, &mut teams) {
                // Only peers that have nothing of the kind.
                Ok(row) if row.peers.is_empty() => {}
                Ok(row) => {
                    eprintln!("{row}");
                    report.cases.push(row);
                }
                Err(error) => {
                    self.check()?;
                    eprintln!("FAILED: {}: {error:#}", name(case));
                    self.failed.set(self.failed.get() + 1);
                    // Whoever failed is no more; the others begin anew with it.
                    teams = start()?;
                }
            }
        }
        Ok(())
    }

    /// One case: a few times to estimate how long it takes, then the rounds, in which the peers
    /// take turns so that whatever disturbs the machine meanwhile disturbs all of them.
    fn case(&self, name: String, case: &Case, teams: &mut [Team]) -> Result<Row> {
        let mut turns: Vec<(&mut Team, u64, Vec<f64>)> = Vec::new();
        for team in teams {
            self.check()?;
            if team.prepare(case)? {
                let times = self.times(case, team)?;
                turns.push((team, times, Vec::new()));
            }
        }
        for round in 0..if case.measure.is_once() { 1 } else { self.effort.rounds } {
            let count = turns.len();
            for at in 0..count {
                self.check()?;
                let (team, times, figures) = &mut turns[(at + round) % count];
                figures.push(team.measure(case, *times)?.0);
            }
        }
        let spreads = turns.iter().filter_map(|(team, _, figures)| {
            Some((team.peer.name().to_owned(), Spread::of(figures)?))
        });
        let peers: BTreeMap<String, Spread> = spreads.collect();
        Ok(Row { case: name, unit: case.measure.unit().to_owned(), peers })
    }

    /// How many repetitions fill a turn.
    fn times(&self, case: &Case, team: &mut Team) -> Result<u64> {
        let mut times = 1;
        if case.measure.is_once() {
            return Ok(times);
        }
        loop {
            let (_, took) = team.measure(case, times)?;
            if took >= self.effort.turn / 8 {
                return Ok((times * self.effort.turn / took).max(1));
            }
            times = times.checked_mul(4).context("it takes no time, however often it is done")?;
        }
    }
}
