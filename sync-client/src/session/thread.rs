//! Threads of the library's own.

use std::io;
use std::thread::Builder;

use nix::sys::signal::{SigSet, SigmaskHow};

/// Starts a thread that takes no signals. They are the program's: one that it blocks in its own
/// threads, to wait for it, would end the process here; one that it handles would begin anew
/// whatever this thread waits for.
pub(super) fn start(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    // A thread begins with the signals blocked that are for who starts it.
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let started = Builder::new().name(name.to_owned()).spawn(run);
    before.thread_set_mask()?;
    started.map(drop)
}
