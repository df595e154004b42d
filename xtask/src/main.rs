//! The project's own tasks: `cargo xtask ci` is what CI runs; the others are for those who want to
//! know more.

mod bench;
mod ci;
mod python;
#[cfg(test)]
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fmt};

use clap::{Parser, Subcommand};

/// The project's own tasks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

/// One task, as named on the command line.
#[derive(Debug, Subcommand)]
enum Task {
    /// Runs everything that CI runs, in CI's order, and stops at the first failure.
    Ci,
    /// Runs the house rules alone: sizes, words, dependencies, documents.
    Tidy,
    /// Runs CPython's own tests of its manager against the server, with every Python found here.
    Python,
    /// Kills processes, again and again, in every state in which they can hold or wait for
    /// something.
    Torture {
        /// How often each state is met.
        #[arg(long, default_value_t = 1000)]
        cycles: u32,
        /// Milliseconds within which the next process must get a dead holder's lock, 99 times out
        /// of 100: more on a machine that does other work.
        #[arg(long, default_value_t = 5, value_name = "MS")]
        within: u32,
    },
    /// Measures the release build against its peers; `cargo xtask bench --help` lists the options.
    #[command(disable_help_flag = true)]
    Bench {
        /// Arguments that are passed on to the bench.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Proves that what processes see of all types is linearizable.
    Witness {
        /// How many calls they make.
        #[arg(long, default_value_t = 1_000_000)]
        calls: u64,
    },
    /// Runs one seed of the simulator: the one that a failure names.
    Sim {
        /// The seed.
        #[arg(long)]
        seed: u64,
    },
    /// Runs the simulator on new seeds, for a given time.
    Soak {
        /// For how many minutes.
        #[arg(long, default_value_t = 10)]
        minutes: u64,
    },
}

fn main() -> ExitCode {
    let root = workspace_root();
    let outcome = match Cli::parse().task {
        Task::Ci => ci::run(&root),
        Task::Tidy => ci::run_tidy(&root),
        Task::Python => python::run(&root),
        Task::Torture { cycles, within } => ci::run_torture(&root, cycles, within),
        Task::Bench { arguments } => bench::run(&root, &arguments),
        Task::Witness { calls } => ci::run_witness(&root, calls),
        Task::Sim { seed } => ci::run_simulator(&root, &["--seed", &seed.to_string()]),
        Task::Soak { minutes } => ci::run_simulator(&root, &["--minutes", &minutes.to_string()]),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// The root of the workspace, wherever in it the task was started.
fn workspace_root() -> PathBuf {
    let xtask = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    xtask.parent().expect("xtask lies in the workspace").to_owned()
}

#[expect(clippy::print_stderr, reason = "a task talks to the one who started it")]
fn report(error: fmt::Arguments<'_>) {
    eprintln!("error: {error}");
}
