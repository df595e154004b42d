//! A socket, of either kind.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{self, PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::{
    self, AddressFamily, RecvFlags, SendAncillaryBuffer, SendFlags, SocketAddrUnix, SocketFlags,
    SocketType, recv, send, sendmsg, sockopt,
};
use sync_proto::Address;

#[derive(Debug)]
pub(crate) enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Socket {
    pub(super) fn connect(address: &Address, patience: Duration) -> io::Result<Self> {
        let socket = match address {
            Address::Unix(path) => connect_unix(path, patience).map(Self::Unix)?,
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
    pub(super) fn set_patience(&self, patience: Option<Duration>) -> io::Result<()> {
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

    /// Returns whether the other side has not closed it, whatever of its words is still unread.
    pub(super) fn is_open(&self) -> bool {
        self.look(PollFlags::RDHUP, Some(Duration::ZERO)).is_ok_and(|found| found.is_empty())
    }

    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(socket) => (&*socket).read(buffer),
            Self::Tcp(socket) => (&*socket).read(buffer),
        }
    }

    /// Reads into the spare capacity, as it is. What is long in coming is under way: there is no
    /// looking for it first.
    pub(super) fn read_more(&self, body: &mut Vec<u8>) -> io::Result<usize> {
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

    pub(super) fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
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

    /// Writes as much as there is room for; `WouldBlock` when there is none.
    pub(super) fn write_now(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        if let [slice] = slices {
            return Ok(match self {
                Self::Unix(socket) => send(socket, slice, flags),
                Self::Tcp(socket) => send(socket, slice, flags),
            }?);
        }
        let mut nothing = SendAncillaryBuffer::default();
        let written = match self {
            Self::Unix(socket) => sendmsg(socket, slices, &mut nothing, flags),
            Self::Tcp(socket) => sendmsg(socket, slices, &mut nothing, flags),
        };
        Ok(written?)
    }

    /// Waits until something of this can be done; for at most so long since the last signal, as
    /// reading does.
    pub(super) fn look(&self, what: PollFlags, time: Option<Duration>) -> io::Result<PollFlags> {
        let mut poll = match self {
            Self::Unix(socket) => [PollFd::new(socket, what)],
            Self::Tcp(socket) => [PollFd::new(socket, what)],
        };
        // So long a time that the system cannot measure it is no limit.
        let time = time.and_then(|time| Timespec::try_from(time).ok());
        loop {
            match event::poll(&mut poll, time.as_ref()) {
                Err(Errno::INTR) => {}
                done => return done.map(|_| poll[0].revents()).map_err(io::Error::from),
            }
        }
    }
}

/// Connects as the standard library does, but for no longer than this: it waits for room in the
/// line of a manager that is stopped, or lets nobody in.
fn connect_unix(path: &Path, patience: Duration) -> io::Result<UnixStream> {
    let (family, kind) = (AddressFamily::UNIX, SocketType::STREAM);
    let socket = net::socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(patience))?;
    let address = SocketAddrUnix::new(path)?;
    loop {
        match net::connect(&socket, &address) {
            Ok(()) => return Ok(socket.into()),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return Err(io::ErrorKind::TimedOut.into()),
            Err(error) => return Err(error.into()),
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

/// Has the system ask whether a silent manager is still there: after 10 s of silence every 5 s,
/// and given up after 3 times. Then every call that waits for it is told.
fn keep_alive(socket: &TcpStream) -> io::Result<()> {
    sockopt::set_socket_keepalive(socket, true)?;
    sockopt::set_tcp_keepidle(socket, Duration::from_secs(10))?;
    sockopt::set_tcp_keepintvl(socket, Duration::from_secs(5))?;
    sockopt::set_tcp_keepcnt(socket, 3)?;
    // It does not ask while a request is on its way, so that is bounded by itself.
    sockopt::set_tcp_user_timeout(socket, 25_000)?;
    Ok(())
}
