//! `rate-limit-server ADDRESS`: a manager that also knows rate limiters.

use std::process::ExitCode;

use sync_server::{Address, Error, Server};

fn main() -> ExitCode {
    let Some(address) = std::env::args().nth(1) else {
        eprintln!("usage: rate-limit-server unix:PATH");
        return ExitCode::FAILURE;
    };
    match serve(&address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rate-limit-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(address: &str) -> Result<(), Error> {
    let address: Address = address.parse()?;
    let server =
        Server::builder().registry(rate_limit_server::registry()).listen(address).spawn()?;
    println!("READY {}", server.address());
    server.join() // until a client asks it to end
}
