//! How a queue is set up, and the results of tries.

use sync_objects::Order;

/// How a queue is set up: how much it holds, and in which order it gives items. A number alone is a
/// bound, in the order of putting.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct QueueOptions {
    pub(super) bound: Option<u64>,
    pub(super) order: Order,
}

impl QueueOptions {
    /// A queue without a bound: putting never waits.
    pub fn unbounded() -> Self {
        Self::default()
    }

    /// A queue that holds at most `items` items; a caller that puts one more waits.
    pub fn bounded(items: u64) -> Self {
        Self { bound: Some(items), ..Self::default() }
    }

    /// Gives the last item first.
    #[doc(alias = "LifoQueue")]
    pub fn lifo(mut self) -> Self {
        self.order = Order::Lifo;
        self
    }

    /// Gives the item with the smallest priority first, and of equal ones the earliest. Items are
    /// put with [`put_with_priority`](super::Queue::put_with_priority); plain `put` is priority 0.
    #[doc(alias = "PriorityQueue")]
    pub fn by_priority(mut self) -> Self {
        self.order = Order::Priority;
        self
    }
}

impl From<u64> for QueueOptions {
    fn from(bound: u64) -> Self {
        Self::bounded(bound)
    }
}

/// The result of trying to put an item without waiting for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "it went in or it did not")]
pub enum Sent {
    /// The item is in.
    Done,
    /// There was no room.
    Full,
}

/// The result of trying to get an item without waiting for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "the three ways it can end")]
pub enum Received<T> {
    /// An item.
    Item(T),
    /// There was no item.
    Empty,
    /// There will be no more items: the queue is closed and drained.
    Closed,
}

impl<T> Received<T> {
    /// Returns the item, if there was one.
    pub fn item(self) -> Option<T> {
        match self {
            Self::Item(item) => Some(item),
            Self::Empty | Self::Closed => None,
        }
    }
}
