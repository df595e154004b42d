//! A client process: a session, its connections, and the programs on its threads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Buf;
use sync_objects::Time;
use sync_proto::frame::{self, Decoder, FrameLimit, OutBuffer};
use sync_proto::handshake::{ClientInfo, Hello, Purpose};
use sync_proto::message::{ClientMessage, ServerMessage};
use sync_proto::version::PREAMBLE;
use sync_proto::{CallId, SessionId, SessionToken};

use super::lifeline::Lifeline;
use super::link::Link;
use super::programs::Make;
use super::server::{MESSAGE_MAX, WireId};
use super::thread::Task;

/// A process.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) link: Arc<Link>,
    /// What the manager gave it.
    pub(crate) session: Option<(SessionId, SessionToken)>,
    pub(crate) ends: BTreeMap<WireId, End>,
    pub(crate) tasks: Vec<Task>,
    /// What its threads will run, once there is a session.
    pub(crate) plan: Vec<(&'static str, Make)>,
    pub(crate) frozen_until: Option<Time>,
    /// A process that comes over TCP can resume its session.
    pub(crate) lifeline: Option<Lifeline>,
}

/// A client's end of a connection.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) decoder: Decoder,
    /// The manager has sent its welcome.
    pub(crate) is_welcome: bool,
    /// Calls whose answers come this way.
    pub(crate) calls: BTreeSet<CallId>,
}

impl End {
    pub(crate) fn new() -> Self {
        let decoder = Decoder::new(FrameLimit::of_body(MESSAGE_MAX).of_answers());
        Self { decoder, is_welcome: false, calls: BTreeSet::new() }
    }
}

impl Process {
    pub(crate) fn new(
        link: Arc<Link>,
        plan: Vec<(&'static str, Make)>,
        lifeline: Option<Lifeline>,
    ) -> Self {
        let (ends, tasks, frozen_until) = (BTreeMap::new(), Vec::new(), None);
        Self { link, session: None, ends, tasks, plan, frozen_until, lifeline }
    }

    /// Returns its connections that can be used.
    pub(crate) fn usable(&self) -> Vec<WireId> {
        self.ends.iter().filter(|(_, end)| end.is_welcome).map(|(&id, _)| id).collect()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.session.is_some() && self.plan.is_empty() && self.tasks.is_empty()
    }

    pub(crate) fn session(&self) -> Option<SessionId> {
        self.session.map(|(session, _)| session)
    }

    /// Takes the messages out of what was read from a connection.
    pub(crate) fn cut(&mut self, id: WireId, mut input: &[u8]) -> Vec<ServerMessage> {
        let mut messages = Vec::new();
        let Some(end) = self.ends.get_mut(&id) else { return messages };
        while let Some(message) =
            end.decoder.next(&mut input).expect("the manager says what it may")
        {
            messages.push(message);
        }
        messages
    }
}

/// Returns the bytes of a message.
pub(crate) fn bytes_of(message: &ClientMessage) -> Vec<u8> {
    let mut out = OutBuffer::new();
    frame::encode(message, FrameLimit::of_body(1 << 20), &mut out).expect("a message that fits");
    let len = out.len();
    out.copy_to_bytes(len).to_vec()
}

/// Returns the first bytes of a connection.
pub(crate) fn hello(purpose: Purpose) -> Vec<u8> {
    let hello = ClientMessage::Hello(Hello { purpose });
    [&PREAMBLE[..], &bytes_of(&hello)].concat()
}

pub(crate) fn open() -> Vec<u8> {
    hello(Purpose::Open(ClientInfo { pid: 1, program: "sim".into() }))
}
