//! Encoded bytes of a value: a few are stored inline, more are shared.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::Deref;

use bytes::Bytes;

/// Up to this many bytes take no memory of their own, and no counter.
const FEW: usize = 23;

/// Immutable bytes. Up to 23 are stored inline and copied by clones; more are shared by them. Most
/// keys, and every number, are that short.
#[derive(Clone)]
pub struct SmallBytes(Repr);

#[derive(Clone)]
enum Repr {
    Few { len: u8, bytes: [u8; FEW] },
    Shared(Bytes),
}

impl SmallBytes {
    /// Makes one of no bytes.
    pub const fn new() -> Self {
        Self(Repr::Few { len: 0, bytes: [0; FEW] })
    }

    /// Copies bytes.
    pub fn copy_from_slice(bytes: &[u8]) -> Self {
        Self::few(bytes).unwrap_or_else(|| Self(Repr::Shared(Bytes::copy_from_slice(bytes))))
    }

    /// Returns whether it takes no memory beside itself.
    pub const fn is_inline(&self) -> bool {
        matches!(self.0, Repr::Few { .. })
    }

    /// Returns the bytes in shareable form; a few are copied for it.
    pub fn into_shared(self) -> Bytes {
        match self.0 {
            Repr::Few { .. } => Bytes::copy_from_slice(&self),
            Repr::Shared(bytes) => bytes,
        }
    }

    fn few(from: &[u8]) -> Option<Self> {
        let mut bytes = [0; FEW];
        bytes.get_mut(..from.len())?.copy_from_slice(from);
        Some(Self(Repr::Few { len: u8::try_from(from.len()).ok()?, bytes }))
    }
}

impl Default for SmallBytes {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for SmallBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Repr::Few { len, bytes } => &bytes[..usize::from(*len)],
            Repr::Shared(bytes) => bytes,
        }
    }
}

impl From<Bytes> for SmallBytes {
    fn from(bytes: Bytes) -> Self {
        Self::few(&bytes).unwrap_or(Self(Repr::Shared(bytes)))
    }
}

impl From<Vec<u8>> for SmallBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::few(&bytes).unwrap_or_else(|| Self(Repr::Shared(bytes.into())))
    }
}

impl PartialEq for SmallBytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for SmallBytes {}

impl PartialOrd for SmallBytes {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SmallBytes {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        (**self).cmp(&**other)
    }
}

impl Hash for SmallBytes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Debug for SmallBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_as_large_as_what_it_shares() {
        assert_eq!(size_of::<SmallBytes>(), size_of::<Bytes>());
    }

    #[test]
    fn few_and_many_are_the_same_to_who_reads_them() {
        for len in [0, 1, FEW - 1, FEW, FEW + 1, 1000] {
            let bytes: Vec<u8> = (0..len).map(|number| number as u8).collect();
            let made = [
                SmallBytes::copy_from_slice(&bytes),
                bytes.clone().into(),
                Bytes::from(bytes.clone()).into(),
            ];
            for small in made {
                assert_eq!(&*small, &bytes[..]);
                assert_eq!(small.is_inline(), len <= FEW);
                assert_eq!(small.clone().into_shared(), bytes);
            }
        }
    }

    #[test]
    fn their_order_is_that_of_the_bytes() {
        let made = |bytes: &[u8]| SmallBytes::copy_from_slice(bytes);
        assert!(made(b"a") < made(b"b") && made(b"a") < made(b"aa"));
        assert!(made(&[1; 30]) < made(&[2]), "shared ones among them");
        assert!(made(&[1; 30]) > made(&[1; 23]));
    }

    #[test]
    fn many_are_shared_by_clones() {
        let many = SmallBytes::from(vec![7; 100]);
        assert_eq!(many.as_ptr(), many.clone().as_ptr());
        assert_eq!(many.as_ptr(), many.clone().into_shared().as_ptr());
    }
}
