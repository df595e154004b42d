//! What `snow` is made to work with: ring's ciphers, and randomness that the caller brings.
//!
//! snow's own AES runs at some 0.8 GB/s here, and sets up its key again for every message; ring's
//! at 5 GB/s.

use ring::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::{CryptoResolver, DefaultResolver};
use snow::types::{Cipher as NoiseCipher, Dh, Hash, Random as NoiseRandom};
use snow::{Builder, Error, HandshakeState};
use zeroize::Zeroizing;

use super::{Channel, Cipher, Derived, Random, TAG};

/// Begins one side of a handshake.
pub(super) fn begin(
    cipher: Cipher,
    key: &Derived,
    header: &[u8],
    random: Zeroizing<Random>,
    initiator: bool,
) -> HandshakeState {
    let pattern = cipher.pattern().parse().expect("the pattern is one that snow knows");
    let built =
        Builder::with_resolver(pattern, Box::new(Resolver { random }))
            .psk(0, &key.secret)
            .and_then(|builder| builder.prologue(header))
            .and_then(|builder| {
                if initiator { builder.build_initiator() } else { builder.build_responder() }
            });
    built.expect("the resolver has all that the pattern needs")
}

/// Writes this side's message, which fills its room.
pub(super) fn say(noise: &mut HandshakeState, room: &mut [u8]) {
    let written = noise.write_message(&[], room);
    assert_eq!(written.ok(), Some(room.len()), "a message of the handshake has a fixed length");
}

/// Ends a handshake of which both messages are through.
pub(super) fn finish(noise: HandshakeState) -> Channel {
    Channel::new(noise.into_transport_mode().expect("both messages are through"))
}

struct Resolver {
    random: Zeroizing<Random>,
}

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn NoiseRandom>> {
        Some(Box::new(Given(Some(self.random.clone()))))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        DefaultResolver.resolve_dh(choice)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        DefaultResolver.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn NoiseCipher>> {
        Some(Box::new(match choice {
            CipherChoice::AESGCM => Aead::new(Cipher::AesGcm),
            CipherChoice::ChaChaPoly => Aead::new(Cipher::ChaChaPoly),
        }))
    }
}

/// The randomness that the caller has drawn: once, for the one secret of a handshake.
struct Given(Option<Zeroizing<Random>>);

impl NoiseRandom for Given {
    fn try_fill_bytes(&mut self, room: &mut [u8]) -> Result<(), Error> {
        match self.0.take() {
            Some(random) if room.len() == random.len() => room.copy_from_slice(&*random),
            _ => return Err(Error::Rng),
        }
        Ok(())
    }
}

/// One of ring's ciphers. Noise numbers the messages, so that no nonce comes twice.
struct Aead {
    cipher: Cipher,
    key: LessSafeKey,
}

impl Aead {
    fn new(cipher: Cipher) -> Self {
        Self { cipher, key: Self::key(cipher, &[0; 32]) }
    }

    fn key(cipher: Cipher, key: &[u8; 32]) -> LessSafeKey {
        let algorithm = match cipher {
            Cipher::AesGcm => &aead::AES_256_GCM,
            Cipher::ChaChaPoly => &aead::CHACHA20_POLY1305,
        };
        LessSafeKey::new(UnboundKey::new(algorithm, key).expect("both take keys of 32 bytes"))
    }

    /// As the Noise specification has it: four zero bytes and the number, each cipher its way.
    fn nonce(&self, number: u64) -> Nonce {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&match self.cipher {
            Cipher::AesGcm => number.to_be_bytes(),
            Cipher::ChaChaPoly => number.to_le_bytes(),
        });
        Nonce::assume_unique_for_key(nonce)
    }
}

impl NoiseCipher for Aead {
    fn name(&self) -> &'static str {
        match self.cipher {
            Cipher::AesGcm => "AESGCM",
            Cipher::ChaChaPoly => "ChaChaPoly",
        }
    }

    fn set(&mut self, key: &[u8; 32]) {
        self.key = Self::key(self.cipher, key);
    }

    fn encrypt(&self, number: u64, authtext: &[u8], plain: &[u8], out: &mut [u8]) -> usize {
        let (sealed, rest) = out.split_at_mut(plain.len());
        sealed.copy_from_slice(plain);
        let tag = self
            .key
            .seal_in_place_separate_tag(self.nonce(number), Aad::from(authtext), sealed)
            .expect("a record is not too long for a cipher");
        rest[..TAG].copy_from_slice(tag.as_ref());
        plain.len() + TAG
    }

    fn decrypt(
        &self,
        number: u64,
        authtext: &[u8],
        sealed: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        let (sealed, tag) = sealed.split_last_chunk::<TAG>().ok_or(Error::Decrypt)?;
        let plain = &mut out[..sealed.len()];
        plain.copy_from_slice(sealed);
        let (nonce, aad, tag) = (self.nonce(number), Aad::from(authtext), (*tag).into());
        self.key
            .open_in_place_separate_tag(nonce, aad, tag, plain, 0..)
            .map(|plain| plain.len())
            .map_err(|_| Error::Decrypt)
    }
}
