//! The application's own tests: the type over a real socket, and what happens when the two sides
//! do not fit.

use rate_limit_interface::rate_limiter;
use sync_client::{ErrorKind, Manager};
use sync_server::Server;

fn start() -> (Server, Manager) {
    let server = Server::builder().registry(rate_limit_server::registry()).spawn().unwrap();
    let manager = Manager::connect(server.address()).unwrap();
    (server, manager)
}

#[test]
fn callers_wait_until_their_turn() {
    let (_server, manager) = start();
    let limiter = rate_limiter::Proxy::new(manager.named("api"), 50, 5).unwrap();
    assert_eq!(limiter.available().unwrap(), 5);
    let began = std::time::Instant::now();
    for _ in 0..10 {
        limiter.acquire(1).unwrap();
    }
    // Five at once, then five at 20 ms each: never sooner, however slow the machine is.
    assert!(began.elapsed().as_millis() >= 100);
}

#[test]
fn nothing_is_available_while_others_wait() {
    let (_server, manager) = start();
    let limiter = rate_limiter::Proxy::new(manager.named("api"), 1, 60).unwrap();
    limiter.acquire(30).unwrap();
    assert!(limiter.available().unwrap() > 0);
    let waiting = limiter.clone();
    let waiter = std::thread::spawn(move || waiting.acquire(60));
    // For half a minute, if nothing ends it.
    while manager.blocked_count().unwrap() == 0 {
        std::thread::yield_now();
    }
    assert_eq!(limiter.available().unwrap(), 0);
    manager.disconnect();
    waiter.join().unwrap().unwrap_err();
}

#[test]
fn a_limiter_of_another_rate_is_not_the_same() {
    let (_server, manager) = start();
    let _first = rate_limiter::Proxy::new(manager.named("api"), 50, 5).unwrap();
    let error = rate_limiter::Proxy::new(manager.named("api"), 60, 5).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    let error = rate_limiter::Proxy::new(&manager, 0, 5).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

/// The same name with another signature: what an old client has in it.
mod old {
    sync_objects::interface! {
        pub mod rate_limiter = "example.rate_limiter" {
            new(per_second: u32, burst: u32);
            fn acquire(count: u64);
            fn available() -> u32;
        }
    }
}

#[test]
fn a_client_of_another_version_is_refused_with_both_fingerprints() {
    let (_server, manager) = start();
    let error = old::rate_limiter::Proxy::new(manager.named("api"), 50, 5).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    for side in [&rate_limiter::INTERFACE, &old::rate_limiter::INTERFACE] {
        assert!(error.to_string().contains(&side.fingerprint.to_string()), "{error}");
    }
}
