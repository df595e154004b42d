//! Which process this is.

use forkguard::atfork::Guard;

/// The process that something belongs to. A forked child has a copy of it, and is another one.
///
/// They are told apart without a system call, by a handler that the C library runs in each child
/// (`pthread_atfork(3)`). It runs none in a child that is made behind its back, by a bare `clone`
/// or by `_Fork`, which only its pid betrays.
#[derive(Clone, Debug)]
pub(crate) struct Process(Guard);

impl Process {
    /// Returns the process that calls.
    ///
    /// # Panics
    /// When there is no memory for the handler, the first time.
    pub(crate) fn current() -> Self {
        Self(Guard::default())
    }

    /// Returns whether it is the process that calls.
    pub(crate) fn is_current(&self) -> bool {
        // The guard tells of each fork once: its copy does.
        !self.0.clone().detected_fork()
    }
}
