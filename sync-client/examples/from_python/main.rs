//! Python produces, Rust consumes: an unmodified Python program puts dicts into a queue, from which
//! a Rust program takes them as a struct; its results are a dict to Python again.
//!
//! ```text
//! cargo run --example from_python -- [--pages N] [--python PROGRAM]
//! ```

use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::thread;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use serde::Deserialize;
use sync_client::{Dict, Manager, Queue};
use sync_server::{Address, Server, write_new_key};

/// Counts words of pages that a Python program puts into a queue.
#[derive(Debug, Parser)]
#[command(max_term_width = 100)]
struct Args {
    /// How many pages Python makes.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pages: u32,

    /// The Python to run.
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: String,
}

/// What Python sends as `{"page": …, "text": …}`.
#[derive(Debug, Deserialize)]
struct Job {
    page: u32,
    text: String,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let directory = tempfile::tempdir()?;
    let (socket, key_file) = (directory.path().join("python.sock"), directory.path().join("key"));
    write_new_key(&key_file)?;
    let address = Address::unix(&socket)?;
    let server = Server::builder().python_listen(address).authkey_file(&key_file)?.spawn()?;
    let manager = Manager::over(server.local()?);
    let jobs: Queue<Job> = manager.named("jobs").create_queue(10)?;
    let words: Dict<u32, usize> = manager.named("words").create_dict()?;

    let (producer, counted) = thread::scope(|scope| {
        let counter = scope.spawn(|| {
            let counted = count(&jobs, &words);
            if counted.is_err() {
                // Else Python would wait for ever for its jobs to be done.
                jobs.close_now()?;
            }
            counted
        });
        let producer = produce(&args, &socket, &key_file);
        // Nobody puts any more, whether it went well or not: the counter ends.
        jobs.close()?;
        let counted = counter.join().map_err(|_| anyhow::anyhow!("the counter panicked"))?;
        // What went wrong with the counter comes first: Python only met the closed queue.
        let counted = counted?;
        anyhow::Ok((producer?, counted))
    })?;
    ensure!(producer.success(), "the Python program failed: {producer}");
    let total: usize = words.values()?.iter().sum();
    writeln!(io::stdout(), "rust: {total} words on {counted} pages")?;
    Ok(())
}

/// Counts words until the queue is closed; returns the number of pages.
fn count(jobs: &Queue<Job>, words: &Dict<u32, usize>) -> Result<usize> {
    let mut pages = 0;
    for job in jobs.deliveries() {
        let job = job?;
        words.set(&job.page, &job.text.split_whitespace().count())?;
        // Done, and for Python's `jobs.join()`, too.
        job.ack()?;
        pages += 1;
    }
    Ok(pages)
}

/// Runs the Python program to its end.
fn produce(args: &Args, socket: &Path, key_file: &Path) -> Result<ExitStatus> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/from_python/produce.py");
    let mut command = Command::new(&args.python);
    command.arg(script).args([socket, key_file]).arg(args.pages.to_string());
    command.status().with_context(|| format!("{} cannot be run", args.python))
}
