//! Where a manager listens: `unix:PATH` or `tcp:HOST:PORT`.

use core::fmt;
use core::str::FromStr;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::{AuthKey, Error, ErrorKind};

/// The longest path that a unix socket's address can hold on Linux, in bytes: `sun_path` is 108
/// bytes with the terminating zero (unix(7)).
pub const UNIX_PATH_MAX: usize = 107;

/// The environment variable that holds a manager's address for a child process.
pub const MANAGER_VAR: &str = "SYNC_MANAGER";

/// The environment variable that holds the key, where one is needed.
pub const AUTHKEY_VAR: &str = "SYNC_AUTHKEY";

/// The environment variable that holds the key for a child process, as hexadecimal digits: a key
/// may hold bytes that no environment variable can.
pub const AUTHKEY_HEX_VAR: &str = "SYNC_AUTHKEY_HEX";

/// The environment variable that tells a child process, with any value, that connections over TCP
/// are not encrypted.
pub const INSECURE_TCP_VAR: &str = "SYNC_INSECURE_TCP";

/// The environment variable that names the user whose manager a child process is to accept, by
/// number, if it is not the child's own.
pub const SERVER_UID_VAR: &str = "SYNC_SERVER_UID";

/// All environment variables that tell a process how to reach a manager.
pub const VARS: [&str; 5] =
    [MANAGER_VAR, AUTHKEY_VAR, AUTHKEY_HEX_VAR, INSECURE_TCP_VAR, SERVER_UID_VAR];

/// Returns the variables that tell a child process how to reach a manager: the key only where one
/// is needed, because other processes may read it there.
pub fn invitation(
    address: &Address,
    key: Option<&AuthKey>,
    insecure_tcp: bool,
) -> Vec<(&'static str, OsString)> {
    let mut invitation = vec![(MANAGER_VAR, address.to_string().into())];
    match (address, key) {
        (Address::Tcp { .. }, _) if insecure_tcp => invitation.push((INSECURE_TCP_VAR, "1".into())),
        (Address::Tcp { .. }, Some(key)) => {
            invitation.push((AUTHKEY_HEX_VAR, key.to_hex().as_str().into()));
        }
        (Address::Tcp { .. }, None) | (Address::Unix(_), _) => {}
    }
    invitation
}

/// A manager's address, as the string `unix:PATH` or `tcp:HOST:PORT` (an IPv6 host in brackets).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a new kind of address is a breaking change")]
pub enum Address {
    /// A unix socket in the file system.
    Unix(PathBuf),
    /// A TCP port. The host is a name or an IP address, without brackets.
    Tcp {
        /// A host name, an IPv4 or an IPv6 address.
        host: String,
        /// The port; 0 lets the system choose where a server listens.
        port: u16,
    },
}

impl Address {
    /// Makes the address of a unix socket.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the path is empty, begins with `@` (an abstract
    /// address), holds a zero byte, or is longer than [`UNIX_PATH_MAX`] bytes.
    pub fn unix(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let bytes = path.as_os_str().as_encoded_bytes();
        let wrong = |why: String| Err(Error::new(ErrorKind::InvalidInput, why));
        if bytes.is_empty() {
            return wrong("the path of a unix socket is empty".into());
        }
        if bytes.starts_with(b"@") {
            return wrong(
                "the address of a unix socket is abstract, so it has no owner and no mode: name a \
                 file (./@NAME if it is really called that)"
                    .into(),
            );
        }
        if bytes.contains(&0) {
            return wrong("the path of a unix socket contains a zero byte".into());
        }
        if bytes.len() > UNIX_PATH_MAX {
            let (len, path) = (bytes.len(), path.display());
            return wrong(format!(
                "the path of a unix socket may have {UNIX_PATH_MAX} bytes, this one has {len}: \
                 {path}; choose a shorter directory"
            ));
        }
        Ok(Self::Unix(path))
    }

    /// Returns the same address for a process in another directory than the one where it was given,
    /// which is `directory`. A path that would get too long for a socket stays as it is, and so
    /// does one in a directory whose path is not UTF-8: addresses are passed on as text, and from
    /// the same directory, at least, this one works.
    #[must_use]
    pub fn resolved_in(&self, directory: &Path) -> Self {
        match self {
            Self::Unix(path) if directory.to_str().is_some() => {
                Self::unix(directory.join(path)).unwrap_or_else(|_| self.clone())
            }
            Self::Unix(_) | Self::Tcp { .. } => self.clone(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp:[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp:{host}:{port}"),
        }
    }
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Self::unix(path);
        }
        let wrong = |why: &str| {
            let why = format!("\"{text}\" is not an address: {why}");
            Error::new(ErrorKind::InvalidInput, why)
        };
        let Some(rest) = text.strip_prefix("tcp:") else {
            return Err(wrong("write unix:PATH or tcp:HOST:PORT"));
        };
        let (host, port) = rest.rsplit_once(':').ok_or_else(|| wrong("the port is missing"))?;
        let port = port.parse().map_err(|_| wrong("the port is not a number up to 65535"))?;
        let host = match host.strip_prefix('[').map(|host| host.strip_suffix(']')) {
            Some(Some(inner)) => inner,
            Some(None) => return Err(wrong("a bracket is not closed")),
            None if host.contains(':') => return Err(wrong("put an IPv6 host in brackets")),
            None => host,
        };
        if host.is_empty() {
            return Err(wrong("the host is missing"));
        }
        Ok(Self::Tcp { host: host.to_owned(), port })
    }
}

impl TryFrom<&str> for Address {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self, Error> {
        text.parse()
    }
}

impl TryFrom<String> for Address {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl TryFrom<&String> for Address {
    type Error = Error;

    fn try_from(text: &String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<&Self> for Address {
    fn from(address: &Self) -> Self {
        address.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn addresses_read_as_they_print() {
        for text in ["unix:/run/a b.sock", "unix:rel", "tcp:localhost:80", "tcp:[::1]:0"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_path_is_meant_from_the_directory_in_which_it_was_said() {
        let long = "x".repeat(UNIX_PATH_MAX);
        for (said, meant) in [
            ("unix:a/b", "unix:/srv/a/b"),
            ("unix:/run/a", "unix:/run/a"),
            ("tcp:a:1", "tcp:a:1"),
            (&format!("unix:{long}"), &format!("unix:{long}")),
        ] {
            let said: Address = said.parse().unwrap();
            assert_eq!(said.resolved_in(Path::new("/srv")).to_string(), meant);
        }
    }

    #[test]
    fn a_path_stays_as_it_was_said_where_text_cannot_say_the_directory() {
        let directory = Path::new(OsStr::from_bytes(b"/srv/\xff"));
        for said in ["unix:a/b", "unix:/run/a", "tcp:a:1"] {
            let address: Address = said.parse().unwrap();
            assert_eq!(address.resolved_in(directory), address);
        }
        let unsayable = Address::unix(OsStr::from_bytes(b"\xfe")).unwrap();
        let absolute = Address::unix(OsStr::from_bytes(b"/srv/\xfe")).unwrap();
        assert_eq!(
            unsayable.resolved_in(Path::new("/srv")),
            absolute,
            "it is none the worse for it"
        );
    }

    #[test]
    fn an_address_that_makes_no_sense_says_why() {
        let long = format!("unix:/{}", "x".repeat(UNIX_PATH_MAX));
        for (text, why) in [
            ("/run/a.sock", "write unix:PATH"),
            ("unix:", "is empty"),
            ("unix:a\0b", "zero byte"),
            ("unix:\0a", "zero byte"),
            ("unix:@a", "abstract"),
            (long.as_str(), "107 bytes, this one has 108"),
            ("tcp:localhost", "port is missing"),
            ("tcp:localhost:70000", "up to 65535"),
            ("tcp::80", "host is missing"),
            ("tcp:[::1:80", "not closed"),
            ("tcp:::1:80", "in brackets"),
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(why), "{text}: {error}");
        }
    }
}
