use super::super::{assert_clean, assert_one};
use super::*;

#[track_caller]
fn finds(check: fn(&Tree) -> Vec<Problem>, path: &str, text: &str, line: usize, words: &str) {
    assert_one(&check(&Tree::of(&[(path, text)])), &format!("{path}:{line}"), words);
}

#[track_caller]
fn lets_be(check: fn(&Tree) -> Vec<Problem>, files: &[(&str, &str)]) {
    assert_clean(&check(&Tree::of(files)));
}

#[test]
fn a_use_of_the_outside_world_is_found() {
    let path = "sync-objects/src/kernel.rs";
    finds(check_purity, path, "\nuse std::net::TcpStream;", 2, "`std::net`");
    finds(check_purity, path, "fn f() { std::process::abort() }", 1, "`std::process`");
    finds(check_purity, path, "use std::{fmt, sync::{io, Arc},\n fs::File};", 2, "`std::fs`");
    finds(check_purity, path, "use std::{mem,\n    thread\n};", 2, "`std::thread`");
}

#[test]
fn only_the_errors_of_the_protocol_know_io() {
    let text = "impl From<std::io::Error> for Error {}";
    finds(check_purity, "sync-proto/src/frame.rs", text, 1, "`std::io`");
    finds(check_purity, "sync-objects/src/error.rs", text, 1, "`std::io`");
    finds(check_purity, "sync-proto/src/error.rs", "use std::fs;", 1, "`std::fs`");
    lets_be(check_purity, &[("sync-proto/src/error.rs", text), ("sync-server/src/a.rs", text)]);
    lets_be(check_purity, &[("sync-proto/src/a.rs", "use std::sync::Arc; // not std::io")]);
}

#[test]
fn a_clock_in_a_library_is_found() {
    let text = "\nfn f() { Instant::now(); }";
    finds(check_clocks, "sync-client/src/pool.rs", text, 2, "`Instant::now`");
    finds(check_clocks, "sync-server/src/run.rs", "std::time::SystemTime::now()", 1, "clock.rs");
    lets_be(
        check_clocks,
        &[(CLOCKS[0], text), (CLOCKS[1], text), ("sync-testkit/src/watchdog.rs", text)],
    );
    lets_be(check_clocks, &[("sync-server/benches/a.rs", text)]);
}

#[test]
fn tests_may_read_the_clock() {
    let now = "fn f() { Instant::now(); }";
    let module = format!("#[cfg(test)]\nmod tests {{ {now} }}\n");
    lets_be(check_clocks, &[("sync-client/src/a.rs", &module)]);
    let path = "sync-client/src/a.rs";
    finds(check_clocks, path, &format!("{module}{now}"), 3, "`Instant::now`");
    finds(check_clocks, path, &format!("#[cfg(test)]\nuse a::b;\n{now}"), 3, "`Instant::now`");
}

#[test]
fn modules_of_tests_with_files_of_their_own_may_read_the_clock() {
    let now = "fn f() { Instant::now(); }";
    let declared = "#[cfg(test)]\npub(crate) mod harness;";
    for (from, to) in [
        ("sync-client/src/lib.rs", "sync-client/src/harness.rs"),
        ("sync-client/src/pool.rs", "sync-client/src/pool/harness.rs"),
        ("sync-client/src/pool/mod.rs", "sync-client/src/pool/harness/clock.rs"),
    ] {
        lets_be(check_clocks, &[(from, declared), (to, now)]);
    }
    lets_be(check_clocks, &[("sync-client/src/pool/tests.rs", now)]);
    let tree = Tree::of(&[
        ("sync-client/src/lib.rs", declared),
        ("sync-client/src/harness_of_all.rs", now),
    ]);
    assert_one(&check_clocks(&tree), "sync-client/src/harness_of_all.rs:1", "`Instant::now`");
}

#[test]
fn objects_and_protocol_know_nothing_of_the_outside_world() {
    assert_clean(&check_purity(Tree::of_repository()));
}

#[test]
fn only_the_servers_clock_reads_the_time() {
    assert_clean(&check_clocks(Tree::of_repository()));
}
