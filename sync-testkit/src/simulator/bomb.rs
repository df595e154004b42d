//! A type whose code panics on request.

use std::panic::resume_unwind;

use sync_objects::{Channel, Cx, Flow, Gone, Refusal, interface};

interface! {
    /// An object that breaks.
    pub(crate) mod bomb = "sim.bomb" {
        new();
        /// Panics.
        fn explode();
        /// Panics when the caller dies.
        fn arm();
        /// Waits for ever.
        fn wait();
    }
}

const NEVER: Channel = Channel::new(0);

#[derive(Debug)]
pub(crate) struct Bomb;

/// Panics without the panic hook: an intended panic prints nothing.
fn explode() -> ! {
    resume_unwind(Box::new("a bomb"))
}

impl bomb::Service for Bomb {
    fn new() -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn explode(&mut self, _: &mut Cx<'_>) -> Flow<()> {
        explode()
    }

    fn arm(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        cx.hold(1);
        Flow::Done(())
    }

    fn wait(&mut self, _: &mut Cx<'_>) -> Flow<()> {
        Flow::Wait(NEVER)
    }

    fn session_gone(&mut self, _: &mut Cx<'_>, _: &Gone) {
        explode()
    }
}
