//! Ids, each its own type: a call's number cannot be taken for an object's.

use core::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident($inner:ty) $letter:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub $inner);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($letter, "{}"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self, f)
            }
        }
    )*};
}

ids! {
    /// An object of one manager. Never reused in a manager's life.
    ObjectId(u64) "o";
    /// A session: one client process, from its first hello until it leaves, is seen to be gone, or
    /// has not come back over TCP within the grace period.
    SessionId(u64) "s";
    /// A request's number in its session; its reply carries the same.
    CallId(u64) "c";
    /// A thread of a client, by a number that the client chose.
    ThreadId(u64) "t";
    /// A method's place in its interface, counted from 0.
    MethodId(u16) "m";
    /// A one-way message's number in its session: 1, 2, 3, … without a gap.
    OneWayId(u64) "w";
    /// A generation of a session's connections. A client that has lost one connects anew under the
    /// next number, and whatever still arrives on the older ones no longer counts.
    Epoch(u64) "e";
    /// The number of a state change in the manager's one sequence of them. A lock's grant carries
    /// it as its fencing token: a later grant has the greater token.
    Token(u64) "f";
}

impl ObjectId {
    /// The manager itself: its methods are names, tickets, counts and shutdown.
    pub const MANAGER: Self = Self(0);
}

impl OneWayId {
    /// Before the first one-way message of a session.
    pub const NONE: Self = Self(0);
}

impl ThreadId {
    /// Returns the calling thread's number in this process; the first to ask gets 1.
    pub fn current() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        thread_local! {
            static MINE: u64 = NEXT.fetch_add(1, Ordering::Relaxed);
        }
        Self(MINE.with(|&mine| mine))
    }
}

/// A manager process, distinguished from every other by 128 random bits that it drew when it
/// started.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ManagerId(pub u128);

impl fmt::Debug for ManagerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "manager {:08x}", self.0 >> 96)
    }
}

/// What lets a further connection join a session: 128 random bits that the server gave to the
/// session's first connection. A secret of that client; never printed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionToken(pub u128);

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(..)")
    }
}
