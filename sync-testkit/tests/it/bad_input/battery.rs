//! The strangers' battery: crowds that do their worst, one kind of it at a time, on either kind of
//! socket, and what that costs: memory, files, and an honest client's slowest calls.

use std::io::Read;

use sync_proto::frame::PREFIX;
use sync_proto::secure::ANSWER_LEN;
use sync_testkit::ServerProcess;
use tempfile::TempDir;

use super::crowd::{nobody_is_slowed, value};
use super::*;
use crate::sealed::{key, on_both_sockets};

/// How many do it at once.
const CROWD: usize = 200;

/// How many of those who never read: each asks for more than the sockets of both ends hold.
const DEAF: usize = 20;

/// How often each of them asks for 256 KiB.
const QUESTIONS: usize = 64;

/// How often a crowd comes, at least.
const WAVES: usize = 4;

/// What the server's memory may grow to while a crowd is there: so many times what it is before.
const GROWS: u64 = 2;

/// What a later crowd may take beside what the first two took.
const FLAT: f64 = 1.25;

/// What a stranger does.
#[derive(Clone, Copy, Debug)]
enum Worst {
    /// Says nothing, until it is sent away.
    Nothing,
    /// Says a good beginning so slowly that it never comes to its end.
    SlowBytes,
    /// Announces more than anybody may say.
    HugeLengths,
    /// Is let in, and announces the most that one may say, of which nothing comes.
    Announcement,
    /// Has another key; speaks another protocol, where no key is asked for.
    WrongKey,
    /// Says what an honest client said when it came.
    Replay,
    /// Breaks off somewhere in a good beginning, one at each byte of it.
    Truncated,
    /// Is let in, asks for much, and takes nothing of it.
    NeverReads,
}

/// A server on both kinds of socket, and what its strangers know of it.
struct Victim {
    server: ServerProcess,
    key: AuthKey,
    /// What an honest client said first over TCP.
    recorded: Vec<u8>,
    /// Asks for something large.
    question: ClientMessage,
    honest: Value<u8>,
    _large: Value<String>,
    _directory: TempDir,
}

impl Victim {
    fn new(worst: Worst) -> Self {
        // What one waits for of a silent crowd; on a busy machine an honest one wants more.
        let seconds = if matches!(worst, Worst::Nothing | Worst::SlowBytes) { 1 } else { 10 };
        let handshake = format!("--handshake-timeout={seconds}");
        // And what answers that nobody takes may be.
        let limits = [&*handshake, "--max-output-total=4194304", "--grace=100"];
        let (server, directory) = on_both_sockets(&limits);
        let (manager, key) = (server.connect(), key("k"));
        let large = manager.create_value("x".repeat(256 << 10)).unwrap();
        Self {
            recorded: RawClient::initiator(&key).first().to_vec(),
            question: request(large.handle().object(), value::method("get"), 0),
            honest: value(&manager),
            key,
            _large: large,
            server,
            _directory: directory,
        }
    }

    fn connect(&self, is_tcp: bool) -> RawClient {
        RawClient::connect(&self.server.addresses()[usize::from(is_tcp)])
    }

    fn welcomed(&self, is_tcp: bool) -> RawClient {
        match &self.server.addresses()[usize::from(is_tcp)] {
            tcp if is_tcp => RawClient::welcomed_with(tcp, &self.key),
            unix => RawClient::welcomed(unix),
        }
    }

    /// Returns what an honest client says before it is answered.
    fn beginning(&self, is_tcp: bool) -> Vec<u8> {
        if is_tcp {
            return RawClient::initiator(&self.key).first().to_vec();
        }
        [&PREAMBLE[..], &RawClient::frame(&RawClient::hello())].concat()
    }

    /// Has a crowd come and do its worst; returns it when it has had its effect.
    fn suffer(&self, worst: Worst, is_tcp: bool) -> Vec<RawClient> {
        let count = if matches!(worst, Worst::NeverReads) { DEAF } else { CROWD };
        let mut crowd: Vec<RawClient> = (0..count)
            .map(|number| match worst {
                Worst::Nothing | Worst::SlowBytes => self.connect(is_tcp),
                Worst::HugeLengths if is_tcp => {
                    let mut client = RawClient::sealed(&self.server.addresses()[1], &self.key);
                    client.send_raw(&[0xff; 64]);
                    client
                }
                Worst::HugeLengths => {
                    self.saying(is_tcp, &[&PREAMBLE[..], &[0xff; PREFIX]].concat())
                }
                Worst::Announcement => {
                    let mut client = self.welcomed(is_tcp);
                    client.send_bytes(&lengths(20, 60 << 20));
                    client
                }
                Worst::WrongKey if is_tcp => {
                    self.saying(is_tcp, RawClient::initiator(&key("o")).first())
                }
                Worst::WrongKey => self.saying(is_tcp, b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"),
                Worst::Replay => self.saying(is_tcp, &self.recorded),
                Worst::Truncated => {
                    let whole = self.beginning(is_tcp);
                    let client = self.saying(is_tcp, &whole[..number % whole.len()]);
                    client.finish();
                    client
                }
                Worst::NeverReads => {
                    let mut client = self.welcomed(is_tcp);
                    (0..QUESTIONS).for_each(|_| client.send(&self.question));
                    client
                }
            })
            .collect();
        match worst {
            // The one of them that is let in is told that it came too late.
            Worst::SlowBytes => {
                let whole = self.beginning(is_tcp);
                for byte in whole[..whole.len() - 1].chunks(1) {
                    crowd.iter_mut().for_each(|client| client.send_bytes(byte));
                }
                crowd.iter_mut().for_each(sent_away);
            }
            Worst::Nothing | Worst::HugeLengths | Worst::WrongKey | Worst::Truncated => {
                crowd.iter_mut().for_each(sent_away);
            }
            // It is answered, and cannot go on.
            Worst::Replay => {
                crowd
                    .iter_mut()
                    .for_each(|client| client.read_exact(&mut [0; ANSWER_LEN]).unwrap());
            }
            Worst::Announcement => {}
            Worst::NeverReads => {
                self.server.until_logged("unread answers exceed the limit");
            }
        }
        crowd
    }

    fn saying(&self, is_tcp: bool, bytes: &[u8]) -> RawClient {
        let mut client = self.connect(is_tcp);
        client.send_raw(bytes);
        client
    }
}

/// Waits for the end of a connection.
fn sent_away(client: &mut RawClient) {
    // A reset is an end, too.
    let _ = client.read_to_end(&mut Vec::new());
}

/// Has crowds do their worst for as long as an honest client is measured.
fn battery(worst: Worst, is_tcp: bool) {
    let victim = Victim::new(worst);
    let cast = Cast::joining(&victim.server);
    // What an honest crowd leaves behind is no stranger's doing.
    drop(Vec::from_iter((0..CROWD).map(|_| victim.welcomed(is_tcp))));
    let sessions = || cast.manager().debug_info().unwrap().sessions.len();
    let honest = sessions();
    cast.until("the honest crowd is gone", || sessions() <= 2.min(honest));
    let (files, before) = (victim.server.open_files(), victim.server.resident_kib());
    let mut memory = Vec::new();
    std::thread::scope(|scope| {
        let honest = &victim.honest;
        let measured = scope.spawn(|| nobody_is_slowed(honest));
        while memory.len() < WAVES || !measured.is_finished() {
            let crowd = victim.suffer(worst, is_tcp);
            memory.push(victim.server.resident_kib());
            drop(crowd);
        }
    });
    cast.until("all files are closed", || victim.server.open_files() <= files);
    cast.until("all sessions are over", || sessions() <= 2);
    // One crowd may be looked at before all of it has had its effect.
    let (first, most) = (memory[0].max(memory[1]).max(before), *memory.iter().max().unwrap());
    assert!(most <= GROWS * before, "{most} KiB among {CROWD}, {before} KiB before: {memory:?}");
    let flat = most as f64 / first as f64;
    assert!(flat <= FLAT, "it grows with each crowd: {memory:?}");
}

#[test]
fn silence_costs_nobody_else() {
    battery(Worst::Nothing, false);
}

#[test]
fn silence_over_tcp_costs_nobody_else() {
    battery(Worst::Nothing, true);
}

#[test]
fn slow_bytes_cost_nobody_else() {
    battery(Worst::SlowBytes, false);
}

#[test]
fn slow_bytes_over_tcp_cost_nobody_else() {
    battery(Worst::SlowBytes, true);
}

#[test]
fn huge_lengths_cost_nobody_else() {
    battery(Worst::HugeLengths, false);
}

#[test]
fn huge_lengths_over_tcp_cost_nobody_else() {
    battery(Worst::HugeLengths, true);
}

#[test]
fn what_is_only_announced_costs_nobody() {
    battery(Worst::Announcement, false);
}

#[test]
fn what_is_only_announced_over_tcp_costs_nobody() {
    battery(Worst::Announcement, true);
}

#[test]
fn another_protocol_costs_nobody_else() {
    battery(Worst::WrongKey, false);
}

#[test]
fn a_wrong_key_costs_nobody_else() {
    battery(Worst::WrongKey, true);
}

#[test]
fn what_breaks_off_costs_nobody_else() {
    battery(Worst::Truncated, false);
}

#[test]
fn what_breaks_off_over_tcp_costs_nobody_else() {
    battery(Worst::Truncated, true);
}

#[test]
fn who_never_reads_costs_nobody_else() {
    battery(Worst::NeverReads, false);
}

#[test]
fn who_never_reads_over_tcp_costs_nobody_else() {
    battery(Worst::NeverReads, true);
}

/// Over a unix socket there is nothing to replay: nobody needs a key.
#[test]
fn a_replayed_beginning_costs_nobody_else() {
    battery(Worst::Replay, true);
}
