//! The turns to write a dict's entries, and the lines before them.

use std::collections::{BTreeMap, BTreeSet};

use sync_proto::cbor::Normal;
use sync_proto::{Payload, Refusal, Token};

use super::store::ENTRY_COST;
use crate::objects::turn::{Turn, not_open};
use crate::{Caller, Channel, Cx, Flow, Gone};

/// The dict's own line: of callers that write many entries, or begin an update behind them.
pub(super) const WHOLE: Channel = Channel::new(0);

/// The turns of those entries that are under an update, or have somebody in line.
#[derive(Debug, Default)]
pub(super) struct Turns {
    entries: BTreeMap<Normal, EntryTurn>,
    /// Those entries that are under no update: the only ones that may have to be forgotten.
    free: BTreeSet<Normal>,
    updates: BTreeMap<Token, Update>,
    /// How many updates a caller has under way.
    inside: BTreeMap<Caller, usize>,
    /// How many bytes the entries' normal forms have.
    normal_bytes: usize,
    /// The number of the last entry's line; never reused, so that no two entries share a line.
    last_line: u64,
}

#[derive(Debug)]
struct Update {
    normal: Normal,
    caller: Caller,
}

#[derive(Debug)]
struct EntryTurn {
    turn: Turn,
    line: Channel,
    /// The key as it came with the update that was begun last.
    key: Payload,
}

impl Turns {
    /// Admits a write of one entry, or says in which line it waits.
    pub(super) fn admit(&self, cx: &Cx<'_>, key: &Normal) -> Result<(), Channel> {
        match self.entries.get(key) {
            Some(entry) if !entry.turn.may_write(cx, entry.line) => Err(entry.line),
            _ => Ok(()),
        }
    }

    /// Admits a write of many entries, or says in which line it waits. Returns those of the
    /// entries that are under the caller's own update.
    pub(super) fn admit_many<'n>(
        &self,
        cx: &Cx<'_>,
        keys: impl IntoIterator<Item = &'n Normal>,
    ) -> Result<Vec<Normal>, Channel> {
        let inside = self.is_inside(cx);
        if !inside && cx.is_behind(WHOLE) {
            return Err(WHOLE);
        }
        let mut own = Vec::new();
        if self.entries.is_empty() {
            return Ok(own);
        }
        for key in keys {
            self.admit(cx, key).map_err(|line| if inside { line } else { WHOLE })?;
            if inside && self.is_own(cx, key) {
                own.push(key.clone());
            }
        }
        Ok(own)
    }

    /// Returns the key of the entry that is updated under a token.
    pub(super) fn key_of(&self, token: Token) -> Option<&Normal> {
        self.updates.get(&token).map(|update| &update.normal)
    }

    /// Returns the key, as it came, of the entry that is updated under a token.
    pub(super) fn key_under(&self, token: Token) -> Option<&Payload> {
        self.entries.get(self.key_of(token)?).map(|entry| &entry.key)
    }

    /// Begins an update of an entry for the caller, or says what the caller is to do.
    pub(super) fn begin(&mut self, cx: &mut Cx<'_>, normal: Normal, key: Payload) -> Flow<Token> {
        let entry = self.entries.get(&normal);
        if !self.may_pass_whole(cx, entry) {
            return Flow::Wait(WHOLE);
        }
        match entry.map(|entry| (entry.turn.is_free(cx, entry.line), entry.line)) {
            Some((Err(refusal), _)) => return Flow::Refuse(refusal),
            Some((Ok(false), line)) => return Flow::Wait(line),
            Some((Ok(true), _)) | None => {}
        }
        if entry.is_none()
            && let Err(refusal) = cx.afford_little(ENTRY_COST + normal.as_bytes().len())
        {
            return Flow::Refuse(refusal);
        }
        let entry = self.entries.entry(normal.clone()).or_insert_with(|| {
            self.normal_bytes += normal.as_bytes().len();
            self.last_line += 1;
            EntryTurn {
                turn: Turn::default(),
                line: Channel::new(self.last_line),
                key: key.clone(),
            }
        });
        entry.key = key;
        let token = entry.turn.take(cx, entry.line);
        let caller = cx.caller();
        *self.inside.entry(caller).or_default() += 1;
        self.free.remove(&normal);
        self.updates.insert(token, Update { normal, caller });
        Flow::Done(token)
    }

    /// Ends an update; returns the entry's key, in its normal form and as it came.
    ///
    /// # Errors
    /// As [`Turn::end`].
    pub(super) fn end(
        &mut self,
        cx: &mut Cx<'_>,
        token: Token,
    ) -> Result<(Normal, Payload), Refusal> {
        let normal = self.updates.get(&token).map(|update| update.normal.clone());
        let entry = normal.and_then(|normal| Some((self.entries.get_mut(&normal)?, normal)));
        let (entry, normal) = entry.ok_or_else(not_open)?;
        let key = entry.key.clone();
        let ended = entry.turn.end(cx, token, entry.line);
        if entry.turn.token() != Some(token) {
            self.forget(cx, token);
            cx.wake_in_turn(WHOLE);
        }
        ended.map(|()| (normal, key))
    }

    /// Ends the updates of a session that is gone.
    pub(super) fn session_gone(&mut self, cx: &mut Cx<'_>, gone: &Gone) {
        for &(token, _) in &gone.held {
            let update = self.updates.get(&token);
            if let Some(entry) = update.and_then(|update| self.entries.get_mut(&update.normal)) {
                entry.turn.lose(cx, token, entry.line);
            }
            self.forget(cx, token);
        }
        // Behind the entries' lines, which go first.
        cx.wake_in_turn(WHOLE);
    }

    /// Notes that the caller wrote an entry.
    pub(super) fn touch(&mut self, cx: &Cx<'_>, key: &Normal) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.turn.touch(cx);
        }
    }

    /// Forgets an entry's turn when nobody has it and nobody else than the caller stands in its
    /// line.
    pub(super) fn tidy(&mut self, cx: &Cx<'_>, key: &Normal) {
        if self.entries.get(key).is_some_and(|entry| entry.is_idle(cx)) {
            self.normal_bytes -= key.as_bytes().len();
            self.entries.remove(key);
            self.free.remove(key);
        }
    }

    /// Forgets all such turns.
    pub(super) fn tidy_all(&mut self, cx: &Cx<'_>) {
        let is_idle = |key: &&Normal| self.entries.get(key).is_some_and(|entry| entry.is_idle(cx));
        let idle: Vec<Normal> = self.free.iter().filter(is_idle).cloned().collect();
        idle.iter().for_each(|key| self.tidy(cx, key));
    }

    /// Forgets an update that has ended.
    fn forget(&mut self, cx: &Cx<'_>, token: Token) {
        let Some(Update { normal, caller }) = self.updates.remove(&token) else { return };
        if let Some(count) = self.inside.get_mut(&caller) {
            *count -= 1;
            if *count == 0 {
                self.inside.remove(&caller);
            }
        }
        self.tidy(cx, &normal);
        if self.entries.contains_key(&normal) {
            self.free.insert(normal);
        }
    }

    /// Returns what the turns cost.
    pub(super) fn weight(&self) -> usize {
        ENTRY_COST * self.entries.len() + self.normal_bytes
    }

    /// Returns how many bytes the normal forms of their keys have.
    pub(super) fn normal_bytes(&self) -> usize {
        self.normal_bytes
    }

    /// Returns the keys that have a turn.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Normal> {
        self.entries.keys()
    }

    /// Returns whether a key has a turn.
    pub(super) fn has(&self, key: &Normal) -> bool {
        self.entries.contains_key(key)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the keys as they came, which an update may yet put into the dict.
    pub(super) fn payloads(&self) -> impl Iterator<Item = &Payload> {
        self.entries.values().map(|entry| &entry.key)
    }

    /// Returns whether the caller, who begins an update, may disregard the dict's line.
    fn may_pass_whole(&self, cx: &Cx<'_>, entry: Option<&EntryTurn>) -> bool {
        let has_stood =
            || entry.is_some_and(|entry| cx.waiting(entry.line) > 0 && !cx.is_behind(entry.line));
        !cx.is_behind(WHOLE) || has_stood() || self.is_inside(cx)
    }

    /// Returns whether the caller has an update open in this dict.
    fn is_inside(&self, cx: &Cx<'_>) -> bool {
        self.inside.contains_key(&cx.caller())
    }

    fn is_own(&self, cx: &Cx<'_>, key: &Normal) -> bool {
        self.entries.get(key).is_some_and(|entry| entry.turn.is_callers(cx))
    }
}

impl EntryTurn {
    fn is_idle(&self, cx: &Cx<'_>) -> bool {
        // A caller that is not behind anybody and yet sees one in line is that one itself.
        self.turn.token().is_none() && cx.waiting(self.line) <= 1 && !cx.is_behind(self.line)
    }
}
