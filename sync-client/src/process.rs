//! Which process this is.

use std::cell::RefCell;
use std::mem::ManuallyDrop;

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
    /// The process that this thread found itself in last: to ask for a pid is a system call. It is
    /// the parent's in a child that is made behind the C library's back. Nothing is done to it when
    /// its thread ends: what is dropped then may make calls.
    static KNOWN: ManuallyDrop<RefCell<Option<Process>>> =
        const { ManuallyDrop::new(RefCell::new(None)) };
}

impl Process {
    /// Returns the process that calls.
    ///
    /// # Panics
    /// When there is no memory for the handler, the first time.
    pub(crate) fn current() -> Self {
        KNOWN.with(|known| {
            let mut known = known.borrow_mut();
            if known.as_ref().is_none_or(|known| !known.is_current()) {
                *known = None;
            }
            let found = || Self { guard: Guard::default(), pid: std::process::id() };
            known.get_or_insert_with(found).clone()
        })
    }

    /// Returns the process that calls, also in a child that was made behind the C library's back:
    /// what such a child makes for itself is its own.
    pub(crate) fn found_anew() -> Self {
        KNOWN.with(|known| *known.borrow_mut() = None);
        Self::current()
    }

    /// Returns whether it is the process that calls.
    pub(crate) fn is_current(&self) -> bool {
        // The guard tells of each fork once: its copy does.
        !self.guard.clone().detected_fork()
    }

    /// Returns what [`is_current`](Self::is_current) does, and is right also in a child that was
    /// made behind the C library's back. It costs a system call: it is for what such a child does
    /// without meaning to, as it drops what it inherited.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_child_that_nobody_told_the_library_of_makes_is_its_own() {
        KNOWN.with(|known| *known.borrow_mut() = Some(Process::of_another_pid()));
        assert!(!Process::current().is_surely_current());
        assert!(Process::found_anew().is_surely_current());
        assert!(Process::current().is_surely_current());
    }
}
