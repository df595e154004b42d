//! An item that is leased.

use core::ops::Deref;

use sync_objects::queue;
use sync_proto::{Error, Token};

use crate::held::Held;

/// A leased item. It belongs to the queue until [`ack`](Self::ack); if it is dropped before, or its
/// process dies, it goes back to its place.
#[derive(Debug)]
#[must_use = "if unused, the item goes back to the queue at once"]
pub struct Delivery<T> {
    pub(super) item: T,
    pub(super) id: u64,
    pub(super) attempt: u32,
    pub(super) lease: Lease,
}

/// What is given up when a delivery is dropped.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) queue: queue::Proxy,
    pub(super) held: Held,
}

impl<T> Delivery<T> {
    /// Returns the item's number in its queue, the same at every delivery.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Returns which delivery of the item this is: 1 for the first.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns the number of this lease; a later lease has a greater one.
    pub fn fencing_token(&self) -> Token {
        self.lease.held.token()
    }

    /// Returns whether the lease is lost: the session with the manager is over, and another
    /// consumer may have the item now. In a forked child, its parent's lease counts as lost.
    pub fn is_lost(&self) -> bool {
        self.lease.held.is_lost(self.lease.queue.remote())
    }

    /// Acknowledges that the item is done with, waits until the manager has recorded it, and
    /// returns the item. It counts as [`Queue::task_done`](super::Queue::task_done).
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone;
    /// [`ErrorKind::NotOwner`](crate::ErrorKind::NotOwner) in a forked child, whose parent
    /// holds it.
    pub fn ack(mut self) -> Result<T, Error> {
        let Lease { queue, held } = &mut self.lease;
        held.hand_back(queue.remote(), "ack", |token| queue.ack(token))?;
        Ok(self.item)
    }

    /// Gives the item back to its place, and waits until it is there.
    ///
    /// # Errors
    /// [`ErrorKind::Disconnected`](crate::ErrorKind::Disconnected) when the manager is gone;
    /// [`ErrorKind::NotOwner`](crate::ErrorKind::NotOwner) in a forked child, whose parent
    /// holds it.
    pub fn requeue(mut self) -> Result<(), Error> {
        let Lease { queue, held } = &mut self.lease;
        held.hand_back(queue.remote(), "requeue", |token| queue.requeue(token))
    }
}

impl<T> Deref for Delivery<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.item
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(token) = self.held.give_up() {
            // A number always encodes; a session that is over has given the item back.
            let _ = self.queue.one_way().requeue(token);
        }
    }
}
