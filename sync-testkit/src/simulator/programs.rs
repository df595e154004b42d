//! What the clients do: small programs that check what they see.

use sync_proto::{Error, ErrorKind, Shared};

use super::thread::{Program, Thread};

mod containers;
mod keeper;
mod locks;
mod names;
mod queues;
mod waits;

pub(crate) use keeper::{close, open, verify};

/// Makes a program for a thread.
pub(crate) type Make = fn(Thread) -> Program;

/// The programs of usual clients.
pub(crate) const ALL: [(&str, Make); 20] = [
    ("critical sections", |thread| Box::pin(locks::critical_sections(thread))),
    ("critical sections", |thread| Box::pin(locks::critical_sections(thread))),
    ("re-entrant sections", |thread| Box::pin(locks::reentrant_sections(thread))),
    ("permits", |thread| Box::pin(locks::permits(thread))),
    ("producer", |thread| Box::pin(queues::producer(thread))),
    ("producer", |thread| Box::pin(queues::producer(thread))),
    ("consumer", |thread| Box::pin(queues::consumer(thread))),
    ("leased consumer", |thread| Box::pin(queues::leased_consumer(thread))),
    ("joiner", |thread| Box::pin(queues::joiner(thread))),
    ("condition", |thread| Box::pin(waits::condition(thread))),
    ("barrier", |thread| Box::pin(waits::barrier(thread))),
    ("event", |thread| Box::pin(waits::event(thread))),
    ("counters", |thread| Box::pin(containers::counters(thread))),
    ("updates", |thread| Box::pin(containers::updates(thread))),
    ("nested lists", |thread| Box::pin(containers::nested(thread))),
    ("memory hog", |thread| Box::pin(queues::memory_hog(thread))),
    ("names and tickets", |thread| Box::pin(names::names_and_tickets(thread))),
    ("hoarder", |thread| Box::pin(names::hoarder(thread))),
    ("orphans", |thread| Box::pin(names::orphans(thread))),
    ("bombs", |thread| Box::pin(names::bombs(thread))),
];

/// How often a program does what it does.
const ROUNDS: usize = 3;

impl Thread {
    pub(super) fn who(&self) -> (sync_proto::SessionId, sync_proto::ThreadId) {
        (self.session, self.id)
    }

    /// Finds a shared object, or makes it.
    async fn named<P: Shared>(
        &self,
        run: impl Fn(crate::Spot) -> Result<P, Error>,
        name: &'static str,
    ) -> Result<P, Error> {
        let found = self.call(|| run(self.link.named(name))).await?;
        self.ghost.knows(name, found.handle().object());
        Ok(found)
    }
}

/// The result of a call that the world may cancel.
fn unless(kinds: &[ErrorKind], error: Error) -> Result<(), Error> {
    if kinds.contains(&error.kind()) { Ok(()) } else { Err(error) }
}
