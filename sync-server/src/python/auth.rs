//! How a Python client and the server show each other that they have the key.
//!
//! The server challenges first, then the client. Clients up to 3.11 know HMAC-MD5 only and answer
//! anything with it; later ones say which digest they used. One logic serves both: what the answer
//! is made of tells.

use core::fmt;

use hmac::{Hmac, KeyInit, Mac, SimpleHmac};
use md5::Md5;
use sha2::{Sha256, Sha384};
use sha3::{Sha3_256, Sha3_384};
use subtle::ConstantTimeEq;
use sync_proto::AuthKey;

const CHALLENGE: &[u8] = b"#CHALLENGE#";
const WELCOME: &[u8] = b"#WELCOME#";
const FAILURE: &[u8] = b"#FAILURE#";

/// The digest that the server asks for; clients that know only MD5 don't look at it.
const PREFIX: &[u8] = b"{sha256}";

/// A challenge without a digest's name has this length, and is answered by HMAC-MD5.
const OLD_CHALLENGE: usize = 20;

/// An answer of this length without a digest's name is HMAC-MD5.
const OLD_ANSWER: usize = 16;

/// The random part of the server's challenge.
pub(crate) type Nonce = [u8; 40];

/// Where a handshake is.
pub(crate) struct Auth {
    /// Any of them will do, until the client has shown which one it has.
    keys: Vec<AuthKey>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The client is to answer this challenge.
    Challenged(Vec<u8>),
    /// The client is to challenge the server.
    ToBeChallenged,
    /// The client is to say whether it was satisfied.
    Answered,
}

/// What follows from a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// This is to be sent.
    Send(Vec<u8>),
    /// Both ends are satisfied.
    Done,
    /// The client is not let in: it is sent this, if anything, and closed.
    Refused(Option<&'static [u8]>, &'static str),
}

impl Auth {
    /// Begins a handshake; returns the server's challenge.
    pub(crate) fn new(keys: &[AuthKey], nonce: &Nonce) -> (Self, Vec<u8>) {
        let challenge = [PREFIX, nonce].concat();
        let message = [CHALLENGE, &challenge].concat();
        (Self { keys: keys.to_vec(), stage: Stage::Challenged(challenge) }, message)
    }

    /// Takes a message from the client.
    pub(crate) fn hear(&mut self, message: &[u8]) -> Step {
        match &self.stage {
            Stage::Challenged(challenge) => {
                self.keys.retain(|key| is_answer(key, challenge, message));
                self.keys.truncate(1);
                if self.keys.is_empty() {
                    return Step::Refused(Some(FAILURE), "its key is another");
                }
                self.stage = Stage::ToBeChallenged;
                Step::Send(WELCOME.to_vec())
            }
            Stage::ToBeChallenged => match message.strip_prefix(CHALLENGE) {
                Some(challenge) => match self.answer(challenge) {
                    Some(answer) => {
                        self.stage = Stage::Answered;
                        Step::Send(answer)
                    }
                    None => Step::Refused(None, "its challenge names no digest that is allowed"),
                },
                None => Step::Refused(None, "it did not challenge the server"),
            },
            Stage::Answered if message == WELCOME => Step::Done,
            Stage::Answered => Step::Refused(None, "it did not accept the server's answer"),
        }
    }

    fn answer(&self, challenge: &[u8]) -> Option<Vec<u8>> {
        let key = self.keys.first()?;
        if challenge.len() == OLD_CHALLENGE {
            return Some(mac_by(Digest::Md5, key, challenge));
        }
        let (digest, prefix) = digest_of(challenge)?;
        Some([prefix, &mac_by(digest, key, challenge)].concat())
    }
}

fn is_answer(key: &AuthKey, challenge: &[u8], answer: &[u8]) -> bool {
    let expected = if answer.len() == OLD_ANSWER {
        Some(mac_by(Digest::Md5, key, challenge))
    } else {
        let named = digest_of(answer);
        named.map(|(digest, prefix)| [prefix, &mac_by(digest, key, challenge)].concat())
    };
    expected.is_some_and(|expected| bool::from(expected.ct_eq(answer)))
}

fn mac_by(digest: Digest, key: &AuthKey, message: &[u8]) -> Vec<u8> {
    let key = key.as_bytes();
    match digest {
        Digest::Md5 => mac::<Hmac<Md5>>(key, message),
        Digest::Sha256 => mac::<Hmac<Sha256>>(key, message),
        Digest::Sha384 => mac::<Hmac<Sha384>>(key, message),
        Digest::Sha3_256 => mac::<SimpleHmac<Sha3_256>>(key, message),
        Digest::Sha3_384 => mac::<SimpleHmac<Sha3_384>>(key, message),
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug)]
enum Digest {
    Md5,
    Sha256,
    Sha384,
    Sha3_256,
    Sha3_384,
}

/// Returns the digest that a message names in braces at its beginning, and how it names it.
fn digest_of(message: &[u8]) -> Option<(Digest, &[u8])> {
    let rest = message.strip_prefix(b"{")?;
    let end = rest.iter().position(|&byte| byte == b'}')?;
    let digest = match &rest[..end] {
        b"md5" => Digest::Md5,
        b"sha256" => Digest::Sha256,
        b"sha384" => Digest::Sha384,
        b"sha3_256" => Digest::Sha3_256,
        b"sha3_384" => Digest::Sha3_384,
        _ => return None,
    };
    Some((digest, &message[..end + 2]))
}

fn mac<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes any key length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests;
