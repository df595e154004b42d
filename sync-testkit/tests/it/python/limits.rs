//! What Python's clients, and strangers at their socket, may have.

use std::fs;
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use sync_testkit::ServerProcess;

use super::{Address, Site, run};

/// Starts a server that is a process of its own, at two sockets of the site.
fn start(site: &Site, rest: &[&str]) -> ServerProcess {
    let path = |name: &str| site.directory.path().join(name);
    let listen = format!("unix:{}", path("to-python").display());
    let own = format!("unix:{}", path("to-rust").display());
    let key = site.key_file();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let key = key.display().to_string();
    let args = ["--listen", &own, "--python-listen", &listen, "--authkey-file", &key];
    let server = ServerProcess::start(&[&args[..], rest].concat(), 0);
    while UnixStream::connect(path("to-python")).is_err() {
        std::thread::yield_now();
    }
    server
}

/// Strangers take all file descriptors at one of a server's sockets: a Python program comes in.
fn comes_in_beside_strangers(of: &str) {
    const FILES: u64 = 200;
    let site = Site::new();
    let path = |name: &str| site.directory.path().join(name);
    // Without a deadline, so that only the want of room can be what ends them.
    let server = start(&site, &["--handshake-timeout=600"]);
    let few = Rlimit { current: Some(FILES), maximum: Some(FILES) };
    prlimit(Pid::from_raw(i32::try_from(server.pid()).unwrap()), Resource::Nofile, few).unwrap();
    let _crowd = Vec::from_iter((0..2 * FILES).map(|_| UnixStream::connect(path(of)).unwrap()));
    run(&site, &Address::unix(path("to-python")).unwrap(), "limits.py", &["comes_in"]);
}

#[test]
fn strangers_who_take_all_file_descriptors_keep_no_python_program_out() {
    comes_in_beside_strangers("to-python");
}

#[test]
fn nor_do_those_who_take_them_where_rust_programs_come_in() {
    comes_in_beside_strangers("to-rust");
}

#[test]
fn who_hears_nothing_and_says_nothing_is_hung_up_on() {
    let site = Site::new();
    let server = start(&site, &["--handshake-timeout=600"]);
    let pid = Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap();
    // Stopped, it cannot greet before that is impossible.
    kill_process(pid, Signal::STOP).unwrap();
    let stranger = UnixStream::connect(site.directory.path().join("to-python")).unwrap();
    stranger.shutdown(Shutdown::Read).unwrap();
    kill_process(pid, Signal::CONT).unwrap();
    let mut poll = [PollFd::new(&stranger, PollFlags::empty())];
    let patience = Timespec { tv_sec: 30, tv_nsec: 0 };
    assert_eq!(rustix::event::poll(&mut poll, Some(&patience)), Ok(1), "nobody hung up");
    assert!(poll[0].revents().contains(PollFlags::HUP));
}

#[test]
fn a_stranger_makes_room_for_what_tells_the_end_of_a_python_process() {
    let site = Site::new();
    let server = start(&site, &["--handshake-timeout=600"]);
    let address = Address::unix(site.directory.path().join("to-python")).unwrap();
    let pid = server.pid().to_string();
    run(&site, &address, "limits.py", &["is_watched_though_no_file_is_left", &pid]);
}

#[test]
fn who_is_about_to_be_let_in_while_the_manager_stands_still_is_not_late() {
    let site = Site::new();
    let server = start(&site, &["--handshake-timeout=3"]);
    let address = Address::unix(site.directory.path().join("to-python")).unwrap();
    let pid = server.pid().to_string();
    run(&site, &address, "limits.py", &["is_let_in_though_the_manager_stood_still", &pid]);
}

#[test]
fn a_first_request_that_comes_slowly_is_waited_for() {
    let site = Site::new();
    let _server = start(&site, &["--handshake-timeout=2"]);
    let address = Address::unix(site.directory.path().join("to-python")).unwrap();
    run(&site, &address, "limits.py", &["sends_its_first_request_slowly"]);
}

#[test]
fn one_process_has_no_more_connections_than_it_may_and_another_has_its_own() {
    let site = Site::limited(|limits| limits.connections_per_peer = 8);
    let address = &site.server.python_addresses()[0];
    let Address::Unix(path) = address else { panic!("the first address is a unix socket") };
    let _mine = Vec::from_iter((0..20).map(|_| UnixStream::connect(path).unwrap()));
    run(&site, address, "limits.py", &["comes_in"]);
    run(&site, address, "limits.py", &["has_no_more_connections_than", "8"]);
}

#[test]
fn over_tcp_one_host_has_no_more_threads_than_it_may() {
    let site = Site::limited(|limits| limits.sessions_per_peer = 3);
    let address = &site.server.python_addresses()[1];
    run(&site, address, "limits.py", &["has_no_more_threads_than", "3"]);
}

#[test]
fn what_nests_deeper_than_the_manager_takes_is_refused_and_nothing_is_changed() {
    let site = Site::limited(|limits| limits.kernel.nesting = 8);
    for address in site.server.python_addresses() {
        run(&site, address, "limits.py", &["nests", "8"]);
    }
}

#[test]
fn over_tcp_a_lock_passes_on_when_its_holder_says_more_than_it_may() {
    // Over a unix socket the lock is the process's, which lives.
    let site = Site::new();
    run(
        &site,
        &site.server.python_addresses()[1],
        "limits.py",
        &["a_lock_outlives_who_says_too_much"],
    );
}

#[test]
fn a_short_call_makes_no_answer_that_the_manager_has_no_memory_for() {
    const LIMIT: usize = 16;
    let site = Site::limited(|limits| {
        limits.output_total = LIMIT << 20;
        limits.message = 4 << 20;
    });
    for address in site.server.python_addresses() {
        let limit = LIMIT.to_string();
        run(&site, address, "limits.py", &["reads_no_more_at_once_than", &limit]);
        run(&site, address, "limits.py", &["brings_no_more_at_once_than", &limit]);
    }
}

#[test]
fn who_says_half_of_much_or_takes_no_answers_is_hung_up_on_when_it_is_too_much_in_all() {
    const LIMIT: usize = 4 << 20;
    let site = Site::limited(|limits| {
        (limits.message, limits.input_total, limits.output_total) = (LIMIT, LIMIT, LIMIT);
    });
    let address = &site.server.python_addresses()[0];
    for name in ["says_half_of_much", "takes_no_answers"] {
        run(&site, address, "limits.py", &[name, &LIMIT.to_string()]);
    }
}

#[test]
fn a_short_call_makes_no_keys_that_the_manager_has_no_memory_for() {
    let site = Site::new();
    let address = &site.server.python_addresses()[0];
    run(&site, address, "limits.py", &["sorts_by_no_longer_keys_than_may_be"]);
}

#[test]
fn a_keyword_is_not_copied_as_often_as_it_is_recalled() {
    let site = Site::new();
    run(&site, &site.server.python_addresses()[0], "limits.py", &["names_no_keyword_twice"]);
}

#[test]
fn a_short_call_keeps_nobody_waiting_with_a_long_tuple_that_it_names_often() {
    let site = Site::new();
    let address = &site.server.python_addresses()[0];
    run(&site, address, "limits.py", &["looks_through_a_tuple_once"]);
}

#[test]
fn what_is_shown_is_bounded_as_a_whole() {
    let site = Site::new();
    let address = &site.server.python_addresses()[0];
    run(&site, address, "limits.py", &["shows_no_more_than_may_be"]);
}

#[test]
fn values_that_share_much_are_not_compared_in_full_more_often_than_may_be() {
    let site = Site::new();
    let address = &site.server.python_addresses()[0];
    run(&site, address, "limits.py", &["makes_no_longer_normal_forms_than_may_be"]);
}

#[test]
fn what_many_say_at_once_is_not_all_taken_apart_at_once() {
    let site = Site::new();
    let server = start(&site, &[]);
    let address = Address::unix(site.directory.path().join("to-python")).unwrap();
    run(&site, &address, "limits.py", &["says_much_on_many_connections_at_once"]);
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    // All of it takes a gigabyte or so.
    assert!(kilobytes < 300_000, "{kilobytes} kB");
}

#[test]
fn items_that_were_asked_for_ahead_by_who_is_gone_are_in_their_place() {
    let site = Site::new();
    for address in site.server.python_addresses() {
        run(&site, address, "limits.py", &["asks_ahead_and_goes"]);
    }
}
