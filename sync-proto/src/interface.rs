//! An object type's name and methods, declared once for both ends.

use core::fmt;

use serde::{Deserialize, Serialize};

/// The name and the methods of an object type.
#[derive(Debug, PartialEq, Eq)]
pub struct Interface {
    /// The name under which a manager knows the type: "sync.lock", "app.latch".
    pub name: &'static str,
    /// The hash of all signatures: equal on both ends, or they were built from different sources.
    pub fingerprint: Fingerprint,
    /// The methods' names; a method's [`MethodId`](crate::MethodId) is its place here.
    pub methods: &'static [&'static str],
}

impl Interface {
    /// Returns a method's name, or "?" where the interface has no such method.
    pub fn method_name(&self, method: crate::MethodId) -> &'static str {
        self.methods.get(usize::from(method.0)).copied().unwrap_or("?")
    }
}

/// 64-bit FNV-1a of an interface's signatures without their white space. It covers the names of
/// types, not their contents: a type whose shape changes needs a new name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// Hashes the parts of a declaration, one after the other (FNV-1a, 64 bit: Fowler, Noll, Vo;
    /// the offset basis and prime of RFC 9923).
    pub const fn of(parts: &[&str]) -> Self {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        let mut part = 0;
        while part < parts.len() {
            let bytes = parts[part].as_bytes();
            let mut at = 0;
            while at < bytes.len() {
                if !bytes[at].is_ascii_whitespace() {
                    hash ^= bytes[at] as u64;
                    hash = hash.wrapping_mul(0x0000_0100_0000_01b3);
                }
                at += 1;
            }
            part += 1;
        }
        Self(hash)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_is_fnv_1a_and_blind_to_white_space() {
        assert_eq!(Fingerprint::of(&[""]).0, 0xcbf2_9ce4_8422_2325);
        assert_eq!(Fingerprint::of(&["foobar"]).0, 0x8594_4171_f739_67e8);
        assert_eq!(Fingerprint::of(&["fn f(a: u8)"]), Fingerprint::of(&["fn f(", "a:u8 )"]));
        assert_ne!(Fingerprint::of(&["fn f(a: u8)"]), Fingerprint::of(&["fn f(a: u16)"]));
    }
}
