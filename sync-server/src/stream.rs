//! A connected socket, unix or TCP.

use std::io::{self, ErrorKind, IoSlice, Read};
use std::net::SocketAddr;

use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, recv, send, sendmsg};

#[derive(Debug)]
pub(crate) enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        uninterrupted(|| match self {
            Self::Unix(stream) => stream.read(buffer),
            Self::Tcp(stream) => stream.read(buffer),
        })
    }

    /// Reads once into the spare capacity, as it is.
    pub(crate) fn read_more(&self, body: &mut Vec<u8>) -> io::Result<usize> {
        uninterrupted(|| {
            let room = rustix::buffer::spare_capacity(body);
            let (count, _) = match self {
                Self::Unix(stream) => recv(stream, room, RecvFlags::empty()),
                Self::Tcp(stream) => recv(stream, room, RecvFlags::empty()),
            }?;
            Ok(count)
        })
    }

    pub(crate) fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        // A client that is gone is an error, whatever this program does with signals.
        let flags = SendFlags::NOSIGNAL;
        uninterrupted(|| {
            let mut nothing = SendAncillaryBuffer::default();
            Ok(match (&*self, slices) {
                // The usual case; one piece costs the system less than a list of one.
                (Self::Unix(stream), [slice]) => send(stream, slice, flags),
                (Self::Tcp(stream), [slice]) => send(stream, slice, flags),
                (Self::Unix(stream), slices) => sendmsg(stream, slices, &mut nothing, flags),
                (Self::Tcp(stream), slices) => sendmsg(stream, slices, &mut nothing, flags),
            }?)
        })
    }

    /// Tells the poll what is waited for, if that is not what was told `before`: for input, and,
    /// if there is output, for room.
    pub(crate) fn watch(
        &mut self,
        registry: &Registry,
        token: Token,
        before: &mut Option<Interest>,
        has_output: bool,
    ) -> io::Result<()> {
        let wanted =
            if has_output { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        let before = before.replace(wanted);
        if before == Some(wanted) {
            return Ok(());
        }
        let first = before.is_none();
        match self {
            Self::Unix(stream) if first => registry.register(stream, token, wanted),
            Self::Unix(stream) => registry.reregister(stream, token, wanted),
            Self::Tcp(stream) if first => registry.register(stream, token, wanted),
            Self::Tcp(stream) => registry.reregister(stream, token, wanted),
        }
    }

    /// Returns where it comes from, over TCP.
    pub(crate) fn origin(&self) -> Option<SocketAddr> {
        match self {
            Self::Unix(_) => None,
            Self::Tcp(stream) => stream.peer_addr().ok(),
        }
    }
}

fn uninterrupted(mut act: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match act() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
