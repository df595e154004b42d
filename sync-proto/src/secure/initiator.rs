//! The client's side of the handshake.

use core::fmt;

use snow::HandshakeState;
use zeroize::Zeroizing;

use super::{
    ANSWER_LEN, Channel, Cipher, Derived, FIRST_LEN, HEADER, KEY_ID, Random, Stranger, noise,
};
use crate::version::SECURE_PREAMBLE;
use crate::{AuthKey, Refusal};

/// The client's side of the handshake.
pub struct Initiator {
    noise: HandshakeState,
    first: [u8; FIRST_LEN],
}

impl Initiator {
    /// Begins; [`first`](Self::first) is to be sent.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when the key is shorter than
    /// [`KEY_MIN`](crate::KEY_MIN).
    pub fn new(key: &AuthKey, cipher: Cipher, random: Random) -> Result<Self, Refusal> {
        let (key, random) = (Derived::of(key)?, Zeroizing::new(random));
        let mut first = [0; FIRST_LEN];
        let (header, message) = first.split_at_mut(HEADER);
        header[..SECURE_PREAMBLE.len()].copy_from_slice(&SECURE_PREAMBLE);
        header[SECURE_PREAMBLE.len()] = cipher.number();
        header[HEADER - KEY_ID..].copy_from_slice(&key.id);
        let mut noise = noise::begin(cipher, &key, header, random, true);
        noise::say(&mut noise, message);
        Ok(Self { noise, first })
    }

    /// Returns the bytes that the connection begins with.
    pub fn first(&self) -> &[u8; FIRST_LEN] {
        &self.first
    }

    /// Takes the server's answer.
    ///
    /// # Errors
    /// [`Stranger::Proof`] when the answering peer does not have the key.
    pub fn finish(mut self, answer: &[u8; ANSWER_LEN]) -> Result<Channel, Stranger> {
        self.noise.read_message(answer, &mut []).map_err(|_| Stranger::Proof)?;
        Ok(noise::finish(self.noise))
    }
}

impl fmt::Debug for Initiator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Initiator(..)")
    }
}
