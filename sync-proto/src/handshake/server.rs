//! The server's side.

use super::{AuthKey, CLIENT, Challenge, Hello, Nonce, Purpose, SERVER};
use crate::message::{ClientMessage, ServerMessage};
use crate::{ErrorKind, Refusal};

/// The server's side of a handshake.
#[derive(Debug)]
pub struct ServerHandshake {
    key: Option<AuthKey>,
    nonce: Nonce,
    hello: Option<Hello>,
}

/// What follows from a client's message.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "the two ways a handshake goes on")]
pub enum ServerStep {
    /// Send this and wait.
    Send(ServerMessage),
    /// The client is let in for this purpose. The welcome carries the server's proof, if the
    /// client had to show its own.
    Accept(Purpose, Option<[u8; 32]>),
}

impl ServerHandshake {
    /// Begins. With a key, the client must prove it. `nonce` is random and new.
    pub fn new(key: Option<AuthKey>, nonce: Nonce) -> Self {
        Self { key, nonce, hello: None }
    }

    /// Takes the client's next message.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthorized`] when the proof is wrong; [`ErrorKind::Malformed`] when the
    /// message has no place here. The refusal is to be sent and the connection closed.
    pub fn handle(&mut self, message: ClientMessage) -> Result<ServerStep, Refusal> {
        match (message, self.hello.take()) {
            (ClientMessage::Hello(hello), None) => match self.key {
                None => Ok(ServerStep::Accept(hello.purpose, None)),
                Some(_) => {
                    self.hello = Some(hello);
                    let challenge = Challenge { nonce: self.nonce };
                    Ok(ServerStep::Send(ServerMessage::Challenge(challenge)))
                }
            },
            (ClientMessage::Proof(proof), Some(hello)) => {
                let key = self
                    .key
                    .as_ref()
                    .filter(|key| key.verify(CLIENT, &hello, &self.nonce, &proof.mac));
                let Some(key) = key else {
                    let why = "the key is wrong: use the one the manager was started with";
                    return Err(Refusal::new(ErrorKind::Unauthorized, why));
                };
                let proof = key.prove(SERVER, &hello, &self.nonce);
                Ok(ServerStep::Accept(hello.purpose, Some(proof)))
            }
            _ => Err(Refusal::new(
                ErrorKind::Malformed,
                "a connection begins with a hello, and with a proof where one is asked for",
            )),
        }
    }
}
