//! Listening sockets: unix and TCP, and who may come in.

use std::fs;
use std::io;
use std::net::ToSocketAddrs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream};
use std::path::{Path, PathBuf};

use mio::net::{TcpListener, UnixListener, UnixStream};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use sync_proto::{Address, Error, ErrorKind};

use crate::connection::Stream;
use crate::limits::BACKLOG;

/// A listening socket. A unix one removes its file when it is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: Socket,
    address: Address,
    /// Removed at the end: the socket's file, and its directory if the server made it.
    made: Vec<PathBuf>,
}

#[derive(Debug)]
enum Socket {
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl Listener {
    /// Binds an address.
    pub(crate) fn bind(address: &Address) -> Result<Self, Error> {
        match address {
            Address::Unix(path) => Self::bind_unix(path),
            Address::Tcp { host, port } => Self::bind_tcp(host, *port),
        }
        .map_err(|error| {
            if error.kind() == io::ErrorKind::AddrInUse {
                let why = match address {
                    Address::Unix(path) if !is_socket(path) => "a file that is no socket is there",
                    _ => "another server listens there: end it, or choose another address",
                };
                return Error::new(ErrorKind::Exists, format!("cannot listen on {address}: {why}"));
            }
            Error::new(ErrorKind::Io, format!("cannot listen on {address}: {error}"))
        })
    }

    /// Binds a unix socket in a new directory that only this user can enter.
    pub(crate) fn bind_private(unique: u64) -> Result<Self, Error> {
        let directory =
            std::env::var_os("XDG_RUNTIME_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
        let directory = directory.join(format!("sync-{}-{unique:08x}", std::process::id()));
        let made = fs::create_dir(&directory)
            .and_then(|()| fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)));
        made.map_err(|error| {
            let why = format!("cannot make {} for the socket: {error}", directory.display());
            Error::new(ErrorKind::Io, why)
        })?;
        let mut listener = Self::bind(&Address::unix(directory.join("socket"))?)?;
        listener.made.push(directory);
        Ok(listener)
    }

    fn bind_unix(path: &Path) -> io::Result<Self> {
        let socket = match bind_private_socket(path) {
            // A socket's file outlives a server that was killed. Nobody answers behind it then.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_stale(path) => {
                fs::remove_file(path)?;
                bind_private_socket(path)?
            }
            other => other?,
        };
        let socket = UnixListener::from_std(StdUnixListener::from(socket));
        let address = Address::Unix(path.to_owned());
        Ok(Self { socket: Socket::Unix(socket), address, made: vec![path.to_owned()] })
    }

    fn bind_tcp(host: &str, port: u16) -> io::Result<Self> {
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in (host, port).to_socket_addrs()? {
            match TcpListener::bind(address) {
                Ok(socket) => {
                    let port = socket.local_addr()?.port();
                    let address = Address::Tcp { host: host.to_owned(), port };
                    return Ok(Self { socket: Socket::Tcp(socket), address, made: Vec::new() });
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Returns the address, with the port that was really bound.
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
        for path in &self.made {
            let removed = if path.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) };
            if let Err(error) = removed {
                tracing::debug!(path = %path.display(), %error, "left behind");
            }
        }
    }
}

/// Binds a unix socket whose file has mode 0600 before anybody can connect.
fn bind_private_socket(path: &Path) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    // Between bind and listen a connection is refused: the mode is set in time.
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(socket)
}

fn is_stale(path: &Path) -> bool {
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    // Any other file refuses a connection, too, and is not the server's to remove.
    is_socket(path) && StdUnixStream::connect(path).err().is_some_and(refused)
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
}

/// Checks that a unix peer runs as the same user; returns its process id, as this process sees
/// it, for the watch on it.
pub(crate) fn unix_peer(stream: &UnixStream) -> Result<Option<rustix::process::Pid>, String> {
    let peer = rustix::net::sockopt::socket_peercred(stream)
        .map_err(|error| format!("its credentials cannot be read: {error}"))?;
    let own = rustix::process::geteuid();
    if peer.uid != own {
        return Err(format!(
            "this manager belongs to user {}, the client runs as user {}",
            own.as_raw(),
            peer.uid.as_raw()
        ));
    }
    Ok(Some(peer.pid))
}
