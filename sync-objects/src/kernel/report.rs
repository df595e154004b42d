//! What the manager tells of itself: who holds what, who waits for what.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sync_proto::{ErrorKind, ObjectId, SessionId, ThreadId, Token};

use super::table::{Body, Slot};
use super::{Core, calls::Route};

/// The manager at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DebugInfo {
    /// How many objects live, the manager's own left out.
    pub object_count: u64,
    /// How many calls wait.
    pub blocked_count: u64,
    /// How many one-way messages could not be carried out.
    pub one_way_failures: u64,
    /// How many state changes there were.
    pub commits: u64,
    /// The client processes.
    pub sessions: Vec<SessionInfo>,
    /// The objects, the oldest place first; at most as many as were asked for.
    pub objects: Vec<ObjectInfo>,
}

/// A client process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Its session.
    pub session: SessionId,
    /// Its process id, in its own view.
    pub pid: u32,
    /// Its program.
    pub program: String,
}

/// An object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ObjectInfo {
    /// Its identity.
    pub object: ObjectId,
    /// Its type.
    pub interface: String,
    /// Its names.
    pub names: Vec<String>,
    /// Why it is broken, if it is.
    pub broken: Option<String>,
    /// How many references count: sessions that have handles, names, tickets, payloads, calls.
    pub references: u64,
    /// Who holds something of it, the earliest grant first.
    pub holders: Vec<HolderInfo>,
    /// Who waits in its lines, the first in line first.
    pub waiters: Vec<WaiterInfo>,
}

/// Who holds something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HolderInfo {
    /// The client process.
    pub session: SessionId,
    /// Its thread.
    pub thread: ThreadId,
    /// How much: permits, say.
    pub count: u32,
    /// The grant's fencing token.
    pub token: Token,
    /// For how long already.
    pub held_for: Duration,
}

/// Who waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WaiterInfo {
    /// The client process.
    pub session: SessionId,
    /// Its thread.
    pub thread: ThreadId,
    /// In which method.
    pub method: String,
}

impl Core {
    pub(crate) fn debug_info(&self, max_objects: usize) -> DebugInfo {
        let others = || self.objects.iter().filter(|slot| slot.id != ObjectId::MANAGER);
        DebugInfo {
            object_count: self.object_count(),
            blocked_count: self.calls.len() as u64,
            one_way_failures: self.one_way_failures,
            commits: self.commit,
            sessions: self
                .sessions
                .iter()
                .map(|(&session, state)| SessionInfo {
                    session,
                    pid: state.info.pid,
                    program: state.info.program.clone(),
                })
                .collect(),
            objects: others().take(max_objects).map(|slot| self.object_info(slot)).collect(),
        }
    }

    pub(crate) fn object_count(&self) -> u64 {
        self.objects.len() as u64 - 1
    }

    /// Returns how many calls wait: in the lines of one object, or in all.
    pub(crate) fn blocked(&self, object: Option<ObjectId>) -> u64 {
        let count = match object {
            None => self.calls.len(),
            Some(object) => self.slot(object).map_or(0, |slot| slot.lines.calls().count()),
        };
        count as u64
    }

    fn object_info(&self, slot: &Slot) -> ObjectInfo {
        let named = |name: &&String| self.names[*name].handle().object() == slot.id;
        ObjectInfo {
            object: slot.id,
            interface: slot.interface.name.to_owned(),
            names: self.names.keys().filter(named).cloned().collect(),
            broken: match &slot.body {
                Body::Broken(why) => Some(why.clone()),
                Body::Here(_) | Body::AtWork => None,
            },
            references: slot.handle.count() as u64,
            holders: slot
                .holds
                .iter()
                .map(|(&token, hold)| HolderInfo {
                    session: hold.caller.session,
                    thread: hold.caller.thread,
                    count: hold.count,
                    token,
                    held_for: self.now().since(hold.since),
                })
                .collect(),
            waiters: slot.lines.calls().filter_map(|key| self.waiter_info(key)).collect(),
        }
    }

    fn waiter_info(&self, key: super::calls::CallKey) -> Option<WaiterInfo> {
        let call = self.call(key)?;
        let interface = self.slot(call.target.object())?.interface;
        Some(WaiterInfo {
            session: call.caller.session,
            thread: call.caller.thread,
            method: format!("{}.{}", interface.name, interface.method_name(call.method)),
        })
    }

    /// Answers every call that waits, also for a one-way message, and takes no more.
    pub(crate) fn stop(&mut self) {
        self.stopping = true;
        let (mut waiting, mut held_back) = (Vec::new(), Vec::new());
        for (&session, state) in &mut self.sessions {
            waiting.extend(state.calls.values().copied());
            let requests = state.forget_all_held_back();
            held_back.extend(requests.map(|(via, call)| Route { session, via, call }));
        }
        for key in waiting {
            self.finish(key, Err(ErrorKind::ShuttingDown.into()));
        }
        for route in held_back {
            self.answer(route, Err(ErrorKind::ShuttingDown.into()));
        }
    }
}
