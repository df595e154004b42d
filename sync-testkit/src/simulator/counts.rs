//! The kinds of fault, and how often each occurred.

use core::fmt;

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident $words:literal;)*) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Fault {
            $($(#[$doc])* $name,)*
        }

        impl Fault {
            /// All kinds.
            pub const ALL: [Self; [$(Self::$name),*].len()] = [$(Self::$name),*];
        }

        impl fmt::Display for Fault {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$name => $words,)* })
            }
        }
    };
}

faults! {
    /// A process is killed that holds nothing and waits for nothing.
    KillIdle "kill an idle process";
    /// A process is killed inside a critical section.
    KillHolding "kill a holder";
    /// A process is killed while a call of it waits.
    KillWaiting "kill a waiter";
    /// A process is killed while it waits in a barrier.
    KillInBarrier "kill in a barrier";
    /// A process is killed that has leased an item.
    KillLeasing "kill a leased consumer";
    /// A process is dead, and its forked child keeps the sockets open.
    DeathByPidfd "death seen by pidfd alone";
    /// A process is killed, and what it wrote last is lost in part.
    TornFrame "a frame torn by death";
    /// A process stands still for a while.
    Freeze "freeze a process";
    /// A frozen process is killed.
    KillFrozen "kill a frozen process";
    /// Nothing comes through a connection for a while.
    Stall "stall a connection";
    /// What goes through a connection takes long.
    Delay "delay a connection";
    /// Bytes come through one at a time.
    ByteAtATime "byte at a time";
    /// A connection without a call breaks.
    CutIdle "cut an idle connection";
    /// A connection breaks during a call.
    CutInCall "cut a connection in a call";
    /// A connection over TCP breaks, and what was under way is lost.
    Break "break a connection over TCP";
    /// A session over TCP goes on over new connections.
    Resume "resume a session";
    /// A client resumes its session again before the first attempt was answered.
    DuplicateResume "resume a session twice";
    /// A request that was answered is sent again: the answer was lost.
    LostReply "answer lost and sent again";
    /// A request that waits is sent again, and keeps its place.
    Repeated "waiting request sent again";
    /// A client comes back when its session is over.
    LateResume "resume after the grace";
    /// A session over TCP ends because its client did not come back.
    GracePassed "grace passed";
    /// The manager gets nothing from a client and gives its connections up.
    Silence "silence instead of heartbeats";
    /// A client closes its writing end during a call.
    HalfClose "half-close in a call";
    /// A request comes before the one-way message that it must follow.
    Overtaken "request before its one-way";
    /// A connection is lost on which a request is to be heard again that waited for a message.
    ReleasedLost "lost with a released request";
    /// A client is gone, and messages of it are due still.
    EndPutOff "end put off for due messages";
    /// A call that waits is given up.
    Cancel "cancel a call";
    /// A call is given up that was answered already.
    LateCancel "cancel an answered call";
    /// The clock jumps ahead.
    ClockJump "clock jump";
    /// The kernel is woken when nothing is due.
    SpuriousTimeout "spurious wake-up";
    /// The answer cannot be delivered: it is over the limit.
    AnswerTooLarge "answer too large to deliver";
    /// The client is gone when its answer is written.
    Undelivered "answer to nobody";
    /// A connection begins with something other than the protocol.
    BadPreamble "wrong first bytes";
    /// A connection joins no session.
    BadJoin "join with a wrong token";
    /// A second hello.
    SecondHello "a second hello";
    /// A frame that is not a message.
    Malformed "malformed frame";
    /// A frame that announces too much.
    Oversized "oversized frame";
    /// Two calls with one number.
    DuplicateCall "two calls of one number";
    /// A one-way message that is sent again.
    ReplayedOneWay "one-way sent twice";
    /// A one-way message that never comes, and a request that must follow it.
    MissingOneWay "one-way that never comes";
    /// A one-way message whose method must wait.
    WaitingOneWay "one-way that would wait";
    /// An object that is not there.
    ForgedObject "forged object";
    /// A method that is not there.
    ForgedMethod "forged method";
    /// A handle that is not there, or of another type.
    ForgedHandle "forged handle";
    /// Handles given back that the client never had.
    ForgedRelease "release of another's handles";
    /// A grant released by another session.
    ForgedToken "release of another's grant";
    /// An object's code panics.
    Panic "an object panics";
    /// An object's code panics when it learns of a death.
    PanicOnDeath "an object panics at a death";
    /// All but the callers that wait for an object let go of it.
    DropUnderWaiters "object dropped under waiters";
    /// As many objects as there may be.
    ObjectLimit "object limit";
    /// As many sessions as there may be.
    SessionLimit "session limit";
    /// As many calls of a session as may wait.
    CallLimit "limit of waiting calls";
    /// As many callers of an object as may wait.
    WaiterLimit "limit of an object's waiters";
    /// More one-way messages without the first than are kept.
    EarlyLimit "limit of early one-ways";
    /// The manager reaches its memory limit.
    OutOfMemory "out of memory";
    /// The manager is shut down.
    Shutdown "shutdown in the middle";
}

/// How often each kind of fault occurred.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts([u64; Fault::ALL.len()]);

impl Counts {
    /// A fault has occurred.
    pub(crate) fn fired(&mut self, fault: Fault) {
        self.0[fault as usize] += 1;
    }

    /// Returns how often a fault occurred.
    pub fn of(&self, fault: Fault) -> u64 {
        self.0[fault as usize]
    }

    /// Returns the faults that never occurred.
    pub fn missing(&self) -> impl Iterator<Item = Fault> + '_ {
        Fault::ALL.into_iter().filter(|&fault| self.of(fault) == 0)
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            *sum += count;
        }
    }
}

impl Default for Counts {
    fn default() -> Self {
        Self([0; Fault::ALL.len()])
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in Fault::ALL {
            writeln!(f, "{:>10}  {fault}", self.of(fault))?;
        }
        Ok(())
    }
}
