//! A pipeline of three stages, each of several processes, with a bounded queue between each two:
//! numbers are produced, squared, and collected.
//!
//! ```text
//! cargo run --example pipeline -- [--numbers N] [--processes P] [--kill-one]
//! ```
//!
//! It shows that a bounded queue lets no stage run ahead of the next; that the end of the stream is
//! a closed queue; that no leased item is lost by a death; and how to distinguish its second
//! delivery from its first.

use std::env;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::os::unix::process::ExitStatusExt;
use std::process::{self, ExitStatus};
use std::sync::mpsc::{self, Sender};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, ValueEnum};
use rustix::process::{Signal, getpid, kill_process};
use sync_client::{Dict, Error, Manager, Queue, Value};
use sync_server::Server;

/// Squares numbers in a pipeline of processes, and checks the result.
#[derive(Debug, Parser)]
#[command(max_term_width = 100)]
struct Args {
    /// How many numbers go through the pipeline.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    numbers: u64,

    /// How many processes each stage has.
    #[arg(long, value_name = "P", default_value_t = 2,
        value_parser = clap::value_parser!(u64).range(1..))]
    processes: u64,

    /// Kill the process that squares the number in the middle, after it has passed the square on
    /// but before it has acknowledged the number.
    #[arg(long)]
    kill_one: bool,

    /// The stage that this process belongs to.
    #[arg(long, hide = true)]
    stage: Option<Stage>,

    /// Which of its stage's processes this is.
    #[arg(long, hide = true, default_value_t = 0)]
    part: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Stage {
    Produce,
    Transform,
    Collect,
}

/// What the processes share. Whichever comes first creates it.
#[derive(Debug)]
struct Belts {
    numbers: Queue<u64>,
    squares: Queue<(u64, u64)>,
    collected: Dict<u64, u64>,
    twice: Value<u64>,
}

/// How many items a queue holds before a process that puts one more waits.
const BOUND: u64 = 16;

fn main() -> Result<()> {
    let args = Args::parse();
    let Some(stage) = args.stage else { return direct(&args) };
    let belts = Belts::of(&Manager::from_env()?)?;
    let outcome = match stage {
        Stage::Produce => produce(&args, &belts),
        Stage::Transform => transform(&args, &belts),
        Stage::Collect => collect(&belts),
    };
    outcome.with_context(|| format!("process {} of {stage:?} failed", process::id()))
}

fn produce(args: &Args, belts: &Belts) -> Result<()> {
    for number in (args.part..args.numbers).step_by(args.processes as usize) {
        belts.numbers.put(&number)?;
    }
    Ok(())
}

fn transform(args: &Args, belts: &Belts) -> Result<()> {
    for number in belts.numbers.deliveries() {
        let number = number?;
        belts.squares.put(&(*number, *number * *number))?;
        if args.kill_one && *number == args.numbers / 2 && number.attempt() == 1 {
            kill_process(getpid(), Signal::KILL)?;
        }
        // Only now: a process that dies before this leaves the number to another.
        number.ack()?;
    }
    Ok(())
}

fn collect(belts: &Belts) -> Result<()> {
    for square in belts.squares.deliveries() {
        let square = square?;
        let (number, squared) = *square;
        // At least once, not exactly once: the number tells what has come before.
        if belts.collected.insert(&number, &squared)?.is_some() {
            belts.twice.fetch_add(1)?;
        }
        square.ack()?;
    }
    Ok(())
}

/// Hosts the manager, starts the processes, and closes the queue behind each stage that is done.
fn direct(args: &Args) -> Result<()> {
    let server = Server::builder().spawn()?;
    let manager = Manager::over(server.local()?);
    let belts = Belts::of(&manager)?;
    let (gone, ends) = mpsc::channel();
    for &stage in Stage::value_variants() {
        for part in 0..args.processes {
            start(&manager, stage, part, gone.clone())?;
        }
    }
    let mut left = [args.processes; 3];
    let mut killed = 0;
    for (stage, ended) in ends {
        let ended = ended?;
        if args.kill_one && ended.signal() == Some(Signal::KILL.as_raw()) {
            killed += 1;
            start(&manager, stage, 0, gone.clone())?;
            continue;
        }
        ensure!(ended.success(), "a process of {stage:?} ended with {ended}");
        left[stage as usize] -= 1;
        if left[stage as usize] == 0 && belts.close_after(stage)?.is_break() {
            break;
        }
    }
    report(args, &belts, killed)
}

/// Starts a process of a stage: this same program, which gets the manager's address and its task.
fn start(
    manager: &Manager,
    stage: Stage,
    part: u64,
    gone: Sender<(Stage, io::Result<ExitStatus>)>,
) -> Result<()> {
    let mut command = manager.command(env::current_exe()?);
    command.args(env::args_os().skip(1));
    command.arg(format!("--stage={stage:?}").to_lowercase()).arg(format!("--part={part}"));
    let mut child = command.spawn().context("a process cannot be started")?;
    // Nobody listens any more when another process has failed.
    thread::spawn(move || gone.send((stage, child.wait())));
    Ok(())
}

/// Checks that each number has arrived, squared, and prints their sum.
fn report(args: &Args, belts: &Belts, killed: u64) -> Result<()> {
    let mut collected: Vec<(u64, u64)> = belts.collected.items()?;
    collected.sort();
    let expected = (0..args.numbers).map(|number| (number, number * number));
    if !expected.eq(collected.iter().copied()) {
        bail!("not the squares of 0 to {}: {collected:?}", args.numbers);
    }
    let sum: u64 = collected.iter().map(|(_, square)| square).sum();
    let twice = belts.twice.get()?;
    let mut out = io::stdout().lock();
    writeln!(out, "{} squares, their sum is {sum}", collected.len())?;
    writeln!(out, "processes killed: {killed}, squares that came twice: {twice}")?;
    Ok(())
}

impl Belts {
    fn of(manager: &Manager) -> Result<Self, Error> {
        Ok(Self {
            numbers: manager.named("numbers").create_queue(BOUND)?,
            squares: manager.named("squares").create_queue(BOUND)?,
            collected: manager.named("collected").create_dict()?,
            twice: manager.named("twice").create_value(0)?,
        })
    }

    /// Tells the next stage that nothing more will come; ends after the last stage.
    fn close_after(&self, stage: Stage) -> Result<ControlFlow<()>, Error> {
        match stage {
            Stage::Produce => self.numbers.close()?,
            Stage::Transform => self.squares.close()?,
            Stage::Collect => return Ok(ControlFlow::Break(())),
        }
        Ok(ControlFlow::Continue(()))
    }
}
