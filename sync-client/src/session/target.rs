//! How to reach a manager.

use std::ffi::OsString;
use std::time::Duration;

use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerCredentials;
use sync_proto::address::{self, SERVER_UID_VAR};
use sync_proto::{Address, AuthKey, ErrorKind, Refusal};

use super::socket::Socket;

/// The user who may do anything.
const ROOT: u32 = 0;

/// How to reach a manager.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) address: Address,
    pub(crate) key: Option<AuthKey>,
    pub(crate) insecure_tcp: bool,
    /// Another user whose manager is accepted over a unix socket.
    pub(crate) server_uid: Option<u32>,
    /// How long a call may busy-poll for its answer before its thread sleeps.
    pub(crate) spin: Duration,
    /// How long connecting may take, and then each step of being let in.
    pub(crate) patience: Duration,
    /// How long the manager may send nothing at all while a call waits.
    pub(crate) unresponsive_after: Option<Duration>,
}

/// What protects a connection.
#[derive(Debug)]
pub(super) enum Guard<'a> {
    /// The key.
    Key(&'a AuthKey),
    /// The system (a unix socket), or nothing.
    Open,
}

impl Target {
    pub(super) fn guard(&self) -> Result<Guard<'_>, Refusal> {
        match (&self.address, &self.key) {
            (Address::Unix(_), _) => Ok(Guard::Open),
            (Address::Tcp { .. }, _) if self.insecure_tcp => Ok(Guard::Open),
            (Address::Tcp { .. }, Some(key)) => Ok(Guard::Key(key)),
            (Address::Tcp { .. }, None) => Err(Refusal::new(
                ErrorKind::Unauthorized,
                "a manager on TCP needs a key: give the options the one that it was started with \
                 (authkey_file), or insecure_tcp for one that was started without",
            )),
        }
    }

    /// Checks that the process listening at a unix socket is this user's, root's, who may do
    /// anything, or that of the user who was configured: in a directory that others may write to,
    /// anybody may listen.
    pub(super) fn check_owner(&self, socket: &Socket) -> Result<(), Refusal> {
        if !matches!(self.address, Address::Unix(_)) {
            return Ok(());
        }
        let peer = getsockopt(socket, PeerCredentials).map_err(|error| {
            let why = format!("the manager's user cannot be read: {error}");
            Refusal::new(ErrorKind::Io, why)
        })?;
        let (own, uid) = (rustix::process::geteuid().as_raw(), peer.uid());
        if uid == own || uid == ROOT || Some(uid) == self.server_uid {
            return Ok(());
        }
        let why = format!(
            "user {uid} listens there, and this is user {own}: if that is intended, accept it with \
             server_uid({uid})"
        );
        Err(Refusal::new(ErrorKind::Unauthorized, why))
    }

    /// Adds the likely reason why a manager closed a connection without an answer.
    pub(super) fn explain(&self, refusal: Refusal) -> Refusal {
        let open = matches!(self.address, Address::Tcp { .. }) && self.insecure_tcp;
        if !open || refusal.kind != ErrorKind::Disconnected {
            return refusal;
        }
        Refusal::new(
            refusal.kind,
            format!("{refusal}: it may need a key, and this client has none"),
        )
    }

    /// Returns what a child process needs to connect likewise.
    pub(super) fn invitation(&self) -> Vec<(&'static str, OsString)> {
        let (key, insecure_tcp) = (self.key.as_ref(), self.insecure_tcp);
        let mut invitation = address::invitation(&self.address, key, insecure_tcp);
        if let (Address::Unix(_), Some(uid)) = (&self.address, self.server_uid) {
            invitation.push((SERVER_UID_VAR, uid.to_string().into()));
        }
        invitation
    }
}
