//! What callers meet at, as it should be: a re-entrant lock, a barrier. A condition has no model:
//! its answers show the state of its lock.

use std::collections::BTreeSet;
use std::time::Duration;

use sync_objects::{Arrival, Grant};
use sync_proto::message::WireHandle;
use sync_proto::{Data, ErrorKind, SessionId, ThreadId, Token};

use super::{Model, Step, agree, read, refused_rightly};

#[derive(Debug, Default)]
pub(super) struct RLock {
    holder: Option<(SessionId, ThreadId, Token)>,
    depth: u32,
    abandoned: bool,
    last: u64,
}

impl Model for RLock {
    fn check(&mut self, step: &Step<'_>) -> Result<(), String> {
        let caller = (step.session, step.thread);
        let own = self.holder.filter(|&(session, thread, _)| (session, thread) == caller);
        match step.method {
            "acquire" => {
                let grant: Grant = read(step.answer)?;
                if let Some((.., token)) = own {
                    agree("the token", &grant.token, &token)?;
                } else {
                    agree("the holder", &self.holder, &None)?;
                    agree("abandoned", &grant.abandoned, &std::mem::take(&mut self.abandoned))?;
                    if grant.token.0 <= self.last {
                        return Err(format!("{} is not above {}", grant.token, self.last));
                    }
                    self.last = grant.token.0;
                    self.holder = Some((caller.0, caller.1, grant.token));
                }
                self.depth += 1;
                Ok(())
            }
            "release" => {
                if own.is_some() {
                    self.depth -= 1;
                    self.holder = self.holder.filter(|_| self.depth > 0);
                } else if step.answer.is_some() {
                    return Err("it was not held".to_owned());
                }
                Ok(())
            }
            "is_locked" => agree("is_locked", &read(step.answer)?, &self.holder.is_some()),
            "holds" => {
                let (token,): (Token,) = read(Some(step.args))?;
                let holds = own.is_some_and(|(.., of)| of == token);
                agree("holds", &read(step.answer)?, &holds)
            }
            other => Err(format!("{other} is not in the model")),
        }
    }

    fn session_ended(&mut self, session: SessionId) {
        if self.holder.is_some_and(|(holder, ..)| holder == session) {
            (self.holder, self.depth, self.abandoned) = (None, 0, true);
        }
    }

    fn refused(&mut self, step: &Step<'_>, kind: ErrorKind) -> Result<(), String> {
        let holder = self.holder.map(|(session, thread, _)| (session, thread));
        let is_ours = holder == Some((step.session, step.thread));
        match (step.method, kind) {
            ("acquire", ErrorKind::TimedOut) => refused_rightly(holder.is_some() && !is_ours, kind),
            ("release", ErrorKind::NotOwner) => refused_rightly(!is_ours, kind),
            _ => refused_rightly(false, kind),
        }
    }

    fn could_serve(&self, _: &str, _: &Data<WireHandle>) -> bool {
        self.holder.is_none()
    }
}

/// The parties of a round are released together, each with an index of its own.
#[derive(Debug)]
pub(super) struct Barrier {
    parties: u32,
    released: BTreeSet<u32>,
}

impl Barrier {
    pub(super) fn new(args: &Data) -> Option<Self> {
        let (parties, _): (u32, Option<Duration>) = args.decode().ok()?;
        Some(Self { parties, released: BTreeSet::new() })
    }

    fn release(&mut self, index: u32) -> Result<(), String> {
        let is_new = self.released.insert(index);
        if !is_new || index >= self.parties {
            return Err(format!("{index} beside {:?} in one round", self.released));
        }
        if self.released.len() == self.parties as usize {
            self.released.clear();
        }
        Ok(())
    }
}

impl Model for Barrier {
    fn check(&mut self, step: &Step<'_>) -> Result<(), String> {
        match step.method {
            "wait" => {
                let Arrival::Released(index) = read(step.answer)? else { return Ok(()) };
                self.release(index)
            }
            "finish" => self.release(read(step.answer)?),
            "parties" => agree("parties", &read(step.answer)?, &self.parties),
            // They answer nothing.
            "abort" | "fail" | "reset" => Ok(()),
            other => Err(format!("{other} is not in the model")),
        }
    }

    fn refused(&mut self, step: &Step<'_>, kind: ErrorKind) -> Result<(), String> {
        match (step.method, kind) {
            ("wait", ErrorKind::TimedOut) => Ok(()),
            ("wait" | "finish" | "fail", ErrorKind::Broken) => Ok(()),
            _ => refused_rightly(false, kind),
        }
    }

    /// Nobody waits in a line: the last to come releases all.
    fn could_serve(&self, _: &str, _: &Data<WireHandle>) -> bool {
        false
    }
}
