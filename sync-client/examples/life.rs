//! Conway's Game of Life on a torus that is cut into bands, each stepped by a process of its own.
//!
//! ```text
//! cargo run --release --example life -- [--bands N] [--generations G] [--check]
//! ```
//!
//! It shows shared arrays that are read and written in slices; and a barrier, which all processes
//! pass together once per generation. There are two arrays: a generation is computed from one into
//! the other, so nobody overwrites what a neighbour has still to read.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use sync_client::{Array, Barrier, Error, Manager};
use sync_server::Server;

/// Plays the Game of Life with a process for each band of the world.
#[derive(Debug, Parser)]
#[command(max_term_width = 100)]
struct Args {
    /// How many cells the world has from left to right.
    #[arg(long, value_name = "CELLS", default_value_t = 72,
        value_parser = clap::value_parser!(u16).range(1..))]
    width: u16,

    /// How many cells the world has from top to bottom.
    #[arg(long, value_name = "CELLS", default_value_t = 24,
        value_parser = clap::value_parser!(u16).range(1..))]
    height: u16,

    /// Into how many bands the world is cut.
    #[arg(long, value_name = "N", default_value_t = 4,
        value_parser = clap::value_parser!(u16).range(1..))]
    bands: u16,

    /// How many generations to compute.
    #[arg(long, value_name = "G", default_value_t = 100)]
    generations: u64,

    /// A different number gives a different beginning.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,

    /// Compute the last generation once more, in this process alone, and compare.
    #[arg(long)]
    check: bool,

    /// The band that this process steps.
    #[arg(long, hide = true)]
    band: Option<u16>,
}

/// What the processes share: the even generations, the odd ones, and where all meet between two.
#[derive(Debug)]
struct World {
    generations: [Array<u8>; 2],
    step: Barrier,
}

/// How long a generation is shown in a terminal.
const FRAME: Duration = Duration::from_millis(50);

fn main() -> Result<()> {
    let args = Args::parse();
    match args.band {
        None => watch(&args),
        Some(band) => live(&args, band).with_context(|| format!("band {band} failed")),
    }
}

/// Steps one band.
fn live(args: &Args, band: u16) -> Result<()> {
    let (width, height) = (usize::from(args.width), usize::from(args.height));
    let edge = |band: u16| usize::from(band) * height / usize::from(args.bands);
    let (top, bottom) = (edge(band), edge(band + 1));
    let world = World::open(&Manager::from_env()?)?;
    for generation in 0..args.generations {
        let (now, next) = (world.generation(generation), world.generation(generation + 1));
        if top < bottom {
            // With the last row of the band above and the first of the one below.
            let above = now.slice(row((top + height - 1) % height, width))?;
            let own = now.slice(top * width..bottom * width)?;
            let below = now.slice(row(bottom % height, width))?;
            let stepped = step(&[above, own, below].concat(), width);
            next.set_slice(top * width..bottom * width, &stepped)?;
        }
        world.step.wait()?;
    }
    Ok(())
}

/// Hosts the manager, starts the bands' processes, and draws what they compute.
fn watch(args: &Args) -> Result<()> {
    let server = Server::builder().spawn()?;
    let manager = Manager::over(server.local()?);
    let first = beginning(args);
    let world = World::create(&manager, &first, u32::from(args.bands) + 1)?;
    let bands: Vec<_> =
        (0..args.bands).map(|band| start(&manager, band, &world.step)).collect::<Result<_>>()?;

    let width = usize::from(args.width);
    let clear = if io::stdout().is_terminal() { "\x1b[2J\x1b[H" } else { "" };
    let never = manager.create_event()?;
    for generation in 0..args.generations {
        if !clear.is_empty() {
            let cells = world.generation(generation).to_vec()?;
            write!(io::stdout(), "{clear}{}", drawn(&cells, width))?;
            let _ = never.wait_for(FRAME)?;
        }
        world.step.wait().with_context(|| format!("generation {generation} is the last one"))?;
    }
    for band in bands {
        // One that panicked has said so.
        let _ = band.join();
    }
    let last = world.generation(args.generations).to_vec()?;
    writeln!(io::stdout(), "{clear}{}generation {}", drawn(&last, width), args.generations)?;
    if args.check {
        ensure!(last == alone(args, first), "one process alone comes to another generation");
        writeln!(io::stdout(), "as one process alone computes it")?;
    }
    Ok(())
}

/// Starts a band's process: this same program, which gets the manager's address and its task. If it
/// fails, the parties that wait for it at the barrier get an error.
fn start(manager: &Manager, band: u16, step: &Barrier) -> Result<thread::JoinHandle<()>> {
    let mut command = manager.command(env::current_exe()?);
    command.args(env::args_os().skip(1)).arg(format!("--band={band}"));
    let mut child = command.spawn().context("a band's process cannot be started")?;
    let step = step.clone();
    Ok(thread::spawn(move || {
        if !child.wait().is_ok_and(|ended| ended.success()) {
            // If the manager is gone, nobody waits.
            let _ = step.abort();
        }
    }))
}

/// Computes the next generation of some rows. The first and the last are only read.
fn step(rows: &[u8], width: usize) -> Vec<u8> {
    let alive = |y: usize, x: usize| rows[y * width + x % width];
    let cell = |y: usize, x: usize| {
        let around = [x + width - 1, x, x + 1];
        let three = |y| around.iter().map(|&x| alive(y, x)).sum::<u8>();
        let with_itself = three(y - 1) + three(y) + three(y + 1);
        u8::from(with_itself == 3 || (with_itself == 4 && alive(y, x) == 1))
    };
    let rows = 1..rows.len() / width - 1;
    rows.flat_map(|y| (0..width).map(move |x| (y, x))).map(|(y, x)| cell(y, x)).collect()
}

/// Computes all generations in this process.
fn alone(args: &Args, mut cells: Vec<u8>) -> Vec<u8> {
    let (width, height) = (usize::from(args.width), usize::from(args.height));
    for _ in 0..args.generations {
        let [above, below] = [row(height - 1, width), row(0, width)].map(|row| &cells[row]);
        cells = step(&[above, &cells, below].concat(), width);
    }
    cells
}

/// Fills a third of the world; not at random, though it looks like it.
fn beginning(args: &Args) -> Vec<u8> {
    let mut state = args.seed;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        u8::from((state >> 33).is_multiple_of(3))
    };
    (0..u32::from(args.width) * u32::from(args.height)).map(|_| next()).collect()
}

fn row(y: usize, width: usize) -> std::ops::Range<usize> {
    y * width..(y + 1) * width
}

fn drawn(cells: &[u8], width: usize) -> String {
    let mut drawn = String::new();
    for row in cells.chunks(width) {
        drawn.extend(row.iter().map(|&cell| if cell == 1 { '#' } else { '.' }));
        drawn.push('\n');
    }
    drawn
}

impl World {
    fn create(manager: &Manager, first: &[u8], parties: u32) -> Result<Self, Error> {
        manager.named("even").create_array(first.iter().copied())?;
        manager.named("odd").create_array_zeroed::<u8>(first.len() as u64)?;
        manager.named("step").create_barrier(parties)?;
        Self::open(manager)
    }

    fn open(manager: &Manager) -> Result<Self, Error> {
        let generations = [manager.named("even").open()?, manager.named("odd").open()?];
        Ok(Self { generations, step: manager.named("step").open()? })
    }

    /// Returns the array that has a generation, until the next but one takes its place.
    fn generation(&self, number: u64) -> &Array<u8> {
        &self.generations[(number % 2) as usize]
    }
}
