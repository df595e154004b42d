//! Condition, on an RLock of its own or on a given Lock or RLock.

use std::time::Duration;

use sync_objects::{Woken, condition, lock, rlock};
use sync_proto::{Handle, ObjectId, Token};

use super::{at, bool, none, text, unserializable, waiting};
use crate::python::args::{Arg, Args};
use crate::python::desk::{Desk, Outcome, ask};
use crate::python::exceptions::{ATTRIBUTE_ERROR, RUNTIME_ERROR, Raise, TYPE_ERROR};

pub(crate) fn create(desk: &mut Desk<'_>, args: Args<'_>) -> Result<Handle, Raise> {
    let [lock] = args.optional("Condition", ["lock"])?;
    let lock = match lock.filter(|lock| !lock.is_none()) {
        None => desk.create(&rlock::INTERFACE, &())?,
        Some(lock) => match lock.proxy(desk) {
            Some(lock) => lock?,
            None => {
                let found = lock.type_name();
                let why = format!("'{found}' object has no attribute 'acquire'");
                return Err(ATTRIBUTE_ERROR.with(why));
            }
        },
    };
    if !is_rlock(&lock) && lock.interface() != lock::INTERFACE.fingerprint {
        let why = "a Condition of this manager needs a Lock or an RLock, nothing else";
        return Err(TYPE_ERROR.with(why));
    }
    Ok(desk.create(&condition::INTERFACE, &(Some(lock),))?)
}

pub(crate) fn call(
    desk: &mut Desk<'_>,
    condition: ObjectId,
    method: &str,
    args: Args<'_>,
) -> Option<Outcome> {
    Some(match method {
        "acquire" | "release" | "locked" => match lock_of(desk, condition) {
            Ok(lock) if is_rlock(&lock) => {
                return super::rlock::call(desk, lock.object(), method, args);
            }
            Ok(lock) => return super::lock::call(desk, lock.object(), method, args),
            Err(raise) => Err(raise),
        },
        "wait" => wait(desk, condition, args),
        "notify" => args.optional("notify", ["n"]).and_then(|[count]| {
            let count = count.map_or(Ok(1), Arg::integer)?;
            notify(desk, condition, u32::try_from(count.max(0)).unwrap_or(u32::MAX))
        }),
        "notify_all" => notify(desk, condition, u32::MAX),
        "__repr__" | "__str__" => text(format!("<threading.Condition at {}>", at(condition))),
        "#GETVALUE" => unserializable("_thread.RLock"),
        _ => return None,
    })
}

fn is_rlock(lock: &Handle) -> bool {
    lock.interface() == rlock::INTERFACE.fingerprint
}

fn lock_of(desk: &mut Desk<'_>, condition: ObjectId) -> Result<Handle, Raise> {
    Ok(desk.ask(condition, const { condition::method("lock") }, &())?)
}

/// Returns under which token the caller holds the condition's lock.
fn held(desk: &mut Desk<'_>, condition: ObjectId, verb: &str) -> Result<Token, Raise> {
    let lock = lock_of(desk, condition)?;
    let holding = if is_rlock(&lock) {
        const { rlock::method("holding") }
    } else {
        const { lock::method("holding") }
    };
    let token: Option<Token> = desk.ask(lock.object(), holding, &())?;
    token.ok_or_else(|| RUNTIME_ERROR.with(format!("cannot {verb} on un-acquired lock")))
}

fn wait(desk: &mut Desk<'_>, condition: ObjectId, args: Args<'_>) -> Outcome {
    let [timeout] = args.optional("wait", ["timeout"])?;
    let timeout: Option<Duration> = waiting::timeout(timeout)?;
    let token = held(desk, condition, "wait")?;
    let wait = const { condition::method("wait") };
    let woken = |desk: &mut Desk<'_>, woken: Result<Woken, _>| bool(desk, !woken?.timed_out);
    crate::python::desk::ask_within(timeout, condition, wait, &(token,), woken)
}

fn notify(desk: &mut Desk<'_>, condition: ObjectId, count: u32) -> Outcome {
    let token = held(desk, condition, "notify")?;
    ask(condition, const { condition::method("notify") }, &(token, count), none::<()>)
}
