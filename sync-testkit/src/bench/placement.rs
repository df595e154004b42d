//! Which processors a process may use, and the start of a process that keeps to them.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use rustix::process::{
    Pid, Resource, Rlimit, Signal, getppid, getrlimit, set_parent_process_death_signal, setrlimit,
};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Where the server and its clients run. On a virtual machine this decides everything: waking an
/// idle processor takes longer than a round trip does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    /// All on one processor.
    OneCore,
    /// The server on one, the clients on the others.
    Apart,
    /// As the system chooses.
    Unpinned,
    /// The same, while every processor is busy with other work.
    Busy,
}

/// On which side of the socket a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Server,
    Client,
}

impl Placement {
    /// The placements that this number of processors allows.
    pub(crate) fn all(processors: usize) -> &'static [Self] {
        use Placement::*;
        if processors > 1 { &[OneCore, Apart, Unpinned, Busy] } else { &[OneCore, Busy] }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OneCore => "one_core",
            Self::Apart => "apart",
            Self::Unpinned => "unpinned",
            Self::Busy => "busy",
        }
    }

    /// The processors, of those allowed, that a process may use.
    pub(crate) fn processors(self, allowed: &[usize], side: Side) -> &[usize] {
        match (self, side) {
            (Self::OneCore, _) | (Self::Apart, Side::Server) => &allowed[..1],
            (Self::Apart, Side::Client) => &allowed[1..],
            (Self::Unpinned | Self::Busy, _) => allowed,
        }
    }
}

/// The processors that this process may use.
pub(crate) fn allowed() -> Result<Vec<usize>> {
    let set = sched_getaffinity(None).context("the system doesn't tell which processors to use")?;
    Ok((0..CpuSet::MAX_CPU).filter(|&at| set.is_set(at)).collect())
}

/// The arguments of `launch`, through which all processes of the bench are started: what is set
/// here is inherited by the program that takes this process's place.
#[derive(Args, Debug)]
pub(crate) struct Launch {
    /// The processors to keep to.
    #[arg(long, value_delimiter = ',', required = true)]
    processors: Vec<usize>,
    /// The process with which this one ends.
    #[arg(long)]
    parent: i32,
    /// What to run.
    #[arg(last = true, required = true)]
    program: Vec<OsString>,
}

impl Launch {
    /// Becomes the program; returns only if that fails.
    pub(crate) fn run(&self) -> Result<()> {
        let mut set = CpuSet::new();
        self.processors.iter().for_each(|&at| set.set(at));
        sched_setaffinity(None, &set).context("the processors cannot be chosen")?;
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // Thousands of clients take a file descriptor or two each.
        let files = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files })?;
        // It may have ended before it could be watched.
        if getppid().map(Pid::as_raw_nonzero).map(i32::from) != Some(self.parent) {
            bail!("the bench has ended");
        }
        let [program, arguments @ ..] = &self.program[..] else { bail!("no program is named") };
        let error = Command::new(program).args(arguments).exec();
        Err(error).with_context(|| format!("{} cannot be run", program.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_and_its_clients_share_a_processor_or_share_none() {
        let allowed = [2, 3, 5];
        let both = |placement: Placement| {
            [Side::Server, Side::Client].map(|side| placement.processors(&allowed, side).to_vec())
        };
        assert_eq!(both(Placement::OneCore), [vec![2], vec![2]]);
        assert_eq!(both(Placement::Apart), [vec![2], vec![3, 5]]);
        for placement in [Placement::Unpinned, Placement::Busy] {
            assert_eq!(both(placement), [vec![2, 3, 5], vec![2, 3, 5]]);
        }
    }

    #[test]
    fn on_one_processor_nothing_is_apart() {
        assert_eq!(Placement::all(1), [Placement::OneCore, Placement::Busy]);
        assert_eq!(Placement::all(2).len(), 4);
    }
}
