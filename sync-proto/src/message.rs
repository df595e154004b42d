//! The messages: append-only enums, their bytes pinned by tests.
//!
//! `D` is what a call carries: [`Data`] in memory, [`DataHead`] inside a frame's head, where the
//! bytes themselves follow in the frame's body.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::frame::{Body, DataHead, DataRef};
use crate::handshake::{Hello, Welcome};
use crate::{
    CallId, Data, Fingerprint, Handle, MethodId, ObjectId, OneWayId, Refusal, ThreadId, Token,
};

/// The most answers that one message acknowledges: looking them up is one step, in which nobody
/// else is served.
pub const RECEIVED_MAX: usize = 4096;

/// A handle in a message: which object, and of which interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireHandle {
    /// The object.
    pub object: ObjectId,
    /// The fingerprint of its interface.
    pub interface: Fingerprint,
}

impl From<&Handle> for WireHandle {
    fn from(handle: &Handle) -> Self {
        Self { object: handle.object(), interface: handle.interface() }
    }
}

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_enums, reason = "a server handles every message of its version")]
pub enum ClientMessage<D = Data<WireHandle>> {
    /// The first message of a connection.
    Hello(Hello),
    /// A call that wants an answer.
    Request(Request<D>),
    /// A call that wants none.
    OneWay(OneWay<D>),
    /// The client gives up on a call: it is to stand in no line. It is answered all the same, with
    /// what it got or with [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut); one that follows a
    /// one-way message which has not come is answered only after that.
    Cancel(CallId),
    /// Asks whether the server is there; it answers with a pong at once, even while calls of this
    /// connection wait.
    Ping,
    /// These answers have arrived, on whichever connection: the server need not keep them any
    /// longer in case the session is resumed. Sent only in a session that can be resumed, for at
    /// most [`RECEIVED_MAX`] at once.
    Received(Vec<CallId>),
    /// The session ends, once this one-way message is carried out: the client will not come back.
    Goodbye(OneWayId),
}

/// What a server sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_enums, reason = "a client handles every message of its version")]
pub enum ServerMessage<D = Data<WireHandle>> {
    /// The connection is not accepted, or is about to be closed. Its form is the same in every
    /// version of the protocol, so that any client can read why.
    Refused(Refusal),
    /// The connection is accepted.
    Welcome(Welcome),
    /// The answer to a request.
    Reply(Reply<D>),
    /// The answer to a ping: up to here the session's one-way messages are carried out.
    Pong(OneWayId),
    /// The answer to a request, with the number of the last state change when it was made: a server
    /// that keeps a witness answers with it, so that a history of calls can be replayed.
    Witnessed(Token, Reply<D>),
}

/// A call that wants an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request<D = Data<WireHandle>> {
    /// Its number in the session; the reply carries it.
    pub call: CallId,
    /// The session's last one-way message before it: the request is carried out only after that
    /// one.
    pub after: OneWayId,
    /// The calling thread.
    pub thread: ThreadId,
    /// The object called.
    pub object: ObjectId,
    /// The method called.
    pub method: MethodId,
    /// How long it may stand in line, or wait for the message before it; the server's clock starts
    /// when the request arrives. A request that may not stand in line at all still waits for that
    /// message.
    pub timeout: Option<Duration>,
    /// The arguments.
    pub data: D,
}

/// A call that wants no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneWay<D = Data<WireHandle>> {
    /// Its number in the session. They are carried out in this order, on whichever connections
    /// they come.
    pub number: OneWayId,
    /// The calling thread.
    pub thread: ThreadId,
    /// The object called.
    pub object: ObjectId,
    /// The method called.
    pub method: MethodId,
    /// The arguments.
    pub data: D,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply<D = Data<WireHandle>> {
    /// The request's number.
    pub call: CallId,
    /// The result.
    pub outcome: Result<D, Refusal>,
}

/// A message that a frame can hold.
pub trait Message: Sized {
    /// The message as it stands in a frame's head.
    type Head: for<'de> Deserialize<'de>;

    /// The message as it is to stand there.
    type HeadRef<'a>: Serialize
    where
        Self: 'a;

    /// Takes the message apart for a frame.
    fn split(&self) -> (Self::HeadRef<'_>, Option<&Data<WireHandle>>);

    /// Puts head and body together again; `None` when they don't fit each other, or exceed what
    /// such a message may contain.
    fn join(head: Self::Head, body: Body<'_>) -> Option<Self>;
}

impl Message for ClientMessage {
    type Head = ClientMessage<DataHead>;

    type HeadRef<'a> = ClientMessage<DataRef<'a>>;

    fn split(&self) -> (Self::HeadRef<'_>, Option<&Data<WireHandle>>) {
        match self {
            Self::Hello(hello) => (ClientMessage::Hello(hello.clone()), None),
            Self::Request(request) => {
                let head = request.with_data(DataRef(&request.data));
                (ClientMessage::Request(head), Some(&request.data))
            }
            Self::OneWay(one_way) => {
                let head = one_way.with_data(DataRef(&one_way.data));
                (ClientMessage::OneWay(head), Some(&one_way.data))
            }
            Self::Cancel(call) => (ClientMessage::Cancel(*call), None),
            Self::Ping => (ClientMessage::Ping, None),
            Self::Received(calls) => (ClientMessage::Received(calls.clone()), None),
            Self::Goodbye(after) => (ClientMessage::Goodbye(*after), None),
        }
    }

    fn join(head: Self::Head, body: Body<'_>) -> Option<Self> {
        Some(match head {
            ClientMessage::Request(mut head) => {
                let data = std::mem::take(&mut head.data).join(body)?;
                Self::Request(head.with_data(data))
            }
            ClientMessage::OneWay(mut head) => {
                let data = std::mem::take(&mut head.data).join(body)?;
                Self::OneWay(head.with_data(data))
            }
            _ if !body.is_empty() => return None,
            ClientMessage::Hello(hello) => Self::Hello(hello),
            ClientMessage::Cancel(call) => Self::Cancel(call),
            ClientMessage::Ping => Self::Ping,
            ClientMessage::Received(calls) if calls.len() > RECEIVED_MAX => return None,
            ClientMessage::Received(calls) => Self::Received(calls),
            ClientMessage::Goodbye(after) => Self::Goodbye(after),
        })
    }
}

impl Message for ServerMessage {
    type Head = ServerMessage<DataHead>;

    type HeadRef<'a> = ServerMessage<DataRef<'a>>;

    fn split(&self) -> (Self::HeadRef<'_>, Option<&Data<WireHandle>>) {
        match self {
            Self::Refused(refusal) => (ServerMessage::Refused(refusal.clone()), None),
            Self::Welcome(welcome) => (ServerMessage::Welcome(welcome.clone()), None),
            Self::Reply(reply) => (ServerMessage::Reply(reply.head()), reply.outcome.as_ref().ok()),
            Self::Witnessed(commit, reply) => {
                let head = ServerMessage::Witnessed(*commit, reply.head());
                (head, reply.outcome.as_ref().ok())
            }
            Self::Pong(done) => (ServerMessage::Pong(*done), None),
        }
    }

    fn join(head: Self::Head, body: Body<'_>) -> Option<Self> {
        Some(match head {
            ServerMessage::Reply(reply) => Self::Reply(reply.join(body)?),
            ServerMessage::Witnessed(commit, reply) => Self::Witnessed(commit, reply.join(body)?),
            _ if !body.is_empty() => return None,
            ServerMessage::Refused(refusal) => Self::Refused(refusal),
            ServerMessage::Welcome(welcome) => Self::Welcome(welcome),
            ServerMessage::Pong(done) => Self::Pong(done),
        })
    }
}

impl Reply {
    fn head(&self) -> Reply<DataRef<'_>> {
        let outcome = self.outcome.as_ref().map(DataRef).map_err(Clone::clone);
        Reply { call: self.call, outcome }
    }
}

impl Reply<DataHead> {
    fn join(self, body: Body<'_>) -> Option<Reply> {
        let outcome = match self.outcome {
            Ok(head) => Ok(head.join(body)?),
            Err(refusal) if body.is_empty() => Err(refusal),
            Err(_) => return None,
        };
        Some(Reply { call: self.call, outcome })
    }
}

impl<D> Request<D> {
    /// Returns the same request with other data.
    pub fn with_data<E>(&self, data: E) -> Request<E> {
        Request {
            call: self.call,
            after: self.after,
            thread: self.thread,
            object: self.object,
            method: self.method,
            timeout: self.timeout,
            data,
        }
    }
}

impl<D> OneWay<D> {
    /// Returns the same message with other data.
    pub fn with_data<E>(&self, data: E) -> OneWay<E> {
        OneWay {
            number: self.number,
            thread: self.thread,
            object: self.object,
            method: self.method,
            data,
        }
    }
}
