//! Dict: values by key, in insertion order.
//!
//! A key is found by its normal form, so that clients in different languages find the same entry,
//! and is kept as it came. Overwriting a value keeps the key's place in the order.
//!
//! # Who waits for whom
//!
//! An update (two calls: [`begin_update`](dict::Proxy::begin_update) and its commit) has *one
//! entry* to itself. Readers never wait.
//!
//! * A write of one entry, and an update of it, stand in the line of that entry, first come first
//!   served. Other entries are not concerned.
//! * A write of many entries (`extend`, `add_all`, `delete_many`, `clear`, `pop_last`) is done in
//!   one step, as soon as none of the entries that it touches is under another caller's update or
//!   has somebody in its line. Until then it stands in a line of its own, the dict's.
//! * A caller that begins an update, or writes many entries, does not overtake the dict's line:
//!   otherwise new updates could starve it. From there, a caller that begins an update goes on to
//!   its entry's line; one that stands in an entry's line already is not sent back. A write of one
//!   entry overtakes the dict's line: it is over in its step and keeps nobody waiting.
//! * A caller inside an update of its own *may* overtake the dict's line, because the caller in
//!   front of that line may wait for that very update. If it must wait for another caller's entry
//!   it stands in that entry's line.
//!
//! So the dict's line waits only for updates that are under way and for the finite lines of their
//! entries; nobody in an entry's line waits for anybody in the dict's line, and no waits form a
//! cycle except those that callers make themselves by updates inside updates in different orders,
//! as with any locks.

use serde::{Deserialize, Serialize};
use sync_proto::cbor::Normal;
use sync_proto::{Handle, Payload, Refusal, Token};

use super::number::NumberKind;
use crate::{Channel, Cx, Flow, interface};

mod bulk;
mod service;
mod store;
mod turns;

use store::Store;
use turns::Turns;

/// An entry that was taken out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Removed {
    /// Its place in the order of the entries.
    pub seq: u64,
    /// The key, as it came.
    pub key: Payload,
    /// The value.
    pub value: Payload,
}

/// What is read of each entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum DictPart {
    /// The keys.
    Keys,
    /// The values.
    Values,
    /// Both.
    Items,
}

/// Some entries of a dict, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DictPage {
    /// The keys; none when only values were asked for.
    pub keys: Vec<Payload>,
    /// The values, each at its key's index; none when only keys were asked for.
    pub values: Vec<Payload>,
    /// Where the next page begins: after this one; `None` when this is the last.
    pub next: Option<u64>,
    /// How often keys were added or removed so far; overwriting a value does not count.
    pub changes: u64,
}

/// The beginning of an update: the turn, and the entry's value as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DictUpdate {
    /// The token to commit the update with.
    pub token: Token,
    /// The value; `None` when there is no such key.
    pub value: Option<Payload>,
}

interface! {
    /// Values by key, in insertion order.
    pub mod dict = "sync.dict" {
        new(entries: Vec<(Payload, Payload)>);
        /// Returns the value of a key.
        fn get(key: Payload) -> Option<Payload>;
        /// Returns the values of keys, in the keys' order.
        fn get_many(keys: Vec<Payload>) -> Vec<Option<Payload>>;
        /// Returns whether there is such a key.
        fn contains_key(key: Payload) -> bool;
        /// Returns how many entries there are.
        fn len() -> u64;
        /// Returns whether there are no entries.
        fn is_empty() -> bool;
        /// Returns keys, values or both, in order or in reverse: those after `after` (the `next` of
        /// the page before), at least one, and no more than fill `max_bytes`. Refuses with
        /// `Changed` when keys were added or removed since a page returned `changes`.
        fn page(
            part: DictPart, reversed: bool, after: Option<u64>, changes: Option<u64>,
            max_bytes: u64,
        ) -> DictPage;
        /// Sets the value of a key.
        fn set(key: Payload, value: Payload);
        /// Sets the value of a key and returns the one before.
        fn insert(key: Payload, value: Payload) -> Option<Payload>;
        /// Returns the value of a key, after setting it to this one if there is none.
        fn get_or_insert(key: Payload, value: Payload) -> Payload;
        /// Takes out an entry.
        fn remove(key: Payload) -> Option<Removed>;
        /// Takes out the last entry.
        fn pop_last() -> Option<Removed>;
        /// Puts back an entry that its reader could not read to its old place; returns whether it
        /// did: not if the key is there again. Waits in line as any write does: its caller wants an
        /// answer.
        fn restore(removed: Removed) -> bool;
        /// Deletes an entry; returns whether there was one.
        fn delete(key: Payload) -> bool;
        /// Deletes the entries of keys in one step; returns how many there were.
        fn delete_many(keys: Vec<Payload>) -> u64;
        /// Deletes all entries.
        fn clear();
        /// Sets the values of many keys in one step.
        fn extend(entries: Vec<(Payload, Payload)>);
        /// Sets the values of all keys of another dict, reading and setting them in one step.
        fn extend_from(other: Handle);
        /// Adds to the number stored under a key, which is 0 if there is none; returns the sum.
        fn add(key: Payload, kind: NumberKind, amount: Payload) -> Payload;
        /// Adds to the numbers stored under many keys in one step: to all or to none.
        fn add_all(kind: NumberKind, amounts: Vec<(Payload, Payload)>);
        /// Replaces the value of a key if it equals the expected one, where `None` means no entry;
        /// returns the one before, in `Ok` if it was replaced and in `Err` if not.
        fn compare_exchange(
            key: Payload, expected: Option<Payload>, new: Option<Payload>,
        ) -> Result<Option<Payload>, Option<Payload>>;
        /// Waits for the turn to write an entry and takes it, with the value.
        fn begin_update(key: Payload) -> DictUpdate;
        /// Writes the value, or deletes the entry, and ends the turn.
        fn commit_update(token: Token, value: Option<Payload>);
        /// Ends the turn and leaves the entry as it is.
        fn cancel_update(token: Token);
    }
}

#[derive(Debug, Default)]
pub(crate) struct Dict {
    store: Store,
    turns: Turns,
    /// The first in the dict's line waits for entries that depend on which keys there are.
    depends_on_keys: bool,
}

/// Why a poll of a dict's method gives no answer.
enum Stop {
    Wait(Channel),
    Refuse(Refusal),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}

impl<T> From<Stop> for Flow<T> {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Wait(line) => Self::Wait(line),
            Stop::Refuse(refusal) => Self::Refuse(refusal),
        }
    }
}

impl Dict {
    /// Returns how many bytes the normal forms of all keys have, including those under an update.
    pub(super) fn normal_bytes(&self) -> usize {
        self.store.normal_bytes() + self.turns.normal_bytes()
    }

    /// Writes one entry, if it is the caller's turn.
    fn write<T>(
        &mut self,
        cx: &mut Cx<'_>,
        key: &Normal,
        write: impl FnOnce(&mut Store) -> Result<T, Refusal>,
    ) -> Result<T, Stop> {
        self.turns.admit(cx, key).map_err(Stop::Wait)?;
        let before = self.store.changes();
        let result = write(&mut self.store);
        if result.is_ok() {
            self.turns.touch(cx, key);
        }
        self.turns.tidy(cx, key);
        self.tell_of_changes(cx, before);
        Ok(result?)
    }

    /// Writes one entry as [`write`](Self::write) does; a new one only if the manager may keep it.
    fn grow<T>(
        &mut self,
        cx: &mut Cx<'_>,
        key: &Normal,
        write: impl FnOnce(&mut Store) -> Result<T, Refusal>,
    ) -> Result<T, Stop> {
        let room = self.room(cx, [key]);
        self.write(cx, key, |store| room.and_then(|()| write(store)))
    }

    /// Checks that the manager may keep entries of these keys, as far as there are none yet.
    fn room<'n>(
        &self,
        cx: &Cx<'_>,
        keys: impl IntoIterator<Item = &'n Normal> + Clone,
    ) -> Result<(), Refusal> {
        let cost = |key: &Normal| store::ENTRY_COST + key.as_bytes().len();
        // Usually there is room for all of them, and nothing is looked up.
        if cx.afford(keys.clone().into_iter().map(cost).sum()).is_ok() {
            return Ok(());
        }
        let fresh = keys.into_iter().filter(|key| !self.store.contains(key));
        cx.afford(fresh.map(cost).sum())
    }

    /// Writes many entries in one step, if it is the caller's turn at all of them.
    fn write_many<'n, T>(
        &mut self,
        cx: &mut Cx<'_>,
        keys: impl IntoIterator<Item = &'n Normal>,
        write: impl FnOnce(&mut Store) -> Result<T, Refusal>,
    ) -> Result<T, Stop> {
        if !cx.is_behind(turns::WHOLE) {
            self.depends_on_keys = false;
        }
        let admitted = self.turns.admit_many(cx, keys);
        self.turns.tidy_all(cx);
        let own = admitted.map_err(Stop::Wait)?;
        let before = self.store.changes();
        let result = write(&mut self.store)?;
        for key in own {
            self.turns.touch(cx, &key);
        }
        self.tell_of_changes(cx, before);
        Ok(result)
    }

    /// Writes as [`write_many`](Self::write_many) does, for entries that depend on which keys there
    /// are: the last one, or all.
    fn write_found<'n, T>(
        &mut self,
        cx: &mut Cx<'_>,
        keys: impl IntoIterator<Item = &'n Normal>,
        write: impl FnOnce(&mut Store) -> Result<T, Refusal>,
    ) -> Result<T, Stop> {
        let result = self.write_many(cx, keys, write);
        self.depends_on_keys |= result.is_err() && !cx.is_behind(turns::WHOLE);
        result
    }

    /// Polls the dict's line when keys were added or removed, if its first caller depends on that:
    /// the last entry may be another one, and `clear` may have one entry less to wait for. Others
    /// would be polled in vain, and may have many entries to look at.
    fn tell_of_changes(&self, cx: &mut Cx<'_>, before: u64) {
        if self.depends_on_keys && self.store.changes() != before {
            cx.wake_in_turn(turns::WHOLE);
        }
    }
}

fn flow<T>(result: Result<T, Stop>) -> Flow<T> {
    match result {
        Ok(answer) => Flow::Done(answer),
        Err(stop) => stop.into(),
    }
}
