//! `sync-bench`: measures this project against its peers, each in processes of its own. `cargo
//! xtask bench` builds and runs it.

mod case;
mod echo_server;
mod peer;
mod placement;
mod process;
mod report;
mod run;
mod spread;
mod team;
mod work;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand};

use self::peer::PeerKind;
use self::placement::Launch;
use self::report::Report;
use self::run::{Effort, Run};

/// Measures this project against a raw echo, CPython's manager, and Redis.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Args, Debug)]
struct Options {
    /// Fewer and shorter rounds, and TCP on one processor only.
    #[arg(long)]
    quick: bool,
    /// Also write all figures to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measure nothing: print the table of such a file, in Markdown.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["quick", "json", "only", "peers"])]
    table: Option<PathBuf>,
    /// Only cases whose names contain one of these, such as `dict_get/unix`.
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    only: Vec<String>,
    /// Only these peers.
    #[arg(long, value_name = "PEER", value_delimiter = ',')]
    peers: Vec<PeerKind>,
    /// How many turns each peer has in a case.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    rounds: Option<u16>,
}

/// What kind of process of a run this is.
#[derive(Debug, Subcommand)]
enum Role {
    /// Restricts itself to some processors and becomes another program.
    #[command(hide = true)]
    Launch(Launch),
    /// Works as a client of a peer.
    #[command(hide = true)]
    Work { peer: PeerKind, address: String },
    /// Serves as the raw echo.
    #[command(hide = true)]
    EchoServer { socket: String },
    /// Keeps a processor busy until it is killed.
    #[command(hide = true)]
    Burn,
}

#[expect(clippy::print_stderr, reason = "why it failed is for whoever started it")]
fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match &cli.role {
        Some(Role::Launch(launch)) => launch.run(),
        Some(Role::Work { peer, address }) => work::run(*peer, address),
        Some(Role::EchoServer { socket }) => echo_server::run(socket),
        Some(Role::Burn) => loop {
            std::hint::spin_loop();
        },
        None => bench(&cli.options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sync-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "the table is what it is run for")]
fn bench(options: &Options) -> Result<()> {
    if let Some(file) = &options.table {
        let named = || format!("{} holds no figures of a bench", file.display());
        let text = fs::read_to_string(file).with_context(named)?;
        let report: Report = serde_json::from_str(&text).with_context(named)?;
        print!("{}", report.markdown());
        return Ok(());
    }
    let mut effort = if options.quick { Effort::QUICK } else { Effort::FULL };
    if let Some(rounds) = options.rounds {
        effort.rounds = rounds.into();
    }
    let peers = if options.peers.is_empty() { &PeerKind::ALL[..] } else { &options.peers };
    let run = Run::new(effort, peers, options.only.clone())?;
    let report = run.run()?;
    println!("{}", report.table());
    if let Some(file) = &options.json {
        let json = serde_json::to_string_pretty(&report)?;
        fs::write(file, json + "\n").with_context(|| format!("{}", file.display()))?;
    }
    ensure!(run.failed() == 0, "{} cases failed", run.failed());
    Ok(())
}
