//! The name and the methods of a rate limiter: all that a client must know.

use sync_objects::interface;

interface! {
    /// Allows a number of operations per second, over all processes, in the order in which they are
    /// asked for.
    pub mod rate_limiter = "example.rate_limiter" {
        new(per_second: u32, burst: u32);
        /// Waits until `count` operations are allowed.
        fn acquire(count: u32);
        /// Returns how many operations are allowed at once now: none while others wait.
        fn available() -> u32;
    }
}
