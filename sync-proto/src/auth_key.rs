//! The shared secret of a manager and its clients.

use core::fmt;
use std::path::Path;

use zeroize::Zeroizing;

use crate::{ErrorKind, Refusal};

/// The fewest bytes of a key for TCP.
pub const KEY_MIN: usize = 32;

/// The most bytes of a key file: it catches a wrong file name. Readers read one byte more, to
/// notice.
pub const KEY_FILE_MAX: usize = 4096;

/// A shared secret that authenticates clients and server to each other, and encrypts their traffic.
///
/// It is zeroed when dropped, never printed, and never compared: both ends derive secrets from it,
/// and these either match or they do not. Make one with `sync-server keygen FILE`: whoever records
/// a connection can try keys on it at leisure, so a sentence that a person made up is not a key,
/// however long it is.
#[derive(Clone)]
pub struct AuthKey(Zeroizing<Vec<u8>>);

impl AuthKey {
    /// Takes the bytes of a key, without trailing white space (a text file ends with a newline).
    /// TCP needs at least [`KEY_MIN`] of them.
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

    /// Takes the key from a file: `read` appends its contents, at most [`KEY_FILE_MAX`] bytes and
    /// one more, and returns its mode.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when it cannot be read; [`ErrorKind::InvalidInput`] when anybody but its
    /// owner may read or write it, when it is too long, and those of [`new`](Self::new).
    pub fn from_file<E: fmt::Display>(
        path: &Path,
        read: impl FnOnce(&mut Vec<u8>) -> Result<u32, E>,
    ) -> Result<Self, Refusal> {
        let failed = |kind, why: String| {
            Refusal::new(kind, format!("the key file {} is not accepted: {why}", path.display()))
        };
        let wrong = |why| failed(ErrorKind::InvalidInput, why);
        // Of its final size, and wiped even when it is refused.
        let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_FILE_MAX + 1));
        let mode = read(&mut bytes).map_err(|error| failed(ErrorKind::Io, error.to_string()))?;
        if mode & 0o077 != 0 {
            return Err(wrong(format!(
                "users other than its owner can access it (mode {:03o}): use `chmod 600`, and \
                 make a new key if you do not trust them",
                mode & 0o777
            )));
        }
        if bytes.len() > KEY_FILE_MAX {
            return Err(wrong(format!(
                "it is longer than {KEY_FILE_MAX} bytes, so it is not a key"
            )));
        }
        Self::new(core::mem::take(&mut *bytes)).map_err(|refusal| wrong(refusal.message))
    }

    /// Returns the key as hexadecimal digits, for passing it to a child process. They are also
    /// zeroed when dropped; a child's environment is not.
    pub fn to_hex(&self) -> Zeroizing<String> {
        // Of its final size: what grows leaves copies behind.
        let mut digits = Zeroizing::new(String::with_capacity(2 * self.0.len()));
        let nibbles = self.0.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
        digits.extend(nibbles.filter_map(|nibble| char::from_digit(nibble.into(), 16)));
        digits
    }

    /// Returns the bytes, for handshakes of other protocols than this one.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Takes a key from hexadecimal digits.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when they are not pairs of digits, or none.
    pub fn from_hex(digits: &str) -> Result<Self, Refusal> {
        let wrong = || Refusal::new(ErrorKind::InvalidInput, "the key is not hexadecimal");
        let nibble = |digit: u8| {
            let value = char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
            value.ok_or_else(wrong)
        };
        let mut bytes = Zeroizing::new(Vec::with_capacity(digits.len() / 2));
        for pair in digits.as_bytes().chunks(2) {
            let &[high, low] = pair else { return Err(wrong()) };
            bytes.push(nibble(high)? << 4 | nibble(low)?);
        }
        // Not `new`, which would take a last byte for white space.
        if bytes.is_empty() { Err(wrong()) } else { Ok(Self(bytes)) }
    }

    /// Returns the bytes of a key, if it is long enough for TCP.
    pub(crate) fn for_tcp(&self) -> Result<&[u8], Refusal> {
        let len = self.0.len();
        if len < KEY_MIN {
            let why = format!(
                "the key has {len} bytes, TCP needs at least {KEY_MIN}: make one with \
                 `sync-server keygen FILE`"
            );
            return Err(Refusal::new(ErrorKind::InvalidInput, why));
        }
        Ok(&self.0)
    }
}

impl fmt::Debug for AuthKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_key_is_no_key_and_white_space_at_the_end_does_not_count() {
        assert_eq!(AuthKey::new(" \n").unwrap_err().kind, ErrorKind::InvalidInput);
        assert_eq!(*AuthKey::new("secret \n").unwrap().to_hex(), "736563726574");
    }

    #[test]
    fn a_short_key_is_refused_for_tcp_with_its_length_and_without_itself() {
        let short = AuthKey::new("x".repeat(KEY_MIN - 1)).unwrap();
        let error = short.for_tcp().unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidInput);
        assert!(error.message.contains("31 bytes") && error.message.contains("keygen"), "{error}");
        assert!(!error.message.contains("xx"), "{error}");
        assert!(AuthKey::new("x".repeat(KEY_MIN)).unwrap().for_tcp().is_ok());
        assert_eq!(format!("{short:?}"), "AuthKey(..)");
    }

    #[test]
    fn a_key_and_its_digits_are_of_types_that_wipe_themselves() {
        fn is_wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
        let key = AuthKey::new("secret").unwrap();
        is_wiped(&key.0);
        is_wiped(&key.to_hex());
    }

    #[test]
    fn a_file_that_others_can_reach_is_refused() {
        let taken = |mode| {
            AuthKey::from_file(Path::new("key"), |bytes| {
                bytes.extend(b"secret");
                Ok::<_, Refusal>(mode)
            })
        };
        for mode in [0o640, 0o604, 0o660, 0o601, 0o100_644] {
            let error = taken(mode).unwrap_err();
            assert!(error.message.contains("chmod 600"), "{error}");
            assert!(!error.message.contains("secret"), "{error}");
        }
        for mode in [0o600, 0o400, 0o100_600] {
            assert!(taken(mode).is_ok());
        }
    }

    #[test]
    fn a_key_of_any_bytes_goes_through_an_environment_variable() {
        let bytes: Vec<u8> = (0..=255).rev().collect();
        let passed_on = AuthKey::from_hex(&AuthKey::new(bytes.clone()).unwrap().to_hex()).unwrap();
        assert_eq!(*passed_on.0, bytes);
        for wrong in ["", "0", "0g", "123", "+1", "é"] {
            assert!(AuthKey::from_hex(wrong).is_err(), "{wrong}");
        }
    }
}
