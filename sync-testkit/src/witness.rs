//! Histories of real runs, proven linearizable by the order of their commits.
//!
//! Searching for an order that explains a history takes exponential time. Here the manager says
//! which order it was: a server that was built with `witness()` sends the number of its commit with
//! every answer. So the history is sorted by it and replayed, one call after another, on models
//! that are as simple as possible ([`judge`]). That order must also be one that the callers can
//! believe: a call that had ended before another began comes before it.
//!
//! A [`Recorder`] is a client that writes down its calls and their answers, a [`Workload`] has it
//! call everything that the built-in types offer.

use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use bytes::Buf;
use sync_proto::frame::{self, Decoder, FrameLimit, OutBuffer};
use sync_proto::message::{ClientMessage, Reply, Request, ServerMessage};
use sync_proto::{SessionId, Token};

mod judge;
mod recorder;
mod workload;

pub use judge::{Verdict, judge};
pub use recorder::Recorder;
pub use workload::Workload;

const ANY: FrameLimit = FrameLimit::of_body(1 << 24);

/// A call with everything known about it.
#[derive(Clone, Debug)]
pub struct Record {
    /// The caller.
    pub session: SessionId,
    /// When it began, in nanoseconds by the machine's monotonic clock.
    pub began: u64,
    /// When its answer had arrived.
    pub ended: u64,
    /// The manager's last state change when it was answered.
    pub commit: Token,
    /// The request.
    pub request: Request,
    /// The answer.
    pub reply: Reply,
}

impl Record {
    fn write(&self, to: &mut impl Write) -> Result<()> {
        for number in [self.session.0, self.began, self.ended] {
            to.write_all(&number.to_le_bytes())?;
        }
        let mut out = OutBuffer::new();
        let request = ClientMessage::Request(self.request.clone());
        frame::encode(&request, ANY, &mut out).map_err(|refusal| anyhow::anyhow!("{refusal}"))?;
        let reply = ServerMessage::Witnessed(self.commit, self.reply.clone());
        frame::encode(&reply, ANY, &mut out).map_err(|refusal| anyhow::anyhow!("{refusal}"))?;
        let len = out.len();
        to.write_all(&out.copy_to_bytes(len))?;
        Ok(())
    }

    fn read(from: &mut &[u8]) -> Result<Self> {
        let mut number = || {
            let (number, rest) = from.split_first_chunk().context("a history that is cut off")?;
            *from = rest;
            Ok::<_, anyhow::Error>(u64::from_le_bytes(*number))
        };
        let (session, began, ended) = (SessionId(number()?), number()?, number()?);
        let cut = |refusal| anyhow::anyhow!("a history that cannot be read: {refusal}");
        let request = Decoder::new(ANY).next(from).map_err(cut)?;
        let reply = Decoder::new(ANY).next(from).map_err(cut)?;
        let (Some(ClientMessage::Request(request)), Some(ServerMessage::Witnessed(commit, reply))) =
            (request, reply)
        else {
            bail!("a history that is cut off");
        };
        Ok(Self { session, began, ended, commit, request, reply })
    }
}

/// Writes a history to a file.
///
/// # Errors
/// The system's error.
pub fn save(path: &Path, history: &[Record]) -> Result<()> {
    let mut file = BufWriter::new(std::fs::File::create(path)?);
    history.iter().try_for_each(|record| record.write(&mut file))?;
    Ok(file.flush()?)
}

/// Reads a history from a file.
///
/// # Errors
/// The system's error, or that the file is not a history.
pub fn load(path: &Path) -> Result<Vec<Record>> {
    let bytes = std::fs::read(path)?;
    let mut rest = bytes.as_slice();
    let mut history = Vec::new();
    while !rest.is_empty() {
        history.push(Record::read(&mut rest)?);
    }
    Ok(history)
}
