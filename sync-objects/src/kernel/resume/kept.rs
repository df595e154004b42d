//! The answers that are kept until their client says that they have arrived.
//!
//! Small ones are kept in any case. A large one that there is no room for is lost if its connection
//! breaks: the caller that asks for it again is told so, and what it gave, which the caller cannot
//! know, is given back as if the caller were gone: a turn to write, a lease, handles.

use std::collections::{BTreeMap, BTreeSet};

use sync_proto::message::{Reply, WireHandle};
use sync_proto::{CallId, Charge, Data, ErrorKind, Meter, ObjectId, Refusal, Token};

use crate::kernel::memory::{SMALL, answer_size, given_cost};

/// The answers of a session that may not have arrived.
#[derive(Debug, Default)]
pub(super) struct Answers {
    kept: BTreeMap<CallId, Kept>,
    /// Those of them that are large, and how many bytes they are.
    large: BTreeSet<CallId>,
    large_bytes: usize,
}

/// An answer that may not have arrived.
#[derive(Debug)]
struct Kept {
    reply: Reply,
    given: Given,
    /// It is a refusal in the place of the answer, of which `given` is left.
    is_lost: bool,
    _charge: Charge,
}

/// What a call gave its caller by the answer.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) holds: Vec<(ObjectId, Token)>,
    /// The objects of the handles that were in an answer which is lost.
    pub(super) handles: Vec<ObjectId>,
}

type Outcome = Result<Data<WireHandle>, Refusal>;

impl Answers {
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    pub(super) fn has(&self, call: CallId) -> bool {
        self.kept.contains_key(&call)
    }

    /// Returns an answer once more; if it is lost, with what is to be given back, which it is once.
    pub(super) fn again(&mut self, call: CallId) -> Option<(Reply, Given)> {
        let kept = self.kept.get_mut(&call)?;
        let given = kept.is_lost.then(|| std::mem::take(&mut kept.given));
        Some((kept.reply.clone(), given.unwrap_or_default()))
    }

    /// Keeps an answer, with what it granted. Over the limit, the oldest of the large ones make
    /// room, and one that the manager has no memory for is not kept itself: they are answers still,
    /// and not calls to be made again, but what they said is lost.
    pub(super) fn keep(
        &mut self,
        reply: &Reply,
        holds: Vec<(ObjectId, Token)>,
        limit: usize,
        meter: &Meter,
        has_room: bool,
    ) {
        let (call, outcome) = (reply.call, reply.outcome.clone());
        self.put(call, outcome, Given { holds, handles: Vec::new() }, meter);
        if !has_room && self.large.contains(&call) {
            self.lose(call, ErrorKind::OutOfMemory, "the manager had no memory to keep it", meter);
        }
        while self.large_bytes > limit {
            let oldest = self.large.iter().find(|of| **of != call);
            let Some(&oldest) = oldest else { return };
            self.lose(oldest, ErrorKind::LimitReached, "too much was not acknowledged", meter);
        }
    }

    /// Puts a refusal in the place of an answer that is not kept, and notes what it gave.
    fn lose(&mut self, call: CallId, kind: ErrorKind, why: &str, meter: &Meter) {
        let Some(Kept { reply, mut given, .. }) = self.remove(call) else { return };
        let data = reply.outcome.unwrap_or_default();
        given.handles = data.all_handles().map(|handle| handle.object).collect();
        let why = format!(
            "the call was carried out, but its answer was lost with the connection, because \
             {why}: a turn, a lease and references that it granted are given back, what it took \
             out is lost"
        );
        self.put(call, Err(Refusal::new(kind, why)), given, meter);
        if let Some(kept) = self.kept.get_mut(&call) {
            kept.is_lost = true;
        }
    }

    /// Puts a refusal in the place of an answer that could not be sent.
    pub(super) fn replace(&mut self, call: CallId, refusal: &Refusal, meter: &Meter) {
        if self.has(call) {
            self.put(call, Err(refusal.clone()), Given::default(), meter);
        }
    }

    fn put(&mut self, call: CallId, outcome: Outcome, given: Given, meter: &Meter) {
        self.remove(call);
        let places = given.holds.len() + given.handles.len();
        let charge = meter.charge(answer_size(&outcome) + given_cost(places));
        let kept = Kept { reply: Reply { call, outcome }, given, is_lost: false, _charge: charge };
        if kept.size() > 0 {
            self.large_bytes += kept.size();
            self.large.insert(call);
        }
        self.kept.insert(call, kept);
    }

    /// Forgets an answer; returns whether it was kept.
    pub(super) fn forget(&mut self, call: CallId) -> bool {
        self.remove(call).is_some()
    }

    fn remove(&mut self, call: CallId) -> Option<Kept> {
        let kept = self.kept.remove(&call)?;
        self.large_bytes -= kept.size();
        self.large.remove(&call);
        Some(kept)
    }

    /// Checks that what is large is known.
    pub(super) fn assert_settled(&self) {
        assert_eq!(self.large_bytes, self.kept.values().map(Kept::size).sum::<usize>());
    }
}

impl Kept {
    /// Returns how many bytes a large answer keeps; 0 for a small one.
    fn size(&self) -> usize {
        let size = answer_size(&self.reply.outcome);
        if self.reply.outcome.is_ok() && size > SMALL { size } else { 0 }
    }
}
