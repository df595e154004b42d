//! One Python connection: a socket with its two buffers, and how far it has come.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};

use bytes::{Buf, Bytes, BytesMut};
use mio::{Interest, Registry, Token};
use rustix::process::Pid;
use sync_objects::{Time, Via};
use sync_proto::{CallId, Handle, ObjectId, SessionId, ThreadId};

use super::auth::Auth;
use super::desk::{Then, Undo};
use super::framing::{self, BadLength, Decoder};
use super::proxies::At;
use super::reply::Address;
use crate::connection::Flushed;
use crate::limits::WRITE_PER_TURN;
use crate::sessions::Origin;
use crate::stream::Stream;

/// Bytes read from one connection in one go.
pub(crate) const READ_BUFFER: usize = crate::limits::READ_PER_TURN;

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    token: Token,
    interest: Option<Interest>,
    decoder: Decoder,
    out: BytesMut,
    pub(crate) via: Via,
    pub(crate) peer: Peer,
    /// Where its client reaches the manager.
    address: Address,
    /// The protocol of the last pickle that its client sent.
    pub(crate) protocol: u8,
    pub(crate) stage: Stage,
    /// The call that waits for its answer. A Python thread makes one at a time.
    pub(crate) waiting: Option<Waiting>,
    /// The objects in the last answer: held until the client has had the time to count its own
    /// references, which is when it asks for something else.
    pub(crate) in_flight: Vec<Handle>,
    /// The object that the last answer is, and for which a reference is counted until the client
    /// has given that back.
    pub(crate) offered: Option<ObjectId>,
    /// What is to be done if an answer cannot be written, by where it ends in what was queued.
    undos: VecDeque<(u64, Undo)>,
    /// How many bytes were queued, ever.
    queued: u64,
    /// The peer will send no more.
    pub(crate) read_closed: bool,
    /// The peer reads no more: what it sent before is carried out, and answered to nobody.
    is_deaf: bool,
}

/// The process at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Peer {
    /// A process of this machine.
    Process(Pid),
    /// Some process of a host.
    Host(IpAddr),
}

impl From<Peer> for Origin {
    fn from(peer: Peer) -> Self {
        match peer {
            Peer::Process(pid) => Self::Process(pid),
            Peer::Host(address) => Self::Address(address),
        }
    }
}

impl core::fmt::Display for Peer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Process(pid) => write!(f, "process {pid}"),
            Self::Host(address) => address.fmt(f),
        }
    }
}

/// How far a connection has come.
#[derive(Debug)]
pub(crate) enum Stage {
    /// Both ends show that they have the key, by then.
    Auth { auth: Auth, deadline: Time },
    /// The first request, which begins to arrive by then, says which kind it is.
    Fresh { deadline: Time },
    /// A thread's connection, for calls of objects.
    Object(Caller),
    /// What is left is sent, by then; then it is closed.
    Closing { deadline: Time },
}

/// A Python thread, by its connection.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) session: SessionId,
    pub(crate) thread: ThreadId,
}

/// A call that waits.
pub(crate) struct Waiting {
    pub(crate) call: CallId,
    pub(crate) then: Then,
}

impl core::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Waiting").field("call", &self.call).finish_non_exhaustive()
    }
}

impl Connection {
    pub(crate) fn new(
        stream: Stream,
        token: Token,
        via: Via,
        (peer, address): (Peer, Address),
        stage: Stage,
    ) -> Self {
        Self {
            stream,
            token,
            interest: None,
            decoder: Decoder::new(),
            out: BytesMut::new(),
            via,
            peer,
            address,
            protocol: 0,
            stage,
            waiting: None,
            in_flight: Vec::new(),
            offered: None,
            undos: VecDeque::new(),
            queued: 0,
            read_closed: false,
            is_deaf: false,
        }
    }

    /// Returns what makes the proxies that its client is sent.
    pub(crate) fn at(&self) -> At<'_> {
        At { address: &self.address, protocol: self.protocol }
    }

    /// Takes longer messages from now on.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.decoder.set_limit(limit);
    }

    /// Reads what is there, up to a bound; returns whether the peer has closed its end, or more
    /// may be there.
    pub(crate) fn read(&mut self, buffer: &mut [u8; READ_BUFFER]) -> io::Result<Got> {
        let got = match self.stream.read(buffer) {
            Ok(0) => Got::End,
            Ok(count) => {
                self.decoder.push(&buffer[..count]);
                if count == buffer.len() { Got::More } else { Got::Drained }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Got::Drained,
            Err(error) => return Err(error),
        };
        self.hurry()?;
        Ok(got)
    }

    /// Acknowledges at once what a TCP client wrote: it holds its next message back until then,
    /// because Python writes twice in a row without setting `TCP_NODELAY`.
    fn hurry(&self) -> io::Result<()> {
        match &self.stream {
            Stream::Tcp(stream) if !matches!(self.stage, Stage::Object(_)) => {
                Ok(rustix::net::sockopt::set_tcp_quickack(stream, true)?)
            }
            _ => Ok(()),
        }
    }

    /// Returns the next message in what was read.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, BadLength> {
        self.decoder.next()
    }

    /// Returns whether something was read that is not yet asked for.
    pub(crate) fn has_input(&self) -> bool {
        self.decoder.is_inside()
    }

    /// Returns how many bytes were read and are not carried out.
    pub(crate) fn pending_input(&self) -> usize {
        self.decoder.held()
    }

    /// Returns whether a message that was read waits to be carried out.
    pub(crate) fn is_ahead(&self) -> bool {
        self.decoder.has_next()
    }

    /// Returns what it has taken too long with by a deadline that is its own, if it has.
    pub(crate) fn late(&self, at: Time) -> Option<&'static str> {
        let (deadline, why) = match &self.stage {
            Stage::Auth { deadline, .. } => (deadline, "it took too long to show the key"),
            // A long request may take longer to come. It is bounded as those of known threads are.
            Stage::Fresh { .. } if self.pending_input() > 0 => return None,
            Stage::Fresh { deadline } => (deadline, "it has the key, and sent no request"),
            Stage::Closing { deadline } => (deadline, "it took too long to read its last answer"),
            Stage::Object(_) => return None,
        };
        (*deadline <= at).then_some(why)
    }

    /// Queues a message.
    pub(crate) fn push(&mut self, message: &[u8]) {
        if !self.is_deaf {
            let before = self.out.len();
            framing::put(message, &mut self.out);
            self.queued += (self.out.len() - before) as u64;
        }
    }

    /// Keeps what undoes the call whose answer was queued last, until that is written.
    pub(crate) fn keep(&mut self, undo: Undo) {
        self.undos.push_back((self.queued, undo));
    }

    /// Takes what undoes the calls whose answers are not written, the last first.
    pub(crate) fn take_undos(&mut self) -> impl Iterator<Item = Undo> + use<> {
        std::mem::take(&mut self.undos).into_iter().rev().map(|(_, undo)| undo)
    }

    /// Drops what waits to be written, and whatever would be written later.
    pub(crate) fn give_up_output(&mut self) {
        (self.is_deaf, self.out) = (true, BytesMut::new());
    }

    /// Returns whether nothing can be written any more.
    pub(crate) const fn is_deaf(&self) -> bool {
        self.is_deaf
    }

    /// Writes what waits, or what of it one turn may take, and asks to be told when the rest can
    /// be written.
    pub(crate) fn flush(&mut self, registry: &Registry) -> io::Result<Flushed> {
        let mut flushed = Flushed { written: 0, has_room: false };
        while !self.out.is_empty() {
            let most = self.out.len().min(WRITE_PER_TURN - flushed.written);
            if most == 0 {
                flushed.has_room = true;
                break;
            }
            match self.stream.write(&[IoSlice::new(&self.out[..most])]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.out.advance(written);
                    flushed.written += written;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        let written = self.queued - self.out.len() as u64;
        while self.undos.front().is_some_and(|&(end, _)| end <= written) {
            self.undos.pop_front();
        }
        if self.out.is_empty() && self.out.capacity() > READ_BUFFER {
            // What a large answer needed is not kept for small ones.
            self.out = BytesMut::new();
        }
        self.register(registry)?;
        Ok(flushed)
    }

    /// Tells the poll what is waited for, if that has changed.
    pub(crate) fn register(&mut self, registry: &Registry) -> io::Result<()> {
        self.stream.watch(registry, self.token, &mut self.interest, !self.out.is_empty())
    }

    /// Returns where it comes from, over TCP.
    pub(crate) fn origin(&self) -> Option<SocketAddr> {
        self.stream.origin()
    }

    /// Returns how many bytes wait to be written.
    pub(crate) fn pending_output(&self) -> usize {
        self.out.len()
    }
}

/// What came of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    /// All that was there.
    Drained,
    /// Perhaps not all that was there.
    More,
    /// The peer has closed its end.
    End,
}
