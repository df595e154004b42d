//! The locks that a condition can use.

use std::time::Duration;

use sync_objects::Grant;
use sync_proto::{Error, Shared, Token};

use crate::{Lock, LockGuard, RLock, RLockGuard};

/// The locks that a [`Condition`](crate::Condition) can use: a [`Lock`] or an [`RLock`], no others.
pub trait ConditionLock: Shared + Clone + private::Sealed {
    /// A held lock of this type.
    type Guard;

    /// Waits for the lock and takes it.
    ///
    /// # Errors
    /// Those of the lock.
    #[doc(hidden)]
    fn take(&self, within: Option<Duration>) -> Result<Self::Guard, Error>;

    /// Returns the token under which a guard holds its lock.
    #[doc(hidden)]
    fn token(guard: &Self::Guard) -> Token;

    /// Notes that a guard's lock was given up, and was granted to it anew.
    #[doc(hidden)]
    fn regrant(guard: &mut Self::Guard, grant: Grant);
}

mod private {
    pub trait Sealed {}
}

macro_rules! locks {
    ($($lock:ident => $guard:ident),*) => {$(
        impl private::Sealed for $lock {}

        impl ConditionLock for $lock {
            type Guard = $guard;

            fn take(&self, within: Option<Duration>) -> Result<$guard, Error> {
                within.map_or_else(|| self.lock(), |time| self.within(time).lock())
            }

            fn token(guard: &$guard) -> Token {
                guard.fencing_token()
            }

            fn regrant(guard: &mut $guard, grant: Grant) {
                guard.regrant(grant);
            }
        }
    )*};
}

locks!(Lock => LockGuard, RLock => RLockGuard);
