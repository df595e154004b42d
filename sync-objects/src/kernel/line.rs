//! Lines: who waits for what, first come, first served.

use std::collections::BTreeMap;

use sync_proto::{ErrorKind, ObjectId, Refusal};

use super::{Core, calls::CallKey};
use crate::cx::Place;

/// The lines of one object: by channel, the calls in the order of their places.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    by_channel: BTreeMap<u64, BTreeMap<u64, CallKey>>,
    count: usize,
}

impl Lines {
    pub(crate) fn join(&mut self, channel: u64, number: u64, call: CallKey) {
        let before = self.by_channel.entry(channel).or_default().insert(number, call);
        self.count += usize::from(before.is_none());
    }

    pub(crate) fn leave(&mut self, channel: u64, number: u64) {
        if let Some(line) = self.by_channel.get_mut(&channel) {
            self.count -= usize::from(line.remove(&number).is_some());
            if line.is_empty() {
                self.by_channel.remove(&channel);
            }
        }
    }

    pub(crate) fn first(&self, channel: u64) -> Option<(u64, CallKey)> {
        let (&number, &call) = self.by_channel.get(&channel)?.first_key_value()?;
        Some((number, call))
    }

    /// Returns the first call whose place lies in the range.
    pub(crate) fn first_within(
        &self,
        channel: u64,
        range: core::ops::Range<u64>,
    ) -> Option<(u64, CallKey)> {
        let (&number, &call) = self.by_channel.get(&channel)?.range(range).next()?;
        Some((number, call))
    }

    /// Returns how many calls stand in all lines.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn len(&self, channel: u64) -> usize {
        self.by_channel.get(&channel).map_or(0, BTreeMap::len)
    }

    pub(crate) fn channels(&self) -> Vec<u64> {
        self.by_channel.keys().copied().collect()
    }

    /// Returns all calls in all lines, line by line.
    pub(crate) fn calls(&self) -> impl Iterator<Item = CallKey> {
        self.by_channel.values().flat_map(|line| line.values().copied())
    }
}

impl Core {
    pub(crate) fn is_behind(&self, object: ObjectId, channel: u64, mine: Option<Place>) -> bool {
        let first = self.slot(object).and_then(|slot| slot.lines.first(channel));
        match (first, mine) {
            (None, _) => false,
            (Some((first, _)), Some(mine)) if mine.object == object && mine.channel == channel => {
                first < mine.number
            }
            (Some(_), _) => true,
        }
    }

    /// Checks that one more call may stand in an object's lines, which costs so much.
    pub(crate) fn check_line(&self, object: ObjectId, cost: usize) -> Result<(), Refusal> {
        let limit = self.limits.waiters_per_object;
        if self.slot(object).is_none_or(|slot| slot.lines.count() < limit) {
            return self.afford_call(cost);
        }
        let why = format!("{limit} calls wait for object {object}, which is the limit");
        Err(Refusal::new(ErrorKind::LimitReached, why))
    }

    pub(crate) fn waiting(&self, object: ObjectId, channel: u64) -> usize {
        self.slot(object).map_or(0, |slot| slot.lines.len(channel))
    }
}
