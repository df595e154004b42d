//! What an event is about: what an event loop has the system hand back with it.

use mio::Token;

/// The source of an event, with its key in the event loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Waker,
    Listener(usize),
    Connection(usize),
    /// The end of a client process.
    Process(usize),
}

/// The kind of a source is in the low bits of its token.
const KIND_BITS: usize = 2;

impl Source {
    pub(crate) const fn token(self) -> Token {
        let (kind, key) = match self {
            Self::Waker => (0, 0),
            Self::Listener(key) => (1, key),
            Self::Connection(key) => (2, key),
            Self::Process(key) => (3, key),
        };
        Token(key << KIND_BITS | kind)
    }

    pub(crate) const fn of(token: Token) -> Self {
        let key = token.0 >> KIND_BITS;
        match token.0 & ((1 << KIND_BITS) - 1) {
            1 => Self::Listener(key),
            2 => Self::Connection(key),
            3 => Self::Process(key),
            _ => Self::Waker,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_tells_its_source() {
        let with_key = [Source::Listener, Source::Connection, Source::Process];
        let all = with_key.iter().flat_map(|of| [0, 1, 10_000].map(of));
        for source in all.chain([Source::Waker]) {
            assert_eq!(Source::of(source.token()), source);
        }
    }
}
