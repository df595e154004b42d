//! How a connection begins, as two small state machines without I/O and without randomness.
//!
//! ```text
//! client                                     server
//!   │  preamble, Hello {purpose, nonce}         │
//!   │ ────────────────────────────────────────► │
//!   │                    Challenge {nonce}      │   where the server has a key
//!   │ ◄──────────────────────────────────────── │
//!   │  Proof                                    │   HMAC-SHA256 over both nonces and the hello
//!   │ ────────────────────────────────────────► │
//!   │           Welcome {session, token, proof} │   the server's own proof; or Refused
//!   │ ◄──────────────────────────────────────── │
//! ```
//!
//! The key authenticates both ways: neither end says anything else before the other has proven
//! it. It does not encrypt.

use core::fmt;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::version::PREAMBLE;
use crate::{ErrorKind, ManagerId, Refusal, SessionId, SessionToken};

mod client;
mod server;

pub use client::ClientHandshake;
pub use server::{ServerHandshake, ServerStep};

/// 32 random bytes, never used twice.
pub type Nonce = [u8; 32];

/// A shared secret that lets a client in and shows it the right server. Zeroed when dropped, never
/// printed, compared in constant time.
#[derive(Clone)]
pub struct AuthKey(Zeroizing<Vec<u8>>);

impl AuthKey {
    /// Takes the bytes of a key, less trailing white space (a text file ends with a newline).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when nothing is left.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, Refusal> {
        let mut bytes = Zeroizing::new(bytes.into());
        let len = bytes.trim_ascii_end().len();
        bytes.truncate(len);
        if bytes.is_empty() {
            return Err(Refusal::new(ErrorKind::InvalidInput, "the key is empty"));
        }
        Ok(Self(bytes))
    }

    /// Returns the key as hexadecimal digits, for handing it on to a child process.
    pub fn to_hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Takes a key from hexadecimal digits.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when they are not pairs of digits, or none.
    pub fn from_hex(digits: &str) -> Result<Self, Refusal> {
        let pair = |pair: &[u8]| {
            let text = core::str::from_utf8(pair).ok().filter(|_| pair.len() == 2)?;
            u8::from_str_radix(text, 16).ok()
        };
        let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(pair).collect();
        // Not `new`, which would take a last byte for white space.
        match bytes.filter(|bytes| !bytes.is_empty()) {
            Some(bytes) => Ok(Self(Zeroizing::new(bytes))),
            None => Err(Refusal::new(ErrorKind::InvalidInput, "the key is not hexadecimal")),
        }
    }

    fn mac(&self, role: &[u8], hello: &Hello, challenge: &Nonce) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes any key length");
        mac.update(&PREAMBLE);
        mac.update(role);
        mac.update(challenge);
        // Fixed-length fields first, the hello last: no two inputs run together.
        mac.update(&hello.bytes());
        mac
    }

    fn prove(&self, role: &[u8], hello: &Hello, challenge: &Nonce) -> [u8; 32] {
        self.mac(role, hello, challenge).finalize().into_bytes().into()
    }

    fn verify(&self, role: &[u8], hello: &Hello, challenge: &Nonce, proof: &[u8; 32]) -> bool {
        self.mac(role, hello, challenge).verify_slice(proof).is_ok()
    }
}

const CLIENT: &[u8] = b"client";
const SERVER: &[u8] = b"server";

impl fmt::Debug for AuthKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthKey(..)")
    }
}

/// A client's first message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// What the connection is for.
    pub purpose: Purpose,
    /// The client's part of what the proofs cover.
    pub nonce: Nonce,
}

/// What a connection is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_enums, reason = "a server handles every purpose of its version")]
pub enum Purpose {
    /// To begin a session.
    Open(ClientInfo),
    /// To be one more connection of a session.
    Join(SessionToken),
}

/// What a client says of itself, for the logs and for [`debug_info`] only: nothing rests on it.
///
/// [`debug_info`]: https://docs.python.org/3/library/multiprocessing.html#customized-managers
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientInfo {
    /// Its process id, in its own view.
    pub pid: u32,
    /// Its program's name; cut after 64 bytes.
    pub program: String,
}

impl ClientInfo {
    /// Takes a process id and the path of a program.
    pub fn new(pid: u32, program: Option<PathBuf>) -> Self {
        let name = program.as_deref().and_then(Path::file_name).unwrap_or_default();
        let mut program = name.to_string_lossy().into_owned();
        while program.len() > 64 {
            program.pop();
        }
        Self { pid, program }
    }
}

impl Hello {
    fn bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("a hello is plain data")
    }
}

/// A server's demand for proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// The server's part of what the proofs cover.
    pub nonce: Nonce,
}

/// A client's proof that it has the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// HMAC-SHA256 over the preamble, the role, the challenge and the hello.
    pub mac: [u8; 32],
}

/// The end of a handshake that went well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The manager.
    pub manager: ManagerId,
    /// The session that the connection belongs to.
    pub session: SessionId,
    /// What further connections join it with.
    pub token: SessionToken,
    /// The longest frame body that the server takes, in bytes.
    pub body_max: u32,
    /// The server's own proof, where there is a key.
    pub proof: Option<[u8; 32]>,
}

#[cfg(test)]
mod tests;
