//! All that an object may see and do.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sync_proto::{
    Data, Handle, Interface, MethodId, ObjectId, Payload, Refusal, SessionId, ThreadId, Token,
};

use crate::kernel::{Core, WAITING, cannot_wait};
use crate::{Channel, Flow, Naming, Time};

/// The caller: a session and the thread in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caller {
    /// The client process.
    pub session: SessionId,
    /// Its thread, by the number that the client gave it.
    pub thread: ThreadId,
}

/// Who can release what is owned ([`Cx::own`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the object lets the thread, or its process")]
pub enum Owner {
    /// The thread that owns it, and no other. While that thread waits, nobody releases it.
    Thread,
    /// Any thread of the owner's process: while the owner waits, another one may release it.
    Process,
}

/// One poll of a call's method on its object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) caller: Caller,
    pub(crate) note: u64,
    pub(crate) timed_out: bool,
    pub(crate) place: Option<Place>,
    /// Nobody hears what comes of it.
    pub(crate) is_one_way: bool,
    /// What its waiting is counted by, until it is answered.
    pub(crate) counted: usize,
}

impl Look {
    /// The first look of a call.
    pub(crate) const fn first(caller: Caller) -> Self {
        Self { caller, note: 0, timed_out: false, place: None, is_one_way: false, counted: 0 }
    }
}

/// Where a call stands: in which line, and how far in front (a smaller number is served first).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) object: ObjectId,
    pub(crate) channel: u64,
    pub(crate) number: u64,
}

/// What an object sees of the manager while one of its methods runs, and all that it may do to the
/// manager.
#[derive(Debug)]
pub struct Cx<'k> {
    core: &'k mut Core,
    object: ObjectId,
    look: Look,
}

impl<'k> Cx<'k> {
    pub(crate) fn new(core: &'k mut Core, object: ObjectId, look: Look) -> Self {
        Self { core, object, look }
    }

    /// Polls the callers in line, first come, first served, until the one in front must go on
    /// waiting. Its cost is that of the callers that are served.
    pub fn wake_in_turn(&mut self, on: Channel) {
        self.core.wake_in_turn(on.object(self.object), on.number());
    }

    /// Polls the first `count` callers in line, each once, whatever it answers; `usize::MAX` for
    /// all. Callers that join the line after this are not included.
    pub fn wake(&mut self, on: Channel, count: usize) {
        self.core.wake_count(on.object(self.object), on.number(), count);
    }

    /// Polls all callers in line when a moment has come: this is the object's own timer. A later
    /// call for the same line moves the moment.
    pub fn wake_at(&mut self, on: Channel, at: Time) {
        self.core.set_alarm(on.object(self.object), on.number(), at);
    }

    /// Makes the caller the owner of `count` of this object: a lock, permits, a lease. The kernel
    /// notifies the object when the owner is gone. Returns the fencing token of the grant.
    ///
    /// # Panics
    /// In `session_gone`: a session that is gone can own nothing.
    pub fn hold(&mut self, count: u32) -> Token {
        self.core.hold(self.object, self.look.caller, count)
    }

    /// Makes the caller the owner of what the callers in this line wait for: a lock. Works as
    /// `hold(1)`, and the kernel knows from now on that callers in the line wait for this owner; if
    /// several own it, as readers do, for each of them. That is how it finds deadlocks. Not for
    /// what anybody may release, such as permits: a wait for those is not a wait for one particular
    /// caller.
    ///
    /// # Panics
    /// As [`hold`](Self::hold).
    pub fn own(&mut self, on: Channel, by: Owner) -> Token {
        self.core.own(self.object, self.look.caller, on.number(), by)
    }

    /// Ends what [`hold`](Self::hold) or [`own`](Self::own) began; returns how much was held, or
    /// `None` when nothing is held under that token: it was released, or its owner died.
    pub fn let_go(&mut self, token: Token) -> Option<u32> {
        self.core.let_go(self.object, token)
    }

    /// Calls a method of another object inside the same atomic step; used by an interface's
    /// `Peer`.
    ///
    /// # Errors
    /// When the object is gone, broken, of another interface, or already at work in this step.
    pub fn call_peer<R: DeserializeOwned>(
        &mut self,
        peer: &Handle,
        interface: &'static Interface,
        method: MethodId,
        args: &impl Serialize,
    ) -> Result<Flow<R>, Refusal> {
        let mut data = Data::encode(args)?;
        let object = peer.object();
        self.core.check_interface(object, interface)?;
        let flow = self.core.call_object(object, self.look, method, &mut data)?;
        flow.of_peer(object).map(|answer| answer.into_value()).transpose()
    }

    /// Creates an object and returns this object's handle on it: a list of its own, a lock. It
    /// lives as long as a handle on it does.
    ///
    /// # Errors
    /// What its constructor refused with; `NotFound` when the manager has no such type;
    /// `LimitReached` when it has as many objects as it may.
    pub fn create(
        &mut self,
        interface: &'static Interface,
        args: &impl Serialize,
    ) -> Result<Handle, Refusal> {
        let data = Data::encode(args)?;
        self.core.create(interface.name, interface.fingerprint, Naming::Anonymous, data)
    }

    /// Checks that the manager may keep `bytes` more. The bytes of the call's own values are
    /// counted already; this is for what grows large out of a short call: copies, zeros. A call
    /// that has waited may keep as much as its waiting took, even in a full manager.
    ///
    /// # Errors
    /// `OutOfMemory`, to refuse with before anything is changed.
    pub fn afford(&self, bytes: usize) -> Result<(), Refusal> {
        match self.more(bytes) {
            // What takes nothing more may make room.
            0 => Ok(()),
            more => self.core.afford(more),
        }
    }

    /// As [`afford`](Self::afford), for the little that may use the reserve.
    pub(crate) fn afford_little(&self, bytes: usize) -> Result<(), Refusal> {
        match self.more(bytes) {
            0 => Ok(()),
            more => self.core.afford_call(more),
        }
    }

    /// Returns how much more `bytes` are than what the call's waiting took, which ends with it.
    fn more(&self, bytes: usize) -> usize {
        bytes.saturating_sub(self.look.counted)
    }

    /// Checks that the caller may be given all handles in these values, for a method that leaves
    /// the values where they are: otherwise each session could get them all, with a row for each.
    /// Handles in what is taken out are given in any case, so that a full manager can be emptied.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub fn check_given<'v>(
        &self,
        values: impl IntoIterator<Item = &'v Payload>,
    ) -> Result<(), Refusal> {
        self.core.check_given(values.into_iter().map(|value| value.handles.len()).sum())
    }

    /// Checks that the call may wait in this object's lines, for a method that changes something
    /// before it waits; a plain [`Flow::Wait`] is checked by the manager.
    ///
    /// # Errors
    /// `LimitReached` and `OutOfMemory` when one more call is too many, `InvalidInput` when this
    /// one wants no answer: to refuse with before anything is changed.
    pub fn check_line(&self) -> Result<(), Refusal> {
        self.check_answered()?;
        // Who stands in a line already is counted.
        if self.look.place.is_some() { Ok(()) } else { self.core.check_line(self.object, WAITING) }
    }

    /// Checks that somebody hears what comes of the call.
    pub(crate) fn check_answered(&self) -> Result<(), Refusal> {
        if self.look.is_one_way { Err(cannot_wait()) } else { Ok(()) }
    }

    /// Returns how many bytes of what a method takes out may go into an answer: more would not be
    /// sent, and would be lost.
    pub fn answer_max(&self) -> usize {
        self.core.answer_max(self.look.caller.session)
    }

    /// Returns the caller.
    pub fn caller(&self) -> Caller {
        self.look.caller
    }

    /// Returns the time of this step.
    pub fn now(&self) -> Time {
        self.core.now()
    }

    /// Returns whether the call's deadline has passed: this is its last poll, after a `WaitThen`.
    pub fn timed_out(&self) -> bool {
        self.look.timed_out
    }

    /// Returns the note that `WaitThen` or `Must` left for this poll; 0 at the first one.
    pub fn note(&self) -> u64 {
        self.look.note
    }

    /// Returns whether someone stands in line ahead of this caller: no overtaking.
    pub fn is_behind(&self, on: Channel) -> bool {
        self.core.is_behind(on.object(self.object), on.number(), self.look.place)
    }

    /// Returns how many callers stand in line.
    pub fn waiting(&self, on: Channel) -> usize {
        self.core.waiting(on.object(self.object), on.number())
    }

    /// Returns the owner of what is held under a token of this object; `None` when nothing is any
    /// more.
    pub fn owner(&self, token: Token) -> Option<Caller> {
        self.core.owner(self.object, token)
    }

    /// Returns the tokens under which the caller's session holds something of this object.
    pub fn held_by_session(&self) -> Vec<Token> {
        self.core.held_by(self.object, self.look.caller.session)
    }

    /// Returns all that is held of this object, by anybody: tokens with their counts, in the order
    /// in which they were granted.
    pub fn holds(&self) -> Vec<(Token, u32)> {
        self.core.holds_of(self.object)
    }

    /// Returns this object's own identity.
    pub fn object(&self) -> ObjectId {
        self.object
    }

    pub(crate) fn core(&mut self) -> &mut Core {
        self.core
    }
}
