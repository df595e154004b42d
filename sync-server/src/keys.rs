//! The keys that clients must have, which can be changed while the server runs.

use std::sync::Arc;

use parking_lot::Mutex;
use sync_proto::secure::KeyRing;
use sync_proto::{Address, AuthKey, Error, ErrorKind};

/// A key that is shorter can be found by trying: CPython's own keys have this length.
const OUGHT: usize = 32;

/// The keys in force, and what they are for.
#[derive(Debug)]
pub(crate) struct Keys {
    /// Where connections are encrypted with them.
    tcp: Option<Address>,
    /// Python programs must show one.
    python: bool,
    current: Mutex<Arc<Current>>,
}

#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) all: Vec<AuthKey>,
    /// The same keys for encrypted TCP; none where there is no such listener.
    pub(crate) ring: KeyRing,
}

impl Keys {
    pub(crate) fn new(
        keys: Vec<AuthKey>,
        tcp: Option<Address>,
        python: bool,
    ) -> Result<Self, Error> {
        let current = Current { all: Vec::new(), ring: KeyRing::new(&[])? };
        let this = Self { tcp, python, current: Mutex::new(Arc::new(current)) };
        this.replace(keys)?;
        Ok(this)
    }

    /// Puts other keys in force; the old ones stay in force where these will not do.
    pub(crate) fn replace(&self, keys: Vec<AuthKey>) -> Result<(), Error> {
        let refused = |why: String| Err(Error::new(ErrorKind::InvalidInput, why));
        if self.python && keys.is_empty() {
            return refused(
                "Python programs authenticate with a key: give the server the same one".into(),
            );
        }
        if let (Some(address), true) = (&self.tcp, keys.is_empty()) {
            return refused(format!(
                "{address} can be reached by anyone on the network: give the server a key, or \
                 listen on a unix socket"
            ));
        }
        let ring = KeyRing::new(if self.tcp.is_some() { &keys } else { &[] })?;
        let lens = keys.iter().map(|key| key.as_bytes().len());
        for len in lens.filter(|&len| self.python && len < OUGHT) {
            tracing::warn!(
                "a key for Python clients has {len} bytes: with fewer than {OUGHT} it may be \
                 guessed"
            );
        }
        *self.current.lock() = Arc::new(Current { all: keys, ring });
        Ok(())
    }

    pub(crate) fn current(&self) -> Arc<Current> {
        Arc::clone(&self.current.lock())
    }
}
