//! The manager's report on itself: who holds what, who waits for what.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sync_proto::{ObjectId, SessionId, ThreadId, Token};

use super::calls::{Blocked, CallKey};
use super::deadlock::Circle;
use super::holds::Hold;
use super::memory::{MESSAGE_MAX, first_bytes};
use super::table::{Body, Slot};
use super::{Core, Time};
use crate::{Caller, Owner};

mod text;

pub(super) use text::OneLine;

/// The most objects that a report shows; the others are counted.
pub const OBJECTS_SHOWN_MAX: u32 = 1000;

/// The manager at a moment. It displays as text for an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DebugInfo {
    /// How many objects live, not counting the manager's own.
    pub object_count: u64,
    /// How many calls wait.
    pub blocked_count: u64,
    /// How many one-way messages could not be carried out.
    pub one_way_failures: u64,
    /// How many state changes there were.
    pub commits: u64,
    /// How many bytes are kept for clients.
    pub memory_used: u64,
    /// How many bytes may be kept for clients ([`Limits::memory`](crate::Limits::memory)).
    pub memory_max: u64,
    /// How many deadlocks were found, those that were refused included.
    pub deadlock_count: u64,
    /// The deadlocks that exist now, at most 100: cycles of callers that wait for each other.
    pub deadlocks: Vec<DeadlockInfo>,
    /// The client processes.
    pub sessions: Vec<SessionInfo>,
    /// The objects, busy ones (held or waited for) first; at most as many as were asked for.
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

/// A caller: a thread of a client process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CallerInfo {
    /// The client process's session.
    pub session: SessionId,
    /// The process id, in its own view.
    pub pid: u32,
    /// The program.
    pub program: String,
    /// The thread's number.
    pub thread: ThreadId,
    /// The thread's name, if it has one.
    pub thread_name: Option<String>,
}

/// An object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ObjectInfo {
    /// Its identity.
    pub object: ObjectId,
    /// Its type.
    pub interface: String,
    /// How many names it has.
    pub name_count: u64,
    /// Its names; the first 10.
    pub names: Vec<String>,
    /// Why it is broken, if it is; the first kilobyte.
    pub broken: Option<String>,
    /// How many references there are: of sessions that have handles, names, tickets, payloads,
    /// calls.
    pub references: u64,
    /// How many of its grants are held.
    pub holder_count: u64,
    /// Who holds something of it, the earliest grant first; the first 100.
    pub holders: Vec<HolderInfo>,
    /// How many calls stand in its lines.
    pub waiter_count: u64,
    /// Who waits in its lines, the first in line first; the first 100.
    pub waiters: Vec<WaiterInfo>,
}

/// Who holds something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HolderInfo {
    /// Who it is.
    pub caller: CallerInfo,
    /// How much: permits, say.
    pub count: u32,
    /// The grant's fencing token.
    pub token: Token,
    /// For how long.
    pub held_for: Duration,
}

/// Who waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WaiterInfo {
    /// Who it is.
    pub caller: CallerInfo,
    /// In which method.
    pub method: String,
    /// For how long in this line.
    pub waited_for: Duration,
    /// When it times out, if it does.
    pub gives_up_in: Option<Duration>,
}

/// A cycle of callers that wait for each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeadlockInfo {
    /// Whether only the death of one of them can end it. That is not certain when one of them waits
    /// with a deadline, or for what another thread of the owner's process might release.
    pub is_certain: bool,
    /// How long ago the cycle closed.
    pub closed_for: Duration,
    /// How many waits it consists of.
    pub wait_count: u64,
    /// The waits: each for what the next one's caller holds, the last for what the first one's
    /// holds. Of all deadlocks in one report, only the first 4,096 waits are listed.
    pub waits: Vec<DeadlockWait>,
}

/// One wait of a deadlock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeadlockWait {
    /// Who waits, and how.
    pub waiter: WaiterInfo,
    /// For which object.
    pub object: ObjectId,
    /// The object's type.
    pub interface: String,
    /// The object's names; the first 10.
    pub names: Vec<String>,
    /// The holder, who is the next wait's caller, and since when.
    pub holder: HolderInfo,
}

/// Holders and waiters of one object that are listed: of a line of 10,000 the head says as much.
const CALLERS_MAX: usize = 100;

/// Names of one object that are listed.
const NAMES_MAX: usize = 10;

/// Waits that are listed of all cycles together. With all that is listed of a thousand objects, and
/// of the sessions, they fit into one message, whatever clients do.
pub(super) const WAITS_MAX: usize = 4096;

impl Core {
    pub(crate) fn debug_info(&self, max_objects: u32) -> DebugInfo {
        let max_objects = max_objects.min(OBJECTS_SHOWN_MAX) as usize;
        let busy = self.busy_objects(max_objects);
        let idle = self
            .objects
            .iter()
            .filter(|slot| slot.id != ObjectId::MANAGER && !busy.contains(&slot.id));
        let objects = busy.iter().filter_map(|&object| self.slot(object)).chain(idle);
        let mut left = WAITS_MAX;
        let deadlock = |circle: Circle| {
            let deadlock = self.deadlock_info(&circle, left);
            left -= deadlock.waits.len();
            deadlock
        };
        DebugInfo {
            object_count: self.object_count() as u64,
            blocked_count: self.blocked_count(None) as u64,
            one_way_failures: self.one_way_failures,
            commits: self.commit,
            memory_used: self.meter.used() as u64,
            memory_max: self.limits.memory as u64,
            deadlock_count: self.waits.found,
            deadlocks: self.circles().into_iter().map(deadlock).collect(),
            sessions: self
                .sessions
                .iter()
                .map(|(&session, state)| SessionInfo {
                    session,
                    pid: state.info.pid,
                    program: state.info.program.clone(),
                })
                .collect(),
            objects: objects.take(max_objects).map(|slot| self.object_info(slot)).collect(),
        }
    }

    /// Returns the objects that are held or waited for.
    fn busy_objects(&self, max: usize) -> BTreeSet<ObjectId> {
        let awaited = self.waiting_calls().filter_map(|(_, call)| Some(call.place?.object));
        let held = self.sessions.values().flat_map(|session| session.held_objects());
        let mut busy = BTreeSet::new();
        for object in held.chain(awaited) {
            if busy.len() == max {
                break;
            }
            busy.insert(object);
        }
        busy
    }

    pub(crate) fn object_count(&self) -> usize {
        self.objects.len() - 1
    }

    /// Returns how many calls wait: in the lines of one object, or in all.
    pub(crate) fn blocked_count(&self, object: Option<ObjectId>) -> usize {
        match object {
            None => self.calls.len(),
            Some(object) => self.slot(object).map_or(0, |slot| slot.lines.count()),
        }
    }

    fn object_info(&self, slot: &Slot) -> ObjectInfo {
        let waiters = slot.lines.calls().filter_map(|key| self.call(key));
        ObjectInfo {
            object: slot.id,
            interface: slot.interface.name.to_owned(),
            name_count: self.names.of(slot.id).count() as u64,
            names: self.first_names(slot.id),
            broken: match &slot.body {
                Body::Broken(why) => Some(first_bytes(why, MESSAGE_MAX).to_owned()),
                Body::Here(_) | Body::AtWork => None,
            },
            references: slot.handle.count() as u64,
            holder_count: slot.holds.len() as u64,
            holders: slot
                .holds
                .iter()
                .take(CALLERS_MAX)
                .map(|(&token, hold)| self.holder_info(token, hold))
                .collect(),
            waiter_count: slot.lines.count() as u64,
            waiters: waiters.take(CALLERS_MAX).map(|call| self.waiter_info(call)).collect(),
        }
    }

    fn first_names(&self, object: ObjectId) -> Vec<String> {
        self.names.of(object).take(NAMES_MAX).map(str::to_owned).collect()
    }

    fn caller_info(&self, Caller { session, thread }: Caller) -> CallerInfo {
        let state = self.sessions.get(&session);
        let info = state.map(|state| state.info.clone()).unwrap_or_default();
        let thread_name = state.and_then(|state| state.thread_name(thread)).map(str::to_owned);
        CallerInfo { session, pid: info.pid, program: info.program, thread, thread_name }
    }

    fn holder_info(&self, token: Token, hold: &Hold) -> HolderInfo {
        HolderInfo {
            caller: self.caller_info(hold.caller),
            count: hold.count,
            token,
            held_for: self.now().since(hold.since),
        }
    }

    fn waiter_info(&self, call: &Blocked) -> WaiterInfo {
        let name = |interface: &sync_proto::Interface| {
            format!("{}.{}", interface.name, interface.method_name(call.method))
        };
        WaiterInfo {
            caller: self.caller_info(call.caller),
            method: self
                .slot(call.target.object())
                .map(|slot| name(slot.interface))
                .unwrap_or_default(),
            waited_for: self.now().since(call.since),
            gives_up_in: call.deadline.map(|(at, _)| at.since(self.now())),
        }
    }

    /// Reports a cycle, and at most `max` of its waits.
    pub(super) fn deadlock_info(&self, circle: &[CallKey], max: usize) -> DeadlockInfo {
        let calls: Vec<&Blocked> = circle.iter().filter_map(|&key| self.call(key)).collect();
        let owned_by_next = |at: usize| {
            let next = calls[(at + 1) % calls.len()].caller;
            self.owners_before(calls[at]).filter(move |(_, _, hold)| hold.caller == next)
        };
        let is_certain = calls.iter().enumerate().all(|(at, call)| {
            let by_thread = owned_by_next(at).any(|(_, owned, _)| owned.by == Owner::Thread);
            by_thread && call.deadline.is_none()
        });
        let closed = calls.iter().map(|call| call.since).max().unwrap_or(Time::ZERO);
        let waits = calls.iter().enumerate().filter_map(|(at, call)| {
            let slot = self.slot(call.place?.object)?;
            let (token, _, hold) = owned_by_next(at).next()?;
            Some(DeadlockWait {
                waiter: self.waiter_info(call),
                object: slot.id,
                interface: slot.interface.name.to_owned(),
                names: self.first_names(slot.id),
                holder: self.holder_info(token, hold),
            })
        });
        DeadlockInfo {
            is_certain,
            closed_for: self.now().since(closed),
            wait_count: calls.len() as u64,
            waits: waits.take(max).collect(),
        }
    }
}
