//! The server's side of the handshake.

use core::fmt;

use zeroize::Zeroizing;

use super::{
    ANSWER_LEN, Channel, Cipher, FIRST_LEN, HEADER, KEY_ID, KeyRing, Random, Stranger, noise,
};
use crate::version::{CURRENT, SECURE_PREAMBLE};

/// The server's side of the handshake: the first bytes of an unauthenticated peer, at most as many
/// as it may send.
pub struct Responder {
    random: Zeroizing<Random>,
    seen: [u8; FIRST_LEN],
    len: usize,
}

impl Responder {
    /// Begins. `random` is drawn for this connection.
    pub fn new(random: Random) -> Self {
        Self { random: Zeroizing::new(random), seen: [0; FIRST_LEN], len: 0 }
    }

    /// Takes what the client sent. `None` means that more is needed; otherwise the answer is to be
    /// sent, and all else goes through the channel.
    ///
    /// # Errors
    /// Why the peer is refused, at the first byte that shows it: the connection is to be closed
    /// without an answer.
    pub fn handle(
        &mut self,
        input: &[u8],
        keys: &KeyRing,
    ) -> Result<Option<([u8; ANSWER_LEN], Channel)>, Stranger> {
        let room = &mut self.seen[self.len..];
        if input.len() > room.len() {
            // Of the two reasons the other one tells more.
            let fits = room.len();
            room.copy_from_slice(&input[..fits]);
            self.len = FIRST_LEN;
            self.check(keys)?;
            return Err(Stranger::Eager);
        }
        room[..input.len()].copy_from_slice(input);
        self.len += input.len();
        self.check(keys)?;
        if self.len < FIRST_LEN { Ok(None) } else { self.answer(keys).map(Some) }
    }

    /// Checks what of the header is there.
    fn check(&self, keys: &KeyRing) -> Result<(), Stranger> {
        let seen = &self.seen[..self.len];
        let name = &SECURE_PREAMBLE[..SECURE_PREAMBLE.len() - 1];
        if !name.starts_with(&seen[..seen.len().min(name.len())]) {
            return Err(Stranger::Preamble);
        }
        match seen.get(name.len()) {
            Some(&theirs) if theirs != CURRENT => return Err(Stranger::Version(theirs)),
            _ => {}
        }
        match seen.get(SECURE_PREAMBLE.len()) {
            Some(&number) if Cipher::of_number(number).is_none() => {
                return Err(Stranger::Cipher(number));
            }
            _ => {}
        }
        match seen.get(HEADER - KEY_ID..HEADER) {
            Some(id) if keys.find(id).is_none() => Err(Stranger::Key),
            _ => Ok(()),
        }
    }

    fn answer(&mut self, keys: &KeyRing) -> Result<([u8; ANSWER_LEN], Channel), Stranger> {
        let (header, message) = self.seen.split_at(HEADER);
        let number = header[SECURE_PREAMBLE.len()];
        let cipher = Cipher::of_number(number).ok_or(Stranger::Cipher(number))?;
        let key = keys.find(&header[HEADER - KEY_ID..]).ok_or(Stranger::Key)?;
        let mut noise = noise::begin(cipher, key, header, self.random.clone(), false);
        noise.read_message(message, &mut []).map_err(|_| Stranger::Proof)?;
        let mut answer = [0; ANSWER_LEN];
        noise::say(&mut noise, &mut answer);
        Ok((answer, noise::finish(noise)))
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Responder({} bytes)", self.len)
    }
}
