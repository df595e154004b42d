//! Counts the words of many files with many processes that share objects through a manager.
//!
//! ```text
//! cargo run --release --example wordcount -- [--workers N] [--kill-one] [PATH…]
//! ```
//!
//! Where to read on:
//!
//! * [`shared`]: the three objects that the processes share;
//! * [`worker`]: what a worker process does with them;
//! * [`job`]: what the parent does: hosts the manager, feeds the workers, replaces the dead.
//!
//! The rest knows nothing of processes: [`files`] finds the files, [`count`] counts the words of
//! one, [`report`] adds up and prints.

mod args;
mod count;
mod crew;
mod files;
mod job;
mod report;
mod shared;
mod worker;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use crate::args::Args;

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    if args.worker {
        worker::run(args.die_before_ack).context("a worker failed")?;
        return Ok(ExitCode::SUCCESS);
    }
    let found = files::find(&args.paths(), &args.exclude)?;
    if args.list {
        files::list(&found.files)?;
        return Ok(ExitCode::SUCCESS);
    }
    let report = job::run(found, &args)?;
    write!(io::stdout(), "{report}")?;
    Ok(if report.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
