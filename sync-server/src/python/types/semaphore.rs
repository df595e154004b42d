//! Semaphore and BoundedSemaphore.
//!
//! A permit of a bounded semaphore is its process's until it is given back, and is abandoned when
//! the process ends. Those of a plain one are nobody's.

use sync_objects::semaphore;
use sync_proto::{ErrorKind, Handle, MethodId, ObjectId, Refusal, Token};

use super::{at, bool, none, text, unserializable, waiting};
use crate::python::args::{Arg, Args};
use crate::python::desk::{Desk, Outcome, ask, ask_within};
use crate::python::exceptions::{OVERFLOW_ERROR, Raise, VALUE_ERROR};

const BOUND: MethodId = semaphore::method("bound");

pub(crate) fn create(desk: &mut Desk<'_>, args: Args<'_>, bounded: bool) -> Result<Handle, Raise> {
    let [value] = args.optional("Semaphore", ["value"])?;
    let value = value.map_or(Ok(1), Arg::count)?;
    if value < 0 {
        return Err(VALUE_ERROR.with("semaphore initial value must be >= 0"));
    }
    Ok(desk.create(&semaphore::INTERFACE, &(permits(value)?, bounded))?)
}

fn permits(count: i64) -> Result<u32, Raise> {
    let too_many = |_| OVERFLOW_ERROR.with("a semaphore has at most 2^32 - 1 permits");
    u32::try_from(count).map_err(too_many)
}

pub(crate) fn call(
    desk: &mut Desk<'_>,
    semaphore: ObjectId,
    method: &str,
    args: Args<'_>,
) -> Option<Outcome> {
    Some(match method {
        "acquire" => acquire(desk, semaphore, args),
        "release" => release(desk, semaphore, args),
        "locked" => {
            ask(semaphore, const { semaphore::method("available") }, &(), |desk, available: u32| {
                bool(desk, available == 0)
            })
        }
        "__repr__" | "__str__" => {
            ask(semaphore, const { semaphore::method("available") }, &(), move |desk, free: u32| {
                let (bound, at): (Option<u32>, _) =
                    (desk.ask(semaphore, BOUND, &())?, at(semaphore));
                text(match bound {
                    Some(bound) => {
                        format!("<threading.BoundedSemaphore at {at}: value={free}/{bound}>")
                    }
                    None => format!("<threading.Semaphore at {at}: value={free}>"),
                })
            })
        }
        "#GETVALUE" => unserializable("_thread.lock"),
        _ => return None,
    })
}

fn acquire(desk: &mut Desk<'_>, semaphore: ObjectId, args: Args<'_>) -> Outcome {
    let timeout = waiting::of_semaphore(args)?;
    let bound: Option<u32> = desk.ask(semaphore, BOUND, &())?;
    let acquire = const { semaphore::method("acquire") };
    ask_within(timeout, semaphore, acquire, &(1u32,), move |desk, token: Result<Token, _>| {
        match token {
            Ok(token) if bound.is_none() => {
                let forget = const { semaphore::method("forget") };
                desk.ask::<()>(semaphore, forget, &(token,))?;
                bool(desk, true)
            }
            Ok(_) => bool(desk, true),
            Err(refusal) if refusal.kind == ErrorKind::TimedOut => bool(desk, false),
            // One without permits: a caller that does not wait for ever gets the answer that none
            // is free.
            Err(refusal) if refusal.kind == ErrorKind::InvalidInput && timeout.is_some() => {
                bool(desk, false)
            }
            Err(refusal) => Err(refusal.into()),
        }
    })
}

fn release(desk: &mut Desk<'_>, semaphore: ObjectId, args: Args<'_>) -> Outcome {
    let [count] = args.optional("release", ["n"])?;
    let count = count.map_or(Ok(1), Arg::integer)?;
    if count < 1 {
        return Err(VALUE_ERROR.with("n must be one or more"));
    }
    let too_many = || VALUE_ERROR.with("Semaphore released too many times");
    let count = match permits(count) {
        Ok(count) => count,
        Err(overflow) => {
            let bound: Option<u32> = desk.ask(semaphore, BOUND, &())?;
            return Err(bound.map_or(overflow, |_| too_many()));
        }
    };
    let release = const { semaphore::method("release_any") };
    ask_within(None, semaphore, release, &(count,), move |desk, released| match released {
        Err(Refusal { kind: ErrorKind::InvalidInput, .. }) => Err(too_many()),
        released => none::<()>(desk, released?),
    })
}
