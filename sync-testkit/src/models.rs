//! What an object's answers must be: the simplest possible models, none of which shares code with
//! the objects.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use sync_objects::{Grant, Naming};
use sync_proto::message::WireHandle;
use sync_proto::{Data, ErrorKind, Fingerprint, Interface, Payload, SessionId, ThreadId, Token};

mod keyed;
mod list;
mod meet;
mod number;
mod queue;

/// One call, carried out, in the order in which the manager carried them out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'a> {
    pub(crate) session: SessionId,
    pub(crate) thread: ThreadId,
    pub(crate) method: &'a str,
    pub(crate) args: &'a Data<WireHandle>,
    /// Its answer; nothing where nobody waits for one.
    pub(crate) answer: Option<&'a Data<WireHandle>>,
}

/// An object as it should be.
pub(crate) trait Model: fmt::Debug {
    /// Carries the call out, and reports what is wrong with its answer.
    ///
    /// # Errors
    /// What is wrong.
    fn check(&mut self, step: &Step<'_>) -> Result<(), String>;

    /// Takes back what a session held.
    fn session_ended(&mut self, session: SessionId) {
        let _ = session;
    }

    /// Returns whether a call that stands first in line could be served: always, where none of
    /// those that the model knows ever waits.
    fn could_serve(&self, method: &str, args: &Data<WireHandle>) -> bool {
        let _ = (method, args);
        true
    }

    /// Learns which grants are given up without a call to this object.
    fn given_up(&mut self, tokens: &BTreeSet<Token>) {
        let _ = tokens;
    }

    /// Learns what a call was refused with, and reports what is wrong with that. Where time is up
    /// at once, nothing could be served.
    ///
    /// # Errors
    /// What is wrong.
    fn refused(&mut self, step: &Step<'_>, kind: ErrorKind) -> Result<(), String> {
        match kind {
            ErrorKind::TimedOut => refused_rightly(!self.could_serve(step.method, step.args), kind),
            _ => refused_rightly(false, kind),
        }
    }
}

/// Makes the model of an object that was just created by a request to the manager's own object.
pub(crate) fn model_of(interface: &Interface, args: &Data<WireHandle>) -> Option<Box<dyn Model>> {
    let created = decode::<(String, Fingerprint, Naming, Data)>(args)?;
    let args = created.3;
    Some(match interface.name {
        "sync.lock" => Box::new(Lock::default()),
        "sync.semaphore" => {
            let (permits, _bounded): (u32, bool) = args.decode().ok()?;
            Box::new(Semaphore { free: permits, held: BTreeMap::new() })
        }
        "sync.event" => Box::new(Event::default()),
        "sync.rlock" => Box::new(meet::RLock::default()),
        "sync.barrier" => Box::new(meet::Barrier::new(&args)?),
        "sync.value" => Box::new(number::Value::new(&args)?),
        "sync.array" => Box::new(number::Array::new(&args)?),
        "sync.dict" => Box::new(keyed::Dict::default()),
        "sync.set" => Box::new(keyed::Set::default()),
        "sync.namespace" => Box::new(keyed::Namespace::default()),
        "sync.list" => Box::new(list::List::default()),
        "sync.queue" => Box::new(queue::Queue::new(&args)?),
        _ => return None,
    })
}

/// Reads arguments or an answer that have no handle in them.
pub(crate) fn decode<T: DeserializeOwned>(data: &Data<WireHandle>) -> Option<T> {
    let no_handles = |_| Err(ErrorKind::InvalidInput);
    data.clone().map_handles(no_handles).ok()?.decode().ok()
}

/// Reads what must be there.
fn read<T: DeserializeOwned>(data: Option<&Data<WireHandle>>) -> Result<T, String> {
    let wanted = core::any::type_name::<T>();
    data.and_then(decode).ok_or_else(|| format!("it is not a {wanted}"))
}

/// Reads a value that is a number.
fn number(payload: &Payload) -> Result<i64, String> {
    payload.unpack().map_err(|refusal| format!("{payload:?} is no number: {refusal}"))
}

/// Reads a value that is a number, or none.
fn maybe_number(payload: Option<&Payload>) -> Result<Option<i64>, String> {
    payload.map(number).transpose()
}

fn agree<T: PartialEq + fmt::Debug>(what: &str, found: &T, wanted: &T) -> Result<(), String> {
    if found == wanted {
        return Ok(());
    }
    Err(format!("{what} is {found:?} where it should be {wanted:?}"))
}

fn refused_rightly(is_so: bool, kind: ErrorKind) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(format!("it is refused: {kind:?}")) }
}

#[derive(Debug, Default)]
struct Lock {
    holder: Option<(SessionId, Token)>,
    /// The greatest token so far.
    last: u64,
    abandoned: bool,
    /// Grants that end inside of a condition's wait, some time before the next grant.
    given_up: BTreeSet<Token>,
}

impl Lock {
    fn release(&mut self, step: &Step<'_>, token: Token, abandoned: bool) -> Result<(), String> {
        if self.holder == Some((step.session, token)) {
            self.holder = None;
            self.abandoned |= abandoned;
            return Ok(());
        }
        // A one-way message that failed is told to nobody.
        if step.answer.is_none() { Ok(()) } else { Err("it was not held".to_owned()) }
    }
}

impl Model for Lock {
    fn check(&mut self, step: &Step<'_>) -> Result<(), String> {
        match step.method {
            "acquire" => {
                let grant: Grant = read(step.answer)?;
                if let Some((session, token)) = self.holder
                    && !self.given_up.contains(&token)
                {
                    return Err(format!("{session} holds it already, under {token}"));
                }
                if grant.token.0 <= self.last {
                    return Err(format!("its token {} is not above {}", grant.token, self.last));
                }
                agree("abandoned", &grant.abandoned, &std::mem::take(&mut self.abandoned))?;
                self.last = grant.token.0;
                self.holder = Some((step.session, grant.token));
                Ok(())
            }
            "release" => {
                let (token,) = read(Some(step.args))?;
                self.release(step, token, false)
            }
            "abandon" => {
                let (token,) = read(Some(step.args))?;
                self.release(step, token, true)
            }
            "release_held" => {
                self.holder = self.holder.filter(|&(session, _)| session != step.session);
                Ok(())
            }
            "is_locked" => agree("is_locked", &read(step.answer)?, &self.holder.is_some()),
            "holds" => {
                let (token,) = read(Some(step.args))?;
                let holds = self.holder == Some((step.session, token));
                agree("holds", &read(step.answer)?, &holds)
            }
            other => Err(format!("{other} is not in the model")),
        }
    }

    fn session_ended(&mut self, session: SessionId) {
        if self.holder.is_some_and(|(holder, _)| holder == session) {
            (self.holder, self.abandoned) = (None, true);
        }
    }

    fn refused(&mut self, step: &Step<'_>, kind: ErrorKind) -> Result<(), String> {
        match (step.method, kind) {
            ("acquire", ErrorKind::TimedOut) if self.holder.is_some() => Ok(()),
            ("release" | "abandon", ErrorKind::NotOwner) => {
                let (token,) = read(Some(step.args))?;
                refused_rightly(self.holder != Some((step.session, token)), kind)
            }
            ("release_held", ErrorKind::NotOwner) => {
                let is_ours = self.holder.is_some_and(|(holder, _)| holder == step.session);
                refused_rightly(!is_ours, kind)
            }
            _ => refused_rightly(false, kind),
        }
    }

    fn could_serve(&self, _: &str, _: &Data<WireHandle>) -> bool {
        self.holder.is_none()
    }

    fn given_up(&mut self, tokens: &BTreeSet<Token>) {
        self.given_up.clone_from(tokens);
    }
}

#[derive(Debug)]
struct Semaphore {
    free: u32,
    held: BTreeMap<Token, (SessionId, u32)>,
}

impl Semaphore {
    fn take_back(&mut self, step: &Step<'_>) -> Result<u32, String> {
        let (token,): (Token,) = read(Some(step.args))?;
        match self.held.remove(&token) {
            Some((session, count)) if session == step.session => Ok(count),
            None if step.answer.is_none() => Ok(0),
            found => Err(format!("under {token} is held {found:?}")),
        }
    }
}

impl Model for Semaphore {
    fn check(&mut self, step: &Step<'_>) -> Result<(), String> {
        match step.method {
            "acquire" => {
                let (count,): (u32,) = read(Some(step.args))?;
                let token: Token = read(step.answer)?;
                let left = self.free.checked_sub(count);
                self.free = left.ok_or_else(|| format!("only {} are free", self.free))?;
                let before = self.held.insert(token, (step.session, count));
                agree("the token's holder", &before, &None)
            }
            "release" => {
                self.free += self.take_back(step)?;
                Ok(())
            }
            "forget" => self.take_back(step).map(drop),
            "add" => {
                let (count,): (u32,) = read(Some(step.args))?;
                self.free += count;
                Ok(())
            }
            "available" => agree("available", &read(step.answer)?, &self.free),
            other => Err(format!("{other} is not in the model")),
        }
    }

    fn session_ended(&mut self, gone: SessionId) {
        let back = self.held.values().filter(|(session, _)| *session == gone);
        self.free += back.map(|&(_, count)| count).sum::<u32>();
        self.held.retain(|_, (session, _)| *session != gone);
    }

    fn refused(&mut self, step: &Step<'_>, kind: ErrorKind) -> Result<(), String> {
        match (step.method, kind) {
            // Who asks for one permit may stand behind somebody who asks for two.
            ("acquire", ErrorKind::TimedOut) => Ok(()),
            ("release" | "forget", ErrorKind::NotOwner) => {
                let (token,): (Token,) = read(Some(step.args))?;
                let holder = self.held.get(&token).map(|&(session, _)| session);
                refused_rightly(holder != Some(step.session), kind)
            }
            _ => refused_rightly(false, kind),
        }
    }

    fn could_serve(&self, _: &str, args: &Data<WireHandle>) -> bool {
        decode::<(u32,)>(args).is_some_and(|(count,)| count <= self.free)
    }
}

#[derive(Debug, Default)]
struct Event {
    is_set: bool,
}

impl Model for Event {
    fn check(&mut self, step: &Step<'_>) -> Result<(), String> {
        match step.method {
            "set" => self.is_set = true,
            "clear" => self.is_set = false,
            "is_set" => agree("is_set", &read(step.answer)?, &self.is_set)?,
            "wait" if self.is_set => {}
            "wait" => return Err("it is not set".to_owned()),
            other => return Err(format!("{other} is not in the model")),
        }
        Ok(())
    }

    fn could_serve(&self, _: &str, _: &Data<WireHandle>) -> bool {
        self.is_set
    }
}
