//! One socket with its two buffers, and what it has to say to the event loop. No meaning.

use std::io::{self, IoSlice, Read, Write};

use bytes::Buf;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use rustix::process::Pid;
use sync_objects::{Time, Via};
use sync_proto::frame::{self, Decoder, FrameLimit, OutBuffer};
use sync_proto::handshake::ServerHandshake;
use sync_proto::message::{ClientMessage, ServerMessage};
use sync_proto::{Refusal, SessionId};

/// How many pieces of output go into one system call.
const SLICES: usize = 32;

#[derive(Debug)]
pub(crate) enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    token: Token,
    interest: Option<Interest>,
    decoder: Decoder,
    out: OutBuffer,
    pub(crate) via: Via,
    pub(crate) stage: Stage,
    /// The process at the other end of a unix socket.
    pub(crate) peer: Option<Pid>,
    /// Requests that were not answered yet.
    pub(crate) in_flight: usize,
    /// The peer will send no more.
    pub(crate) read_closed: bool,
}

/// How far a connection has come.
#[derive(Debug)]
pub(crate) enum Stage {
    /// The first bytes say what protocol this is.
    Preamble { seen: Vec<u8>, handshake: ServerHandshake },
    /// Not known yet.
    Handshake { handshake: ServerHandshake },
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
}

impl Connection {
    pub(crate) fn new(stream: Stream, token: Token, via: Via, stage: Stage) -> Self {
        let decoder = Decoder::new(FrameLimit::HANDSHAKE);
        let (out, interest) = (OutBuffer::new(), None);
        Self {
            stream,
            token,
            interest,
            decoder,
            out,
            via,
            stage,
            peer: None,
            in_flight: 0,
            read_closed: false,
        }
    }

    pub(crate) fn set_limit(&mut self, limit: FrameLimit) {
        self.decoder.set_limit(limit);
    }

    /// Reads once: into `buffer`, or, inside a large message, straight to its place.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<(Got, usize)> {
        if let Some(direct) = self.decoder.direct() {
            let (room, result) = (direct.len(), read(&mut self.stream, direct));
            let got = got(result, room)?;
            if let Got::Full(count) | Got::Drained(count) = got {
                self.decoder.filled(count);
            }
            return Ok((got, 0));
        }
        let got = got(read(&mut self.stream, buffer), buffer.len())?;
        let count = match got {
            Got::Full(count) | Got::Drained(count) => count,
            Got::End => 0,
        };
        Ok((got, count))
    }

    /// Returns the next message in what was read.
    pub(crate) fn next(&mut self, input: &mut &[u8]) -> Result<Option<ClientMessage>, Refusal> {
        self.decoder.next(input)
    }

    /// Queues a message; one that is over the limit is not queued.
    pub(crate) fn push(
        &mut self,
        message: &ServerMessage,
        limit: FrameLimit,
    ) -> Result<(), Refusal> {
        frame::encode(message, limit, &mut self.out)
    }

    /// Writes what waits, once, and asks to be told when the rest can be written.
    pub(crate) fn flush(&mut self, registry: &Registry) -> io::Result<()> {
        while !self.out.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let count = self.out.chunks_vectored(&mut slices);
            match write(&mut self.stream, &slices[..count]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    let all = slices[..count].iter().map(|slice| slice.len()).sum::<usize>();
                    self.out.advance(written);
                    if written < all {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.register(registry)
    }

    /// Tells the poll what is waited for, if that has changed.
    pub(crate) fn register(&mut self, registry: &Registry) -> io::Result<()> {
        let wanted = if self.out.is_empty() {
            Interest::READABLE
        } else {
            Interest::READABLE | Interest::WRITABLE
        };
        let before = self.interest.replace(wanted);
        if before == Some(wanted) {
            return Ok(());
        }
        let (token, first) = (self.token, before.is_none());
        match &mut self.stream {
            Stream::Unix(stream) if first => registry.register(stream, token, wanted),
            Stream::Unix(stream) => registry.reregister(stream, token, wanted),
            Stream::Tcp(stream) if first => registry.register(stream, token, wanted),
            Stream::Tcp(stream) => registry.reregister(stream, token, wanted),
        }
    }

    /// Returns how many bytes wait to be written.
    pub(crate) fn pending_output(&self) -> usize {
        self.out.len()
    }
}

fn read(stream: &mut Stream, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        let result = match stream {
            Stream::Unix(stream) => stream.read(buffer),
            Stream::Tcp(stream) => stream.read(buffer),
        };
        match result {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

fn write(stream: &mut Stream, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    match stream {
        Stream::Unix(stream) => stream.write_vectored(slices),
        Stream::Tcp(stream) => stream.write_vectored(slices),
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
