//! Iteration over what an object has, a page at a time.

use std::vec;

use sync_proto::Error;

/// Bytes of a page: large enough that a call's cost does not count, small enough that no message
/// is large.
pub(crate) const PAGE: u64 = 256 * 1024;

/// Where a page begins, and what the pages before said of changes; nothing of the first.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Position {
    pub(crate) after: Option<u64>,
    pub(crate) changes: Option<u64>,
}

/// What is left of the page at hand, and where the next one begins.
#[derive(Debug)]
pub(crate) struct Pages<I> {
    page: vec::IntoIter<I>,
    /// `None` when the page at hand is the last.
    next: Option<Position>,
}

impl<I> Pages<I> {
    /// Begins before the first page.
    pub(crate) fn new() -> Self {
        Self { page: Vec::new().into_iter(), next: Some(Position::default()) }
    }

    /// Returns the next item, as `read` reads it. When the page at hand is at its end, `turn` gets
    /// the next one, and says where the one after it begins. The first error is the end.
    pub(crate) fn next<T>(
        &mut self,
        turn: impl FnOnce(Position) -> Result<(Vec<I>, Option<Position>), Error>,
        read: impl FnOnce(I) -> Result<T, Error>,
    ) -> Option<Result<T, Error>> {
        if self.page.len() == 0
            && let Some(position) = self.next.take()
        {
            match turn(position) {
                Ok((page, next)) => (self.page, self.next) = (page.into_iter(), next),
                Err(error) => return Some(Err(error)),
            }
        }
        let item = read(self.page.next()?);
        if item.is_err() {
            (self.page, self.next) = (Vec::new().into_iter(), None);
        }
        Some(item)
    }
}
