//! A unix socket's file: who owns it, and when it is removed.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use crate::limits::BACKLOG;

/// The file of a socket that this process listens on. It is removed when this is dropped, unless
/// another socket has taken the path meanwhile.
///
/// A lock on `PATH.lock` says who has the path: of two servers that start at the same moment, and
/// both find the file of one that was killed, only one takes it over.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
    lock_path: PathBuf,
    _lock: File,
}

/// Who may connect, as far as the file's mode decides; the peer's credentials decide the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The server's own user: mode 0600.
    Owner,
    /// Other users, too: mode 0666.
    Others,
}

impl SocketFile {
    /// Binds a socket to the path and listens; its file has its mode before anybody can connect.
    pub(crate) fn bind(path: &Path, audience: Audience) -> io::Result<(OwnedFd, Self)> {
        // Found at the end, wherever this process goes meanwhile: a file may have a longer path.
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let (lock_path, lock) = lock(&absolute)?;
        let socket = match bind_socket(path, audience) {
            // A socket's file outlives a server that was killed. Nobody answers behind it then.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_stale(path) => {
                fs::remove_file(path)?;
                bind_socket(path, audience)?
            }
            other => other?,
        };
        let identity = identity(&absolute)?;
        warn_of_everybody(&absolute);
        Ok((socket, Self { path: absolute, identity, lock_path, _lock: lock }))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
        // The lock is still held: whoever opened the file before finds that it is gone.
        let _ = fs::remove_file(&self.lock_path);
    }
}

fn lock(path: &Path) -> io::Result<(PathBuf, File)> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock_path = PathBuf::from(name);
    loop {
        let mut options = File::options();
        let lock = options.create(true).truncate(false).write(true).mode(0o600).open(&lock_path)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|error| match error {
            rustix::io::Errno::WOULDBLOCK => in_use(),
            other => other.into(),
        })?;
        // The one before may have removed the file between our opening and our locking it.
        let held = lock.metadata()?;
        if identity(&lock_path).is_ok_and(|found| found == (held.dev(), held.ino())) {
            return Ok((lock_path, lock));
        }
    }
}

/// Warns of a directory in which everybody may make files. The peers' credentials still decide who
/// may connect, and Rust clients check the server's user in turn; but Python clients know their
/// server by its path alone.
fn warn_of_everybody(path: &Path) {
    let Some(directory) = path.parent() else { return };
    if fs::metadata(directory).is_ok_and(|found| found.mode() & 0o002 != 0) {
        tracing::warn!(
            "everybody can write in {}: while this server does not run, another user can listen at \
             {} in its place; choose a directory of your own",
            directory.display(),
            path.display()
        );
    }
}

fn in_use() -> io::Error {
    io::Error::new(io::ErrorKind::AddrInUse, "another server listens there")
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

fn bind_socket(path: &Path, audience: Audience) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    // Between bind and listen a connection is refused: the mode is set in time.
    let mode = match audience {
        Audience::Owner => 0o600,
        Audience::Others => 0o666,
    };
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(socket)
}

fn is_stale(path: &Path) -> bool {
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    // Any other file refuses a connection, too, and is not the server's to remove.
    is_socket(path) && UnixStream::connect(path).err().is_some_and(refused)
}

pub(crate) fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
}
