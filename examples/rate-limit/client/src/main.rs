//! `rate-limit-client ADDRESS`: does ten operations, at the rate that all clients share.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use rate_limit_interface::rate_limiter;
use sync_client::{Error, Manager};

fn main() -> ExitCode {
    let Some(address) = std::env::args().nth(1) else {
        eprintln!("usage: rate-limit-client unix:PATH");
        return ExitCode::FAILURE;
    };
    match work(&address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rate-limit-client: {error}");
            ExitCode::FAILURE
        }
    }
}

fn work(address: &str) -> Result<(), Error> {
    let manager = Manager::options().retry_for(Duration::from_secs(5)).connect(address)?;
    let limiter = rate_limiter::Proxy::new(manager.named("api"), 20, 2)?;
    let began = Instant::now();
    for operation in 1..=10 {
        limiter.acquire(1)?;
        println!("operation {operation} after {:?}", began.elapsed());
    }
    Ok(())
}
