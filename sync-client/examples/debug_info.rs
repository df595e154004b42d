//! Shows what a manager holds, who holds what of it, and who waits for what.
//!
//! ```text
//! cargo run --example debug_info -- unix:/run/user/1000/manager.sock
//! ```

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use sync_client::{Address, Manager};

/// Shows what a manager holds, who holds what of it, and who waits for what.
#[derive(Debug, Parser)]
#[command(max_term_width = 100)]
struct Args {
    /// Where the manager is: unix:PATH or tcp:HOST:PORT.
    address: Address,

    /// The file that holds the key, for TCP.
    #[arg(long, value_name = "FILE")]
    authkey_file: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let mut options = Manager::options();
    if let Some(file) = args.authkey_file {
        options = options.authkey_file(file)?;
    }
    let info = options.connect(args.address)?.debug_info()?;
    Ok(write!(io::stdout(), "{info}")?)
}
