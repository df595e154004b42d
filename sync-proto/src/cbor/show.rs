//! Renders encoded values for people, in bounded space.

use std::fmt::{self, Write};

use super::describe::shortest_float;
use super::error::DecodeError;
use super::reader::{Form, Item, Left, Reader};

/// Renders an encoded value in at most `limit` characters; if it is cut, it ends with `…`.
///
/// Tuples look like `(1, 2)`, sets like `{1, 2}`, handles like `<handle 0>`, and where the bytes
/// are no value, the text ends with `<malformed>`.
pub fn show(bytes: &[u8], limit: usize) -> String {
    let mut page = Page { text: String::new(), room: limit };
    let mut reader = Reader::new(bytes);
    let outcome = page
        .value(&mut reader)
        .and_then(|()| reader.finish().map_err(Stop::from))
        .or_else(|stop| match stop {
            Stop::Malformed => page.write_str("<malformed>").map_err(Stop::from),
            Stop::Full => Err(Stop::Full),
        });
    if outcome.is_err() && page.text.pop().is_some() {
        page.text.push('…');
    }
    page.text
}

struct Page {
    text: String,
    /// How many more characters fit.
    room: usize,
}

enum Stop {
    Full,
    Malformed,
}

impl Page {
    fn value(&mut self, reader: &mut Reader<'_>) -> Result<(), Stop> {
        match reader.item()? {
            Item::Null => self.write_str("null")?,
            Item::Undefined => self.write_str("undefined")?,
            Item::Bool(value) => write!(self, "{value}")?,
            Item::Simple(number) => write!(self, "simple({number})")?,
            Item::Integer(number) => write!(self, "{number}")?,
            Item::Float(value) => self.write_str(&shortest_float(value))?,
            Item::Bytes(bytes) => self.bytes(&bytes)?,
            Item::Text(text) => write!(self, "\"{}\"", text.escape_debug())?,
            Item::WideText(bytes) => write!(self, "\"{}\"", String::from_utf8_lossy(&bytes))?,
            Item::Reference(number) => write!(self, "<shared {number}>")?,
            Item::Array(form, left) => self.array(reader, form, left)?,
            Item::Map(left) => self.map(reader, left)?,
            Item::Handle(index) => write!(self, "<handle {index}>")?,
            Item::Some => self.tagged(reader, "Some")?,
            Item::Tag(tag) => self.tagged(reader, tag)?,
        }
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.write_str("h'")?;
        for byte in bytes {
            write!(self, "{byte:02x}")?;
        }
        Ok(self.write_str("'")?)
    }

    fn array(&mut self, reader: &mut Reader<'_>, form: Form, mut left: Left) -> Result<(), Stop> {
        let (open, close) = match form {
            Form::List => ("[", "]"),
            Form::Tuple => ("(", ")"),
            Form::Set | Form::FrozenSet => ("{", "}"),
            Form::Opaque => ("<opaque ", ">"),
        };
        reader.depth.enter().map_err(DecodeError::from)?;
        let mut more = reader.more(&mut left)?;
        if matches!(form, Form::Set | Form::FrozenSet) && !more {
            // `{}` is the empty map.
            self.write_str("set()")?;
        } else {
            self.write_str(open)?;
            let mut elements = 0;
            while more {
                if elements > 0 {
                    self.write_str(", ")?;
                }
                self.value(reader)?;
                elements += 1;
                more = reader.more(&mut left)?;
            }
            if form == Form::Tuple && elements == 1 {
                // Parentheses alone make no tuple.
                self.write_str(",")?;
            }
            self.write_str(close)?;
        }
        reader.depth.leave();
        Ok(())
    }

    fn map(&mut self, reader: &mut Reader<'_>, mut left: Left) -> Result<(), Stop> {
        reader.depth.enter().map_err(DecodeError::from)?;
        self.write_str("{")?;
        let mut separator = "";
        while reader.more(&mut left)? {
            self.write_str(separator)?;
            self.value(reader)?;
            self.write_str(": ")?;
            self.value(reader)?;
            separator = ", ";
        }
        self.write_str("}")?;
        reader.depth.leave();
        Ok(())
    }

    fn tagged(&mut self, reader: &mut Reader<'_>, name: impl fmt::Display) -> Result<(), Stop> {
        reader.depth.enter().map_err(DecodeError::from)?;
        write!(self, "{name}(")?;
        self.value(reader)?;
        self.write_str(")")?;
        reader.depth.leave();
        Ok(())
    }
}

impl Write for Page {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            self.room = self.room.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(character);
        }
        Ok(())
    }
}

impl From<fmt::Error> for Stop {
    fn from(_: fmt::Error) -> Self {
        Self::Full
    }
}

impl From<DecodeError> for Stop {
    fn from(_: DecodeError) -> Self {
        Self::Malformed
    }
}
