//! Which of a process's threads a manager knows by name.

use core::cell::Cell;
use core::sync::atomic::{AtomicU64, Ordering};

/// Remembers which threads have introduced themselves to a session: a thread reports its name once,
/// with its first call. It costs a look at a thread-local variable.
#[derive(Debug)]
pub struct Introductions {
    session: u64,
}

/// Sessions that a thread remembers. One that works with more at a time repeats itself, which
/// does no harm.
const REMEMBERED: usize = 4;

impl Introductions {
    /// Begins with no thread.
    #[expect(clippy::new_without_default, reason = "each is a session of its own")]
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self { session: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    /// Returns whether the calling thread should report its name now; that counts as done.
    pub fn are_due(&self) -> bool {
        thread_local! {
            // The latest first; 0 is no session.
            static KNOWN: Cell<[u64; REMEMBERED]> = const { Cell::new([0; REMEMBERED]) };
        }
        KNOWN.with(|known| {
            let mut sessions = known.get();
            if sessions.contains(&self.session) {
                return false;
            }
            sessions.rotate_right(1);
            sessions[0] = self.session;
            known.set(sessions);
            true
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Introductions;

    #[test]
    fn a_thread_is_introduced_to_a_session_once() {
        let sessions = [(); 4].map(|()| Introductions::new());
        assert!(sessions.iter().all(Introductions::are_due));
        assert!(!sessions.iter().any(Introductions::are_due));
    }
}
