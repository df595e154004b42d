//! Listening sockets: unix and TCP, and who may connect.

use std::fs;
use std::io;
use std::net::ToSocketAddrs;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerCredentials;
use rustix::process::Pid;
use sync_proto::{Address, Error, ErrorKind};

use crate::limits::BACKLOG;
use crate::sessions::Origin;
use crate::socket_file::{Audience, SocketFile, is_socket};
use crate::stream::Stream;

/// A listening socket. A unix one removes its file when it is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: Socket,
    address: Address,
    /// The socket's file, which is removed at the end.
    file: Option<SocketFile>,
    /// The directory that was made for it, which is also removed at the end.
    directory: Option<PathBuf>,
}

#[derive(Debug)]
enum Socket {
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl Listener {
    /// Binds an address.
    pub(crate) fn bind(address: &Address, audience: Audience) -> Result<Self, Error> {
        // It is told to others, and its file removed, wherever this process goes meanwhile.
        let directory = std::env::current_dir();
        let address = &directory.map_or_else(|_| address.clone(), |at| address.resolved_in(&at));
        match address {
            Address::Unix(path) => Self::bind_unix(path, audience),
            Address::Tcp { host, port } => Self::bind_tcp(host, *port),
        }
        .map_err(|error| {
            if error.kind() == io::ErrorKind::AddrInUse {
                let why = match address {
                    Address::Unix(path) if !is_socket(path) => {
                        "there is a file that is not a socket"
                    }
                    _ => "another server listens there: end it, or choose another address",
                };
                return Error::new(ErrorKind::Exists, format!("cannot listen on {address}: {why}"));
            }
            Error::new(ErrorKind::Io, format!("cannot listen on {address}: {error}"))
        })
    }

    /// Binds a unix socket in a new directory that only this user can enter.
    pub(crate) fn bind_private(unique: u64) -> Result<Self, Error> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let directory = runtime.filter(|path| path.is_dir()).unwrap_or_else(std::env::temp_dir);
        let directory = directory.join(format!("sync-{}-{unique:08x}", std::process::id()));
        // So from the beginning: nobody has entered it before.
        fs::DirBuilder::new().mode(0o700).create(&directory).map_err(|error| {
            let why = format!("cannot make {} for the socket: {error}", directory.display());
            Error::new(ErrorKind::Io, why)
        })?;
        let bound = Address::unix(directory.join("socket"))
            .and_then(|address| Self::bind(&address, Audience::Owner));
        match bound {
            Ok(mut listener) => {
                listener.directory = Some(directory);
                Ok(listener)
            }
            Err(error) => {
                let _ = fs::remove_dir(&directory);
                Err(error)
            }
        }
    }

    fn bind_unix(path: &Path, audience: Audience) -> io::Result<Self> {
        let (socket, file) = SocketFile::bind(path, audience)?;
        let socket = UnixListener::from_std(StdUnixListener::from(socket));
        let address = Address::Unix(path.to_owned());
        Ok(Self { socket: Socket::Unix(socket), address, file: Some(file), directory: None })
    }

    fn bind_tcp(host: &str, port: u16) -> io::Result<Self> {
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in (host, port).to_socket_addrs()? {
            match TcpListener::bind(address) {
                Ok(socket) => {
                    // It keeps 128 without this. A client beyond them gets no answer, and tries
                    // again after a second.
                    rustix::net::listen(&socket, BACKLOG)?;
                    let port = socket.local_addr()?.port();
                    let address = Address::Tcp { host: host.to_owned(), port };
                    let socket = Socket::Tcp(socket);
                    return Ok(Self { socket, address, file: None, directory: None });
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Returns the address, with its actual port.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Accepts a connection that is there.
    pub(crate) fn accept(&self) -> io::Result<Stream> {
        match &self.socket {
            Socket::Unix(socket) => socket.accept().map(|(stream, _)| Stream::Unix(stream)),
            Socket::Tcp(socket) => {
                let (stream, _) = socket.accept()?;
                // A reply is one write: waiting to fill a packet only delays it.
                stream.set_nodelay(true)?;
                keep_alive(&stream)?;
                Ok(Stream::Tcp(stream))
            }
        }
    }

    pub(crate) fn register(
        &mut self,
        registry: &mio::Registry,
        token: mio::Token,
    ) -> io::Result<()> {
        let interest = mio::Interest::READABLE;
        match &mut self.socket {
            Socket::Unix(socket) => registry.register(socket, token, interest),
            Socket::Tcp(socket) => registry.register(socket, token, interest),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // The directory is empty only without the file.
        drop(self.file.take());
        if let Some(directory) = &self.directory {
            let _ = fs::remove_dir(directory);
        }
    }
}

/// Checks that a unix peer runs as the same user, or as one of these; returns the origin that it
/// counts for: its process, by the id that it has for this process, by which it can be watched. A
/// process in another PID namespace (a container) has no such id, unless this process's namespace
/// is an outer one.
pub(crate) fn unix_peer(stream: &UnixStream, allowed: &[u32]) -> Result<Origin, String> {
    let peer = getsockopt(stream, PeerCredentials)
        .map_err(|error| format!("its credentials cannot be read: {error}"))?;
    let own = rustix::process::geteuid().as_raw();
    let uid = peer.uid();
    if uid != own && !allowed.contains(&uid) {
        return Err(format!(
            "this manager belongs to user {own}, the client runs as user {uid}: --allow-uid lets \
             it in",
        ));
    }
    Ok(Pid::from_raw(peer.pid()).map_or(Origin::User(uid), Origin::Process))
}

/// Errors that accept(2) reports when this process, or the system, has no file descriptor left.
pub(crate) fn is_out_of_files(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(rustix::io::Errno::from_raw_os_error);
    matches!(errno, Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE))
}

/// Errors that accept(2) reports for a connection that is gone already.
pub(crate) fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// Has the system ask whether a silent TCP peer is still there, so that one whose machine is gone
/// does not keep what it holds: after 10 s of silence every 5 s, and given up after 3 times.
fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    use rustix::net::sockopt;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, Duration::from_secs(10))?;
    sockopt::set_tcp_keepintvl(stream, Duration::from_secs(5))?;
    sockopt::set_tcp_keepcnt(stream, 3)?;
    Ok(())
}
