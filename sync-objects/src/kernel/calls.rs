//! Calls that wait: each is its own request, kept.

use sync_proto::message::Reply;
use sync_proto::{CallId, Charge, Data, Handle, MethodId, ObjectId, Refusal, SessionId, Token};

use super::memory::answer_size;
use super::timers::TimerKey;
use super::{Core, Outgoing, Via};
use crate::cx::Place;
use crate::{Caller, Time};

/// A call's key in the table of blocked calls, valid while it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CallKey(usize);

impl CallKey {
    pub(crate) const FIRST: Self = Self(0);
    pub(crate) const LAST: Self = Self(usize::MAX);
}

/// Where an answer goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    pub(crate) session: SessionId,
    pub(crate) via: Via,
    pub(crate) call: CallId,
}

/// A call that waits.
#[derive(Debug)]
pub(crate) struct Blocked {
    pub(crate) route: Route,
    pub(crate) caller: Caller,
    /// The object called. Nobody can drop what somebody waits for.
    pub(crate) target: Handle,
    /// The object in whose line the call stands: the one called, or a peer of it that it may let
    /// go of meanwhile.
    pub(crate) line: Handle,
    pub(crate) method: MethodId,
    pub(crate) data: Data,
    pub(crate) stance: Stance,
    pub(crate) note: u64,
    pub(crate) deadline: Option<TimerKey>,
    pub(crate) place: Option<Place>,
    /// Since when it stands there.
    pub(crate) since: Time,
    /// What its arguments are counted by.
    pub(crate) _charge: Charge,
}

/// How a call waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stance {
    /// When its time is up, the answer is "timed out".
    Wait,
    /// When its time is up, it is polled once more.
    Then,
    /// Its time is no more.
    Must,
}

impl Core {
    /// Keeps a call that waits, in its line and in its session's list.
    pub(crate) fn keep_call(&mut self, call: Blocked) -> CallKey {
        let (route, place, caller) = (call.route, call.place, call.caller);
        let key = CallKey(self.calls.insert(call));
        self.waits.join(caller, key);
        if let Some(session) = self.sessions.get_mut(&route.session) {
            session.calls.insert(route.call, key);
            if let Some(resumable) = &mut session.resumable {
                resumable.begins_to_wait(route.via, route.call);
            }
        }
        if let Some(place) = place {
            self.stand(key, place);
        }
        key
    }

    /// Takes a call out of everything: line, deadline, session's list, table.
    pub(crate) fn take_call(&mut self, key: CallKey) -> Option<Blocked> {
        let call = self.calls.try_remove(key.0)?;
        self.waits.leave(call.caller, key);
        if let Some(place) = call.place {
            self.unstand(place);
        }
        if let Some(deadline) = call.deadline {
            self.timers.clear(deadline);
        }
        if let Some(session) = self.sessions.get_mut(&call.route.session) {
            session.calls.remove(&call.route.call);
            if let Some(resumable) = &mut session.resumable {
                resumable.waits_no_more(call.route.via, call.route.call);
            }
        }
        Some(call)
    }

    pub(crate) fn call(&self, key: CallKey) -> Option<&Blocked> {
        self.calls.get(key.0)
    }

    pub(crate) fn call_mut(&mut self, key: CallKey) -> Option<&mut Blocked> {
        self.calls.get_mut(key.0)
    }

    /// Returns all calls that wait.
    pub(crate) fn waiting_calls(&self) -> impl Iterator<Item = (CallKey, &Blocked)> {
        self.calls.iter().map(|(key, call)| (CallKey(key), call))
    }

    /// Returns the calls of an object that wait, wherever they stand, in the order of their places.
    pub(crate) fn callers_of(&self, object: ObjectId) -> Vec<(Place, CallKey)> {
        let of_it = self.calls.iter().filter(|(_, call)| call.target.object() == object);
        let mut callers: Vec<_> =
            of_it.filter_map(|(key, call)| Some((call.place?, CallKey(key)))).collect();
        callers.sort_unstable_by_key(|(place, _)| place.number);
        callers
    }

    pub(crate) fn stand(&mut self, key: CallKey, place: Place) {
        if let Some(slot) = self.slot_mut(place.object) {
            slot.lines.join(place.channel, place.number, key);
        }
    }

    pub(crate) fn unstand(&mut self, place: Place) {
        if let Some(slot) = self.slot_mut(place.object) {
            slot.lines.leave(place.channel, place.number);
        }
    }

    /// Queues the answer to a call.
    pub(crate) fn answer(&mut self, route: Route, outcome: Result<Data, Refusal>) {
        let Some(session) = self.sessions.get_mut(&route.session) else {
            return;
        };
        let (is_kept, ledger, meter) = (session.resumable.is_some(), &self.ledger, &self.meter);
        let outcome = outcome
            .and_then(|data| data.map_handles(|handle| Ok(session.give(&handle, ledger, meter))))
            .map_err(super::memory::brief);
        let reply = Reply { call: route.call, outcome };
        if is_kept && !self.keep_answer(route, &reply) {
            return;
        }
        self.send(route.session, route.via, reply);
    }

    /// Keeps an answer until it has arrived; returns whether it can be sent.
    fn keep_answer(&mut self, route: Route, reply: &Reply) -> bool {
        let has_room = self.may_keep_answer(answer_size(&reply.outcome));
        // An answer that brings something follows the look that granted it.
        let granted = reply.outcome.is_ok().then(|| std::mem::take(&mut self.granted));
        let session = self.sessions.get_mut(&route.session);
        let Some(resumable) = session.and_then(|session| session.resumable.as_mut()) else {
            return true;
        };
        let (limit, granted) = (self.limits.unacknowledged, granted.unwrap_or_default());
        resumable.keep(reply, granted, limit, &self.meter, has_room);
        resumable.is_connected(route.via)
    }

    /// Puts a reply among those that the driver is to take.
    pub(super) fn send(&mut self, session: SessionId, via: Via, reply: Reply) {
        let (commit, size) = (Token(self.commit), answer_size(&reply.outcome));
        self.unsent += size;
        self.replies.push_back(Outgoing { session, via, reply, commit, size });
    }
}
