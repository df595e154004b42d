//! Iterators over a queue's items.

use core::iter::FusedIterator;

use serde::de::DeserializeOwned;
use sync_proto::Error;

use super::{Delivery, Queue};

/// Gets items until the queue is closed and drained, or an error occurs.
#[derive(Debug)]
pub struct Iter<T> {
    pub(super) queue: Queue<T>,
    pub(super) ended: bool,
}

/// Leases items until the queue is closed and drained, or an error occurs.
#[derive(Debug)]
pub struct Deliveries<T> {
    pub(super) queue: Queue<T>,
    pub(super) ended: bool,
}

fn step<I>(
    ended: &mut bool,
    next: impl FnOnce() -> Result<Option<I>, Error>,
) -> Option<Result<I, Error>> {
    if *ended {
        return None;
    }
    let next = next().transpose();
    *ended = !matches!(next, Some(Ok(_)));
    next
}

impl<T: DeserializeOwned> Iterator for Iter<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        step(&mut self.ended, || self.queue.get())
    }
}

impl<T: DeserializeOwned> Iterator for Deliveries<T> {
    type Item = Result<Delivery<T>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        step(&mut self.ended, || self.queue.get_leased())
    }
}

impl<T: DeserializeOwned> FusedIterator for Iter<T> {}

impl<T: DeserializeOwned> FusedIterator for Deliveries<T> {}

impl<T: DeserializeOwned> IntoIterator for &Queue<T> {
    type Item = Result<T, Error>;
    type IntoIter = Iter<T>;

    fn into_iter(self) -> Iter<T> {
        self.iter()
    }
}
