//! The worker processes, seen by their parent.

use std::collections::BTreeMap;
use std::env;
use std::io;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::thread;

use anyhow::{Context, Result};
use sync_client::Manager;

/// The number of a worker, never reused.
pub(crate) type WorkerId = usize;

/// The worker processes that are alive, or were until a moment ago. They don't outlive it.
#[derive(Debug)]
pub(crate) struct Crew<'a> {
    manager: &'a Manager,
    workers: BTreeMap<WorkerId, Child>,
    next: WorkerId,
    gone: Sender<WorkerId>,
}

impl<'a> Crew<'a> {
    /// Makes a crew without workers. Whenever one is gone, its number is sent.
    pub(crate) fn new(manager: &'a Manager, gone: Sender<WorkerId>) -> Self {
        Self { manager, workers: BTreeMap::new(), next: 1, gone }
    }

    /// Starts a worker: this same program, told where the manager is.
    pub(crate) fn hire(&mut self) -> Result<()> {
        let program = env::current_exe().context("can't find this program to start it again")?;
        let mut command = self.manager.command(program);
        command.arg("--worker").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut worker = command.spawn().context("can't start a worker")?;
        let (id, gone) = (self.next, self.gone.clone());
        if let Some(mut output) = worker.stdout.take() {
            // A worker prints nothing: its output ends when it ends, in whatever way.
            thread::spawn(move || {
                let _ = io::copy(&mut output, &mut io::sink());
                let _ = gone.send(id);
            });
        }
        self.workers.insert(id, worker);
        self.next += 1;
        Ok(())
    }

    /// Takes a worker that is gone out of the crew, and returns how it ended.
    pub(crate) fn bury(&mut self, id: WorkerId) -> Result<ExitStatus> {
        let mut worker = self.workers.remove(&id).context("no such worker")?;
        Ok(worker.wait()?)
    }

    /// Kills the worker that has been in the crew longest, without any warning.
    pub(crate) fn kill_one(&mut self) -> Result<()> {
        if let Some(mut first) = self.workers.first_entry() {
            first.get_mut().kill().context("can't kill a worker")?;
        }
        Ok(())
    }

    /// Returns whether no worker is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.workers.is_empty()
    }
}

impl Drop for Crew<'_> {
    fn drop(&mut self) {
        for worker in self.workers.values_mut() {
            // One that is gone already can't be killed, and that's all that can be wrong.
            let _ = worker.kill();
            let _ = worker.wait();
        }
    }
}
