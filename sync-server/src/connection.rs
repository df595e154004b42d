//! One socket with its two buffers, and what it reports to the event loop. No meaning.

use std::io::{self, IoSlice};
use std::net::SocketAddr;

use bytes::Buf;
use mio::{Interest, Registry, Token};
use sync_objects::{Time, Via};
use sync_proto::frame::{self, Decoder, FrameLimit, OutBuffer};
use sync_proto::message::{ClientMessage, ServerMessage};
use sync_proto::secure::{Channel, Responder, Stranger};
use sync_proto::{Refusal, SessionId};

use crate::keys::Keys;
use crate::limits::WRITE_PER_TURN;
use crate::sessions::Origin;
use crate::stream::Stream;

/// How many pieces of output go into one system call.
const SLICES: usize = 32;

/// Who can read the traffic.
#[derive(Debug)]
pub(crate) enum Guard {
    /// Anybody on the path: nobody, or a network that is said to be closed.
    Open,
    /// The other end has to prove that it has the key.
    Knocking(Box<Responder>),
    /// Nobody.
    Sealed(Box<Channel>),
}

/// What all connections are read into, one after the other.
#[derive(Debug)]
pub(crate) struct Buffers {
    wire: Vec<u8>,
    /// What was encrypted in it.
    plain: Vec<u8>,
}

impl Buffers {
    pub(crate) fn new(read_at_once: usize) -> Self {
        Self { wire: vec![0; read_at_once], plain: Vec::new() }
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    guard: Guard,
    /// Encrypted, and to be written. Without encryption `out` itself is written.
    wire: OutBuffer,
    token: Token,
    interest: Option<Interest>,
    decoder: Decoder,
    out: OutBuffer,
    pub(crate) via: Via,
    pub(crate) stage: Stage,
    /// Where it comes from.
    pub(crate) peer: Option<Origin>,
    /// Requests that were not answered yet.
    pub(crate) in_flight: usize,
    /// An answer is among what waits to be written.
    pub(crate) owes_answer: bool,
    /// The peer will send no more.
    pub(crate) read_closed: bool,
}

/// How far a connection has come.
#[derive(Debug)]
pub(crate) enum Stage {
    /// The first bytes say what protocol this is.
    Preamble { seen: Vec<u8> },
    /// Not known yet.
    Handshake,
    /// One of a session's connections.
    Live(SessionId),
    /// Refused: what is left is sent, then it is closed.
    Closing { deadline: Time },
}

/// What came of reading.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Got {
    /// So many bytes, and perhaps more are there.
    Full(usize),
    /// So many bytes, and no more for now.
    Drained(usize),
    /// The peer has closed its end.
    End,
    /// Bytes that are not to be trusted; those before them are.
    Foul(Stranger),
}

/// What came of writing.
#[derive(Debug)]
pub(crate) struct Flushed {
    /// How many bytes were written.
    pub(crate) written: usize,
    /// More waits and could be written: nobody will say so again.
    pub(crate) has_room: bool,
}

impl Connection {
    pub(crate) fn new(stream: Stream, guard: Guard, token: Token, via: Via) -> Self {
        let decoder = Decoder::new(FrameLimit::HANDSHAKE);
        let (out, interest) = (OutBuffer::new(), None);
        // An encrypted connection names its protocol outside of the encryption.
        let stage = match guard {
            Guard::Open => Stage::Preamble { seen: Vec::new() },
            Guard::Knocking(_) | Guard::Sealed(_) => Stage::Handshake,
        };
        Self {
            stream,
            guard,
            wire: OutBuffer::new(),
            token,
            interest,
            decoder,
            out,
            via,
            stage,
            peer: None,
            in_flight: 0,
            owes_answer: false,
            read_closed: false,
        }
    }

    /// Returns whether a network lies between the two ends.
    pub(crate) const fn is_tcp(&self) -> bool {
        matches!(self.stream, Stream::Tcp(_))
    }

    pub(crate) fn set_limit(&mut self, limit: FrameLimit) {
        self.decoder.set_limit(limit);
    }

    /// Reads once: into the buffers, or, inside a large message, straight to its place. Returns
    /// what there is to decode.
    pub(crate) fn read<'a>(
        &mut self,
        buffers: &'a mut Buffers,
        keys: &Keys,
    ) -> io::Result<(Got, &'a [u8])> {
        if let (Guard::Open, Some(direct)) = (&self.guard, self.decoder.direct()) {
            let room = direct.capacity() - direct.len();
            let got = got(self.stream.read_more(direct), room)?;
            return Ok((got, &[]));
        }
        let Buffers { wire, plain } = buffers;
        let got = got(self.stream.read(wire), wire.len())?;
        let (Got::Full(count) | Got::Drained(count)) = got else { return Ok((got, &[])) };
        let wire = &wire[..count];
        match &mut self.guard {
            Guard::Open => Ok((got, wire)),
            Guard::Knocking(responder) => match responder.handle(wire, &keys.current().ring) {
                Ok(None) => Ok((got, &[])),
                Ok(Some((answer, channel))) => {
                    self.wire.extend(&answer);
                    self.guard = Guard::Sealed(Box::new(channel));
                    Ok((got, &[]))
                }
                Err(stranger) => Ok((Got::Foul(stranger), &[])),
            },
            Guard::Sealed(channel) => {
                let opened = channel.open(wire, &mut self.decoder, plain);
                Ok((opened.map_or_else(Got::Foul, |()| got), plain))
            }
        }
    }

    /// Returns the next message in what was read.
    pub(crate) fn next(&mut self, input: &mut &[u8]) -> Result<Option<ClientMessage>, Refusal> {
        self.decoder.next(input)
    }

    /// Returns how many bytes of a message that is not complete are kept.
    pub(crate) fn pending_input(&self) -> usize {
        self.decoder.held()
    }

    /// Drops what there is of a message that is not complete: the stream is lost.
    pub(crate) fn discard_input(&mut self) {
        self.decoder = Decoder::new(FrameLimit::HANDSHAKE);
    }

    /// Queues a message; one that is over the limit is not queued.
    pub(crate) fn push(
        &mut self,
        message: &ServerMessage,
        limit: FrameLimit,
    ) -> Result<(), Refusal> {
        frame::encode(message, limit, &mut self.out)
    }

    /// Writes what waits, or what of it one turn may take, and asks to be told when the rest can
    /// be written.
    pub(crate) fn flush(&mut self, registry: &Registry) -> io::Result<Flushed> {
        let mut flushed = Flushed { written: 0, has_room: false };
        loop {
            flushed.has_room = flushed.written >= WRITE_PER_TURN && self.pending_output() > 0;
            if flushed.has_room {
                break;
            }
            let out = match &mut self.guard {
                Guard::Open => &mut self.out,
                Guard::Knocking(_) => break,
                Guard::Sealed(channel) => {
                    let sealed = channel.seal(&mut self.out, &mut self.wire);
                    sealed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
                    &mut self.wire
                }
            };
            if out.is_empty() {
                break;
            }
            let mut slices = [IoSlice::new(&[]); SLICES];
            let count = out.chunks_vectored(&mut slices);
            match self.stream.write(&slices[..count]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    let all = slices[..count].iter().map(|slice| slice.len()).sum::<usize>();
                    out.advance(written);
                    flushed.written += written;
                    if written < all {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.register(registry)?;
        Ok(flushed)
    }

    /// Tells the poll what is waited for, if that has changed.
    pub(crate) fn register(&mut self, registry: &Registry) -> io::Result<()> {
        let has_output = self.pending_output() > 0;
        self.stream.watch(registry, self.token, &mut self.interest, has_output)
    }

    /// Returns how many bytes wait to be written.
    pub(crate) fn pending_output(&self) -> usize {
        self.out.len() + self.wire.len()
    }

    /// Returns whether the peer is authenticated, and may be sent something.
    pub(crate) fn is_trusted(&self) -> bool {
        match &self.guard {
            Guard::Open => true,
            Guard::Knocking(_) => false,
            Guard::Sealed(channel) => channel.has_opened(),
        }
    }

    /// Returns where a TCP connection comes from.
    pub(crate) fn origin(&self) -> Option<SocketAddr> {
        self.stream.origin()
    }
}

fn got(result: io::Result<usize>, room: usize) -> io::Result<Got> {
    match result {
        Ok(0) => Ok(Got::End),
        Ok(count) if count == room => Ok(Got::Full(count)),
        Ok(count) => Ok(Got::Drained(count)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Got::Drained(0)),
        Err(error) => Err(error),
    }
}
