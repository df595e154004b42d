//! How a connection over TCP is encrypted with the key alone: Noise NNpsk0.
//!
//! ```text
//! client                                                   server
//!   │  preamble (8), cipher (1), key id (8), Noise e, tag (48)│
//!   │ ──────────────────────────────────────────────────────► │  wrong in any byte: silence
//!   │                            Noise e, ee, tag (48)        │
//!   │ ◄────────────────────────────────────────────────────── │
//!   │  record: Hello                                          │
//!   │ ──────────────────────────────────────────────────────► │  here a session begins
//!   │  record, record, …                                      │
//!   │ ◄─────────────────────────────────────────────────────► │
//! ```
//!
//! The pattern is `Noise_NNpsk0_25519_{AESGCM,ChaChaPoly}_SHA256`; its prologue is everything that
//! comes before it in the clear. Without the key, nobody can make the first message or read the
//! second, and recorded traffic stays unreadable even if the key becomes known later. The first
//! message can be replayed, and is answered; but the replaying peer cannot go on, so a session, and
//! memory for it, is only for a peer that sends a first record that decrypts.
//!
//! A record is two bytes of length, little-endian, and one Noise transport message of at most
//! 65,535 bytes. Frames are cut into records wherever it suits; the decoder of frames sees a
//! stream. Each direction has its own key, which is replaced after every 65,536 records.
//!
//! Nothing here does I/O or draws random numbers: both are the caller's.

use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::version::{CURRENT, SECURE_PREAMBLE};
use crate::{AuthKey, Refusal};

mod channel;
mod cipher;
mod initiator;
mod noise;
mod responder;

pub use channel::Channel;
pub use cipher::Cipher;
pub use initiator::Initiator;
pub use responder::Responder;

/// 32 random bytes, never reused: an end's secret for one connection.
pub type Random = [u8; 32];

/// The cleartext before the first Noise message: preamble, cipher, key id.
const HEADER: usize = SECURE_PREAMBLE.len() + 1 + KEY_ID;
const KEY_ID: usize = 8;

/// A Noise message of the handshake: a public key and a tag.
const MESSAGE: usize = 32 + TAG;
const TAG: usize = 16;

/// The bytes that a client begins with.
pub const FIRST_LEN: usize = HEADER + MESSAGE;

/// The bytes that a server answers with.
pub const ANSWER_LEN: usize = MESSAGE;

/// Which of a manager's keys a client has. Anybody on the path can read it.
type KeyId = [u8; KEY_ID];

/// What both ends derive from a key.
struct Derived {
    id: KeyId,
    /// Boxed, so that moving it leaves no copy behind.
    secret: Box<Zeroizing<[u8; 32]>>,
}

impl Derived {
    fn of(key: &AuthKey) -> Result<Self, Refusal> {
        let bytes = key.for_tcp()?;
        let derive = |label: &[u8]| {
            let mut hash = Sha256::new();
            // No label is the beginning of another: no two inputs run together.
            hash.update(label);
            hash.update(bytes);
            let mut derived = Box::new(Zeroizing::new([0; 32]));
            hash.finalize_into((&mut **derived).into());
            derived
        };
        let mut id = [0; KEY_ID];
        id.copy_from_slice(&derive(b"sync manager key id\0")[..KEY_ID]);
        Ok(Self { id, secret: derive(b"sync manager pre-shared key\0") })
    }
}

/// The keys that a server accepts: one, or two during a key change.
pub struct KeyRing(Vec<Derived>);

impl KeyRing {
    /// Takes the keys; without any, nobody can connect.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when one is shorter than
    /// [`KEY_MIN`](crate::KEY_MIN).
    pub fn new(keys: &[AuthKey]) -> Result<Self, Refusal> {
        keys.iter().map(Derived::of).collect::<Result<_, _>>().map(Self)
    }

    fn find(&self, id: &[u8]) -> Option<&Derived> {
        // What is compared anybody can read on the wire; it need not be in constant time.
        self.0.iter().find(|key| key.id == id)
    }
}

impl core::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "KeyRing({} keys)", self.0.len())
    }
}

/// Why the other end of a connection is not served, or no longer trusted: for this end's log, never
/// for the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Stranger {
    /// Its first bytes are another protocol's, or those of an unencrypted connection.
    #[error("its first bytes are not those of a client with a key")]
    Preamble,
    /// It uses another version.
    #[error("it speaks version {0} of the protocol, this is version {CURRENT}")]
    Version(u8),
    /// It asks for an unknown cipher.
    #[error("it asks for cipher {0}, which is unknown")]
    Cipher(u8),
    /// It names a key that this end does not have.
    #[error("it has another key")]
    Key,
    /// It does not have the key that it names, or was tampered with on the way.
    #[error("it does not prove that it has the key")]
    Proof,
    /// It sent more than the handshake needs before it was answered.
    #[error("it sends more than a handshake needs")]
    Eager,
    /// A record's length is invalid.
    #[error("a record has an invalid length of {0} bytes")]
    Length(usize),
    /// A record does not decrypt: it was changed on the way, dropped, repeated, or cut.
    #[error("a record does not decrypt: it was tampered with")]
    Record,
    /// The connection has sent or received the maximum number of records.
    #[error("the connection has carried as many records as it may")]
    Exhausted,
}

#[cfg(test)]
mod tests;
