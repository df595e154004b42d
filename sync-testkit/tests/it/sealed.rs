//! TCP and the key: strangers get not one byte, and no session; friends are not disturbed.

use std::fs;
use std::io::{ErrorKind as IoErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Buf;
use sync_client::{Address, AuthKey, ErrorKind, Manager};
use sync_proto::frame::{self, Decoder, FrameLimit, OutBuffer};
use sync_proto::message::ServerMessage;
use sync_proto::secure::{ANSWER_LEN, Channel, Cipher, Initiator};
use sync_server::{Builder, Limits, Server};
use sync_testkit::{Cast, RawClient, ServerProcess};
use tempfile::TempDir;

pub(crate) fn key(letter: &str) -> AuthKey {
    AuthKey::new(letter.repeat(32)).unwrap()
}

fn on_tcp() -> Builder {
    Server::builder().listen("tcp:127.0.0.1:0".parse().unwrap())
}

fn cast() -> Cast {
    Cast::with(on_tcp().authkey(key("k")))
}

fn limited(limit: impl FnOnce(&mut Limits)) -> Cast {
    let mut limits = Limits::default();
    limit(&mut limits);
    Cast::with(on_tcp().authkey(key("k")).limits(limits))
}

fn socket(cast: &Cast) -> TcpStream {
    let Address::Tcp { host, port } = cast.server().address() else { panic!("it is TCP") };
    TcpStream::connect((host.as_str(), *port)).unwrap()
}

fn connect(cast: &Cast, letter: &str) -> Result<Manager, sync_client::Error> {
    Manager::options().authkey(key(letter)).connect(cast.server().address())
}

fn still_serves(cast: &Cast) {
    assert_eq!(connect(cast, "k").unwrap().create_value(1u8).unwrap().get().unwrap(), 1);
}

fn initiator(random: u8) -> Initiator {
    Initiator::new(&key("k"), Cipher::preferred(), [random; 32]).unwrap()
}

/// Sends; a server that has closed the connection meanwhile is what some of these tests want.
fn send(mut socket: &TcpStream, bytes: &[u8]) {
    if let Err(error) = socket.write_all(bytes) {
        let gone = [IoErrorKind::BrokenPipe, IoErrorKind::ConnectionReset];
        assert!(gone.contains(&error.kind()), "{error}");
    }
}

/// Waits for the end of a connection, and checks that nothing is said before it.
fn ends_in_silence(mut socket: &TcpStream, of: &str) {
    let mut said = Vec::new();
    match socket.read_to_end(&mut said) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), IoErrorKind::ConnectionReset, "{of}"),
    }
    assert!(said.is_empty(), "{of}: the server says {said:?}");
}

/// Goes through the handshake; the first record is not sent yet.
fn shaken(cast: &Cast) -> (TcpStream, Channel) {
    let (mut socket, initiator) = (socket(cast), initiator(1));
    send(&socket, initiator.first());
    let mut answer = [0; ANSWER_LEN];
    socket.read_exact(&mut answer).unwrap();
    (socket, initiator.finish(&answer).unwrap())
}

fn sealed_hello(channel: &mut Channel) -> Vec<u8> {
    let (mut out, mut wire) = (OutBuffer::new(), OutBuffer::new());
    frame::encode(&RawClient::hello(), FrameLimit::HANDSHAKE, &mut out).unwrap();
    channel.seal(&mut out, &mut wire).unwrap();
    wire.copy_to_bytes(wire.len()).to_vec()
}

fn read_sealed(mut socket: &TcpStream, channel: &mut Channel) -> ServerMessage {
    let mut decoder = Decoder::new(FrameLimit::of_body(1 << 20));
    let (mut wire, mut plain) = ([0; 4096], Vec::new());
    loop {
        let count = socket.read(&mut wire).unwrap();
        assert_ne!(count, 0, "the server closed the connection");
        channel.open(&wire[..count], &mut decoder, &mut plain).unwrap();
        if let Some(message) = decoder.next(&mut plain.as_slice()).unwrap() {
            return message;
        }
    }
}

fn sessions(cast: &Cast) -> usize {
    cast.manager().debug_info().unwrap().sessions.len()
}

#[test]
fn a_first_message_that_is_cut_or_changed_anywhere_gets_not_one_byte() {
    let cast = cast();
    let before = sessions(&cast);
    let first = *initiator(1).first();
    for at in 0..first.len() {
        let stranger = socket(&cast);
        send(&stranger, &first[..at]);
        stranger.shutdown(Shutdown::Write).unwrap();
        ends_in_silence(&stranger, &format!("cut at {at}"));
        for change in [0x01, 0x80, 0xff] {
            let mut changed = first;
            changed[at] ^= change;
            let stranger = socket(&cast);
            send(&stranger, &changed);
            ends_in_silence(&stranger, &format!("byte {at} with {change:#x}"));
        }
    }
    let eager = socket(&cast);
    send(&eager, &[&first[..], b"x"].concat());
    ends_in_silence(&eager, "more than a first message");
    for other in [&b"GET / HTTP/1.1\r\n\r\n"[..], &RawClient::frame(&RawClient::hello())] {
        let stranger = socket(&cast);
        send(&stranger, other);
        ends_in_silence(&stranger, "another protocol");
    }
    assert_eq!(sessions(&cast), before);
    still_serves(&cast);
}

#[test]
fn a_first_record_that_is_cut_or_changed_anywhere_gets_no_session_and_no_word() {
    let cast = cast();
    let before = sessions(&cast);
    let (socket, mut channel) = shaken(&cast);
    let len = sealed_hello(&mut channel).len();
    drop(socket);
    for at in 0..len {
        let (socket, mut channel) = shaken(&cast);
        let mut record = sealed_hello(&mut channel);
        send(&socket, &record[..at]);
        socket.shutdown(Shutdown::Write).unwrap();
        ends_in_silence(&socket, &format!("cut at {at}"));
        let (socket, mut channel) = shaken(&cast);
        assert_eq!(sealed_hello(&mut channel).len(), len);
        record[at] ^= 0x80;
        send(&socket, &record);
        socket.shutdown(Shutdown::Write).unwrap();
        ends_in_silence(&socket, &format!("byte {at}"));
        assert_eq!(sessions(&cast), before);
    }
    still_serves(&cast);
}

#[test]
fn a_replayed_first_message_gets_no_session() {
    let cast = limited(|limits| limits.handshake_timeout = Duration::from_secs(1));
    let before = sessions(&cast);
    let (friend, mut channel) = shaken(&cast);
    let hello = sealed_hello(&mut channel);
    send(&friend, &hello);
    assert!(matches!(read_sealed(&friend, &mut channel), ServerMessage::Welcome(_)));
    assert_eq!(sessions(&cast), before + 1);
    // What the friend has sent, from the first byte to the last, is sent again and again.
    let replays: Vec<TcpStream> = (0..20)
        .map(|number| {
            let mut replay = socket(&cast);
            send(&replay, initiator(1).first());
            let mut answer = [0; ANSWER_LEN];
            replay.read_exact(&mut answer).unwrap();
            if number % 2 == 0 {
                send(&replay, &hello);
            }
            replay
        })
        .collect();
    for replay in &replays {
        ends_in_silence(replay, "a replay");
    }
    assert_eq!(sessions(&cast), before + 1);
    still_serves(&cast);
}

#[test]
fn a_record_that_was_tampered_with_ends_the_connection() {
    let cast = cast();
    let before = sessions(&cast);
    let (socket, mut channel) = shaken(&cast);
    send(&socket, &sealed_hello(&mut channel));
    assert!(matches!(read_sealed(&socket, &mut channel), ServerMessage::Welcome(_)));
    assert_eq!(sessions(&cast), before + 1);
    let mut record = sealed_hello(&mut channel);
    record[9] ^= 1;
    send(&socket, &record);
    ends_in_silence(&socket, "a changed record");
    cast.until("its session is over", || sessions(&cast) == before);
}

#[test]
fn either_of_two_keys_comes_in_and_a_third_does_not() {
    let cast = Cast::with(on_tcp().authkey(key("old")).authkey(key("new")));
    for letter in ["old", "new"] {
        assert_eq!(connect(&cast, letter).unwrap().object_count().unwrap(), 0);
    }
    let error = connect(&cast, "other").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
}

#[test]
fn a_short_key_is_refused_at_both_ends_where_it_would_be_used() {
    let short = || AuthKey::new("only 31 bytes, which is 1 short").unwrap();
    let error = on_tcp().authkey(short()).spawn().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.message().contains("31 bytes, TCP needs at least 32"), "{error}");
    assert!(Server::builder().authkey(short()).spawn().is_ok(), "unix sockets need no key");
    let cast = cast();
    let error = Manager::options().authkey(short()).connect(cast.server().address()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn large_values_go_both_ways_while_others_wait_and_work() {
    let cast = cast();
    let manager = connect(&cast, "k").unwrap();
    let large: String = ('a'..='z').cycle().take(5 << 20).collect();
    let value = manager.create_value(String::new()).unwrap();
    let threads: Vec<_> = (0..3)
        .map(|number| {
            let counter = manager.named("counter").create_value(0u64).unwrap();
            std::thread::spawn(move || (0..50).for_each(|_| drop(counter.fetch_add(number + 1))))
        })
        .collect();
    for _ in 0..3 {
        value.set(&large).unwrap();
        assert!(value.get().unwrap() == large, "it comes back as it went");
        value.set("").unwrap();
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let counter = manager.named("counter").create_value(0u64).unwrap();
    assert_eq!(counter.get().unwrap(), 50 * (1 + 2 + 3));
}

#[test]
fn the_oldest_of_too_many_silent_strangers_are_dropped_and_a_friend_comes_in() {
    let cast = limited(|limits| {
        limits.half_open = 4;
        // It is not their time that is up.
        limits.handshake_timeout = Duration::from_secs(3600);
    });
    let strangers: Vec<TcpStream> = (0..20).map(|_| socket(&cast)).collect();
    still_serves(&cast);
    for stranger in &strangers[..16] {
        stranger.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        ends_in_silence(stranger, "one of the oldest");
    }
    let mut youngest = strangers.last().unwrap();
    youngest.set_nonblocking(true).unwrap();
    let nothing = youngest.read(&mut [0; 1]).unwrap_err();
    assert_eq!(nothing.kind(), IoErrorKind::WouldBlock, "it is still there");
}

#[test]
fn bytes_that_come_slowly_do_not_prolong_the_handshake() {
    let cast = limited(|limits| limits.handshake_timeout = Duration::from_secs(2));
    let (mut stranger, first) = (socket(&cast), *initiator(1).first());
    // In all, three times the timeout: a server on a busy machine counts only some of it.
    stranger.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let mut sent = 0;
    let said = loop {
        assert!(sent < first.len(), "it got all through at 100 ms a byte");
        send(&stranger, &first[sent..=sent]);
        sent += 1;
        match stranger.read(&mut [0; 1]) {
            Err(error) if error.kind() == IoErrorKind::WouldBlock => {}
            Err(error) if error.kind() == IoErrorKind::ConnectionReset => break 0,
            other => break other.unwrap(),
        }
    };
    assert_eq!(said, 0, "strangers get silence");
    still_serves(&cast);
}

#[test]
fn a_client_too_many_is_told_so_under_the_seal() {
    let cast = limited(|limits| limits.connections = 1);
    let _first = connect(&cast, "k").unwrap();
    let error = connect(&cast, "k").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitReached, "{error}");
}

#[test]
fn a_switch_takes_the_seal_off_both_ends_and_one_end_alone_is_told() {
    let open = Cast::with(on_tcp().insecure_tcp());
    let options = Manager::options().insecure_tcp();
    let manager = options.clone().connect(open.server().address()).unwrap();
    assert_eq!(manager.create_value(7u8).unwrap().get().unwrap(), 7);
    assert!(manager.envs().iter().any(|(name, _)| *name == "SYNC_INSECURE_TCP"));
    let error = connect(&open, "k").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(error.message().contains("--insecure-tcp"), "{error}");
    let error = options.connect(cast().server().address()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected);
    assert!(error.message().contains("it may need a key"), "{error}");
}

#[test]
fn what_answers_without_the_key_is_found_out() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address =
        Address::Tcp { host: "127.0.0.1".to_owned(), port: listener.local_addr().unwrap().port() };
    let impostor = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        client.read_exact(&mut [0; 65]).unwrap();
        client.write_all(&[7; ANSWER_LEN]).unwrap();
        let mut more = Vec::new();
        client.read_to_end(&mut more).unwrap();
        more
    });
    let error = Manager::options().authkey(key("k")).connect(address).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(error.message().contains("does not have this key"), "{error}");
    assert!(impostor.join().unwrap().is_empty(), "it is told nothing more");
}

#[test]
fn other_users_come_in_where_they_were_allowed_to_and_nowhere_else() {
    const USER: u32 = 12_345;
    let error = Server::builder().allow_uid(USER).spawn().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let can_act = can_act_for_others();
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    for (uids, mode, comes_in) in
        [(&[][..], 0o600, false), (&[USER + 1], 0o666, false), (&[USER], 0o666, true)]
    {
        let path = folder.path().join("socket");
        let builder = Server::builder().listen(Address::unix(path.clone()).unwrap());
        let builder = uids.iter().fold(builder, |builder, &uid| builder.allow_uid(uid));
        let cast = Cast::with(builder);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        let address = cast.server().address();
        assert_eq!(Manager::connect(address).unwrap().object_count().unwrap(), 0);
        if can_act {
            let connected = as_user(USER, || Manager::connect(address));
            assert_eq!(connected.is_ok(), comes_in, "{connected:?}");
            if mode == 0o666 && !comes_in {
                let error = connected.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
                assert!(error.message().contains("the client runs as user 12345"), "{error}");
            }
        }
    }
}

#[test]
fn another_users_manager_is_taken_only_where_that_was_said() {
    const USER: u32 = 12_345;
    if !can_act_for_others() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let address = Address::unix(folder.path().join("socket")).unwrap();
    let spawn = || Server::builder().listen(address.clone()).allow_uid(0).spawn().unwrap();
    let _server = as_user(USER, spawn);
    let error = Manager::connect(&address).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
    assert!(error.message().contains("user 12345 listens there"), "{error}");
    assert!(Manager::options().server_uid(USER + 1).connect(&address).is_err());
    let manager = Manager::options().server_uid(USER).connect(&address).unwrap();
    assert_eq!(manager.object_count().unwrap(), 0);
}

/// Starts a server on a unix socket and on TCP, whose key is that of [`key`] of "k".
pub(crate) fn on_both_sockets(more: &[&str]) -> (ServerProcess, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = |name| directory.path().join(name).display().to_string();
    let (unix, key_file) = (format!("unix:{}", path("socket")), path("key"));
    fs::write(&key_file, key("k").as_bytes()).unwrap();
    fs::set_permissions(&key_file, fs::Permissions::from_mode(0o600)).unwrap();
    let tcp = "tcp:127.0.0.1:0";
    let args = ["--listen", &unix, "--listen", tcp, "--authkey-file", &key_file];
    (ServerProcess::start(&[&args[..], more].concat(), 2), directory)
}

/// Returns whether this process may run a thread as another user.
#[expect(clippy::print_stdout, reason = "who reads the tests' output learns what was left out")]
fn can_act_for_others() -> bool {
    let can = rustix::process::geteuid().is_root();
    if !can {
        println!("skipped: only root can connect as another user");
    }
    can
}

/// Runs something on a thread that belongs to another user, as the system sees it.
fn as_user<R: Send>(user: u32, run: impl FnOnce() -> R + Send) -> R {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let user = rustix::process::Uid::from_raw(user);
            rustix::thread::set_thread_res_uid(user, user, user).unwrap();
            run()
        });
        thread.join().unwrap()
    })
}

/// Whoever recorded a first message can send it again any number of times, and it is answered.
#[test]
fn a_crowd_that_replays_a_first_message_is_answered_a_few_at_a_time() {
    const CROWD: usize = 1000;
    let (server, _directory) = on_both_sockets(&[]);
    let _cast = Cast::joining(&server);
    let Address::Tcp { host, port } = &server.addresses()[1] else { panic!("it is TCP") };
    let connect = |_| TcpStream::connect((host.as_str(), *port)).unwrap();
    let (first, mut crowd) = (*initiator(1).first(), Vec::from_iter((0..CROWD).map(connect)));
    let (value, calls) = (server.connect().create_value(1u8).unwrap(), AtomicUsize::new(0));
    let (begun, is_over) = (Barrier::new(2), AtomicBool::new(false));
    let among = std::thread::scope(|scope| {
        scope.spawn(|| {
            begun.wait();
            while !is_over.load(Ordering::Relaxed) {
                value.get().unwrap();
                calls.fetch_add(1, Ordering::Relaxed);
            }
        });
        // All at once, as far as the server can see.
        server.stop();
        crowd.iter().for_each(|socket| send(socket, &first));
        begun.wait();
        server.cont();
        let before = calls.load(Ordering::Relaxed);
        crowd.iter_mut().for_each(|socket| socket.read_exact(&mut [0; ANSWER_LEN]).unwrap());
        is_over.store(true, Ordering::Relaxed);
        calls.load(Ordering::Relaxed) - before
    });
    assert!(among > 10, "{among} calls while {CROWD} strangers were answered");
}
