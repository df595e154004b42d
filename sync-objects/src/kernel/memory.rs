//! How many bytes the manager keeps for its clients, and when it takes no more.
//!
//! What counts is what clients can make the manager keep: the bytes of values in containers and
//! in calls that wait ([`Payload::count_by`](sync_proto::Payload::count_by), given back wherever
//! the last clone is dropped), and what objects say of themselves
//! ([`Object::weight`](crate::Object::weight)): entries, numbers, their own table row. It is
//! a function of the inputs alone: bytes on their way out are the driver's to bound.

use sync_proto::message::WireHandle;
use sync_proto::{Charge, Data, ErrorKind, Payload, Refusal, SessionId, cbor};

use super::Core;

/// What an object costs before it holds anything: its place in the table, and its handle.
pub(super) const OBJECT: usize = 512;

/// What a call that waits costs beside its arguments: its rows in the tables, a line, a deadline.
pub(crate) const WAITING: usize = 512;

/// What a value costs beside its bytes, as often as it is kept: its row in a container, in which a
/// few bytes have their place. An object tells it as its [`weight`](crate::Object::weight). The
/// handles in it count by themselves.
pub const VALUE_COST: usize = 80;

/// What bytes that are shared cost beside themselves: what they are shared by.
const VALUE: usize = 64;

/// What a handle costs, inside a value as often as the value is kept: each place has its own, and
/// where it goes that is noted.
const HANDLE: usize = 16;

/// What a grant costs: its rows in the tables of its object and its session.
pub(crate) const HOLD: usize = 128;

/// What it costs that a session has handles on an object, however many: its row in their table.
pub(super) const GIVEN: usize = 64;

/// A request up to this long is taken a little beyond the limit: else nobody could say any more
/// which key to delete. An answer up to this long is kept in any case.
pub(super) const SMALL: usize = 1024;

/// Bytes of a refusal's message that are sent: it may quote what it refuses, which may be long.
pub(super) const MESSAGE_MAX: usize = 1024;

/// The share of the limit that is left for small requests.
const RESERVE: usize = 16;

impl Core {
    /// Checks that the manager may keep `more` bytes beside what it keeps.
    pub(crate) fn afford(&self, more: usize) -> Result<(), Refusal> {
        self.check_memory(more, self.limits.memory)
    }

    /// Checks that the manager may keep an object; its own, at the very beginning, in any case.
    pub(super) fn afford_object(&self, weight: usize) -> Result<(), Refusal> {
        if self.root.is_none() { Ok(()) } else { self.afford(weight) }
    }

    /// Checks that the manager may keep what a call brings; a small one may use the reserve.
    pub(crate) fn afford_call(&self, more: usize) -> Result<(), Refusal> {
        let limit = self.limits.memory;
        let reserve = if more <= SMALL { limit / RESERVE } else { 0 };
        self.check_memory(more, limit.saturating_add(reserve))
    }

    pub(crate) fn answer_max(&self, session: SessionId) -> usize {
        let session = self.sessions.get(&session);
        session.and_then(|session| session.answer_max).unwrap_or(self.answer_max)
    }

    /// Returns whether an answer of this size may be kept until it has arrived. A small one
    /// may in any case: it may be a grant, and how many there are has a bound of its own.
    pub(super) fn may_keep_answer(&self, size: usize) -> bool {
        size <= SMALL || self.afford(size).is_ok()
    }

    fn check_memory(&self, more: usize, limit: usize) -> Result<(), Refusal> {
        let used = self.meter.used();
        if used.saturating_add(more) <= limit {
            return Ok(());
        }
        let why = format!(
            "the manager keeps {used} of at most {} bytes of values, {more} more are too many: \
             take something out first",
            self.limits.memory
        );
        Err(Refusal::new(ErrorKind::OutOfMemory, why))
    }

    /// Checks that the manager may keep a call's values, and has them counted from now on.
    pub(super) fn count_values<H>(&self, data: &mut Data<H>) -> Result<(), Refusal> {
        let beside = HANDLE * data.handles.len();
        let len = data.len() + beside;
        if data.payloads.is_empty() {
            // Arguments alone are looked at and gone, unless the call waits.
            return if len <= SMALL { Ok(()) } else { self.afford_call(len) };
        }
        self.check_nesting(data)?;
        let costs = data.payloads.iter().map(|of| shared_cost(of) + handles_cost(of));
        self.afford_call(data.args.len() + beside + costs.sum::<usize>())?;
        for payload in &mut data.payloads {
            let (shared, each) = (shared_cost(payload), handles_cost(payload));
            if shared + each > 0 {
                payload.count_by(self.meter.charge_each(shared, each));
            }
        }
        Ok(())
    }

    /// Checks that no value nests deeper than this manager accepts. Readers bound its depth anyway;
    /// only a lower limit has to be checked.
    fn check_nesting<H>(&self, data: &Data<H>) -> Result<(), Refusal> {
        let limit = self.limits.nesting;
        if limit >= cbor::MAX_DEPTH {
            return Ok(());
        }
        data.payloads.iter().try_for_each(|payload| {
            payload.check_depth(limit).map_err(|error| {
                let why = format!("the manager does not accept this value: {error}");
                Refusal::new(ErrorKind::InvalidInput, why)
            })
        })
    }

    /// Counts a call that is kept until something happens.
    pub(super) fn count_waiting<H>(&self, data: &Data<H>) -> Charge {
        self.meter.charge(waiting_cost(data))
    }

    /// Counts a request that came before its turn.
    ///
    /// # Errors
    /// [`ErrorKind::OutOfMemory`] when the manager may not keep it.
    pub(super) fn count_early(&self, data: &Data<WireHandle>) -> Result<Charge, Refusal> {
        let cost = early_cost(data);
        self.afford_call(cost)?;
        Ok(self.meter.charge(cost))
    }
}

/// Returns what a message costs that is kept until its turn comes, with its values' bytes.
pub(super) fn early_cost(data: &Data<WireHandle>) -> usize {
    let inside = data.payloads.iter().map(handles_cost).sum::<usize>();
    waiting_cost(data) + data.len() - data.args.len() + inside
}

/// Returns what a call costs that is kept, with the handles beside its values, which it may bring
/// without naming them. Its values' bytes count by themselves, and so do the handles in them.
pub(super) fn waiting_cost<H>(data: &Data<H>) -> usize {
    WAITING + data.args.len() + VALUE_COST * data.payloads.len() + HANDLE * data.handles.len()
}

/// Returns what a value costs however often it is kept. The memory that it keeps is at most twice
/// as much: see `frame::Body`.
fn shared_cost<H>(payload: &Payload<H>) -> usize {
    if payload.bytes.is_inline() { 0 } else { payload.bytes.len() + VALUE }
}

/// Returns what the handles of a value cost in each place where it is kept. A clone of the value
/// counts them itself; this is for checks before there is one.
pub(crate) fn handles_cost<H>(payload: &Payload<H>) -> usize {
    HANDLE * payload.handles.len()
}

/// Returns about how much memory an answer takes.
pub(super) fn answer_size(outcome: &Result<Data<WireHandle>, Refusal>) -> usize {
    let of = |data: &Data<WireHandle>| {
        data.len() + VALUE_COST * data.payloads.len() + HANDLE * data.all_handles().count()
    };
    VALUE_COST + outcome.as_ref().map_or_else(|refusal| refusal.message.len(), of)
}

/// Returns what it costs to remember the grants and handles of an answer.
pub(super) const fn given_cost(places: usize) -> usize {
    HANDLE * places
}

/// Cuts a refusal's message to what is sent of it.
pub(super) fn brief(mut refusal: Refusal) -> Refusal {
    if refusal.message.len() > MESSAGE_MAX {
        refusal.message = format!("{}…", first_bytes(&refusal.message, MESSAGE_MAX));
    }
    refusal
}

/// Returns the beginning of a text, at most `max` bytes.
pub(super) fn first_bytes(text: &str, max: usize) -> &str {
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    &text[..ends.take_while(|&end| end <= max).last().unwrap_or(0)]
}
