//! Ten thousand connections at once, of which nobody says a word.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};
use sync_proto::version::PREAMBLE;
use sync_testkit::{RawClient, ServerProcess};

use super::{Address, Cast, Manager, Value};

/// How many, where a process may have as many files.
const CROWD: usize = 10_000;

/// Files that a process needs beside the crowd's.
const OTHERS: usize = 200;

/// How often the honest client calls each server in a round.
const CALLS: usize = 1_000;

/// How many rounds there may be. Where other work wants both cores, what the system does with them
/// may look like a slow server; a server that is slow is so in every round.
const ROUNDS: usize = 4;

/// How much longer its slowest calls may take among the crowd than beside it. They take as long;
/// this is for what other tests do to the machine meanwhile.
const SLOWER: u32 = 4;

/// What the server's memory may grow to with all of them: so many times what it is with one client.
/// (`cargo xtask bench` says how many bytes each takes.)
const GROWS: u64 = 4;

/// Returns how many connections this process can open.
fn affordable() -> usize {
    let files = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files }).unwrap();
    let most = files.maximum.map_or(usize::MAX, |most| usize::try_from(most).unwrap());
    CROWD.min(most - OTHERS)
}

fn connect(server: &ServerProcess) -> UnixStream {
    let Address::Unix(path) = &server.addresses()[0] else { panic!("it has a unix socket") };
    UnixStream::connect(path).unwrap()
}

/// Calls both by turns; returns what 99 of 100 calls of each stay below. What else happens to the
/// machine meanwhile happens to both.
fn slowest(values: [&Value<u8>; 2]) -> [Duration; 2] {
    let mut took = [Vec::new(), Vec::new()];
    for _ in 0..CALLS {
        for (value, took) in values.iter().zip(&mut took) {
            let start = Instant::now();
            value.get().unwrap();
            took.push(start.elapsed());
        }
    }
    took.map(|mut took| {
        took.sort_unstable();
        took[took.len() * 99 / 100]
    })
}

pub(super) fn value(manager: &Manager) -> Value<u8> {
    manager.create_value(1).unwrap()
}

/// Checks that an honest client of a crowded server waits no longer than one of another server.
pub(super) fn nobody_is_slowed(crowded: &Value<u8>) {
    let server = ServerProcess::start(&[], 1);
    let quiet = value(&server.connect());
    let mut rounds = Vec::new();
    while rounds.len() < ROUNDS {
        let [crowded, quiet] = slowest([crowded, &quiet]);
        if crowded <= SLOWER * quiet {
            return;
        }
        rounds.push((crowded, quiet));
    }
    panic!("slow calls among the crowd, and beside it: {rounds:?}");
}

#[test]
fn ten_thousand_idle_connections_cost_little_memory_each_and_slow_nobody() {
    let limits = ["--max-connections=20000", "--max-half-open=20000", "--handshake-timeout=600"];
    let server = ServerProcess::start(&limits, 1);
    let cast = Cast::joining(&server);
    let (count, honest) = (affordable(), value(cast.manager()));
    let (files, memory) = (server.open_files(), server.resident_kib());
    let crowd: Vec<UnixStream> = (0..count).map(|_| connect(&server)).collect();
    cast.until("all are in", || server.open_files() >= files + count);
    let among = server.resident_kib();
    assert!(among <= GROWS * memory, "{among} KiB among {count}, {memory} KiB before");
    nobody_is_slowed(&honest);
    drop(crowd);
    cast.until("all are gone", || server.open_files() <= files);
}

#[test]
fn of_ten_thousand_silent_strangers_a_thousand_are_kept_and_nobody_is_slowed() {
    // Without a deadline, so that only their number can be what ends them.
    let server = ServerProcess::start(&["--handshake-timeout=600"], 1);
    let cast = Cast::joining(&server);
    let (count, honest) = (affordable(), value(cast.manager()));
    let (files, memory) = (server.open_files(), server.resident_kib());
    let kept = sync_server::Limits::default().half_open;
    assert!(count > kept, "{count} files are too few to be a crowd");
    let mut crowd: Vec<UnixStream> = (0..count).map(|_| connect(&server)).collect();
    // The youngest that has to go.
    let last = &mut crowd[count - kept - 1];
    last.set_read_timeout(Some(Cast::LIMIT)).unwrap();
    assert_eq!(last.read(&mut [0]).unwrap(), 0, "it is told nothing, and closed");
    assert!(server.open_files() <= files + kept, "{kept} are kept");
    let among = server.resident_kib();
    assert!(among <= GROWS * memory, "{among} KiB among {count}, {memory} KiB before");
    nobody_is_slowed(&honest);
}

#[test]
fn strangers_who_take_all_file_descriptors_keep_nobody_out() {
    const FILES: u64 = 200;
    // Without a deadline, so that only the want of room can be what ends them.
    let server = ServerProcess::start(&["--handshake-timeout=600"], 1);
    let few = Rlimit { current: Some(FILES), maximum: Some(FILES) };
    let pid = Pid::from_raw(i32::try_from(server.pid()).unwrap());
    prlimit(pid, Resource::Nofile, few).unwrap();
    let _crowd: Vec<UnixStream> = (0..2 * FILES).map(|_| connect(&server)).collect();
    let manager = server.connect();
    assert_eq!(value(&manager).get().unwrap(), 1);
    let _cast = Cast::joining(&server);
}

#[test]
fn a_stranger_makes_room_for_what_tells_the_end_of_a_process() {
    let server = ServerProcess::start(&["--handshake-timeout=600"], 1);
    let before = server.open_files();
    let mut client = RawClient::connect(&server.addresses()[0]);
    let mut stranger = connect(&server);
    while server.open_files() < before + 2 {
        std::thread::yield_now();
    }
    let file = |number| std::fs::read_link(format!("/proc/{}/fd/{number}", server.pid())).ok();
    let free = (0..).find(|&number| file(number).is_none());
    let few = Rlimit { current: free, ..getrlimit(Resource::Nofile) };
    let pid = Pid::from_raw(i32::try_from(server.pid()).unwrap());
    prlimit(pid, Resource::Nofile, few).unwrap();
    client.send_bytes(&PREAMBLE);
    client.send(&RawClient::hello());
    client.welcome();
    let is_pidfd = |file: PathBuf| file.to_string_lossy().contains("pidfd");
    assert!((0..free.unwrap()).any(|number| file(number).is_some_and(is_pidfd)));
    assert_eq!(stranger.read(&mut [0]).unwrap(), 0);
}

#[test]
fn whoever_comes_in_with_the_last_file_descriptor_does_not_make_room_for_the_next() {
    let server = ServerProcess::start(&[], 1);
    let address = &server.addresses()[0];
    let pid = Pid::from_raw(i32::try_from(server.pid()).unwrap());
    let limit_to = |files: usize| {
        let few = Rlimit { current: Some(files as u64), ..getrlimit(Resource::Nofile) };
        prlimit(pid, Resource::Nofile, few).unwrap();
    };
    let mut files = server.open_files() + 1;
    limit_to(files);
    let mut others = Vec::new();
    // One that has the last descriptor, and none by which its process would be watched.
    let last = loop {
        let before = server.open_files();
        if before >= files {
            files = before + 1;
            limit_to(files);
        }
        let client = RawClient::welcomed(address);
        if server.open_files() == before + 1 {
            break client;
        }
        others.push(client);
    };
    let mut waits = RawClient::connect(address);
    server.until_logged("no connection can be accepted for now");
    drop(last);
    waits.send_bytes(&PREAMBLE);
    waits.send(&RawClient::hello());
    waits.welcome();
}
