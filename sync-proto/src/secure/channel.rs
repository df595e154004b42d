//! Encrypted records: plain bytes in on one side, out on the other.

use core::fmt;

use bytes::Buf;
use snow::TransportState;

use super::{Stranger, TAG};
use crate::frame::{Decoder, OutBuffer};

/// After this many records in one direction its key is replaced: some 4 GiB, far below what either
/// cipher may encrypt under one key.
pub(super) const RECORDS_PER_KEY: u64 = 1 << 16;

/// The bytes of a record's length.
const PREFIX: usize = 2;

/// The longest record, its length left out.
const RECORD_MAX: usize = 65_535;

/// The longest first record: a hello.
const FIRST_RECORD_MAX: usize = 1024;

/// No more is encrypted while this many bytes wait to be written.
const SEALED_AHEAD: usize = 256 * 1024;

/// Memory for pieces of records that an idle channel keeps.
const KEPT: usize = 4 * 1024;

/// Both directions of a connection after the handshake.
pub struct Channel {
    noise: TransportState,
    sealed: u64,
    opened: u64,
    /// The beginning of a record that is not complete.
    partial: Vec<u8>,
}

impl Channel {
    pub(super) fn new(noise: TransportState) -> Self {
        Self { noise, sealed: 0, opened: 0, partial: Vec::new() }
    }

    /// Encrypts what waits in `out`, moving it over to `wire`; not all at once where it is much.
    ///
    /// # Errors
    /// [`Stranger::Exhausted`] when no record may be sent any more.
    pub fn seal(&mut self, out: &mut OutBuffer, wire: &mut OutBuffer) -> Result<(), Stranger> {
        while !out.is_empty() && wire.len() < SEALED_AHEAD {
            let plain = out.chunk();
            let plain = &plain[..plain.len().min(RECORD_MAX - TAG)];
            let (length, record) = wire.grow(PREFIX + plain.len() + TAG).split_at_mut(PREFIX);
            length.copy_from_slice(&prefix(record.len()));
            let written = self.noise.write_message(plain, record);
            if written != Ok(record.len()) {
                return Err(Stranger::Exhausted);
            }
            let count = plain.len();
            out.advance(count);
            self.sealed += 1;
            if self.sealed.is_multiple_of(RECORDS_PER_KEY) {
                self.noise.rekey_outgoing();
            }
        }
        Ok(())
    }

    /// Decrypts the records in what was read: inside a large message straight to its place,
    /// otherwise into `plain`, which is emptied before, and is for the decoder afterwards, even
    /// after an error. The beginning of a record is kept for the next time.
    ///
    /// # Errors
    /// Why the stream is not to be trusted: the connection is to be closed without an answer.
    pub fn open(
        &mut self,
        mut wire: &[u8],
        decoder: &mut Decoder,
        plain: &mut Vec<u8>,
    ) -> Result<(), Stranger> {
        plain.clear();
        while !wire.is_empty() {
            if self.partial.is_empty()
                && let Some(end) = self.end(wire)?
                && end <= wire.len()
            {
                let (record, rest) = wire.split_at(end);
                self.open_record(&record[PREFIX..], decoder, plain)?;
                wire = rest;
                continue;
            }
            let wanted = self.end(&self.partial)?.unwrap_or(PREFIX) - self.partial.len();
            let (now, rest) = wire.split_at(wanted.min(wire.len()));
            self.partial.reserve_exact(wanted);
            self.partial.extend_from_slice(now);
            wire = rest;
            if self.end(&self.partial)? == Some(self.partial.len()) {
                let mut record = std::mem::take(&mut self.partial);
                self.open_record(&record[PREFIX..], decoder, plain)?;
                record.clear();
                self.partial = record;
            }
        }
        if self.partial.is_empty() && self.partial.capacity() > KEPT {
            self.partial = Vec::new();
        }
        Ok(())
    }

    /// Returns whether a record has decrypted: the other end is there itself, and this is not a
    /// recording of its first message.
    pub fn has_opened(&self) -> bool {
        self.opened > 0
    }

    /// Returns where the first record ends, if its length is there.
    fn end(&self, bytes: &[u8]) -> Result<Option<usize>, Stranger> {
        let Some(&length) = bytes.first_chunk() else { return Ok(None) };
        let length = usize::from(u16::from_le_bytes(length));
        let longest = if self.opened == 0 { FIRST_RECORD_MAX } else { RECORD_MAX };
        // An empty record carries nothing: it would only cost its reader time.
        if length <= TAG || length > longest {
            return Err(Stranger::Length(length));
        }
        Ok(Some(PREFIX + length))
    }

    fn open_record(
        &mut self,
        record: &[u8],
        decoder: &mut Decoder,
        plain: &mut Vec<u8>,
    ) -> Result<(), Stranger> {
        let count = record.len() - TAG;
        // What comes before it must be taken before it.
        let has_room = |body: &Vec<u8>| body.capacity() - body.len() >= count;
        let direct = decoder.direct().filter(|body| plain.is_empty() && has_room(body));
        let to = direct.unwrap_or(plain);
        let at = to.len();
        to.resize(at + count, 0);
        if let Err(error) = self.decrypt(record, &mut to[at..]) {
            to.truncate(at);
            return Err(error);
        }
        self.opened += 1;
        if self.opened.is_multiple_of(RECORDS_PER_KEY) {
            self.noise.rekey_incoming();
        }
        Ok(())
    }

    fn decrypt(&mut self, record: &[u8], room: &mut [u8]) -> Result<(), Stranger> {
        match self.noise.read_message(record, room) {
            Ok(_) => Ok(()),
            Err(snow::Error::State(_)) => Err(Stranger::Exhausted),
            Err(_) => Err(Stranger::Record),
        }
    }
}

#[cfg(test)]
impl Channel {
    /// Counts as if the last record had been the first one under its key.
    pub(super) fn forget_to_replace_the_key(&mut self) {
        self.opened = 1;
    }

    pub(super) fn skip_to_the_last_record(&mut self) {
        self.noise.set_receiving_nonce(u64::MAX);
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Channel({} sealed, {} opened)", self.sealed, self.opened)
    }
}

fn prefix(length: usize) -> [u8; PREFIX] {
    u16::try_from(length).expect("a record is cut to its limit").to_le_bytes()
}
