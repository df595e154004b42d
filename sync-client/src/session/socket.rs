//! A socket, of either kind.

use std::io::{self, IoSlice};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{self, PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::{
    self, AddressFamily, RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown, SocketAddrUnix,
    SocketFlags, SocketType, recv, send, sendmsg, sockopt,
};
use sync_proto::Address;

#[derive(Debug)]
pub(crate) struct Socket(OwnedFd);

impl Socket {
    pub(super) fn connect(address: &Address, patience: Duration) -> io::Result<Self> {
        let socket = match address {
            Address::Unix(path) => connect_unix(path, patience)?,
            Address::Tcp { host, port } => {
                let socket = connect_tcp(host, *port, patience)?;
                // A request is one write: waiting to fill a packet only delays it.
                socket.set_nodelay(true)?;
                keep_alive(&socket)?;
                socket.into()
            }
        };
        let socket = Self(socket);
        socket.set_patience(Some(patience))?;
        Ok(socket)
    }

    /// Sets how long a read or a write may take.
    pub(super) fn set_patience(&self, patience: Option<Duration>) -> io::Result<()> {
        sockopt::set_socket_timeout(self, sockopt::Timeout::Recv, patience)?;
        Ok(sockopt::set_socket_timeout(self, sockopt::Timeout::Send, patience)?)
    }

    /// Wakes the thread that reads from it: the end has come.
    pub(crate) fn shutdown(&self) {
        // It may be closed already, which is what is wanted.
        let _ = net::shutdown(self, Shutdown::Both);
    }

    /// Returns whether the other side has not closed it, whatever of its words is still unread.
    pub(super) fn is_open(&self) -> bool {
        self.look(PollFlags::RDHUP, Some(Duration::ZERO)).is_ok_and(|found| found.is_empty())
    }

    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(recv(self, buffer, RecvFlags::empty())?.0)
    }

    /// Reads into the spare capacity, as it is. What is long in coming is under way: there is no
    /// looking for it first.
    pub(super) fn read_more(&self, body: &mut Vec<u8>) -> io::Result<usize> {
        Ok(recv(self, spare_capacity(body), RecvFlags::empty())?.0)
    }

    /// Reads what is there; `WouldBlock` when nothing is.
    pub(super) fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(recv(self, buffer, RecvFlags::DONTWAIT)?.0)
    }

    pub(super) fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write_by(slices, SendFlags::empty())
    }

    /// Writes as much as there is room for; `WouldBlock` when there is none.
    pub(super) fn write_now(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write_by(slices, SendFlags::DONTWAIT)
    }

    fn write_by(&self, slices: &[IoSlice<'_>], flags: SendFlags) -> io::Result<usize> {
        // A manager that is gone is an error, whatever this program does with signals.
        let flags = flags | SendFlags::NOSIGNAL;
        Ok(match slices {
            // The usual case; one piece costs the system less than a list of one.
            [slice] => send(self, slice, flags),
            _ => sendmsg(self, slices, &mut SendAncillaryBuffer::default(), flags),
        }?)
    }

    /// Waits until something of this can be done; for at most so long since the last signal, as
    /// reading does.
    pub(super) fn look(&self, what: PollFlags, time: Option<Duration>) -> io::Result<PollFlags> {
        let mut poll = [PollFd::new(self, what)];
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

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Connects as the standard library does, but for no longer than this: it waits for room in the
/// line of a manager that is stopped, or lets nobody in.
fn connect_unix(path: &Path, patience: Duration) -> io::Result<OwnedFd> {
    let (family, kind) = (AddressFamily::UNIX, SocketType::STREAM);
    let socket = net::socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(patience))?;
    let address = SocketAddrUnix::new(path)?;
    loop {
        match net::connect(&socket, &address) {
            Ok(()) => return Ok(socket),
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

/// Has the system ask whether a silent manager is still there: after 10 s of silence every 5 s, and
/// given up after 3 times. Then every call that waits for it gets an error.
fn keep_alive(socket: &TcpStream) -> io::Result<()> {
    sockopt::set_socket_keepalive(socket, true)?;
    sockopt::set_tcp_keepidle(socket, Duration::from_secs(10))?;
    sockopt::set_tcp_keepintvl(socket, Duration::from_secs(5))?;
    sockopt::set_tcp_keepcnt(socket, 3)?;
    // It does not ask while a request is on its way, so that is bounded by itself.
    sockopt::set_tcp_user_timeout(socket, 25_000)?;
    Ok(())
}
