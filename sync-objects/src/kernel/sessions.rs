//! Sessions: what each client process holds, and in which order its messages are carried out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sync_proto::handshake::ClientInfo;
use sync_proto::message::{OneWay, Request, WireHandle};
use sync_proto::{CallId, ErrorKind, Handle, ObjectId, OneWayId, Refusal, SessionId, Token};

use super::calls::CallKey;
use super::ledger::{Ledger, Root};
use super::{Core, Via};

/// One client process.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) info: ClientInfo,
    /// The objects it has handles on, and how many of each.
    handles: BTreeMap<ObjectId, (Root, u64)>,
    /// What it owns.
    pub(crate) holds: BTreeSet<(ObjectId, Token)>,
    /// Its calls that wait.
    pub(crate) calls: BTreeMap<CallId, CallKey>,
    /// Up to here its one-way messages are carried out.
    done: OneWayId,
    /// One-way messages that came before an earlier one.
    early: BTreeMap<OneWayId, OneWay>,
    /// Requests that wait for a one-way message.
    held_back: BTreeMap<OneWayId, Vec<(Via, Request)>>,
}

impl Session {
    pub(crate) fn new(info: ClientInfo) -> Self {
        Self {
            info,
            handles: BTreeMap::new(),
            holds: BTreeSet::new(),
            calls: BTreeMap::new(),
            done: OneWayId::NONE,
            early: BTreeMap::new(),
            held_back: BTreeMap::new(),
        }
    }

    /// Counts one more handle for the client, as it goes out.
    pub(crate) fn give(&mut self, handle: &Handle, ledger: &Arc<Ledger>) -> WireHandle {
        let root = || (Root::new(handle.clone(), ledger), 0);
        let (_, count) = self.handles.entry(handle.object()).or_insert_with(root);
        *count += 1;
        handle.into()
    }

    /// Takes back handles that the client dropped; returns whether it had that many.
    fn take_back(&mut self, object: ObjectId, count: u64) -> bool {
        let Some((_, held)) = self.handles.get_mut(&object) else {
            return false;
        };
        if count > *held {
            return false;
        }
        *held -= count;
        if *held == 0 {
            self.handles.remove(&object);
        }
        true
    }

    /// Takes a one-way message; it is carried out when its turn comes. One whose turn is past was
    /// sent twice, and is not carried out again.
    pub(crate) fn queue_one_way(&mut self, message: OneWay) {
        if message.number > self.done {
            self.early.insert(message.number, message);
        }
    }

    /// Returns the next one-way message whose turn has come.
    pub(crate) fn next_one_way(&mut self) -> Option<OneWay> {
        let turn = OneWayId(self.done.0 + 1);
        let message = self.early.remove(&turn)?;
        self.done = turn;
        Some(message)
    }

    /// Holds a request back if a one-way message that it names is still missing.
    pub(crate) fn hold_back(&mut self, via: Via, request: Request) -> Option<Request> {
        if request.after <= self.done {
            return Some(request);
        }
        self.held_back.entry(request.after).or_default().push((via, request));
        None
    }

    /// Returns the requests that need not wait any more.
    pub(crate) fn next_held_back(&mut self) -> Option<Vec<(Via, Request)>> {
        let first = self.held_back.first_entry()?;
        (*first.key() <= self.done).then(|| first.remove())
    }

    /// Forgets a request that was held back, because its client gave it up.
    pub(crate) fn forget_held_back(&mut self, call: CallId) -> Option<Via> {
        for requests in self.held_back.values_mut() {
            if let Some(at) = requests.iter().position(|(_, request)| request.call == call) {
                return Some(requests.remove(at).0);
            }
        }
        None
    }

    /// Forgets all requests that are held back, because the manager ends.
    pub(crate) fn forget_all_held_back(&mut self) -> impl Iterator<Item = (Via, CallId)> {
        std::mem::take(&mut self.held_back)
            .into_values()
            .flatten()
            .map(|(via, request)| (via, request.call))
    }
}

impl Core {
    /// Takes back handles that a client dropped.
    pub(crate) fn take_back(
        &mut self,
        session: SessionId,
        object: ObjectId,
        count: u64,
    ) -> Result<(), Refusal> {
        let session = self.sessions.get_mut(&session);
        if session.is_some_and(|session| session.take_back(object, count)) {
            return Ok(());
        }
        let why = format!("the session gave back {count} handles on {object}, more than it has");
        Err(Refusal::new(ErrorKind::NotOwner, why))
    }
}
