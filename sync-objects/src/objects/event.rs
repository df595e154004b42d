//! Event: a flag that callers wait for.

use sync_proto::Refusal;

use crate::{Channel, Cx, Flow, interface};

interface! {
    /// A flag that callers wait for.
    pub mod event = "sync.event" {
        new();
        /// Sets the flag; all waiting callers go on, even if it is cleared right after.
        fn set();
        /// Clears the flag.
        fn clear();
        /// Returns whether the flag is set.
        fn is_set() -> bool;
        /// Waits until the flag is set.
        fn wait();
    }
}

const SET: Channel = Channel::new(0);

#[derive(Debug, Default)]
pub(crate) struct Event {
    is_set: bool,
}

impl event::Service for Event {
    fn new() -> Result<Self, Refusal> {
        Ok(Self::default())
    }

    fn set(&mut self, cx: &mut Cx<'_>) -> Flow<()> {
        self.is_set = true;
        cx.wake(SET, usize::MAX);
        Flow::Done(())
    }

    fn clear(&mut self, _: &mut Cx<'_>) -> Flow<()> {
        self.is_set = false;
        Flow::Done(())
    }

    fn is_set(&mut self, _: &mut Cx<'_>) -> Flow<bool> {
        Flow::Done(self.is_set)
    }

    fn wait(&mut self, _: &mut Cx<'_>) -> Flow<()> {
        if self.is_set { Flow::Done(()) } else { Flow::Wait(SET) }
    }
}
