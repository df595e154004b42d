//! Reads encoded bytes one item's head at a time; everything else that reads is built on it.

use minicbor::Decoder;

mod item;
mod parse;
mod share;

pub(super) use self::item::{Form, Item, Left};
use self::share::Shares;
use super::depth::Depth;
use super::error::DecodeError;
use super::number::Integer;
use super::{head, tag};

/// Walks over encoded bytes.
#[derive(Clone, Debug)]
pub(super) struct Reader<'b> {
    tokens: Decoder<'b>,
    pub(super) depth: Depth,
    /// What references may stand for.
    shares: Shares,
}

impl<'b> Reader<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { tokens: Decoder::new(bytes), depth: Depth::default(), shares: Shares::default() }
    }

    /// How many bytes were read.
    pub(super) fn position(&self) -> usize {
        self.tokens.position()
    }

    /// The bytes from a position on.
    pub(super) fn since(&self, position: usize) -> &'b [u8] {
        self.tokens.input().get(position..).unwrap_or_default()
    }

    /// Demands that nothing follows.
    pub(super) fn finish(&self) -> Result<(), DecodeError> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(DecodeError::new(format!("found {left} more bytes after the value"))),
        }
    }

    /// Reads the next item: all of it, or its head if it contains others.
    pub(super) fn item(&mut self) -> Result<Item<'b>, DecodeError> {
        let byte = self.peek().ok_or_else(DecodeError::cut)?;
        match head::major(byte) {
            head::UNSIGNED | head::NEGATIVE => {
                let number = self.tokens.int().map_err(malformed)?;
                Ok(Item::Integer(Integer::Small(i128::from(number))))
            }
            head::BYTES => Ok(Item::Bytes(self.bytes(byte)?)),
            head::TEXT => Ok(Item::Text(self.text(byte)?)),
            head::ARRAY => self.array(Form::List),
            head::MAP => {
                let left = self.tokens.map().map_err(malformed)?;
                self.claim(left, 2).map(Item::Map)
            }
            head::TAG => self.tagged(),
            _ => self.simple(byte),
        }
    }

    /// Tells whether a further element or entry follows, and takes the break if none does.
    pub(super) fn more(&mut self, left: &mut Left) -> Result<bool, DecodeError> {
        match &mut left.0 {
            Some(0) => Ok(false),
            Some(number) => {
                *number -= 1;
                Ok(true)
            }
            None => match self.peek() {
                None => Err(DecodeError::cut()),
                Some(head::BREAK) => {
                    self.advance(1);
                    *left = Left(Some(0));
                    Ok(false)
                }
                Some(_) => Ok(true),
            },
        }
    }

    /// Skips the next item with all that it contains, which must be well-formed; with a number
    /// of handles, so must the handles be among them.
    pub(super) fn skip(&mut self, handles: Option<usize>) -> Result<(), DecodeError> {
        let item = self.item()?;
        self.skip_rest(&item, handles)
    }

    /// Skips what an item contains whose head was read.
    pub(super) fn skip_rest(
        &mut self,
        item: &Item<'b>,
        handles: Option<usize>,
    ) -> Result<(), DecodeError> {
        match *item {
            Item::Array(_, left) => self.skip_all(left, 1, handles),
            Item::Map(left) => self.skip_all(left, 2, handles),
            Item::Some | Item::Tag(_) => self.skip_all(Left(Some(1)), 1, handles),
            Item::Handle(index) => match handles {
                Some(handles) if index >= handles as u64 => Err(DecodeError::new(format!(
                    "found handle {index} in a value that comes with {handles} handles"
                ))),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Takes the next item if it is null.
    pub(super) fn take_null(&mut self) -> bool {
        let is_null = self.peek() == Some(head::NULL);
        if is_null {
            self.advance(1);
        }
        is_null
    }

    /// Takes the tag of a nested `Some` if it is next.
    pub(super) fn take_some(&mut self) -> bool {
        let mut ahead = self.tokens.clone();
        let is_some = self.is_next(head::TAG) && ahead.tag().is_ok_and(|t| t.as_u64() == tag::SOME);
        if is_some {
            self.tokens = ahead;
        }
        is_some
    }

    /// Tells whether the next item has this major type.
    pub(super) fn is_next(&self, major: u8) -> bool {
        self.peek().is_some_and(|byte| head::major(byte) == major)
    }

    /// Tells whether the next item is a set.
    pub(super) fn is_set_next(&self) -> bool {
        let ahead = self.past_share();
        ahead.is_next(head::TAG) && matches!(ahead.next_tag(), Some(tag::SET | tag::FROZEN_SET))
    }

    /// Tells whether the next item is a text.
    pub(super) fn is_text_next(&self) -> bool {
        self.past_share().is_next(head::TEXT)
    }

    fn next_tag(&self) -> Option<u64> {
        self.tokens.clone().tag().ok().map(|tag| tag.as_u64())
    }

    /// The bytes that are not read yet.
    pub(super) fn rest(&self) -> &'b [u8] {
        self.since(self.position())
    }

    fn skip_all(
        &mut self,
        mut left: Left,
        items: usize,
        handles: Option<usize>,
    ) -> Result<(), DecodeError> {
        self.depth.enter()?;
        while self.more(&mut left)? {
            for _ in 0..items {
                self.skip(handles)?;
            }
        }
        self.depth.leave();
        Ok(())
    }

    fn array(&mut self, form: Form) -> Result<Item<'b>, DecodeError> {
        let left = self.tokens.array().map_err(malformed)?;
        Ok(Item::Array(form, self.claim(left, 1)?))
    }

    /// Refuses a length that the bytes left cannot hold, before anybody allocates for it.
    fn claim(&self, length: Option<u64>, items: u64) -> Result<Left, DecodeError> {
        match length {
            Some(length) if length > self.remaining() as u64 / items => Err(DecodeError::cut()),
            _ => Ok(Left(length)),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.tokens.input().get(self.position()).copied()
    }

    fn advance(&mut self, bytes: usize) {
        self.tokens.set_position(self.position() + bytes);
    }

    fn remaining(&self) -> usize {
        self.tokens.input().len() - self.position()
    }
}

fn malformed(error: minicbor::decode::Error) -> DecodeError {
    if error.is_end_of_input() {
        return DecodeError::cut();
    }
    // It says where.
    DecodeError::new(format!("the encoded value is malformed: {error}"))
}
