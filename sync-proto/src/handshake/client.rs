//! The client's side.

use super::{AuthKey, CLIENT, Challenge, Hello, Nonce, Proof, Purpose, SERVER, Welcome};
use crate::message::{ClientMessage, ServerMessage};
use crate::{ErrorKind, Refusal};

/// The client's side of a handshake.
#[derive(Debug)]
pub struct ClientHandshake {
    key: Option<AuthKey>,
    hello: Hello,
    challenge: Option<Nonce>,
}

impl ClientHandshake {
    /// Begins: the hello is to be sent after the preamble. `nonce` is random and new.
    pub fn new(key: Option<AuthKey>, purpose: Purpose, nonce: Nonce) -> (Self, ClientMessage) {
        let hello = Hello { purpose, nonce };
        let first = ClientMessage::Hello(hello.clone());
        (Self { key, hello, challenge: None }, first)
    }

    /// Takes the server's next message; returns what to send, or the welcome that ends it.
    ///
    /// # Errors
    /// What the server refused with; [`ErrorKind::Unauthorized`] when it wants a key and there is
    /// none, or does not prove that it has ours; [`ErrorKind::Malformed`] when it says something
    /// that has no place here.
    pub fn handle(&mut self, message: ServerMessage) -> Result<Result<Welcome, Proof>, Refusal> {
        match message {
            ServerMessage::Refused(refusal) => Err(refusal),
            ServerMessage::Challenge(Challenge { nonce }) if self.challenge.is_none() => {
                let key = self.key.as_ref().ok_or_else(|| {
                    Refusal::new(
                        ErrorKind::Unauthorized,
                        "the manager wants a key: connect with the one it was started with",
                    )
                })?;
                self.challenge = Some(nonce);
                Ok(Err(Proof { mac: key.prove(CLIENT, &self.hello, &nonce) }))
            }
            ServerMessage::Welcome(welcome) => {
                self.check(&welcome)?;
                Ok(Ok(welcome))
            }
            ServerMessage::Challenge(_) | ServerMessage::Reply(_) => {
                Err(Refusal::new(ErrorKind::Malformed, "the manager's handshake is out of order"))
            }
        }
    }

    fn check(&self, welcome: &Welcome) -> Result<(), Refusal> {
        let proven = match (&self.key, &self.challenge, &welcome.proof) {
            // Without a key, or where the server asks for none (a unix socket, whose peer is
            // known by its credentials), there is nothing to prove.
            (None, ..) | (Some(_), None, None) => true,
            (Some(key), Some(challenge), Some(proof)) => {
                key.verify(SERVER, &self.hello, challenge, proof)
            }
            _ => false,
        };
        if proven {
            return Ok(());
        }
        Err(Refusal::new(
            ErrorKind::Unauthorized,
            "the manager did not prove that it has our key: another server listens there",
        ))
    }

    /// Returns whether the server has asked for the key.
    pub fn was_challenged(&self) -> bool {
        self.challenge.is_some()
    }
}
