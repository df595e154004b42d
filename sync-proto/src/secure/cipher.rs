//! Which cipher encrypts the records.

/// Which cipher encrypts the records: the client chooses, for the processor that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a server takes every cipher of its version")]
pub enum Cipher {
    /// AES-256 in Galois counter mode: the fastest where the processor has instructions for it.
    AesGcm,
    /// ChaCha20 and Poly1305: fast on every processor.
    ChaChaPoly,
}

impl Cipher {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::AesGcm, Self::ChaChaPoly];

    /// Returns the one that is faster on this processor.
    pub fn preferred() -> Self {
        if has_aes() { Self::AesGcm } else { Self::ChaChaPoly }
    }

    pub(super) const fn number(self) -> u8 {
        match self {
            Self::AesGcm => 1,
            Self::ChaChaPoly => 2,
        }
    }

    pub(super) fn of_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|cipher| cipher.number() == number)
    }

    pub(super) const fn pattern(self) -> &'static str {
        match self {
            Self::AesGcm => "Noise_NNpsk0_25519_AESGCM_SHA256",
            Self::ChaChaPoly => "Noise_NNpsk0_25519_ChaChaPoly_SHA256",
        }
    }
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
fn has_aes() -> bool {
    std::is_x86_feature_detected!("aes") && std::is_x86_feature_detected!("pclmulqdq")
}

#[cfg(target_arch = "aarch64")]
fn has_aes() -> bool {
    std::arch::is_aarch64_feature_detected!("aes")
        && std::arch::is_aarch64_feature_detected!("pmull")
}

#[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
fn has_aes() -> bool {
    false
}
