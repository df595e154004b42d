//! One blocking connection, used by one thread at a time.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Duration;

use bytes::Buf;
use rustix::event::PollFlags;
use rustix::io::Errno;
use sync_proto::frame::{self, Decoder, FrameLimit, OutBuffer};
use sync_proto::handshake::{Hello, Purpose, Welcome};
use sync_proto::message::{ClientMessage, ServerMessage};
use sync_proto::secure::{ANSWER_LEN, Channel, Cipher, Initiator, Stranger};
use sync_proto::version::PREAMBLE;
use sync_proto::{Address, AuthKey, CallId, Epoch, ErrorKind, Refusal};

use super::{Target, awake::Awake, socket::Socket, target::Guard};

/// Bytes read at once; larger answers are read straight to their place.
const READ_BUFFER: usize = 16 * 1024;

/// Acknowledgements that are remembered in case the connection breaks.
const ACKNOWLEDGED_MAX: usize = 4096;

/// Bytes of an encrypted connection read at once: a record of the longest.
const SEALED_BUFFER: usize = 64 * 1024;

/// What can go on on a connection; the first that is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ready {
    ToRead,
    ToWrite,
    Nothing,
}

type WriteBy = fn(&Socket, &[IoSlice<'_>]) -> io::Result<usize>;

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
    /// Pings that were not answered yet.
    pings: usize,
    decoder: Decoder,
    out: OutBuffer,
    buffer: Vec<u8>,
    /// What of `buffer` was read and is not decoded yet.
    unread: std::ops::Range<usize>,
    seal: Option<Box<Seal>>,
    awake: Awake,
}

/// What an encrypted connection has besides: what crosses the wire, both ways.
#[derive(Debug)]
struct Seal {
    channel: Channel,
    sealed: OutBuffer,
    read: Vec<u8>,
}

impl Connection {
    /// Connects, and goes through the handshake; each step of it may take so long. Errors name the
    /// manager: a process may have several managers, with a key each.
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
        // A key that is missing is missing whether or not somebody listens.
        let guard = target.guard()?;
        let socket = Socket::connect(&target.address, patience)
            .map_err(|error| unconnected(&target.address, error))?;
        target.check_owner(&socket)?;
        let mut connection = Self {
            socket: Arc::new(socket),
            number: 0,
            epoch: Epoch(0),
            arrived: Vec::new(),
            acknowledged: Vec::new(),
            heard: 0,
            pings: 0,
            decoder: Decoder::new(FrameLimit::HANDSHAKE),
            out: OutBuffer::new(),
            buffer: Vec::new(),
            unread: 0..0,
            seal: None,
            awake: Awake::new(target.spin),
        };
        match guard {
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

    /// Makes sure that the peer is a manager with our key, and that nobody eavesdrops.
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
        let mut answer = [0; ANSWER_LEN];
        let mut filled = 0;
        while filled < ANSWER_LEN {
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
                "the peer does not have this key: it is not a manager, it is another one, or it \
                 does not encrypt (--insecure-tcp)",
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

    /// Notes that the manager has got all that was sent on it.
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

    /// Returns whether the manager has not got all that was sent before the last ping.
    pub(super) const fn awaits_pong(&self) -> bool {
        self.pings > 0
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
        frame::encode(message, limit, &mut self.out)?;
        self.pings += usize::from(matches!(message, ClientMessage::Ping));
        Ok(())
    }

    /// Returns how many bytes are prepared.
    pub(crate) fn queued(&self) -> usize {
        self.out.len()
    }

    /// Writes what was prepared.
    pub(crate) fn write(&mut self) -> Result<(), Refusal> {
        let left = self.write_by(Socket::write)?;
        left.map_or(Ok(()), |why| Err(gone(Some(why))))
    }

    /// Writes what the system takes at once of what was prepared; returns whether that was all.
    pub(super) fn write_now(&mut self) -> Result<bool, Refusal> {
        Ok(self.write_by(Socket::write_now)?.is_none())
    }

    /// Writes; returns why something is left, if it is only that it would take longer.
    fn write_by(&mut self, write: WriteBy) -> Result<Option<io::Error>, Refusal> {
        loop {
            let out = match &mut self.seal {
                None => &mut self.out,
                Some(seal) => {
                    seal.channel.seal(&mut self.out, &mut seal.sealed).map_err(foul)?;
                    &mut seal.sealed
                }
            };
            if out.is_empty() {
                return Ok(None);
            }
            let mut slices = [IoSlice::new(&[]); 16];
            let count = out.chunks_vectored(&mut slices);
            match write(&self.socket, &slices[..count]) {
                Ok(0) => return Err(gone(None)),
                Ok(written) => out.advance(written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => return Ok(Some(error)),
                // Why it was closed may be there to read.
                Err(error) => return Err(self.last_words().unwrap_or_else(|| gone(Some(error)))),
            }
        }
    }

    /// Returns whether the next message was read already, so that [`read`](Self::read) asks nothing
    /// of the socket.
    pub(super) fn has_message(&self) -> bool {
        self.decoder.is_whole(&self.buffer[self.unread.clone()])
    }

    /// Waits until there is something to read, or room to write; for at most so long.
    pub(super) fn wait(&self, time: Option<Duration>) -> Result<Ready, Refusal> {
        self.look(PollFlags::IN | PollFlags::OUT, time)
    }

    /// Returns whether there is something to read.
    pub(super) fn is_spoken_to(&self) -> Result<bool, Refusal> {
        self.look(PollFlags::IN, Some(Duration::ZERO)).map(|ready| ready == Ready::ToRead)
    }

    fn look(&self, what: PollFlags, time: Option<Duration>) -> Result<Ready, Refusal> {
        if !self.unread.is_empty() {
            return Ok(Ready::ToRead);
        }
        let found = self.socket.look(what, time).map_err(|error| gone(Some(error)))?;
        Ok(match found {
            found if found.is_empty() => Ready::Nothing,
            PollFlags::OUT => Ready::ToWrite,
            // Its end, or an error, is to be read, too.
            _ => Ready::ToRead,
        })
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
                Some(message) => {
                    if matches!(message, ServerMessage::Pong(_)) {
                        self.pings = self.pings.saturating_sub(1);
                    }
                    return Ok(message);
                }
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

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// Returns whether it is this process that can have no further connection.
fn is_local(error: &io::Error) -> bool {
    let scarce = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL];
    Errno::from_io_error(error).is_some_and(|error| scarce.contains(&error))
}

/// The error for a manager that no socket leads to.
fn unconnected(address: &Address, error: io::Error) -> Refusal {
    match error.kind() {
        io::ErrorKind::TimedOut => gone(Some(error)),
        io::ErrorKind::PermissionDenied if matches!(address, Address::Unix(_)) => {
            let why = format!(
                "{error}: only the manager's own user can, unless it was started with \
                 --allow-uid, and only who may enter the socket's directory"
            );
            Refusal::new(ErrorKind::Unauthorized, why)
        }
        _ if is_local(&error) => Refusal::new(ErrorKind::Io, error.to_string()),
        _ => Refusal::new(ErrorKind::Disconnected, error.to_string()),
    }
}

fn gone(error: Option<io::Error>) -> Refusal {
    match error {
        Some(error) if is_timeout(&error) => {
            let why = "the manager did not answer in time: it is stopped, or is not a manager";
            Refusal::new(ErrorKind::Unresponsive, why)
        }
        Some(error) => {
            let why = format!("the connection to the manager broke: {error}");
            Refusal::new(ErrorKind::Disconnected, why)
        }
        None => Refusal::new(ErrorKind::Disconnected, "the manager closed the connection"),
    }
}

/// An end before the answer. An unauthenticated peer gets no reason.
fn silence(heard: usize) -> Refusal {
    let why = match heard {
        0 => {
            "the manager closed the connection without an answer: it does not have this key, or is \
              not a manager"
        }
        _ => "the connection was closed in the middle of the handshake",
    };
    let kind = if heard == 0 { ErrorKind::Unauthorized } else { ErrorKind::Disconnected };
    Refusal::new(kind, why)
}

fn foul(why: Stranger) -> Refusal {
    let why = format!("the connection to the manager can no longer be trusted: {why}");
    Refusal::new(ErrorKind::Disconnected, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_the_system_keeps_from_this_user_is_no_manager_that_is_gone() {
        let kind =
            |address: &str, error: Errno| unconnected(&address.parse().unwrap(), error.into()).kind;
        for error in [Errno::ACCESS, Errno::PERM] {
            assert_eq!(kind("unix:/run/socket", error), ErrorKind::Unauthorized);
            // The system's own network filter says the same, and may be for a moment.
            assert_eq!(kind("tcp:localhost:1", error), ErrorKind::Disconnected);
        }
        assert_eq!(kind("unix:/run/socket", Errno::CONNREFUSED), ErrorKind::Disconnected);
    }
}
