//! The normal form of values: two values are equal if and only if their normal forms are the
//! same bytes, whatever wrote them.

use bytes::Bytes;
use thiserror::Error;

use super::describe::describe;
use super::error::DecodeError;
use super::number::{Integer, put_i128};
use super::reader::{Form, Item, Left, Reader};
use super::sort::{Span, duplicate, sort};
use super::{head, tag};
use crate::SmallBytes;

/// A value in its normal form.
///
/// Its order is that of the bytes: it suits a table, and means nothing to people.
/// [`super::compare`] has the order of values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Normal(SmallBytes);

impl Normal {
    /// Gives the encoded value.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Takes a short string that is its own normal form, as most keys are: it shares its bytes.
    pub(crate) fn of_text(bytes: &SmallBytes) -> Option<Self> {
        let (&first, text) = bytes.split_first()?;
        let is_whole = head::major(first) == head::TEXT && usize::from(first & 0x1f) == text.len();
        // From 24 on the length follows the first byte.
        let is_short = is_whole && text.len() < 24;
        // What is sure without a call, of most keys.
        let is_text = || text.is_ascii() || core::str::from_utf8(text).is_ok();
        (is_short && is_text()).then(|| Self(bytes.clone()))
    }

    /// Makes the normal form of a byte string: its encoding.
    pub(crate) fn of_bytes(content: &[u8]) -> Self {
        Self::new(super::of_bytes(content))
    }

    fn new(bytes: Vec<u8>) -> Self {
        // Normal forms are kept for long: without spare capacity.
        Self(Bytes::from(bytes.into_boxed_slice()).into())
    }
}

/// Says why a value has no normal form.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NormalizeError {
    /// The bytes are not one well-formed value.
    #[error(transparent)]
    Malformed(#[from] DecodeError),
    /// The value contains NaN, which equals nothing, not even itself.
    #[error("a value that contains NaN equals no other")]
    NotANumber,
    /// A map has equal keys.
    #[error("a map has the key {key} twice")]
    DuplicateKey {
        /// Describes the key.
        key: String,
    },
    /// A handle's index is beyond the handles that came with the value.
    #[error("the value refers to handle {index} and comes with {handles} handles")]
    NoSuchHandle {
        /// The index.
        index: u64,
        /// How many handles there are.
        handles: usize,
    },
}

/// Computes the normal form of an encoded value whose handles are those of the objects `handles`.
///
/// Whole floats and bools become integers, other floats doubles; maps and sets are sorted; a
/// handle's index becomes its object's id; a reference becomes what it stands for; bytes that may
/// change become those that may not. Lists, tuples, strings and bytes stay what they are.
///
/// # Errors
///
/// The bytes are malformed or nest too deeply, a handle is not among `handles`, keys of a map are
/// equal, or the value contains NaN and so equals nothing.
pub fn normalize(bytes: &[u8], handles: &[u64]) -> Result<Normal, NormalizeError> {
    Normalizer::new(bytes, handles, false).run()
}

/// Computes the normal form of a key: a list counts as a tuple, at every depth.
///
/// # Errors
///
/// As [`normalize`].
pub fn normalize_key(bytes: &[u8], handles: &[u64]) -> Result<Normal, NormalizeError> {
    Normalizer::new(bytes, handles, true).run()
}

struct Normalizer<'b> {
    reader: Reader<'b>,
    out: Vec<u8>,
    handles: &'b [u64],
    lists_are_tuples: bool,
}

impl<'b> Normalizer<'b> {
    fn new(bytes: &'b [u8], handles: &'b [u64], lists_are_tuples: bool) -> Self {
        let out = Vec::with_capacity(bytes.len());
        Self { reader: Reader::new(bytes), out, handles, lists_are_tuples }
    }

    fn run(mut self) -> Result<Normal, NormalizeError> {
        self.value()?;
        self.reader.finish()?;
        Ok(Normal::new(self.out))
    }

    fn value(&mut self) -> Result<(), NormalizeError> {
        if let Some(way) = self.reader.follow()? {
            self.value()?;
            self.reader.come_back(way);
            return Ok(());
        }
        match self.reader.item()? {
            Item::Null => self.out.push(head::NULL),
            Item::Undefined => self.out.push(head::UNDEFINED),
            Item::Simple(number) => head::put(&mut self.out, head::SIMPLE, u64::from(number)),
            Item::Bool(value) => put_i128(&mut self.out, i128::from(value)),
            Item::Integer(number) => number.put(&mut self.out),
            Item::Float(value) if value.is_nan() => return Err(NormalizeError::NotANumber),
            Item::Float(value) => match Integer::from_float(value) {
                Some(number) => number.put(&mut self.out),
                None => head::put_f64(&mut self.out, value),
            },
            Item::Bytes(bytes) => head::put_bytes(&mut self.out, &bytes),
            Item::Text(text) => head::put_text(&mut self.out, &text),
            Item::WideText(bytes) => {
                head::put(&mut self.out, head::TAG, tag::WIDE_TEXT);
                head::put_bytes(&mut self.out, &bytes);
            }
            Item::Array(Form::Set | Form::FrozenSet, left) => self.set(left)?,
            Item::Array(Form::Opaque, left) => self.opaque(left)?,
            Item::Array(form, left) => self.sequence(form, left)?,
            Item::Map(left) => self.map(left)?,
            Item::Handle(index) => self.handle(index)?,
            Item::Some => {
                let start = self.out.len();
                self.nested()?;
                if head::is_ambiguous_in_some(&self.out[start..]) {
                    self.out.splice(start..start, head::SOME);
                }
            }
            // Bytes that may change are equal to those that may not.
            Item::Tag(tag::BYTE_ARRAY) if self.reader.is_next(head::BYTES) => self.nested()?,
            // A reference was followed.
            Item::Tag(tag) | Item::Reference(tag) => {
                head::put(&mut self.out, head::TAG, tag);
                self.nested()?;
            }
        }
        Ok(())
    }

    fn nested(&mut self) -> Result<(), NormalizeError> {
        self.reader.depth.enter().map_err(DecodeError::from)?;
        self.value()?;
        self.reader.depth.leave();
        Ok(())
    }

    fn sequence(&mut self, form: Form, left: Left) -> Result<(), NormalizeError> {
        if form == Form::Tuple || self.lists_are_tuples {
            head::put(&mut self.out, head::TAG, tag::TUPLE);
        }
        let start = self.begin(head::ARRAY, left);
        let length = self.values(left, |_, _| ())?;
        self.end(start, head::ARRAY, left, length);
        Ok(())
    }

    /// A recipe's parts say what they say: a list among them stays one in a key, too.
    fn opaque(&mut self, left: Left) -> Result<(), NormalizeError> {
        head::put(&mut self.out, head::TAG, tag::OPAQUE);
        let is_key = std::mem::take(&mut self.lists_are_tuples);
        self.sequence(Form::Opaque, left)?;
        self.lists_are_tuples = is_key;
        Ok(())
    }

    fn set(&mut self, left: Left) -> Result<(), NormalizeError> {
        head::put(&mut self.out, head::TAG, tag::SET);
        let start = self.out.len();
        let mut spans = Vec::new();
        self.values(left, |start, end| spans.push(Span { key: start..end, end }))?;
        sort(&mut self.out, &mut spans);
        if duplicate(&self.out, &spans).is_some() {
            spans.dedup_by(|right, left| self.out[right.key.clone()] == self.out[left.key.clone()]);
            let distinct: Vec<u8> =
                spans.iter().flat_map(|span| &self.out[span.key.clone()]).copied().collect();
            self.out.truncate(start);
            self.out.extend(distinct);
        }
        self.insert_head(start, head::ARRAY, spans.len() as u64);
        Ok(())
    }

    fn map(&mut self, left: Left) -> Result<(), NormalizeError> {
        let start = self.begin(head::MAP, left);
        let mut spans = Vec::new();
        let mut ahead = left;
        self.reader.depth.enter().map_err(DecodeError::from)?;
        while self.reader.more(&mut ahead)? {
            let start = self.out.len();
            self.value()?;
            let key = start..self.out.len();
            self.value()?;
            spans.push(Span { key, end: self.out.len() });
        }
        self.reader.depth.leave();
        sort(&mut self.out, &mut spans);
        if let Some(twin) = duplicate(&self.out, &spans) {
            let key = describe(&self.out[twin.key.clone()]);
            return Err(NormalizeError::DuplicateKey { key });
        }
        self.end(start, head::MAP, left, spans.len() as u64);
        Ok(())
    }

    fn handle(&mut self, index: u64) -> Result<(), NormalizeError> {
        let object = usize::try_from(index).ok().and_then(|index| self.handles.get(index));
        let Some(object) = object else {
            return Err(NormalizeError::NoSuchHandle { index, handles: self.handles.len() });
        };
        head::put(&mut self.out, head::TAG, tag::HANDLE);
        head::put(&mut self.out, head::UNSIGNED, *object);
        Ok(())
    }

    /// Normalizes a sequence's elements, says where each came to lie, and counts them.
    fn values(
        &mut self,
        mut left: Left,
        mut note: impl FnMut(usize, usize),
    ) -> Result<u64, NormalizeError> {
        let mut length = 0;
        self.reader.depth.enter().map_err(DecodeError::from)?;
        while self.reader.more(&mut left)? {
            let start = self.out.len();
            self.value()?;
            note(start, self.out.len());
            length += 1;
        }
        self.reader.depth.leave();
        Ok(length)
    }

    /// Begins a container: with its head, if its length is known.
    fn begin(&mut self, major: u8, left: Left) -> usize {
        let start = self.out.len();
        if let Left(Some(length)) = left {
            head::put(&mut self.out, major, length);
        }
        start
    }

    /// Ends a container, whose length is now known.
    fn end(&mut self, start: usize, major: u8, left: Left, length: u64) {
        if left.0.is_none() {
            self.insert_head(start, major, length);
        }
    }

    /// Puts a head before what was written since `start`.
    fn insert_head(&mut self, start: usize, major: u8, number: u64) {
        let end = self.out.len();
        head::put(&mut self.out, major, number);
        let size = self.out.len() - end;
        self.out[start..].rotate_right(size);
    }
}
