//! What a rate limiter is called and what can be asked of it: all that a client must know.

use sync_objects::interface;

interface! {
    /// Lets through a number of operations a second, over all processes, in the order of asking.
    pub mod rate_limiter = "example.rate_limiter" {
        new(per_second: u32, burst: u32);
        /// Waits until `count` operations may be done.
        fn acquire(count: u32);
        /// Returns how many operations may be done at once now.
        fn available() -> u32;
    }
}
