//! The parent: hosts the manager, feeds the workers, and replaces those that die.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;
use sync_client::Manager;
use sync_server::Server;

use crate::args::Args;
use crate::crew::{Crew, WorkerId};
use crate::files::Found;
use crate::report::Report;
use crate::shared::{Job, Shared};

/// Files that wait for a worker, for each worker.
const FILES_AHEAD: u64 = 4;

/// How often the progress bar is drawn.
const REDRAW: Duration = Duration::from_millis(50);

/// Workers that may die, for each one wanted, without a single file getting done.
const MAX_DEATHS: usize = 10;

/// Counts the files, and adds up.
pub(crate) fn run(found: Found, args: &Args) -> Result<Report> {
    let (files, workers) = (found.files, args.workers());
    let server = Server::builder().spawn()?;
    let manager = Manager::over(server.local()?);
    let shared = Shared::create(&manager, FILES_AHEAD * workers as u64)?;

    let started = Instant::now();
    let (gone, graveyard) = mpsc::channel();
    let crew = Mutex::new(Crew::new(&manager, gone));
    for _ in 0..workers {
        crew.lock().hire()?;
    }
    let kill_at = args.kill_one.then_some(files.len() / 3);
    let replaced = thread::scope(|scope| -> Result<usize> {
        let feeder = scope.spawn(|| feed(&shared, &files, kill_at, &crew));
        let watched = watch(&shared, files.len(), workers, &crew, &graveyard);
        if watched.is_err() {
            // Else the feeder would wait for ever for room that nobody makes.
            shared.files.close_now()?;
        }
        let fed = feeder.join().unwrap_or_else(|_| bail!("the feeder panicked"));
        // What went wrong with the crew comes first: the feeder only met the closed queue.
        watched.and_then(|replaced| fed.map(|()| replaced))
    })?;

    let mut report = Report::new(workers, replaced, found.unreadable);
    for result in shared.results.iter() {
        let (number, outcome) = result?;
        report.add(&files[usize::try_from(number)?], outcome);
    }
    let (results, files) = (report.files(), files.len());
    ensure!(results == files, "only {results} of {files} files have a result");
    report.finish(started.elapsed());
    Ok(report)
}

/// Puts the files into the queue. Its bound holds this back, so it kills in time, and no worker
/// can be at the end by then.
fn feed(
    shared: &Shared,
    files: &[PathBuf],
    kill_at: Option<usize>,
    crew: &Mutex<Crew<'_>>,
) -> Result<()> {
    let put_all = || -> Result<()> {
        for (index, path) in files.iter().enumerate() {
            shared.files.put(&Job { number: index as u64, path: path.into() })?;
            if kill_at == Some(index) {
                crew.lock().kill_one()?;
            }
        }
        Ok(())
    };
    let put = put_all();
    // Even if not all are in: a worker ends when the queue is closed and drained.
    let closed = shared.files.close();
    put?;
    Ok(closed?)
}

/// Replaces each worker that dies, until all have come to the end of the work; shows how far they
/// are. Returns how many were replaced.
fn watch(
    shared: &Shared,
    files: usize,
    workers: usize,
    crew: &Mutex<Crew<'_>>,
    graveyard: &Receiver<WorkerId>,
) -> Result<usize> {
    let bar = progress_bar(files)?;
    let (mut replaced, mut in_vain, mut done) = (0, 0, 0);
    loop {
        bar.set_position(shared.done.get()?);
        let worker = match graveyard.recv_timeout(REDRAW) {
            Ok(worker) => worker,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => bail!("the crew is gone"),
        };
        let mut crew = crew.lock();
        let status = crew.bury(worker)?;
        if status.success() {
            if crew.is_empty() {
                bar.finish_and_clear();
                return Ok(replaced);
            }
            continue;
        }
        let now_done = shared.done.get()?;
        in_vain = if now_done == done { in_vain + 1 } else { 1 };
        done = now_done;
        ensure!(in_vain < MAX_DEATHS * workers, "{in_vain} workers died without any progress");
        bar.suspend(|| {
            writeln!(io::stderr(), "worker {worker} died ({status}); another takes its place")
        })?;
        crew.hire()?;
        replaced += 1;
    }
}

fn progress_bar(files: usize) -> Result<ProgressBar> {
    let style = "{bar:40.cyan/dim} {pos}/{len} files  {percent} %  {eta} left";
    Ok(ProgressBar::new(files as u64).with_style(ProgressStyle::with_template(style)?))
}
