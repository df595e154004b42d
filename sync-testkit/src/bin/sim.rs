//! Runs the simulator: one seed, a number of them, or as many as fit into a given time.

#![expect(clippy::print_stdout, reason = "a tool talks to the one who started it")]

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Parser;
use sync_testkit::simulator::Campaign;

/// Runs whole managers with many clients in storms of faults, each chosen by its seed.
#[derive(Debug, Parser)]
struct Options {
    /// Runs only this seed.
    #[arg(long, conflicts_with_all = ["seeds", "first", "minutes"])]
    seed: Option<u64>,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// How many seeds.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// Runs seeds for this many minutes, however many that is; the first is taken from the clock
    /// unless it is given.
    #[arg(long)]
    minutes: Option<u64>,
}

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<()> {
    let campaign = match options {
        Options { seed: Some(seed), .. } => Campaign::new(seed, 1),
        Options { minutes: Some(minutes), first, .. } => {
            let mut campaign = Campaign::new(first, u64::MAX);
            if first == 0 {
                campaign.first = since_1970()?;
            }
            campaign.time = Some(Duration::from_secs(60 * minutes));
            campaign
        }
        Options { first, seeds, .. } => Campaign::new(first, seeds),
    };
    println!("seeds from {}", campaign.first);
    let outcome = campaign.run();
    print!("{}", outcome.counts());
    let (runs, sum) = (outcome.runs, &outcome.sum);
    println!(
        "{runs} runs, {} steps, {} answers and refusals as a model gives them",
        sum.steps, sum.agreed
    );
    if let Some(failure) = outcome.failure {
        bail!("{failure}");
    }
    let missing: Vec<_> = outcome.sum.counts.missing().map(|fault| fault.to_string()).collect();
    if options.seed.is_none() && !missing.is_empty() {
        bail!("these faults never came about, so nothing is known of them: {}", missing.join(", "));
    }
    Ok(())
}

fn since_1970() -> Result<u64> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(u64::try_from(since.as_nanos())?)
}
