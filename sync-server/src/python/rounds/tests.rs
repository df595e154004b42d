use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use mio::{Events, Poll, Waker};
use sync_objects::Kernel;
use sync_proto::{Address, AuthKey, ManagerId};

use super::*;
use crate::hub::Hub;
use crate::keys::Keys;
use crate::limits::{Limits, WRITE_PER_TURN};
use crate::listener::Listener;
use crate::python::connection::READ_BUFFER;
use crate::socket_file::Audience;
use crate::source::Source;
use crate::strangers::Strangers;

const CROWD: usize = 20;

/// What a client says first, once it is let in: `(None, 'dummy', (), {})`.
const DUMMY: &[u8] = b"(NX\x05\x00\x00\x00dummyt}t.";

fn framed(message: &[u8]) -> Vec<u8> {
    [&u32::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat()
}

fn front(listener: Listener) -> Front {
    let (poll, limits) = (Poll::new().unwrap(), Limits::default());
    let waker = Waker::new(poll.registry(), Source::Waker.token()).unwrap();
    let kernel = Kernel::new(sync_objects::registry(), limits.kernel.clone(), ManagerId(1));
    let hub = Arc::new(Hub::new(kernel, waker));
    let key = AuthKey::new("0123456789abcdef0123456789abcdef").unwrap();
    let keys = Keys::new(vec![key], None, true).unwrap();
    let strangers = Strangers::new(Arc::new(keys), false, Vec::new());
    let mut front = Front::new(&hub, vec![listener], strangers, limits).unwrap();
    hub.open_doors();
    turn(&mut front);
    front
}

/// Does what the loop does when it is woken.
fn turn(front: &mut Front) {
    let mut events = Events::with_capacity(1024);
    front.poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
    front.sort(&events);
    front.door.open(&front.hub, front.poll.registry());
    front.accept();
    front.turn();
}

/// Returns how many of them were answered since the last time.
fn answered(crowd: &mut [UnixStream]) -> usize {
    let is_answered = |end: &mut UnixStream| matches!(end.read(&mut [0; 1024]), Ok(1..));
    crowd.iter_mut().map(|end| usize::from(is_answered(end))).sum()
}

#[test]
fn of_a_crowd_of_strangers_a_few_are_heard_in_a_turn_beside_a_client() {
    let directory = tempfile::tempdir().unwrap();
    let address = Address::unix(directory.path().join("python")).unwrap();
    let Address::Unix(path) = &address else { panic!("it is a unix socket") };
    let mut front = front(Listener::bind(&address, Audience::Owner).unwrap());
    // The client is the youngest.
    let connect = |_| {
        let end = UnixStream::connect(path).unwrap();
        end.set_nonblocking(true).unwrap();
        end
    };
    let mut crowd: Vec<_> = (0..CROWD).map(connect).collect();
    let mut client = connect(CROWD);
    while answered(&mut crowd) + answered(std::slice::from_mut(&mut client)) > 0
        || front.connections.len() <= CROWD
    {
        turn(&mut front);
    }
    let key = front.connections.iter().map(|(key, _)| key).max().unwrap();
    let connection = &mut front.connections[key];
    connection.stage = Stage::Fresh { deadline: front.hub.now() + Duration::from_secs(9) };
    front.half_open.remove(&connection.via);
    let (begun, rest) = (&framed(DUMMY)[..2], &framed(DUMMY)[2..]);
    crowd[0].write_all(begun).unwrap();
    for end in crowd[1..].iter_mut().chain([&mut client]) {
        end.write_all(&framed(DUMMY)).unwrap();
    }
    turn(&mut front);
    assert_eq!(answered(std::slice::from_mut(&mut client)), 1);
    assert_eq!(answered(&mut crowd), STRANGERS_PER_TURN - 1);
    // A connection that speaks again is served after the others.
    crowd[0].write_all(rest).unwrap();
    for _ in 1..CROWD / STRANGERS_PER_TURN {
        turn(&mut front);
        assert_eq!(answered(&mut crowd[1..]), STRANGERS_PER_TURN);
        assert_eq!(front.sleep_for(), Some(Duration::ZERO));
    }
    assert_eq!(answered(&mut crowd), 0);
    turn(&mut front);
    assert_eq!(answered(&mut crowd), 1);
    assert_ne!(front.sleep_for(), Some(Duration::ZERO));
}

#[test]
fn to_one_client_no_more_is_written_in_a_turn_than_may_be_and_all_in_the_end() {
    let address = "tcp:127.0.0.1:0".parse().unwrap();
    let listener = Listener::bind(&address, Audience::Owner).unwrap();
    let Address::Tcp { host, port } = listener.address().clone() else { panic!("it is TCP") };
    let mut front = front(listener);
    let mut end = TcpStream::connect((host, port)).unwrap();
    end.set_nonblocking(true).unwrap();
    while front.connections.is_empty() {
        turn(&mut front);
    }
    // A socket takes more of it at once.
    let (key, connection) = front.connections.iter_mut().next().unwrap();
    connection.push(&vec![0; 16 << 20]);
    let mut pending = connection.pending_output();
    front.dirty.insert(key);
    while pending > 0 {
        turn(&mut front);
        let left = front.connections[key].pending_output();
        assert!(pending - left <= WRITE_PER_TURN, "{} bytes in one turn", pending - left);
        if pending - left == WRITE_PER_TURN && left > 0 {
            assert_eq!(front.sleep_for(), Some(Duration::ZERO), "nobody will wake it");
        }
        pending = left;
        while matches!(end.read(&mut [0; READ_BUFFER]), Ok(1..)) {}
    }
    assert!(front.dirty.is_empty());
}
