//! What `str` and `repr` make of an object: a text that is bounded as a whole, for it is made while
//! others wait, and a list that was repeated is little to the manager.

use sync_objects::{Slice, VALUE_COST};
use sync_proto::{ErrorKind, Payload};

use super::desk::{Desk, Next, Outcome};
use super::exceptions::{MEMORY_ERROR, Raise};
use super::proxies::At;
use super::reply::Reply;
use super::value::{self, Place};

/// The most bytes of such a text.
const MOST_BYTES: usize = 64 << 20;

/// The most letters of an array that are shown, of which each may take four bytes.
pub(crate) const LETTERS_MAX: usize = MOST_BYTES / 4;

/// How many characters CPython's `_debug_info` shows of an object.
pub(crate) const BRIEF: usize = 75;

/// The most bytes of values that one call looks into to show objects briefly: of a long value a
/// few characters are shown, and it is taken apart all the same.
const LOOKED_AT_MOST: usize = 16 << 20;

/// How much of its objects a call shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All.
    Whole,
    /// The beginning; `looked_at` bytes of values were looked into so far.
    Brief { looked_at: usize },
}

impl Extent {
    /// Returns which items of an object are asked for. Each is a character at the least.
    pub(crate) fn items(self) -> Slice {
        Slice { end: self.few().map(|few| few as i64), ..Slice::default() }
    }

    /// Returns how many bytes of entries are asked for, of which each takes some.
    pub(crate) fn bytes(self) -> u64 {
        self.few().map_or(u64::MAX, |few| (few * VALUE_COST) as u64)
    }

    /// Returns how many items are enough, if not all are asked for.
    pub(crate) fn few(self) -> Option<usize> {
        matches!(self, Self::Brief { .. }).then_some(BRIEF)
    }
}

/// Says that what shows an object is too long.
pub(crate) fn too_long() -> Raise {
    MEMORY_ERROR.with(format!(
        "the string that shows it takes more than {MOST_BYTES} bytes, or has more values in it \
         than an answer may bring: ask for a part of it"
    ))
}

/// A text under way.
pub(crate) struct Shown<'d> {
    out: String,
    extent: &'d mut Extent,
    /// What the values that are yet to be shown may cost.
    room: usize,
    is_full: bool,
}

impl<'d> Shown<'d> {
    /// Begins a text.
    pub(crate) fn new(desk: &'d mut Desk<'_>, begin: &str) -> Self {
        let room = desk.trays.answer_max;
        Self { out: begin.to_owned(), extent: &mut desk.extent, room, is_full: false }
    }

    /// Adds items with commas between them.
    pub(crate) fn items<T>(
        mut self,
        items: impl IntoIterator<Item = T>,
        each: impl Fn(&mut Self, T),
    ) -> Self {
        for (place, item) in items.into_iter().enumerate() {
            if self.is_full {
                break;
            }
            if place > 0 {
                self.text(", ");
            }
            each(&mut self, item);
        }
        self
    }

    /// Adds a text.
    pub(crate) fn text(&mut self, text: &str) {
        self.out.push_str(text);
        self.is_full |= self.out.len() > self.most();
    }

    /// Adds a value as Python shows it, or else why that is not shown.
    pub(crate) fn value(&mut self, payload: &Payload) {
        self.add(payload, Place::Anywhere);
    }

    /// Adds a key or a set's member as Python has it: a list in it is a tuple there.
    pub(crate) fn key(&mut self, payload: &Payload) {
        self.add(payload, Place::Hashed);
    }

    fn add(&mut self, payload: &Payload, place: Place) {
        if let Extent::Brief { looked_at } = self.extent {
            *looked_at += payload.bytes.len();
            if *looked_at > LOOKED_AT_MOST {
                return self.text(&format!("<{} object>", value::type_name_of(payload)));
            }
        }
        let cost = value::count(payload) * VALUE_COST + payload.bytes.len();
        let Some(room) = self.room.checked_sub(cost) else {
            self.is_full = true;
            return;
        };
        self.room = room;
        let (start, most) = (self.out.len(), self.most());
        let mut at = At::NOWHERE;
        match value::repr_payload_onto(payload, place, &mut at, &mut self.out, most) {
            Ok(()) => {}
            Err(why) if why.kind == ErrorKind::TooLarge => self.is_full = true,
            Err(why) => {
                self.out.truncate(start);
                self.text(&format!("<{why}>"));
            }
        }
    }

    /// Ends the text.
    pub(crate) fn end(mut self, end: &str) -> Outcome {
        self.text(end);
        if self.is_full && *self.extent == Extent::Whole {
            return Err(too_long());
        }
        Ok(Next::Return(Reply::Text(self.out)))
    }

    fn most(&self) -> usize {
        match self.extent {
            Extent::Whole => MOST_BYTES,
            // A character has up to four bytes.
            Extent::Brief { .. } => 4 * BRIEF,
        }
    }
}
