//! Values that are in one value more than once, or in themselves.

use super::{Item, Reader};
use crate::cbor::error::DecodeError;
use crate::cbor::{head, tag};

/// How many bytes may be read again because they are referred to: some few references could
/// otherwise stand for more than any memory holds.
const MOST_REPEATED: usize = 16 << 20;

/// What a reference costs at least, for it takes time, too.
const LEAST_REPEATED: usize = 16;

/// What references may stand for.
#[derive(Clone, Debug, Default)]
pub(super) struct Shares {
    /// Where the shared values stand, in the order of the bytes.
    positions: Vec<usize>,
    /// How many bytes were read again.
    repeated: usize,
}

/// Where to go on after a value that was referred to.
#[derive(Debug)]
#[must_use]
pub(in crate::cbor) struct WayBack {
    position: usize,
    start: usize,
}

impl<'b> Reader<'b> {
    /// Goes to the value that a reference stands for, if one is next; it is then read as if it
    /// stood here, and [`Reader::come_back`] goes on.
    pub(in crate::cbor) fn follow(&mut self) -> Result<Option<WayBack>, DecodeError> {
        if !self.is_next(head::TAG) || self.next_tag() != Some(tag::REFERENCE) {
            return Ok(None);
        }
        let Item::Reference(number) = self.item()? else {
            return Ok(None);
        };
        if self.shares.repeated > MOST_REPEATED {
            return Err(DecodeError::new(format!(
                "found references that stand for more than {MOST_REPEATED} bytes"
            )));
        }
        // `item` has refused a number beyond them. What contains itself ends by its depth.
        let start = self.shares.positions[number as usize];
        let way = WayBack { position: self.position(), start };
        self.depth.step()?;
        self.tokens.set_position(start);
        Ok(Some(way))
    }

    /// Goes on after the reference.
    pub(in crate::cbor) fn come_back(&mut self, way: WayBack) {
        self.shares.repeated += self.position().saturating_sub(way.start).max(LEAST_REPEATED);
        self.depth.unstep();
        self.tokens.set_position(way.position);
    }

    /// Reads the next item if it contains no other, not even by a reference.
    pub(in crate::cbor) fn leaf(&mut self) -> Result<Item<'b>, DecodeError> {
        self.followed(Self::item)
    }

    /// Reads what is next, or what the reference that is next stands for.
    pub(in crate::cbor) fn followed<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let way = self.follow()?;
        let value = read(self)?;
        if let Some(way) = way {
            self.come_back(way);
        }
        Ok(value)
    }

    /// The bytes from an earlier position on, or, if a reference is there, those it stands for.
    pub(in crate::cbor) fn bytes_at(&self, position: usize) -> &'b [u8] {
        let mut reader = self.clone();
        reader.tokens.set_position(position);
        // Where it fails, the reference itself is shown.
        let _ = reader.follow();
        self.since(reader.position())
    }

    /// A reader that stands behind the mark of a shared value, if one is next.
    pub(super) fn past_share(&self) -> Self {
        let mut ahead =
            Self { tokens: self.tokens.clone(), depth: self.depth, shares: Shares::default() };
        if ahead.is_next(head::TAG) && ahead.next_tag() == Some(tag::SHARED) {
            // It is there.
            let _ = ahead.tokens.tag();
        }
        ahead
    }

    pub(super) fn shared_values(&self) -> usize {
        self.shares.positions.len()
    }

    /// Notes the value that stands next as a shared one, and reads it.
    pub(super) fn shared(&mut self, start: usize) -> Result<Item<'b>, DecodeError> {
        let position = self.position();
        // What is read again has its number.
        if self.shares.positions.last().is_none_or(|last| *last < position) {
            self.shares.positions.push(position);
        }
        match self.next_tag() {
            Some(tag::SHARED | tag::REFERENCE) if self.is_next(head::TAG) => {
                Err(DecodeError::malformed(start, "a shared value is another one"))
            }
            _ => self.item(),
        }
    }
}
