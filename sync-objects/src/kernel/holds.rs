//! Who owns what: one table for all types.

use sync_proto::{ObjectId, SessionId, Token};

use super::Core;
use super::memory::HOLD;
use crate::{Caller, Owner, Time};

/// What a caller holds of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hold {
    pub(crate) caller: Caller,
    pub(crate) count: u32,
    pub(crate) since: Time,
    /// What callers wait for, if it is that.
    pub(crate) owns: Option<Owned>,
}

/// That callers in a line wait for the holder of this.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owned {
    pub(crate) channel: u64,
    pub(crate) by: Owner,
}

impl Core {
    pub(crate) fn hold(&mut self, object: ObjectId, caller: Caller, count: u32) -> Token {
        self.grant(object, caller, count, None)
    }

    pub(crate) fn own(
        &mut self,
        object: ObjectId,
        caller: Caller,
        channel: u64,
        by: Owner,
    ) -> Token {
        self.grant(object, caller, 1, Some(Owned { channel, by }))
    }

    fn grant(
        &mut self,
        object: ObjectId,
        caller: Caller,
        count: u32,
        owns: Option<Owned>,
    ) -> Token {
        assert!(
            self.sessions.contains_key(&caller.session),
            "an object held something for a session that is gone: nothing could give it back"
        );
        let token = self.next_commit();
        let hold = Hold { caller, count, since: self.now(), owns };
        if let Some(slot) = self.slot_mut(object) {
            slot.holds.insert(token, hold);
            slot.owners.extend(owns.map(|owned| (owned.channel, token)));
            self.meter.add(HOLD);
        }
        self.granted.push((object, token));
        if let Some(session) = self.sessions.get_mut(&caller.session) {
            session.holds.insert((object, token));
        }
        token
    }

    pub(crate) fn let_go(&mut self, object: ObjectId, token: Token) -> Option<u32> {
        let slot = self.slot_mut(object)?;
        let hold = slot.holds.remove(&token)?;
        if let Some(owned) = hold.owns {
            slot.owners.remove(&(owned.channel, token));
        }
        self.meter.subtract(HOLD);
        if let Some(session) = self.sessions.get_mut(&hold.caller.session) {
            session.holds.remove(&(object, token));
        }
        Some(hold.count)
    }

    pub(crate) fn owner(&self, object: ObjectId, token: Token) -> Option<Caller> {
        self.slot(object)?.holds.get(&token).map(|hold| hold.caller)
    }

    pub(crate) fn held_by(&self, object: ObjectId, session: SessionId) -> Vec<Token> {
        let Some(session) = self.sessions.get(&session) else {
            return Vec::new();
        };
        let range = (object, Token(0))..=(object, Token(u64::MAX));
        session.holds.range(range).map(|&(_, token)| token).collect()
    }

    pub(crate) fn holds_of(&self, object: ObjectId) -> Vec<(Token, u32)> {
        let holds = self.slot(object).map(|slot| &slot.holds).into_iter().flatten();
        holds.map(|(&token, hold)| (token, hold.count)).collect()
    }
}
