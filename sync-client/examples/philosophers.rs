//! The dining philosophers, each a process of its own. The forks are shared locks.
//!
//! ```text
//! cargo run --example philosophers -- [--philosophers N] [--meals M] [--kill-one]
//! ```
//!
//! It shows a list of locks as one shared object; that locks taken in one order cannot deadlock;
//! and that a lock whose holder is killed passes to the next in line, which can see that.

use std::env;
use std::io::{self, Write};
use std::process::Child;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use sync_client::{Dict, Error, Event, List, Lock, Manager, Value};
use sync_server::Server;

/// Lets philosophers dine: processes that each need both forks beside them to eat.
#[derive(Debug, Parser)]
#[command(max_term_width = 100)]
struct Args {
    /// How many philosophers, and forks.
    #[arg(long, value_name = "N", default_value_t = 5,
        value_parser = clap::value_parser!(u64).range(2..))]
    philosophers: u64,

    /// How many meals each of them eats.
    #[arg(long, value_name = "M", default_value_t = 20)]
    meals: u64,

    /// Kill the first philosopher while it holds both of its forks.
    #[arg(long)]
    kill_one: bool,

    /// The seat of the philosopher that this process is.
    #[arg(long, hide = true)]
    seat: Option<u64>,
}

/// What the processes share.
#[derive(Debug)]
struct Table {
    forks: List<Lock>,
    /// How often each fork was used. Only the holder of the fork may count.
    uses: List<u64>,
    meals: Dict<u64, u64>,
    abandoned: Value<u64>,
    /// Dinner is served: in a dinner with a murder, once the victim has its forks.
    served: Event,
    /// Philosophers that wait for the victim wait for its death.
    dessert: Event,
}

/// The philosopher that is killed, if one is.
const VICTIM: u64 = 0;

/// How long the victim may take to start and to pick up two forks.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> Result<()> {
    let args = Args::parse();
    match args.seat {
        None => host(&args),
        Some(seat) => dine(&args, seat).with_context(|| format!("philosopher {seat} failed")),
    }
}

/// Hosts the manager, and the philosophers.
fn host(args: &Args) -> Result<()> {
    let server = Server::builder().spawn()?;
    let manager = Manager::over(server.local()?);
    let table = Table::lay(&manager, args.philosophers)?;
    let mut guests = (0..args.philosophers)
        .map(|seat| seat_guest(&manager, seat))
        .collect::<Result<Vec<_>>>()?;
    if args.kill_one {
        table.served.within(PATIENCE).wait().context("the victim did not get his forks")?;
        guests[VICTIM as usize].kill()?;
    } else {
        table.served.set()?;
    }
    for (seat, guest) in (0..).zip(&mut guests) {
        let ended = guest.wait()?;
        let killed = args.kill_one && seat == VICTIM;
        ensure!(ended.success() != killed, "philosopher {seat} ended with {ended}");
    }
    report(args, &table)
}

/// Starts a philosopher: this same program, which gets the manager's address and its seat.
fn seat_guest(manager: &Manager, seat: u64) -> Result<Child> {
    let mut command = manager.command(env::current_exe()?);
    command.args(env::args_os().skip(1)).arg(format!("--seat={seat}"));
    command.spawn().context("a philosopher cannot be started")
}

/// What a philosopher does.
fn dine(args: &Args, seat: u64) -> Result<()> {
    let table = Table::open(&Manager::from_env()?)?;
    let forks = table.forks.to_vec()?;
    // All take the fork with the lower number first. So a holder of a fork waits only for higher
    // ones, and there is no cycle of philosophers that wait for each other.
    let mut hands = [seat, (seat + 1) % args.philosophers].map(|fork| fork as usize);
    hands.sort();
    let pick_up = || Ok::<_, Error>([forks[hands[0]].lock()?, forks[hands[1]].lock()?]);

    if args.kill_one && seat == VICTIM {
        let _both = pick_up()?;
        table.served.set()?;
        table.dessert.wait()?;
    }
    table.served.wait()?;
    for _ in 0..args.meals {
        let both = pick_up()?;
        let abandoned = both.iter().filter(|fork| fork.was_abandoned()).count();
        if abandoned > 0 {
            table.abandoned.fetch_add(abandoned as u64)?;
        }
        for fork in hands {
            // Two steps, between which only the fork keeps the neighbour away.
            let uses = table.uses.get(fork)?;
            table.uses.set(fork, &(uses + 1))?;
        }
        table.meals.add(&seat, 1)?;
    }
    Ok(())
}

/// Prints how the dinner went, and fails if it did not go as it should.
fn report(args: &Args, table: &Table) -> Result<()> {
    let mut out = io::stdout().lock();
    let mut eaten = 0;
    for seat in 0..args.philosophers {
        let killed = args.kill_one && seat == VICTIM;
        let meals = table.meals.get(&seat)?.unwrap_or_default();
        writeln!(out, "philosopher {seat}: {meals} meals{}", if killed { ", killed" } else { "" })?;
        ensure!(meals == if killed { 0 } else { args.meals }, "philosopher {seat} ate {meals}");
        eaten += meals;
    }
    writeln!(out, "forks found abandoned: {}", table.abandoned.get()?)?;
    let uses: u64 = table.uses.to_vec()?.iter().sum();
    ensure!(
        uses == 2 * eaten,
        "two forks for each of {eaten} meals, but {uses} uses: shared forks"
    );
    Ok(())
}

impl Table {
    fn lay(manager: &Manager, philosophers: u64) -> Result<Self, Error> {
        let forks: Vec<Lock> =
            (0..philosophers).map(|_| manager.create_lock()).collect::<Result<_, _>>()?;
        manager.named("forks").create_list_from(forks)?;
        manager.named("uses").create_list_from((0..philosophers).map(|_| 0u64))?;
        Self::open(manager)
    }

    fn open(manager: &Manager) -> Result<Self, Error> {
        Ok(Self {
            forks: manager.named("forks").open()?,
            uses: manager.named("uses").open()?,
            meals: manager.named("meals").create_dict()?,
            abandoned: manager.named("abandoned").create_value(0)?,
            served: manager.named("served").create_event()?,
            dessert: manager.named("dessert").create_event()?,
        })
    }
}
