//! One blocking connection, used by one thread at a time.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use bytes::Buf;
use rustix::buffer::spare_capacity;
use rustix::net::{RecvFlags, recv};
use sync_proto::frame::{self, Decoder, FrameLimit, OutBuffer};
use sync_proto::handshake::{Hello, Purpose, Welcome};
use sync_proto::message::{ClientMessage, ServerMessage};
use sync_proto::secure::{ANSWER, Channel, Cipher, Initiator, Stranger};
use sync_proto::version::PREAMBLE;
use sync_proto::{Address, AuthKey, CallId, Epoch, ErrorKind, Refusal};

use super::{Target, awake::Awake, target::Guard};

/// Bytes read at once; larger answers are read straight to their place.
const READ_BUFFER: usize = 16 * 1024;

/// Acknowledgements that are remembered in case the connection breaks.
const ACKNOWLEDGED_MAX: usize = 4096;

/// Bytes of a sealed connection read at once: a record of the longest.
const SEALED_BUFFER: usize = 64 * 1024;

#[derive(Debug)]
pub(crate) enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
}

#[derive(Debug)]
pub(crate) struct Connection {
    socket: Arc<Socket>,
    number: u64,
    epoch: Epoch,
    /// Answers that came on it and were not acknowledged.
    arrived: Vec<CallId>,
    /// Answers that were acknowledged, as far as is known in vain.
    acknowledged: Vec<CallId>,
    /// How many bytes came on it.
    heard: u64,
    decoder: Decoder,
    out: OutBuffer,
    buffer: Vec<u8>,
    /// What of `buffer` was read and is not decoded yet.
    unread: std::ops::Range<usize>,
    seal: Option<Box<Seal>>,
    awake: Awake,
}

/// What a sealed connection has besides: what crosses the wire, both ways.
#[derive(Debug)]
struct Seal {
    channel: Channel,
    sealed: OutBuffer,
    read: Vec<u8>,
}

impl Connection {
    /// Connects, and goes through the handshake; each step of it may take so long. What fails says
    /// with whom: a process may have several managers, with a key each.
    pub(crate) fn open(
        target: &Target,
        purpose: Purpose,
        patience: Duration,
    ) -> Result<(Self, Welcome), Refusal> {
        Self::greet(target, purpose, patience).map_err(|refusal| {
            let why = format!("cannot connect to {}: {refusal}", target.address);
            Refusal::new(refusal.kind, why)
        })
    }

    fn greet(
        target: &Target,
        purpose: Purpose,
        patience: Duration,
    ) -> Result<(Self, Welcome), Refusal> {
        let socket =
            Socket::connect(&target.address, patience).map_err(|error| match error.kind() {
                io::ErrorKind::TimedOut => gone(Some(error)),
                _ => Refusal::new(ErrorKind::Disconnected, error.to_string()),
            })?;
        if let Socket::Unix(socket) = &socket {
            target.check_owner(socket)?;
        }
        let mut connection = Self {
            socket: Arc::new(socket),
            number: 0,
            epoch: Epoch(0),
            arrived: Vec::new(),
            acknowledged: Vec::new(),
            heard: 0,
            decoder: Decoder::new(FrameLimit::HANDSHAKE),
            out: OutBuffer::new(),
            buffer: Vec::new(),
            unread: 0..0,
            seal: None,
            awake: Awake::new(target.spin),
        };
        match target.guard()? {
            Guard::Key(key) => {
                let channel = connection.seal_with(key)?;
                let (sealed, read) = (OutBuffer::new(), vec![0; SEALED_BUFFER]);
                connection.seal = Some(Box::new(Seal { channel, sealed, read }));
            }
            Guard::Open => {
                connection.buffer = vec![0; READ_BUFFER];
                connection.out.extend(&PREAMBLE);
            }
        }
        let hello = ClientMessage::Hello(Hello { purpose });
        connection.queue(&hello, FrameLimit::HANDSHAKE)?;
        connection.write()?;
        let first = connection.read().map_err(|refusal| target.explain(refusal))?;
        let welcome = Welcome::of(first)?;
        // From here on a call waits as long as it takes: the manager keeps the time, and is only
        // asked now and then whether it does.
        connection.set_patience(target.unresponsive_after)?;
        let limit = FrameLimit::of_body(welcome.body_max as usize);
        connection.decoder.set_limit(limit.of_answers());
        Ok((connection, welcome))
    }

    /// Makes sure that only a manager with our key is spoken to, and nobody listens.
    fn seal_with(&self, key: &AuthKey) -> Result<Channel, Refusal> {
        let mut random = [0; 32];
        getrandom::fill(&mut random)
            .map_err(|error| Refusal::new(ErrorKind::Io, format!("no randomness: {error}")))?;
        let initiator = Initiator::new(key, Cipher::preferred(), random)?;
        let mut first = &initiator.first()[..];
        while !first.is_empty() {
            match self.socket.write(&[IoSlice::new(first)]) {
                Ok(0) => return Err(gone(None)),
                Ok(written) => first = &first[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(gone(Some(error))),
            }
        }
        let mut answer = [0; ANSWER];
        let mut filled = 0;
        while filled < ANSWER {
            match self.socket.read(&mut answer[filled..]) {
                Ok(0) => return Err(silence(filled)),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(gone(Some(error))),
            }
        }
        initiator.finish(&answer).map_err(|_| {
            Refusal::new(
                ErrorKind::Unauthorized,
                "what answered does not have this key: it is no manager, another one, or one \
                 that seals nothing (--insecure-tcp)",
            )
        })
    }

    pub(crate) fn set_number(&mut self, number: u64) {
        self.number = number;
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn set_epoch(&mut self, epoch: Epoch) {
        self.epoch = epoch;
    }

    /// Returns the generation of the session's connections that it belongs to.
    pub(super) const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Returns the answers that came on it and are to be acknowledged.
    pub(super) const fn arrived(&mut self) -> &mut Vec<CallId> {
        &mut self.arrived
    }

    /// Remembers what is acknowledged on it, until it is [`confirmed`](Self::confirm).
    pub(super) fn note_acknowledged(&mut self, calls: &[CallId]) {
        // So many calls are never under way: the older ones are answered, and what was said
        // before them is heard.
        let surplus = self.acknowledged.len().saturating_sub(ACKNOWLEDGED_MAX);
        self.acknowledged.drain(..surplus);
        self.acknowledged.extend_from_slice(calls);
    }

    /// Notes that the manager has heard all that was said on it.
    pub(super) fn confirm(&mut self) {
        self.acknowledged.clear();
    }

    /// Returns the answers that may be acknowledged anew, because the connection is given up.
    pub(super) fn unconfirmed(&mut self) -> Vec<CallId> {
        let mut calls = std::mem::take(&mut self.acknowledged);
        calls.append(&mut self.arrived);
        calls
    }

    /// Returns how many bytes came on it.
    pub(super) const fn heard(&self) -> u64 {
        self.heard
    }

    /// Returns how many bytes wait to be written, as they cross the wire.
    pub(super) fn unwritten(&self) -> usize {
        self.out.len() + self.seal.as_ref().map_or(0, |seal| seal.sealed.len())
    }

    /// Sets how long a read or a write may take.
    pub(super) fn set_patience(&self, patience: Option<Duration>) -> Result<(), Refusal> {
        self.socket.set_patience(patience).map_err(|error| gone(Some(error)))
    }

    /// Returns the socket, by which another thread can shut it down.
    pub(crate) fn socket(&self) -> Arc<Socket> {
        Arc::clone(&self.socket)
    }

    /// Prepares a message for [`write`](Self::write).
    pub(crate) fn queue(
        &mut self,
        message: &ClientMessage,
        limit: FrameLimit,
    ) -> Result<(), Refusal> {
        frame::encode(message, limit, &mut self.out)
    }

    /// Returns how many bytes are prepared.
    pub(crate) fn queued(&self) -> usize {
        self.out.len()
    }

    /// Writes what was prepared.
    pub(crate) fn write(&mut self) -> Result<(), Refusal> {
        loop {
            let out = match &mut self.seal {
                None => &mut self.out,
                Some(seal) => {
                    seal.channel.seal(&mut self.out, &mut seal.sealed).map_err(foul)?;
                    &mut seal.sealed
                }
            };
            if out.is_empty() {
                return Ok(());
            }
            let mut slices = [IoSlice::new(&[]); 16];
            let count = out.chunks_vectored(&mut slices);
            match self.socket.write(&slices[..count]) {
                Ok(0) => return Err(gone(None)),
                Ok(written) => out.advance(written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => return Err(gone(Some(error))),
                // Why it was closed may be there to read.
                Err(error) => return Err(self.last_words().unwrap_or_else(|| gone(Some(error)))),
            }
        }
    }

    /// Waits for the next message.
    pub(crate) fn read(&mut self) -> Result<ServerMessage, Refusal> {
        loop {
            let mut input = &self.buffer[self.unread.clone()];
            let message = self.decoder.next(&mut input)?;
            self.unread.start = self.unread.end - input.len();
            match message {
                // A proxy has no use for the commit.
                Some(ServerMessage::Witnessed(_, reply)) => return Ok(ServerMessage::Reply(reply)),
                Some(message) => return Ok(message),
                None => {}
            }
            match self.fill() {
                Ok(0) => return Err(gone(None)),
                Ok(count) => self.heard += count as u64,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(gone(Some(error))),
            }
            if let Some(seal) = &mut self.seal {
                let read = &seal.read[..self.unread.end];
                let opened = seal.channel.open(read, &mut self.decoder, &mut self.buffer);
                self.unread = 0..self.buffer.len();
                opened.map_err(foul)?;
            }
        }
    }

    /// Reads once, to where it is to be decoded or opened.
    fn fill(&mut self) -> io::Result<usize> {
        self.unread = 0..0;
        let buffer = match &mut self.seal {
            Some(seal) => &mut seal.read,
            None => {
                if let Some(direct) = self.decoder.direct() {
                    return self.socket.read_more(direct);
                }
                &mut self.buffer
            }
        };
        let count = self.awake.read(&self.socket, buffer)?;
        self.unread = 0..count;
        Ok(count)
    }

    fn last_words(&mut self) -> Option<Refusal> {
        match self.read() {
            Ok(ServerMessage::Refused(refusal)) => Some(refusal),
            _ => None,
        }
    }
}

impl Socket {
    fn connect(address: &Address, patience: Duration) -> io::Result<Self> {
        let socket = match address {
            Address::Unix(path) => UnixStream::connect(path).map(Self::Unix)?,
            Address::Tcp { host, port } => {
                let socket = connect_tcp(host, *port, patience)?;
                // A request is one write: waiting to fill a packet only delays it.
                socket.set_nodelay(true)?;
                keep_alive(&socket)?;
                Self::Tcp(socket)
            }
        };
        socket.set_patience(Some(patience))?;
        Ok(socket)
    }

    /// Sets how long a read or a write may take.
    fn set_patience(&self, patience: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Unix(socket) => {
                socket.set_read_timeout(patience)?;
                socket.set_write_timeout(patience)
            }
            Self::Tcp(socket) => {
                socket.set_read_timeout(patience)?;
                socket.set_write_timeout(patience)
            }
        }
    }

    /// Wakes whoever reads from it: the end has come.
    pub(crate) fn shutdown(&self) {
        // It may be closed already, which is what is wanted.
        let _ = match self {
            Self::Unix(socket) => socket.shutdown(Shutdown::Both),
            Self::Tcp(socket) => socket.shutdown(Shutdown::Both),
        };
    }

    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(socket) => (&*socket).read(buffer),
            Self::Tcp(socket) => (&*socket).read(buffer),
        }
    }

    /// Reads into the spare capacity, as it is. What is long in coming is under way: there is no
    /// looking for it first.
    fn read_more(&self, body: &mut Vec<u8>) -> io::Result<usize> {
        let room = spare_capacity(body);
        let read = match self {
            Self::Unix(socket) => recv(socket, room, RecvFlags::empty()),
            Self::Tcp(socket) => recv(socket, room, RecvFlags::empty()),
        };
        Ok(read?.0)
    }

    /// Reads what is there; `WouldBlock` when nothing is.
    pub(super) fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match self {
            Self::Unix(socket) => recv(socket, buffer, RecvFlags::DONTWAIT),
            Self::Tcp(socket) => recv(socket, buffer, RecvFlags::DONTWAIT),
        };
        Ok(read?.0)
    }

    fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        // The usual case; one piece costs the system less than a list of one.
        if let [slice] = slices {
            return match self {
                Self::Unix(socket) => (&*socket).write(slice),
                Self::Tcp(socket) => (&*socket).write(slice),
            };
        }
        match self {
            Self::Unix(socket) => (&*socket).write_vectored(slices),
            Self::Tcp(socket) => (&*socket).write_vectored(slices),
        }
    }
}

fn connect_tcp(host: &str, port: u16, patience: Duration) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(socket) => return Ok(socket),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn gone(error: Option<io::Error>) -> Refusal {
    match error {
        Some(error) if is_timeout(&error) => {
            let why = "the manager did not answer in time: it is stopped, or is no manager";
            Refusal::new(ErrorKind::Unresponsive, why)
        }
        Some(error) => {
            let why = format!("the connection to the manager broke: {error}");
            Refusal::new(ErrorKind::Disconnected, why)
        }
        None => Refusal::new(ErrorKind::Disconnected, "the manager closed the connection"),
    }
}

/// An end before the answer. Who is taken for a stranger is told nothing.
fn silence(heard: usize) -> Refusal {
    let why = match heard {
        0 => {
            "the manager closed the connection without a word: it has not this key, or is no \
              manager"
        }
        _ => "the connection was closed in the middle of the handshake",
    };
    let kind = if heard == 0 { ErrorKind::Unauthorized } else { ErrorKind::Disconnected };
    Refusal::new(kind, why)
}

fn foul(why: Stranger) -> Refusal {
    let why = format!("the connection to the manager is not to be trusted any more: {why}");
    Refusal::new(ErrorKind::Disconnected, why)
}

/// Has the system ask whether a silent manager is still there: after 10 s of silence every 5 s,
/// and given up after 3 times. Then every call that waits for it is told.
fn keep_alive(socket: &TcpStream) -> io::Result<()> {
    use rustix::net::sockopt;
    sockopt::set_socket_keepalive(socket, true)?;
    sockopt::set_tcp_keepidle(socket, Duration::from_secs(10))?;
    sockopt::set_tcp_keepintvl(socket, Duration::from_secs(5))?;
    sockopt::set_tcp_keepcnt(socket, 3)?;
    // It does not ask while a request is on its way, so that is bounded by itself.
    sockopt::set_tcp_user_timeout(socket, 25_000)?;
    Ok(())
}
