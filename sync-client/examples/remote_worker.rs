//! A manager on TCP that accepts only clients with its key, and workers that connect to it from
//! anywhere: here they count primes.
//!
//! ```text
//! sync-server keygen key
//! cargo run --example remote_worker -- work --connect tcp:127.0.0.1:7000 --authkey-file key &
//! cargo run --example remote_worker -- serve --listen tcp:127.0.0.1:7000 --authkey-file key
//! ```
//!
//! It shows a key from a file; a worker that starts before its manager and tries until it is there;
//! and a queue whose owner waits until everything in it is done.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, Subcommand};
use sync_client::{Address, Dict, Error, ErrorKind, Manager, Queue};
use sync_server::Server;

/// Counts primes with workers on other computers.
#[derive(Debug, Parser)]
#[command(max_term_width = 100)]
struct Args {
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Host the manager, hand out the work, and print the result.
    Serve {
        /// Where to listen: tcp:HOST:PORT (port 0: the system chooses).
        #[arg(long, value_name = "ADDRESS")]
        listen: Address,

        /// The file that holds the key.
        #[arg(long, value_name = "FILE")]
        authkey_file: PathBuf,

        /// The number below which to count primes.
        #[arg(long, value_name = "N", default_value_t = 1_000_000)]
        below: u64,
    },
    /// Work for a manager until there is nothing left to do.
    Work {
        /// Where the manager is: tcp:HOST:PORT.
        #[arg(long, value_name = "ADDRESS")]
        connect: Address,

        /// The file that holds the manager's key.
        #[arg(long, value_name = "FILE")]
        authkey_file: PathBuf,

        /// How long to try while nothing answers.
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        patience: u64,
    },
}

/// The first number of a range, and the one after its last, in which to count primes.
type Job = (u64, u64);

/// What the processes share. Whichever comes first creates it.
#[derive(Debug)]
struct Desk {
    jobs: Queue<Job>,
    primes: Dict<Job, u64>,
}

/// How many numbers a job has.
const STRIDE: u64 = 10_000;

fn main() -> Result<()> {
    match Args::parse().role {
        Role::Serve { listen, authkey_file, below } => serve(listen, &authkey_file, below),
        Role::Work { connect, authkey_file, patience } => {
            work(connect, &authkey_file, Duration::from_secs(patience))
        }
    }
}

fn serve(listen: Address, key_file: &Path, below: u64) -> Result<()> {
    let server = Server::builder().listen(listen).authkey_file(key_file)?.spawn()?;
    writeln!(io::stdout(), "READY {}", server.address())?;
    let desk = Desk::of(&Manager::over(server.local()?))?;
    for from in (0..below).step_by(STRIDE as usize) {
        desk.jobs.put(&(from, below.min(from + STRIDE)))?;
    }
    desk.jobs.close()?;
    desk.jobs.join()?;
    let primes: u64 = desk.primes.values()?.iter().sum();
    writeln!(io::stdout(), "{primes} primes below {below}")?;
    Ok(())
}

fn work(address: Address, key_file: &Path, patience: Duration) -> Result<()> {
    writeln!(io::stdout(), "connecting to {address}")?;
    let options = Manager::options().authkey_file(key_file)?.retry_for(patience);
    let manager = options.connect(&address)?;
    let mut done = 0;
    match work_for(&manager, &mut done) {
        // All work is done, by this worker or by others: the manager need not wait for us.
        Err(error) if error.kind() == ErrorKind::ShuttingDown => {}
        ended => ended?,
    }
    writeln!(io::stdout(), "did {done} jobs")?;
    Ok(())
}

fn work_for(manager: &Manager, done: &mut u64) -> Result<(), Error> {
    let desk = Desk::of(manager)?;
    while let Some(job) = desk.jobs.get_leased()? {
        let (from, to) = *job;
        let primes = (from..to).filter(|&number| is_prime(number)).count() as u64;
        // Also if this is the job's second delivery: the same number under the same key.
        desk.primes.set(&*job, &primes)?;
        job.ack()?;
        *done += 1;
    }
    Ok(())
}

fn is_prime(number: u64) -> bool {
    number > 1 && (2..).take_while(|it| it * it <= number).all(|it| !number.is_multiple_of(it))
}

impl Desk {
    fn of(manager: &Manager) -> Result<Self, Error> {
        Ok(Self {
            jobs: manager.named("jobs").create_queue(16)?,
            primes: manager.named("primes").create_dict()?,
        })
    }
}
