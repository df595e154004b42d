//! What a client over TCP keeps so that its session survives broken connections.

use std::collections::BTreeMap;

use sync_proto::message::{ClientMessage, OneWay, Request};
use sync_proto::{CallId, Epoch, OneWayId};

/// What may have to be sent again, and what is to be acknowledged.
#[derive(Debug)]
pub(crate) struct Lifeline {
    /// Which generation of connections is in use.
    pub(crate) epoch: Epoch,
    /// Everything that was sent on connections of earlier generations is to be sent again.
    is_due: bool,
    unanswered: BTreeMap<CallId, Request>,
    /// One-way messages that are not known to be carried out.
    one_ways: BTreeMap<OneWayId, OneWay>,
    last_one_way: OneWayId,
    arrived: Vec<CallId>,
}

impl Lifeline {
    pub(crate) fn new() -> Self {
        Self {
            epoch: Epoch(0),
            is_due: false,
            unanswered: BTreeMap::new(),
            one_ways: BTreeMap::new(),
            last_one_way: OneWayId::NONE,
            arrived: Vec::new(),
        }
    }

    /// Keeps what is about to be sent.
    pub(crate) fn keep(&mut self, message: &ClientMessage) {
        match message {
            ClientMessage::Request(request) => {
                self.unanswered.insert(request.call, request.clone());
            }
            ClientMessage::OneWay(message) => {
                self.last_one_way = message.number;
                self.one_ways.insert(message.number, message.clone());
            }
            _ => {}
        }
    }

    pub(crate) fn note_answered(&mut self, call: CallId) {
        self.unanswered.remove(&call);
        self.arrived.push(call);
    }

    pub(crate) fn note_done(&mut self, done: OneWayId) {
        self.one_ways.retain(|&number, _| number > done);
    }

    /// Gives up all connections: what they have brought to the manager is not known.
    pub(crate) fn give_up(&mut self) {
        self.epoch = Epoch(self.epoch.0 + 1);
        self.is_due = true;
    }

    /// Returns what the first connection of a generation sends first; nothing for the others.
    pub(crate) fn take_due(&mut self) -> Option<Vec<ClientMessage>> {
        if !std::mem::take(&mut self.is_due) {
            return None;
        }
        let one_ways = self.one_ways.values().cloned().map(ClientMessage::OneWay);
        let requests = self.unanswered.values().cloned().map(ClientMessage::Request);
        Some(one_ways.chain(requests).collect())
    }

    /// Returns the acknowledgement of what has arrived.
    pub(crate) fn received(&mut self) -> Option<ClientMessage> {
        let arrived = std::mem::take(&mut self.arrived);
        (!arrived.is_empty()).then_some(ClientMessage::Received(arrived))
    }

    pub(crate) fn goodbye(&self) -> ClientMessage {
        ClientMessage::Goodbye(self.last_one_way)
    }
}
