//! A handle as text.

use core::fmt;
use core::str::FromStr;

use sync_proto::{Error, ErrorKind};

/// A handle on an object as text, for a child's arguments or environment: 32 hexadecimal digits.
///
/// It is redeemed, once, with [`Manager::redeem`](crate::Manager::redeem). It cannot be guessed,
/// and `Debug` does not show it. But all clients of a manager trust each other: it does not protect
/// an object from anybody who can connect.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket(u128);

impl Ticket {
    pub(crate) fn random() -> Result<Self, Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)
            .map_err(|error| Error::new(ErrorKind::Io, format!("no randomness: {error}")))?;
        Ok(Self(u128::from_le_bytes(bytes)))
    }

    pub(crate) fn secret(self) -> u128 {
        self.0
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(..)")
    }
}

impl FromStr for Ticket {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let digits = text.len() == 32 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        u128::from_str_radix(text, 16).ok().filter(|_| digits).map(Self).ok_or_else(|| {
            let why = "a ticket is 32 hexadecimal digits: pass it on as it was printed";
            Error::new(ErrorKind::InvalidInput, why)
        })
    }
}
