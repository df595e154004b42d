//! Which process this is.

use std::cell::RefCell;

use forkguard::atfork::Guard;

/// The process that something belongs to. A forked child has a copy of it, and is another one.
///
/// They are told apart without a system call, by a handler that the C library runs in each child
/// (`pthread_atfork(3)`). It runs none in a child that is made behind its back, by a bare `clone`
/// or by `_Fork`, which only its pid betrays.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    guard: Guard,
    pid: u32,
}

thread_local! {
    /// The process that this thread found itself in last: to ask for a pid is a system call.
    static KNOWN: RefCell<Option<Process>> = const { RefCell::new(None) };
}

impl Process {
    /// Returns the process that calls.
    ///
    /// # Panics
    /// When there is no memory for the handler, the first time.
    pub(crate) fn current() -> Self {
        KNOWN.with_borrow_mut(|known| {
            if known.as_ref().is_none_or(|known| !known.is_current()) {
                *known = None;
            }
            let found = || Self { guard: Guard::default(), pid: std::process::id() };
            known.get_or_insert_with(found).clone()
        })
    }

    /// Returns whether it is the process that calls.
    pub(crate) fn is_current(&self) -> bool {
        // The guard tells of each fork once: its copy does.
        !self.guard.clone().detected_fork()
    }

    /// Returns the same also in a child that was made behind the C library's back, by a system
    /// call: for what such a child does without meaning to, as it drops what it inherited.
    pub(crate) fn is_surely_current(&self) -> bool {
        self.is_current() && self.pid == std::process::id()
    }
}

#[cfg(test)]
impl Process {
    /// Returns one that a child is of which the C library knows nothing.
    pub(crate) fn of_another_pid() -> Self {
        Self { pid: 0, ..Self::current() }
    }
}
