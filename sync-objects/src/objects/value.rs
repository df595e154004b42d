//! Value: one value of any type; numbers also have arithmetic.

use serde::{Deserialize, Serialize};
use sync_proto::{ErrorKind, Handle, Payload, Refusal, Token};

use super::number::{self, NumberKind, NumberOp};
use super::turn::{self, Turn};
use crate::{Channel, Cx, Flow, Gone, interface};

/// The beginning of an update: the turn, and the value as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ValueUpdate {
    /// The token to commit the update with.
    pub token: Token,
    /// The value.
    pub value: Payload,
}

interface! {
    /// One value.
    pub mod value = "sync.value" {
        new(kind: Option<NumberKind>, initial: Payload);
        /// Returns the value.
        fn get() -> Payload;
        /// Replaces the value.
        fn set(value: Payload);
        /// Replaces the value and returns the one before.
        fn swap(value: Payload) -> Payload;
        /// Replaces the value if it equals the expected one; returns the one before, in `Ok` if
        /// it was replaced and in `Err` if not.
        fn compare_exchange(expected: Payload, value: Payload) -> Result<Payload, Payload>;
        /// Combines a number, which is of this kind, with an operand; returns the number before.
        fn fetch(of: NumberKind, op: NumberOp, operand: Payload) -> Payload;
        /// Waits for the turn to write and takes it, with the value.
        fn begin_update() -> ValueUpdate;
        /// Writes the value and ends the turn.
        fn commit_update(token: Token, value: Payload);
        /// Ends the turn and leaves the value as it is.
        fn cancel_update(token: Token);
    }
}

const TURN: Channel = Channel::new(0);

#[derive(Debug)]
pub(crate) struct Value {
    kind: Option<NumberKind>,
    value: Payload,
    turn: Turn,
}

impl Value {
    /// Runs a write, if it is the caller's turn.
    fn write<T>(
        &mut self,
        cx: &mut Cx<'_>,
        write: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Flow<T> {
        if !self.turn.may_write(cx, TURN) {
            return Flow::Wait(TURN);
        }
        let result = write(self);
        if result.is_ok() {
            self.turn.touch(cx);
        }
        result.into()
    }

    fn replace(&mut self, value: Payload) -> Result<Payload, Refusal> {
        if let Some(kind) = self.kind {
            number::check(kind, &value)?;
        }
        Ok(std::mem::replace(&mut self.value, value))
    }
}

impl value::Service for Value {
    fn new(kind: Option<NumberKind>, initial: Payload) -> Result<Self, Refusal> {
        if let Some(kind) = kind {
            number::check(kind, &initial)?;
        }
        Ok(Self { kind, value: initial, turn: Turn::default() })
    }

    fn get(&mut self, cx: &mut Cx<'_>) -> Flow<Payload> {
        cx.check_given([&self.value]).map(|()| self.value.clone()).into()
    }

    fn set(&mut self, cx: &mut Cx<'_>, value: Payload) -> Flow<()> {
        self.write(cx, |this| this.replace(value).map(drop))
    }

    fn swap(&mut self, cx: &mut Cx<'_>, value: Payload) -> Flow<Payload> {
        self.write(cx, |this| this.replace(value))
    }

    fn compare_exchange(
        &mut self,
        cx: &mut Cx<'_>,
        expected: Payload,
        value: Payload,
    ) -> Flow<Result<Payload, Payload>> {
        let given = cx.check_given([&self.value]);
        self.write(cx, |this| {
            if super::equal(&this.value, &expected)? {
                this.replace(value).map(Ok)
            } else {
                given.map(|()| Err(this.value.clone()))
            }
        })
    }

    fn fetch(
        &mut self,
        cx: &mut Cx<'_>,
        of: NumberKind,
        op: NumberOp,
        operand: Payload,
    ) -> Flow<Payload> {
        self.write(cx, |this| {
            let kind = this.kind.ok_or_else(super::not_a_number)?;
            // Who reads the number before as another type could not, once it is changed.
            if of != kind {
                let why =
                    format!("the value is a number of type {}, not {}", kind.name(), of.name());
                return Err(Refusal::new(ErrorKind::WrongType, why));
            }
            let result = number::apply(kind, op, &this.value, &operand)?;
            this.replace(result)
        })
    }

    fn begin_update(&mut self, cx: &mut Cx<'_>) -> Flow<ValueUpdate> {
        if let Err(refusal) = cx.check_given([&self.value]) {
            return Flow::Refuse(refusal);
        }
        match self.turn.is_free(cx, TURN) {
            Ok(true) => {
                let token = self.turn.take(cx, TURN);
                Flow::Done(ValueUpdate { token, value: self.value.clone() })
            }
            Ok(false) => Flow::Wait(TURN),
            Err(refusal) => Flow::Refuse(refusal),
        }
    }

    fn commit_update(&mut self, cx: &mut Cx<'_>, token: Token, value: Payload) -> Flow<()> {
        // The turn ends whatever comes of the commit.
        let ended = self.turn.end(cx, token, TURN);
        ended.and_then(|()| self.replace(value).map(drop)).into()
    }

    fn cancel_update(&mut self, cx: &mut Cx<'_>, token: Token) -> Flow<()> {
        turn::given_up(self.turn.end(cx, token, TURN))
    }

    fn session_gone(&mut self, cx: &mut Cx<'_>, gone: &Gone) {
        self.turn.session_gone(cx, gone, TURN);
    }

    fn shape(&self) -> String {
        self.kind.map_or("any value".to_owned(), |kind| kind.name().to_owned())
    }

    fn handles(&self, visit: &mut dyn FnMut(&Handle)) {
        self.value.handles.iter().for_each(visit);
    }
}
